import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.climate import (
    annual_mean,
    annual_total,
    day_length_hours,
    erosivity_annual,
    erosivity_daily,
    erosivity_monthly,
    extraterrestrial_radiation,
    hargreaves_evapotranspiration,
    miami_npp,
    potential_evapotranspiration,
)

RAIN = np.array([36.0, 75, 95, 130, 155, 190, 140, 200, 125, 40, 32, 28])
TEMPERATURE = np.array([13, 13.5, 15.5, 19.5, 23.5, 26.5, 28.5, 28.3, 26.8, 23.3, 19.3, 15])


def test_worked_examples_of_erosivity() -> None:
    assert erosivity_monthly(RAIN) == pytest.approx(5222.92132, rel=1e-6)
    assert erosivity_annual(np.array(1400.0)) == pytest.approx(8585.269457, rel=1e-6)


def daily(rain: list[float], dates: list[str]) -> np.ndarray:
    return erosivity_daily(np.array(rain), np.array(dates, dtype="datetime64[D]"))


def test_worked_examples_of_daily_erosivity() -> None:
    assert daily([45.0], ["2020-09-30"]) == pytest.approx(281.47305, rel=1e-6)
    assert daily([45.0], ["2020-04-30"]) == pytest.approx(221.703818, rel=1e-6)
    assert daily([9.0, 9.999], ["2020-07-01", "2020-07-02"]) == 0
    assert daily([10.0], ["2020-05-01"]) == pytest.approx(0.3937 * 10**1.7265)
    assert daily([10.0], ["2020-10-01"]) == pytest.approx(0.3101 * 10**1.7265)


def test_daily_erosivity_is_the_mean_of_the_years() -> None:
    two = daily([45.0, 45.0, 45.0], ["2020-07-01", "2020-01-01", "2021-07-01"])
    assert two == pytest.approx((2 * 281.47305 + 221.703818) / 2, rel=1e-6)


def test_missing_day_makes_the_cell_missing() -> None:
    rain = np.array([[45.0, 45.0], [np.nan, 0.0]])
    dates = np.array(["2020-07-01", "2020-07-02"], dtype="datetime64[D]")
    assert np.isnan(erosivity_daily(rain, dates)).tolist() == [True, False]


