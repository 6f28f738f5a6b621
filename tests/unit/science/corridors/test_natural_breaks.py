from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.corridors.natural_breaks import natural_breaks
from shanhai.science.grid import FloatArray


def deviation(values: FloatArray, breaks: FloatArray) -> float:
    """Sum of squared deviations from the class means."""
    number = np.searchsorted(breaks, values, side="right")
    parts = [values[number == own] for own in range(len(breaks) + 1)]
    return float(sum(((part - part.mean()) ** 2).sum() for part in parts if part.size))


def test_three_plain_groups() -> None:
    values = np.array([1, 2, 10, 11, 12, 50, 1, np.nan, np.inf])
    np.testing.assert_array_equal(natural_breaks(values, 3), [10, 50])


def test_fewer_values_than_classes_are_classes_of_their_own() -> None:
    np.testing.assert_array_equal(natural_breaks(np.array([3, 3, 7]), 5), [7])
    assert natural_breaks(np.array([[4.0]]), 3).size == 0


def test_of_equal_ways_the_upper_classes_hold_more() -> None:
    np.testing.assert_array_equal(natural_breaks(np.array([1, 2, 3]), 2), [2])


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=12),
    st.integers(1, 5),
)
def test_no_other_way_differs_less(values: list[float], classes: int) -> None:
    given = np.array(values)
    found = natural_breaks(given, classes)
    ascending = np.unique(given)
    assert len(found) == min(classes, len(ascending)) - 1
    assert (np.diff(found) > 0).all()
    least = min(deviation(given, np.array(cut)) for cut in combinations(ascending[1:], len(found)))
    assert deviation(given, found) <= least + 1e-9 * (1 + np.ptp(given) ** 2)


@given(st.integers(0, 1000), st.integers(2, 6))
def test_neither_order_nor_scale_matters(seed: int, classes: int) -> None:
    values = np.random.default_rng(seed).integers(0, 60, 40).astype(np.float64)
    breaks = natural_breaks(values, classes)
    np.testing.assert_array_equal(natural_breaks(values[::-1].reshape(4, 10), classes), breaks)
    np.testing.assert_array_equal(natural_breaks(values * 1024, classes), breaks * 1024)


def test_what_cannot_be_cut_is_refused() -> None:
    with pytest.raises(InvalidInput, match="none of the 2 values"):
        natural_breaks(np.array([np.nan, np.inf]), 3)
    with pytest.raises(InvalidInput, match="classes is 0"):
        natural_breaks(np.array([1.0]), 0)
