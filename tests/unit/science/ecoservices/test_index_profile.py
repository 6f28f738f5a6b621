import inspect
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.ecoservices import (
    ECOSERVICES,
    biodiversity,
    carbon_sink,
    cooling,
    recreation,
    soil_retention,
    stormwater_regulation,
    water_conservation,
)
from shanhai.science.ecoservices.inputs import INPUTS, QUANTITIES
from shanhai.science.ecoservices.spec import EcoserviceSpec
from shanhai.vocabulary import ECOSERVICES as TERMS
from shanhai.vocabulary import THEMES

INDEX_NAMES = [q.name for q in QUANTITIES if q.unit == "1"]
each_service = pytest.mark.parametrize("spec", ECOSERVICES, ids=lambda spec: spec.id)


def a(*values: float) -> np.ndarray:
    return np.array(values)


def everything(value: float, shape: tuple[int, ...] = (3, 3)) -> dict[str, np.ndarray]:
    quantities = {name: np.full(shape, value) for name in INDEX_NAMES}
    quantities["water_distance_m"] = quantities["access_distance_m"] = np.full(shape, 1000.0)
    quantities["water_or_built_up"] = np.zeros(shape, dtype=bool)
    return quantities


def test_services_are_those_of_the_plan_in_its_order():
    assert [spec.id for spec in ECOSERVICES] == [term.code for term in TERMS]


@each_service
def test_declaration_matches_the_functions(spec: EcoserviceSpec):
    known = {quantity.name for quantity in QUANTITIES}
    numbers = {parameter.name: parameter.default for parameter in spec.parameters}
    for function, required in (
        (spec.index_supply, spec.supply_quantities),
        (spec.index_demand, spec.demand_quantities),
    ):
        signature = inspect.signature(function).parameters.values()
        assert {p.name for p in signature if p.default is p.empty} == set(required)
        defaulted = {p.name: p.default for p in signature if p.default is not p.empty}
        assert defaulted.keys() <= {*spec.optional_quantities, *numbers}
        assert all(defaulted[name] == numbers[name] for name in defaulted.keys() & numbers)
        assert {*required, *spec.optional_quantities} <= known


def test_quantities_come_from_declared_themes():
    themes = {spec.theme for spec in INPUTS}
    assert themes <= {term.code for term in THEMES}
    assert {t for q in QUANTITIES for alternatives in q.themes for t in alternatives} <= themes


@each_service
@given(value=st.floats(0, 1))
def test_supply_and_demand_lie_between_0_and_1(spec: EcoserviceSpec, value: float):
    quantities = everything(value)
    parameters = spec.resolve_parameters({})
    for result in (spec.supply(quantities, parameters), spec.demand(quantities, parameters)):
        assert ((result >= 0) & (result <= 1 + 1e-12)).all()


@each_service
def test_each_missing_input_makes_the_cell_missing(spec: EcoserviceSpec):
    for calculate, names in (
        (spec.supply, spec.supply_quantities),
        (spec.demand, spec.demand_quantities),
    ):
        for name in names:
            quantities = everything(0.5)
            quantities[name] = quantities[name].copy()
            quantities[name][1, 2] = np.nan
            missing = np.isnan(calculate(quantities, {}))
            assert missing[1, 2]
            assert missing.sum() == 1


@each_service
def test_results_are_new_arrays(spec: EcoserviceSpec):
    quantities = everything(0.5)
    for result in (spec.supply(quantities, {}), spec.demand(quantities, {})):
        result[:] = 9
    assert all(not (array == 9).any() for array in quantities.values())


@each_service
def test_missing_quantity_is_named(spec: EcoserviceSpec):
    quantities = everything(0.5)
    del quantities[spec.demand_quantities[0]]
    with pytest.raises(InvalidInput, match=spec.demand_quantities[0]):
        spec.demand(quantities, {})


def test_worked_example_of_water_conservation():
    supply = water_conservation.index_supply(
        npp_n=a(0.8), infiltration=a(0.6), rainfall_n=a(0.7), slope_n=a(0.4)
    )
    assert supply == pytest.approx(0.2016)
    assert water_conservation.index_demand(night_lights_n=a(0.3)) == pytest.approx(0.3)


