import inspect
import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.science.ecoservices import (
    biodiversity,
    carbon_sink,
    cooling,
    recreation,
    soil_retention,
    stormwater_regulation,
    water_conservation,
)
from shanhai.science.ecoservices.catalogue import ECOSERVICES
from shanhai.science.ecoservices.method import Quantity
from shanhai.vocabulary import ECOSERVICES as TERMS

INDEX_METHODS = {one.id: one.default("index") for one in ECOSERVICES}
SIDES = [(one.supply, one.demand) for one in INDEX_METHODS.values()]
each_side = pytest.mark.parametrize(
    "quantity",
    [side for pair in SIDES for side in pair],
    ids=[f"{kind} of {service}" for service in INDEX_METHODS for kind in ("supply", "demand")],
)


def a(*values: float) -> np.ndarray:
    return np.array(values)


def needed(quantity: Quantity) -> list[str]:
    ways = [name for one in quantity.options for name in one.needs.get(one.default, ())]
    return [*quantity.needs, *ways]


def arguments(quantity: Quantity, value: float, shape: tuple[int, ...] = (3, 3)) -> dict[str, Any]:
    """What the function takes: the same value everywhere, distances of a kilometre."""
    layers = {
        name: np.full(shape, 1000.0 if name.endswith("_m") else value) for name in needed(quantity)
    }
    numbers = {one.name: one.default for one in quantity.parameters}
    limits = {one.name: float(one.name == "high") for one in quantity.statistics}
    return layers | numbers | limits | {one.name: one.default for one in quantity.options}


def test_services_are_those_of_the_plan_in_its_order() -> None:
    assert [one.id for one in ECOSERVICES] == [term.code for term in TERMS]


@each_side
@given(value=st.floats(0, 1))
def test_supply_and_demand_lie_between_0_and_1(quantity: Quantity, value: float) -> None:
    result = quantity.function(**arguments(quantity, value))
    assert ((result >= 0) & (result <= 1 + 1e-12)).all()


@each_side
def test_each_missing_input_makes_the_cell_missing(quantity: Quantity) -> None:
    for name in needed(quantity):
        given_ones = arguments(quantity, 0.5)
        given_ones[name][1, 2] = np.nan
        missing = np.isnan(quantity.function(**given_ones))
        assert missing[1, 2]
        assert missing.sum() == 1


@each_side
def test_results_are_new_arrays(quantity: Quantity) -> None:
    given_ones = arguments(quantity, 0.5)
    quantity.function(**given_ones)[:] = 9
    assert all(not (given_ones[name] == 9).any() for name in needed(quantity))


def test_worked_example_of_water_conservation() -> None:
    supply = water_conservation.index_supply(
        npp_n=a(0.8), infiltration=a(0.6), rainfall_n=a(0.7), slope_n=a(0.4)
    )
    assert supply == pytest.approx(0.2016)
    assert water_conservation.index_demand(night_lights_n=a(0.3)) == pytest.approx(0.3)


def test_worked_example_of_soil_retention() -> None:
    supply = soil_retention.index_supply(npp_n=a(0.8), erodibility_n=a(0.5), slope_n=a(0.4))
    demand = soil_retention.index_demand(
        erosivity_n=a(0.5), slope_n=a(0.4), vegetation_cover=a(0.75)
    )
    assert supply == pytest.approx(0.24)
    assert demand == pytest.approx(0.05)


def test_water_and_built_up_neither_retain_nor_lose_soil() -> None:
    mask = np.array([True, True, False])
    supply = soil_retention.index_supply(
        npp_n=a(0.8, np.nan, 0.8),
        erodibility_n=a(0.5, 0.5, 0.5),
        slope_n=a(0.4, 0.4, 0.4),
        water_or_built_up=mask,
    )
    demand = soil_retention.index_demand(
        erosivity_n=a(1, 1, 1),
        slope_n=a(1, np.nan, 1),
        vegetation_cover=a(0, 0, 0),
        water_or_built_up=mask,
    )
    np.testing.assert_allclose(supply, [0, np.nan, 0.24])
    np.testing.assert_allclose(demand, [0, np.nan, 1])


def test_cooling_by_hand() -> None:
    assert cooling.index_supply(vegetation_cover=a(0.6), evapotranspiration_n=a(0.2)) == 0.4
    assert cooling.index_demand(temperature_n=a(0.5), night_lights_n=a(0.5)) == 0.25


def test_carbon_sink_by_hand() -> None:
    assert carbon_sink.index_supply(npp_n=a(0.7)) == 0.7
    demand = carbon_sink.index_demand(night_lights_n=a(1), exposure=a(0.5))
    assert demand == pytest.approx(0.8)


def test_stormwater_regulation_by_hand() -> None:
    supply = stormwater_regulation.index_supply(
        vegetation_cover=a(0.5), infiltration=a(0.5), slope_n=a(0.2)
    )
    assert supply == pytest.approx(0.2)
    assert stormwater_regulation.index_demand(rainfall_n=a(0.5), night_lights_n=a(0.4)) == 0.2


def test_worked_example_of_biodiversity() -> None:
    supply = biodiversity.index_supply(
        npp_n=a(0.8), rainfall_n=a(0.7), temperature_n=a(0.65), elevation_n=a(0.3)
    )
    assert supply == pytest.approx(0.2548)


def test_disturbance_is_the_mean_of_the_terms_there_are() -> None:
    terms = {"night_lights_n": a(0.3), "exposure": a(0.6)}
    assert biodiversity.index_demand(**terms, built_up=a(0.9)) == pytest.approx(0.6)
    assert biodiversity.index_demand(**terms) == pytest.approx(0.45)


def test_recreation_by_hand() -> None:
    offered = recreation.potential(
        naturalness=a(1, 1, 1),
        water_distance_m=a(0, 500, np.inf),
        relief_n=a(1, 0, 1),
        protected=a(1, 0, 1),
    )
    reached = recreation.accessibility(access_distance_m=a(0, 2000, np.inf))
    supply = recreation.supply(recreation_potential=offered, accessibility=reached)
    at_500_m = (0.5 + 0.2 / math.e) / math.e
    np.testing.assert_allclose(supply, [1, at_500_m, 0])
    assert recreation.index_demand(exposure=a(0.2), night_lights_n=a(0.6)) == pytest.approx(0.4)


def test_place_without_protected_areas_keeps_the_other_terms() -> None:
    offered = recreation.potential(naturalness=a(1), water_distance_m=a(0), relief_n=a(1))
    assert offered == pytest.approx(0.85)


@pytest.mark.parametrize("module", [water_conservation, soil_retention, biodiversity])
@given(low=st.floats(0, 1), high=st.floats(0, 1))
def test_more_production_never_supplies_less(module: ModuleType, low: float, high: float) -> None:
    low, high = sorted((low, high))
    names = inspect.signature(module.index_supply).parameters
    layers = {name: np.full((1, 2), 0.5) for name, one in names.items() if one.default is one.empty}
    ((poor, rich),) = module.index_supply(**layers | {"npp_n": np.array([[low, high]])})
    assert poor <= rich