@pytest.mark.parametrize("days", [0, 2])
def test_each_day_has_a_date(days: int) -> None:
    with pytest.raises(InvalidInput, match="one date for each day"):
        erosivity_daily(np.ones(days), np.array(["2020-07-01"] * (days // 2), dtype="M8[D]"))


def test_radiation_of_the_example_of_fao_56() -> None:
    # Example 8: 20°S on 3 September; the printed 32.2 was rounded on the way.
    assert extraterrestrial_radiation(-20.0, 246) == pytest.approx(32.2, abs=0.05)
    assert extraterrestrial_radiation(80.0, 355) == 0


def test_hargreaves_against_the_example_of_fao_56() -> None:
    # Example 20: Lyon in July, 26.6/14.8 °C, 5.0 mm/d; a year of Julys differs in radiation alone.
    mean, high, low = (np.full(12, value) for value in (20.7, 26.6, 14.8))
    days = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    middle = [15, 46, 74, 105, 135, 166, 196, 227, 258, 288, 319, 349]
    radiation = np.array([float(extraterrestrial_radiation(45.72, day)) for day in middle])
    july = 0.0023 * 0.408 * radiation[6] * 38.5 * math.sqrt(11.8)
    assert july == pytest.approx(5.0, abs=0.05)
    year = hargreaves_evapotranspiration(mean, high, low, 45.72)
    assert year == pytest.approx(july * (radiation * days).sum() / radiation[6], rel=1e-12)


def test_hargreaves_keeps_nodata_and_is_never_negative() -> None:
    mean = np.full((12, 3), 20.0)
    mean[4, 0] = np.nan
    mean[:, 1] = -40.0
    result = hargreaves_evapotranspiration(mean, mean + 5, mean - 5, 24.5)
    assert np.isnan(result).tolist() == [True, False, False]
    assert result[1] == 0
    assert result[2] > 0


def test_dry_year_has_no_erosivity() -> None:
    assert erosivity_monthly(np.zeros(12)) == 0
    assert erosivity_annual(np.array(0.0)) == 0


def test_missing_month_makes_the_year_missing() -> None:
    gap = np.stack([RAIN, RAIN], axis=1)
    gap[3, 1] = np.nan
    assert np.isnan(erosivity_monthly(gap)).tolist() == [False, True]
    assert np.isnan(annual_total(gap)).tolist() == [False, True]
    assert np.isnan(annual_mean(gap)).tolist() == [False, True]
    assert np.isnan(potential_evapotranspiration(gap / 10, 24.5)).tolist() == [False, True]


@pytest.mark.parametrize(
    "function", [erosivity_monthly, annual_total, lambda t: potential_evapotranspiration(t, 20)]
)
def test_a_year_has_twelve_months(function: Callable[[np.ndarray], np.ndarray]) -> None:
    with pytest.raises(InvalidInput, match="12"):
        function(np.ones(11))


def test_day_is_half_at_the_equator_and_long_in_northern_summer() -> None:
    assert day_length_hours(0.0, 100) == pytest.approx(12)
    assert day_length_hours(45.0, 172) == pytest.approx(15.4, abs=0.1)
    assert day_length_hours(80.0, 172) == 24


def thornthwaite(temperature: np.ndarray, latitude: float) -> float:
    """The same quantity written out month by month, as in the textbooks."""
    heat = sum((t / 5) ** 1.514 for t in temperature if t > 0)
    a = 6.75e-7 * heat**3 - 7.71e-5 * heat**2 + 1.792e-2 * heat + 0.49239
    days = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    middle = [15, 46, 74, 105, 135, 166, 196, 227, 258, 288, 319, 349]
    total = 0.0
    for t, length, day in zip(temperature, days, middle, strict=True):
        delta = 0.409 * math.sin(2 * math.pi * day / 365 - 1.39)
        hours = 24 / math.pi * math.acos(-math.tan(math.radians(latitude)) * math.tan(delta))
        if t <= 0:
            continue
        month = 16 * (10 * t / heat) ** a if t < 26.5 else -415.85 + 32.24 * t - 0.43 * t * t
        total += month * hours / 12 * length / 30
    return total


@pytest.mark.parametrize("shift", [-14.0, 0.0, 2.0])
def test_evapotranspiration_agrees_with_the_month_by_month_form(shift: float) -> None:
    temperature = TEMPERATURE + shift
    result = potential_evapotranspiration(temperature, 24.5)
    assert result == pytest.approx(thornthwaite(temperature, 24.5), rel=1e-12)


def test_evapotranspiration_of_xiamen_is_plausible() -> None:
    assert 900 < potential_evapotranspiration(TEMPERATURE, 24.5) < 1300


def test_frozen_year_does_not_evaporate() -> None:
    assert potential_evapotranspiration(np.full(12, -5.0), 24.5) == 0


def test_miami_model_takes_the_scarcer_of_warmth_and_rain() -> None:
    by_rain = 0.45 * 3000 * (1 - math.exp(-0.000664 * 1250))
    by_temperature = 0.45 * 3000 / (1 + math.exp(1.315 - 0.119 * 5))
    assert miami_npp(np.array(21.0), np.array(1250.0)) == pytest.approx(by_rain)
    assert miami_npp(np.array(5.0), np.array(3000.0)) == pytest.approx(by_temperature)


@given(t=st.floats(-60, 60), p=st.floats(0, 12_000), more=st.floats(0, 5_000))
def test_miami_model_is_bounded_and_rises_with_rain(t: float, p: float, more: float) -> None:
    low, high = miami_npp(np.array([t, t]), np.array([p, p + more]))
    assert 0 <= low <= high <= 1350


def test_miami_model_keeps_nodata() -> None:
    assert np.isnan(miami_npp(np.array([np.nan, 20]), np.array([1000, np.nan]))).all()


def test_annual_mean_counts_days() -> None:
    january_only = np.zeros(12)
    january_only[0] = 365
    assert annual_mean(january_only) == pytest.approx(31)
    assert annual_total(RAIN) == 1246
