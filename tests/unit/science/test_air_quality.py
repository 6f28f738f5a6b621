"""The air quality index against worked examples, and what must hold for any concentration."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.air_quality import (
    DAILY,
    air_quality_index,
    air_standard,
    count_good_days,
    load_air_standard,
    pollutant_index,
)

STANDARD = load_air_standard("hj-633-2012")
CLEAN = {"so2_24h": 8.0, "no2_24h": 20.0, "pm10_24h": 40.0, "co_24h": 0.6, "o3_8h": 90.0}


def index(code: str, value: float) -> float:
    return float(pollutant_index(np.array([value]), code, STANDARD)[0])


def test_the_index_lies_between_break_points_and_is_rounded_up() -> None:
    assert index("pm25_24h", 60.0) == 82.0
    # (100 − 50) / (160 − 100) · (130 − 100) + 50
    assert index("o3_8h", 130.0) == 75.0
    # (200 − 150) / (24 − 14) · (15 − 14) + 150
    assert index("co_24h", 15.0) == 155.0


@pytest.mark.parametrize("code", STANDARD.pollutants)
def test_a_break_point_is_not_rounded_up(code: str) -> None:
    pollutant = STANDARD.pollutants[code]
    found = pollutant_index(pollutant.points, code, STANDARD)
    assert found.tolist() == STANDARD.index[: len(pollutant.points)].tolist()


def test_beyond_the_last_break_point_the_index_stays() -> None:
    assert index("pm25_24h", 900.0) == 500.0
    assert index("o3_8h", 900.0) == 300.0


def test_the_worst_pollutant_tells_the_day() -> None:
    values = {**CLEAN, "pm25_24h": 60.0}
    found = air_quality_index({k: np.array([v]) for k, v in values.items()}, STANDARD)
    assert (found.aqi[0], found.classes[0]) == (82.0, 2)
    assert [found.codes[place] for place in np.flatnonzero(found.primary[:, 0])] == ["pm25_24h"]


def test_classes_end_at_their_last_value() -> None:
    found = air_quality_index(
        {"pm25_24h": np.array([35.0, 35.1, 75, 115, 150, 250, 251, np.nan])}, STANDARD
    )
    assert found.classes.tolist() == [1, 2, 2, 3, 4, 5, 6, 0]
    # An excellent day has no primary pollutant.
    assert found.primary[0].tolist() == [False, *[True] * 6, False]


def test_good_days_are_counted_among_those_known() -> None:
    days = {code: np.full(5, CLEAN.get(code, 60.0)) for code in DAILY}
    days["pm25_24h"] = np.array([60.0, 76.0, 60.0, 90.0, 75.0])
    days["so2_24h"][2:4] = np.nan
    found = count_good_days(days, STANDARD)
    # The third day lacks SO2; the fourth does as well, but is bad whatever it would be.
    assert (found.good, found.known, found.days) == (2, 4, 5)
    assert found.share_percent == 50


def test_a_pollutant_of_the_day_that_is_missing_is_named() -> None:
    with pytest.raises(InvalidInput, match="needs o3_8h, pm25_24h too"):
        count_good_days(
            {code: np.array([1.0]) for code in DAILY if code not in {"o3_8h", "pm25_24h"}}, STANDARD
        )


def test_impossible_concentrations_are_refused() -> None:
    with pytest.raises(InvalidInput, match="co_24h is -1 mg/m3"):
        index("co_24h", -1.0)
    with pytest.raises(InvalidInput, match="no pollutant 'radon'"):
        index("radon", 1.0)


def test_the_standard_in_force() -> None:
    assert air_standard(date(2024, 1, 1)) is STANDARD
    with pytest.raises(InvalidInput, match="no standard of air"):
        air_standard(date(2015, 12, 31))
    with pytest.raises(InvalidInput, match="no standard 'x'"):
        load_air_standard("x")


@given(
    code=st.sampled_from(sorted(STANDARD.pollutants)),
    first=st.floats(0, 3000, allow_nan=False),
    more=st.floats(0, 3000, allow_nan=False),
)
def test_dirtier_air_never_has_a_lower_index(code: str, first: float, more: float) -> None:
    lower, higher = pollutant_index(np.array([first, first + more]), code, STANDARD)
    assert 0 <= lower <= higher <= 500
    assert lower == np.ceil(lower)
