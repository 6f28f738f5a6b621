import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from shanhai.errors import InvalidInput
from shanhai.science.matching import (
    available_services,
    comprehensive_ratio,
    supply_demand_ratio,
)
from shanhai.vocabulary import ECOSERVICES

SERVICES = [term.code for term in ECOSERVICES]
INDEX = st.floats(0, 1)


@pytest.mark.parametrize("unit", [1.0, 0.01])  # an index has maxima below 1
def test_worked_example_with_plain_maxima(unit: float) -> None:
    supply, demand = unit * np.array([10.0, 6, 2, 0]), unit * np.array([1.0, 3, 4, 8])
    ratio = supply_demand_ratio(supply, demand, 10 * unit, 8 * unit)
    np.testing.assert_allclose(ratio, [1, 0.333333, -0.222222, -0.888889], rtol=1e-5)


def test_values_above_the_maxima_are_capped() -> None:
    capped = supply_demand_ratio(np.array([99.0]), np.array([0.0]), 10, 10)
    assert capped.tolist() == [1]


def test_nothing_supplied_and_nothing_wanted_is_balance() -> None:
    ratio = supply_demand_ratio(np.array([0.0, np.nan]), np.zeros(2), 0, 0)
    np.testing.assert_array_equal(ratio, [0, np.nan])


@given(hnp.arrays(np.float64, 5, elements=INDEX), hnp.arrays(np.float64, 5, elements=INDEX))
def test_bounds_and_signs(supply: np.ndarray, demand: np.ndarray) -> None:
    ratio = supply_demand_ratio(supply, demand, supply.max(), demand.max())
    assert (np.abs(ratio) <= 2 + 1e-12).all()
    assert (ratio[supply == demand] == 0).all()
    assert (ratio[supply < demand] <= 0).all()


def ratios(values: dict[str, list[float]]) -> dict[str, np.ndarray]:
    return {service: np.array(values.get(service, [0.0, 0.0])) for service in SERVICES}


def test_worked_example_of_the_comprehensive_ratio() -> None:
    first, second, third = SERVICES[:3]
    layers = ratios({first: [0.4, -0.2], second: [0.1, -0.6], third: [0.3, 0.2]})
    weights = dict.fromkeys(SERVICES, 0.0) | dict.fromkeys(SERVICES[:3], 0.1)
    result = comprehensive_ratio(layers, weights)
    np.testing.assert_allclose(result, [0.266667, -0.2], rtol=2e-6)


def test_equal_weights_are_the_mean_whatever_the_order() -> None:
    layers = {service: np.array([0.1 * n]) for n, service in enumerate(SERVICES)}
    forward = comprehensive_ratio(layers)
    assert forward == pytest.approx(0.3)
    assert comprehensive_ratio(dict(reversed(layers.items()))) == forward


def test_nodata_of_one_service_is_nodata_of_all() -> None:
    assert np.isnan(comprehensive_ratio(ratios({"cooling": [np.nan, 0.0]}))).tolist() == [
        True,
        False,
    ]


def test_all_seven_services_are_required() -> None:
    layers = ratios({})
    del layers["recreation"]
    with pytest.raises(InvalidInput, match="missing: recreation"):
        comprehensive_ratio(layers)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cooling": -1.0}, "weight of cooling"),
        ({"cooling": float("nan")}, "weight of cooling"),
        ({"fishing": 1.0}, "unknown: fishing"),
        (dict.fromkeys(SERVICES, 0.0), "sum to 0"),
    ],
)
def test_weights_are_checked(change: dict[str, float], message: str) -> None:
    weights = dict.fromkeys(SERVICES, 1.0) | change
    with pytest.raises(InvalidInput, match=message):
        comprehensive_ratio(ratios({}), weights)


def test_missing_services_are_weighed_out_and_counted() -> None:
    layers = ratios({"cooling": [0.7, np.nan], "recreation": [np.nan, np.nan]})
    layers["carbon_sink"] = np.array([np.nan, -0.5])
    result = comprehensive_ratio(layers, min_services=5)
    np.testing.assert_allclose(result, [0.7 / 5, -0.5 / 5])
    assert available_services(layers).tolist() == [5, 5]
    assert np.isnan(comprehensive_ratio(layers, min_services=6)).all()


def test_a_service_may_be_missing_altogether() -> None:
    layers = ratios({"cooling": [1.2, 0.6]})
    del layers["recreation"], layers["biodiversity"]
    np.testing.assert_allclose(comprehensive_ratio(layers, min_services=5), [0.24, 0.12])
    with pytest.raises(InvalidInput, match="at least 6 of the seven"):
        comprehensive_ratio(layers, min_services=6)


def test_known_services_without_weight_give_nothing() -> None:
    layers = ratios({"cooling": [np.nan, 1.0]})
    weights = dict.fromkeys(SERVICES, 0.0) | {"cooling": 3.0}
    result = comprehensive_ratio(layers, weights, min_services=1)
    np.testing.assert_array_equal(result, [np.nan, 1.0])


def test_least_number_of_services_is_checked() -> None:
    with pytest.raises(InvalidInput, match="min_services is 0"):
        comprehensive_ratio(ratios({}), min_services=0)


@given(hnp.arrays(np.float64, (7, 4), elements=st.floats(-2, 2)), st.integers(0, 27))
def test_reweighting_keeps_the_range_and_complete_cells_their_bytes(
    values: np.ndarray, missing: int
) -> None:
    layers = dict(zip(SERVICES, values, strict=True))
    complete = comprehensive_ratio(layers)
    np.testing.assert_array_equal(comprehensive_ratio(layers, min_services=5), complete)
    values.ravel()[missing] = np.nan
    holed = comprehensive_ratio(layers, min_services=5)
    assert (np.abs(holed) <= 2 + 1e-12).all()
    others = np.delete(np.arange(4), missing % 4)
    np.testing.assert_array_equal(holed[others], complete[others])