def test_worked_example_of_soil_retention():
    supply = soil_retention.index_supply(npp_n=a(0.8), erodibility_n=a(0.5), slope_n=a(0.4))
    demand = soil_retention.index_demand(
        erosivity_n=a(0.5), slope_n=a(0.4), vegetation_cover=a(0.75)
    )
    assert supply == pytest.approx(0.24)
    assert demand == pytest.approx(0.05)


def test_water_and_built_up_neither_retain_nor_lose_soil():
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


def test_cooling_by_hand():
    assert cooling.index_supply(vegetation_cover=a(0.6), evapotranspiration_n=a(0.2)) == 0.4
    assert cooling.index_demand(temperature_n=a(0.5), night_lights_n=a(0.5)) == 0.25
    assert cooling.SPEC.renormalise_supply


def test_carbon_sink_by_hand():
    assert carbon_sink.index_supply(npp_n=a(0.7)) == 0.7
    demand = carbon_sink.index_demand(night_lights_n=a(1), exposure=a(0.5))
    assert demand == pytest.approx(0.8)


def test_stormwater_regulation_by_hand():
    supply = stormwater_regulation.index_supply(
        vegetation_cover=a(0.5), infiltration=a(0.5), slope_n=a(0.2)
    )
    assert supply == pytest.approx(0.2)
    assert stormwater_regulation.index_demand(rainfall_n=a(0.5), night_lights_n=a(0.4)) == 0.2


def test_worked_example_of_biodiversity():
    supply = biodiversity.index_supply(
        npp_n=a(0.8), rainfall_n=a(0.7), temperature_n=a(0.65), elevation_n=a(0.3)
    )
    assert supply == pytest.approx(0.2548)
    assert biodiversity.SPEC.renormalise_supply


def test_disturbance_is_the_mean_of_the_terms_there_are():
    terms = {"night_lights_n": a(0.3), "exposure": a(0.6)}
    assert biodiversity.index_demand(**terms, built_up=a(0.9)) == pytest.approx(0.6)
    assert biodiversity.index_demand(**terms) == pytest.approx(0.45)


def test_recreation_by_hand():
    supply = recreation.index_supply(
        naturalness=a(1, 1, 1),
        water_distance_m=a(0, 500, np.inf),
        relief_n=a(1, 0, 1),
        access_distance_m=a(0, 2000, np.inf),
        protected=a(1, 0, 1),
    )
    at_500_m = (0.5 + 0.2 / np.e) / np.e
    np.testing.assert_allclose(supply, [1, at_500_m, 0])
    assert recreation.index_demand(exposure=a(0.2), night_lights_n=a(0.6)) == pytest.approx(0.4)


def test_place_without_protected_areas_keeps_the_other_terms():
    supply = recreation.index_supply(
        naturalness=a(1), water_distance_m=a(0), relief_n=a(1), access_distance_m=a(0)
    )
    assert supply == pytest.approx(0.85)


@pytest.mark.parametrize("module", [water_conservation, soil_retention, biodiversity])
@given(low=st.floats(0, 1), high=st.floats(0, 1))
def test_more_production_never_supplies_less(module: ModuleType, low: float, high: float):
    low, high = sorted((low, high))
    quantities = everything(0.5, (1, 2))
    quantities["npp_n"] = np.array([[low, high]])
    ((poor, rich),) = module.SPEC.supply(quantities, {})
    assert poor <= rich


def test_parameters_reach_the_calculation():
    spec = carbon_sink.SPEC
    parameters = spec.resolve_parameters({"light_share": 1.0})
    quantities = everything(0.2) | {"night_lights_n": np.full((3, 3), 0.9)}
    np.testing.assert_allclose(spec.demand(quantities, parameters), 0.9)


@pytest.mark.parametrize(
    ("given_parameters", "message"),
    [({"light_share": 1.2}, "between 0.0 and 1.0"), ({"beta": 0.5}, "no parameter 'beta'")],
)
def test_parameters_are_checked(given_parameters: dict[str, float], message: str):
    with pytest.raises(InvalidInput, match=message) as caught:
        carbon_sink.SPEC.resolve_parameters(given_parameters)
    assert caught.value.faults[0].pointer.startswith("/parameters/carbon_sink/")
