import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from shanhai.errors import InvalidInput
from shanhai.science.balance import comprehensive_ratio, supply_demand_ratio
from shanhai.vocabulary import ECOSERVICES

SERVICES = [term.code for term in ECOSERVICES]
INDEX = st.floats(0, 1)


def test_worked_example_with_plain_maxima():
    ratio = supply_demand_ratio(np.array([10.0, 6, 2, 0]), np.array([1.0, 3, 4, 8]), 10, 8)
    np.testing.assert_allclose(ratio, [1, 0.333333, -0.222222, -0.888889], rtol=1e-5)


def test_values_above_the_maxima_are_capped():
    capped = supply_demand_ratio(np.array([99.0]), np.array([0.0]), 10, 10)
    assert capped.tolist() == [1]


def test_nothing_supplied_and_nothing_wanted_is_balance():
    ratio = supply_demand_ratio(np.array([0.0, np.nan]), np.zeros(2), 0, 0)
    np.testing.assert_array_equal(ratio, [0, np.nan])


@given(hnp.arrays(np.float64, 5, elements=INDEX), hnp.arrays(np.float64, 5, elements=INDEX))
def test_bounds_and_signs(supply: np.ndarray, demand: np.ndarray):
    ratio = supply_demand_ratio(supply, demand, supply.max(), demand.max())
    assert (np.abs(ratio) <= 2 + 1e-12).all()
    assert (ratio[supply == demand] == 0).all()
    assert (ratio[supply < demand] <= 0).all()


def ratios(values: dict[str, list[float]]) -> dict[str, np.ndarray]:
    return {service: np.array(values.get(service, [0.0, 0.0])) for service in SERVICES}


def test_worked_example_of_the_comprehensive_ratio():
    first, second, third = SERVICES[:3]
    layers = ratios({first: [0.4, -0.2], second: [0.1, -0.6], third: [0.3, 0.2]})
    weights = dict.fromkeys(SERVICES, 0.0) | dict.fromkeys(SERVICES[:3], 2.0)
    result = comprehensive_ratio(layers, weights)
    np.testing.assert_allclose(result, [0.266667, -0.2], rtol=2e-6)


def test_equal_weights_are_the_mean_whatever_the_order():
    layers = {service: np.array([0.1 * n]) for n, service in enumerate(SERVICES)}
    forward = comprehensive_ratio(layers)
    assert forward == pytest.approx(0.3)
    assert comprehensive_ratio(dict(reversed(layers.items()))) == forward


def test_nodata_of_one_service_is_nodata_of_all():
    assert np.isnan(comprehensive_ratio(ratios({"cooling": [np.nan, 0.0]}))).tolist() == [
        True,
        False,
    ]


def test_all_seven_services_are_required():
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
def test_weights_are_checked(change: dict[str, float], message: str):
    weights = dict.fromkeys(SERVICES, 1.0) | change
    with pytest.raises(InvalidInput, match=message):
        comprehensive_ratio(ratios({}), weights)
