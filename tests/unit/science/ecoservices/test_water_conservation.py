from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from shanhai.errors import InvalidInput
from shanhai.science.climate import hargreaves_evapotranspiration
from shanhai.science.ecoservices.water_conservation import (
    CROP,
    METHODS,
    PLANT,
    ROOTS,
    RUNOFF,
    VEGETATED,
    annual_et0,
    balance_supply,
    demand,
    fu_evapotranspiration,
    potential_et,
    water_yield,
    yield_supply,
    zhang_evapotranspiration,
)
from shanhai.science.landcover import LandCover

RAIN = st.floats(0.1, 12_000)
PET = st.floats(0, 4000)
COVER = st.sampled_from([LandCover.FOREST, LandCover.CROPLAND, LandCover.BUILT_UP])


def one(value: float) -> np.ndarray:
    return np.array([value])


def cover(*codes: int) -> np.ndarray:
    return np.array(codes, dtype=np.uint8)


def fu(rain: float, pet: float, code: int, depth: float = 1000, water: float = 0.15) -> float:
    return float(
        fu_evapotranspiration(
            rainfall=one(rain),
            potential_et=one(pet),
            soil_depth=one(depth),
            available_water=one(water),
            land_cover=cover(code),
            rooting_depth=ROOTS.values,
            vegetated=VEGETATED.values,
            seasonality=12.0,
        )[0]
    )


def zhang(rain: float, pet: float, code: int) -> float:
    return float(
        zhang_evapotranspiration(
            rainfall=one(rain),
            potential_et=one(pet),
            land_cover=cover(code),
            plant_coefficient=PLANT.values,
        )[0]
    )


def balance(rain: float, et: float, code: int) -> float:
    return float(
        balance_supply(
            rainfall=one(rain),
            evapotranspiration=one(et),
            land_cover=cover(code),
            runoff_coefficient=RUNOFF.values,
        )[0]
    )


def test_worked_example_of_the_balance() -> None:
    assert balance(1500, 800, LandCover.FOREST) == pytest.approx(6599.5)


def test_balance_without_rain_or_with_more_evaporation_is_zero() -> None:
    assert balance(0, 0, LandCover.FOREST) == 0
    assert balance(700, 900, LandCover.FOREST) == 0


def test_vegetation_type_takes_precedence_over_the_class() -> None:
    kept = balance_supply(
        rainfall=np.full(3, 1500.0),
        evapotranspiration=np.full(3, 800.0),
        land_cover=cover(2, 2, 0),
        runoff_coefficient=RUNOFF.values,
        vegetation_type=cover(0, 6, 6),
    )
    assert_allclose(kept, [6599.5, 10 * (1500 * 0.808 - 800), np.nan])


def test_worked_examples_of_fu() -> None:
    actual = fu(1500, 1100, LandCover.FOREST)
    assert actual == pytest.approx(845.678327, rel=1e-6)
    assert water_yield(rainfall=one(1500), actual_et=one(actual))[0] == pytest.approx(
        654.321673, rel=1e-6
    )
    assert fu(1500, 275, LandCover.BUILT_UP) == pytest.approx(275)


def test_shallow_roots_take_less_water_than_the_soil_holds() -> None:
    # Roots of crops reach 1200 mm, of forest 3500 mm, in 3000 mm of soil.
    assert fu(1500, 1100, LandCover.CROPLAND, depth=3000) == pytest.approx(
        fu(1500, 1100, LandCover.FOREST, depth=1200)
    )


def test_worked_example_of_zhang() -> None:
    assert zhang(1500, 1100, LandCover.FOREST) == pytest.approx(965.981013, rel=1e-6)


def test_zhang_is_held_below_the_potential_where_its_curve_exceeds_it() -> None:
    assert zhang(4000, 1000, LandCover.FOREST) == 1000


@pytest.mark.parametrize("rain", [0.0, -3.0, np.nan])
@pytest.mark.parametrize("code", [LandCover.FOREST, LandCover.BUILT_UP])
def test_curves_know_nothing_without_rain(rain: float, code: int) -> None:
    assert np.isnan(fu(rain, 900, code))
    assert np.isnan(zhang(rain, 900, code))


@given(rain=RAIN, pet=PET, code=COVER, depth=st.floats(0, 5000), water=st.floats(0, 0.6))
def test_evapotranspiration_is_bounded_by_rain_and_potential(
    rain: float, pet: float, code: int, depth: float, water: float
) -> None:
    most = min(rain, pet)
    for actual in (fu(rain, pet, code, depth, water), zhang(rain, pet, code)):
        assert 0 <= actual <= most * (1 + 1e-12)


@given(rain=RAIN, pet=PET, code=COVER, more=st.floats(0, 1000))
def test_evapotranspiration_rises_with_the_potential(
    rain: float, pet: float, code: int, more: float
) -> None:
    assert fu(rain, pet, code) <= fu(rain, pet + more, code) + 1e-9 * rain
    assert zhang(rain, pet, code) <= zhang(rain, pet + more, code) + 1e-9 * rain


