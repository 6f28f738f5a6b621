import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from shanhai.errors import InvalidInput
from shanhai.science.carbon import (
    carbon_stock,
    emissions,
    heterotrophic_respiration,
    net_ecosystem_production,
    stock_change,
)
from shanhai.science.ecoservices import carbon_sink
from shanhai.science.landcover import LandCover

TEMPERATURE = [13, 13.5, 15.5, 19.5, 23.5, 26.5, 28.5, 28.3, 26.8, 23.3, 19.3, 15]
RAIN = [36, 75, 95, 130, 155, 190, 140, 200, 125, 40, 32, 28]
LIGHTS = np.array([[30.0, 10], [0, 0]])
PEOPLE = np.array([[50.0, 30], [20, 0]])


def months(*values: float) -> np.ndarray:
    return np.array(values, dtype=float).reshape(12, 1)


def shared_out(lights: np.ndarray, people: np.ndarray, **given: float) -> np.ndarray:
    numbers = {"emissions_total": 100.0, "light_share": 0.6, "cell_m": 30.0} | given
    return emissions(
        night_lights=lights,
        population=people,
        night_lights_total=float(np.nansum(lights)),
        population_total=float(np.nansum(people)),
        **numbers,
    )


def test_one_month_twelve_times_over() -> None:
    year = heterotrophic_respiration(
        temperature_monthly=months(*[20.0] * 12), rainfall_monthly=months(*[150.0] * 12)
    )
    np.testing.assert_allclose(year / 12, 30.909236, atol=1e-6)


def test_a_year_of_the_coast() -> None:
    breath = heterotrophic_respiration(
        temperature_monthly=months(*TEMPERATURE), rainfall_monthly=months(*RAIN)
    )
    np.testing.assert_allclose(breath, 406.985491, atol=1e-6)
    sink = net_ecosystem_production(npp=np.array([850.0]), heterotrophic_respiration=breath)
    np.testing.assert_allclose(sink, 4.430145, atol=1e-6)


def test_an_unknown_month_makes_the_year_unknown() -> None:
    rain = months(*RAIN[:-1], math.nan)
    breath = heterotrophic_respiration(
        temperature_monthly=months(*TEMPERATURE), rainfall_monthly=rain
    )
    assert np.isnan(breath).all()


def test_a_dry_year_breathes_by_warmth_alone() -> None:
    breath = heterotrophic_respiration(
        temperature_monthly=months(*[0.0] * 12), rainfall_monthly=months(*[0.0] * 12)
    )
    np.testing.assert_allclose(breath, 12 * 0.22 * 30 * 0.465)


def test_yearly_values_are_no_months() -> None:
    with pytest.raises(InvalidInput, match="has 1 bands"):
        heterotrophic_respiration(
            temperature_monthly=np.ones((1, 2)), rainfall_monthly=np.ones((12, 2))
        )


def test_stock_is_the_sum_of_the_pools() -> None:
    pools = [{LandCover.FOREST: 60.0, LandCover.WATER: 0.0}, {LandCover.FOREST: 100.0}]
    cover = np.array([LandCover.FOREST, 0], dtype=np.uint8)
    np.testing.assert_allclose(carbon_stock(cover, pools), [160, np.nan])
    with pytest.raises(InvalidInput, match="7 \\(1 cells\\)"):
        carbon_stock(np.array([LandCover.WATER], dtype=np.uint8), pools)


def test_stock_changes_by_the_year() -> None:
    change = stock_change(
        carbon_density_start=np.array([100.0, 90, np.nan]),
        carbon_density_end=np.array([120.0, 60, 50]),
        years=10.0,
    )
    np.testing.assert_allclose(change, [2, -3, np.nan])


def test_emissions_follow_lights_and_people() -> None:
    np.testing.assert_allclose(
        shared_out(LIGHTS, PEOPLE), [[722.222222, 300], [88.888889, 0]], atol=1e-6
    )


@pytest.mark.parametrize(
    ("lights", "people", "proxy"),
    [(LIGHTS, PEOPLE * 0, LIGHTS / 40), (LIGHTS * 0, PEOPLE, PEOPLE / 100)],
)
def test_a_proxy_of_zeros_leaves_all_to_the_other(
    lights: np.ndarray, people: np.ndarray, proxy: np.ndarray
) -> None:
    np.testing.assert_allclose(shared_out(lights, people), proxy * 100 / 0.09)


def test_nobody_to_share_out_to_is_refused() -> None:
    with pytest.raises(InvalidInput, match="one must be above 0"):
        shared_out(LIGHTS * 0, PEOPLE * 0)


def test_no_emissions_need_nobody() -> None:
    assert (shared_out(LIGHTS * 0, PEOPLE * 0, emissions_total=0.0) == 0).all()


PROXY = npst.arrays(float, (3, 4), elements=st.floats(0, 5000))


@given(
    lights=PROXY,
    people=PROXY,
    total=st.floats(1, 1e8),
    share=st.floats(0, 1),
    cell_m=st.floats(10, 1000),
)
def test_every_tonne_is_shared_out(
    lights: np.ndarray, people: np.ndarray, total: float, share: float, cell_m: float
) -> None:
    lights[0, 0] = people[0, 1] = 1.0
    out = shared_out(lights, people, emissions_total=total, light_share=share, cell_m=cell_m)
    assert (out >= 0).all()
    assert out.sum() * cell_m**2 / 10_000 == pytest.approx(total, rel=1e-9)


def test_an_unknown_proxy_makes_the_cell_unknown() -> None:
    lights = LIGHTS.copy()
    lights[1, 1] = np.nan
    assert np.isnan(shared_out(lights, PEOPLE)).tolist() == [[False, False], [False, True]]


def test_supply_is_a_sink_and_filled_only_where_asked() -> None:
    gain = np.array([-1.5, 2.0, math.nan, math.nan, math.nan])
    assert carbon_sink.stock_supply(carbon_stock_change=gain[:2]).tolist() == [0, 2]
    supply = carbon_sink.nep_supply(net_ecosystem_production=gain)
    np.testing.assert_array_equal(supply, [0, 2, math.nan, math.nan, math.nan])
    wood, town, water = LandCover.FOREST, LandCover.BUILT_UP, LandCover.WATER
    cover, npp = np.array([town, wood, town, water, wood]), np.array([0, 200.0, *gain[2:]])
    for found in (
        carbon_sink.nep_supply(net_ecosystem_production=gain, land_cover=cover, urban_npp="zero"),
        carbon_sink.npp_supply(npp=npp, land_cover=cover, urban_npp="zero"),
    ):
        np.testing.assert_array_equal(found, [0, 2, 0, 0, math.nan])
