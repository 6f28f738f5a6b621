import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shanhai.science.interpolation import sum_weighted


def test_weighted_sums_by_hand() -> None:
    values = np.array([[1.0, 2.0, 4.0], [10.0, np.nan, 40.0]])
    places = np.array([[0, 2], [1, 0]])
    weights = np.array([[0.5, 0.25], [0.5, 0.75]])
    sums = np.empty((2, 2))
    sum_weighted(values, places, weights, sums)
    # 1/2 + 2/2, 4/4 + 3/4; 10/2 and an unknown one, 40/4 + 30/4.
    np.testing.assert_array_equal(sums, [[1.5, 1.75], [np.nan, 17.5]])


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 5), st.integers(0, 20))
def test_weighted_sums_are_those_of_numpy_to_the_last_bit(
    seed: int, rows: int, terms: int, count: int
) -> None:
    random = np.random.default_rng(seed)
    values, weights = random.normal(size=(rows, 7)), random.random((terms, count))
    places, sums = random.integers(7, size=(terms, count)), np.empty((rows, count))
    sum_weighted(values, places, weights, sums)
    expected = np.zeros((rows, count))
    for place, weight in zip(places, weights, strict=True):
        expected += values[:, place] * weight
    np.testing.assert_array_equal(sums, expected)