@given(rain=RAIN, et=PET, code=COVER, less=st.floats(0, 500))
def test_balance_is_bounded_and_falls_with_evaporation(
    rain: float, et: float, code: int, less: float
) -> None:
    assert 0 <= balance(rain, et + less, code) <= balance(rain, et, code) <= 10 * rain


def test_fu_needs_its_soil_even_where_nothing_grows() -> None:
    assert np.isnan(fu(1500, 900, LandCover.BUILT_UP, depth=np.nan))
    assert np.isnan(fu(1500, 900, LandCover.FOREST, water=np.nan))
    assert np.isnan(fu(1500, np.nan, LandCover.FOREST))


def test_potential_of_a_built_up_cell_follows_its_sealed_share() -> None:
    mixed = potential_et(
        annual_et0=np.full(4, 1000.0),
        land_cover=cover(8, 8, 2, 0),
        crop_coefficient=CROP.values,
        impervious=np.array([0.7, np.nan, 0.7, 0.7]),
    )
    assert_allclose(mixed, [250, 250, 1000, np.nan])


def test_potential_without_a_sealed_share() -> None:
    plain = potential_et(
        annual_et0=np.array([1000.0, np.nan]),
        land_cover=cover(8, 8),
        crop_coefficient={**CROP.values, LandCover.BUILT_UP: 0.4},
    )
    assert_array_equal(plain, [400, np.nan])


def test_reference_comes_from_the_way_that_is_chosen() -> None:
    mean = np.full((12, 1), 20.0)
    layers = {
        "reference_et": one(1000.0),
        "temperature_monthly": mean,
        "temperature_max": mean + 5,
        "temperature_min": mean - 5,
        "latitude": one(24.5),
    }
    assert_array_equal(annual_et0(reference_from="product", **layers), [1000])
    by_temperature = annual_et0(reference_from="hargreaves", **layers)
    assert_array_equal(
        by_temperature, hargreaves_evapotranspiration(mean, mean + 5, mean - 5, one(24.5))
    )
    with pytest.raises(InvalidInput, match="temperature_max"):
        annual_et0(reference_from="hargreaves", temperature_monthly=mean)


def test_supply_from_the_yield_leaves_what_runs_off() -> None:
    kept = yield_supply(
        rainfall=np.array([1500.0, 1500, np.nan]),
        water_yield=np.array([654.321673, 20, 500]),
        land_cover=cover(2, 2, 2),
        runoff_coefficient=RUNOFF.values,
    )
    assert_allclose(kept, [6142.71673, 0, np.nan])


def used(lights: list[float], industrial: float, by: str = "population") -> np.ndarray:
    return demand(
        population_density=np.array([20.0, 0]) if by == "population" else None,
        households_by=by,
        cropland=np.array([0.5, 1]),
        night_lights=np.array(lights),
        night_lights_total=float(np.nansum(lights)),
        domestic_use=73,
        irrigation_use=5400,
        industrial_use=industrial,
        cell_m=30,
    )


def test_worked_example_of_demand() -> None:
    assert_allclose(used([30, 10], 1000), [12493.333333, 8177.777778], rtol=1e-9)


def test_industry_is_shared_out_in_full() -> None:
    with_industry, without = used([30, 10], 1000), used([30, 10], 0)
    assert ((with_industry - without) * 0.09).sum() == pytest.approx(1000)


def test_homes_may_be_in_the_total_that_lights_share_out() -> None:
    assert_allclose(used([30, 10], 1000, "night_lights"), [2700 + 75e4 / 90, 5400 + 25e4 / 90])


def test_homes_by_population_need_it() -> None:
    with pytest.raises(InvalidInput, match="population_density"):
        demand(
            households_by="population",
            cropland=one(1.0),
            night_lights=one(1.0),
            night_lights_total=1,
            domestic_use=73,
            irrigation_use=5400,
            industrial_use=0,
            cell_m=30,
        )


def test_without_industry_no_light_is_needed() -> None:
    assert_array_equal(used([0, 0], 0), [4160, 5400])
    assert_array_equal(used([0, np.nan], 0), [4160, np.nan])


def test_industry_in_the_dark_is_refused() -> None:
    with pytest.raises(InvalidInput, match="some cell must be lit"):
        used([0, 0], 1000)


def test_missing_row_is_refused_with_its_cells() -> None:
    rows: Mapping[LandCover, float] = {LandCover.FOREST: 0.1}
    with pytest.raises(InvalidInput, match=r"8 \(1 cells\)"):
        balance_supply(
            rainfall=one(1.0),
            evapotranspiration=one(1.0),
            land_cover=cover(8),
            runoff_coefficient=rows,
        )


def test_methods_are_declared_with_one_unit_each() -> None:
    assert [method.id for method in METHODS] == ["balance", "fu", "zhang", "index"]
    assert {method.id: method.unit for method in METHODS} == {
        "balance": "m3/ha/yr",
        "fu": "m3/ha/yr",
        "zhang": "m3/ha/yr",
        "index": "1",
    }
