import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shanhai.science.quantiles import ExactMoments

numbers = arrays(
    np.float32,
    st.integers(1, 60),
    elements=st.floats(-(2.0**100), 2.0**100, width=32),
)


@given(values=numbers, cut=st.integers(0, 60))
def test_any_division_into_blocks_gives_the_same_exact_moments(
    values: np.ndarray, cut: int
) -> None:
    parts = ExactMoments.of(values[:cut]).joined(ExactMoments.of(values[cut:]))
    assert parts == ExactMoments.of(values[::-1])
    exact = [Fraction(float(value)) for value in values]
    assert parts.sum == float(sum(exact))
    assert parts.mean == float(sum(exact) / len(exact))
    mean = sum(exact) / len(exact)
    variance = sum((one - mean) ** 2 for one in exact) / len(exact)
    assert parts.sd == pytest.approx(math.sqrt(variance), rel=1e-15)


def test_what_is_not_finite_is_left_out() -> None:
    found = ExactMoments.of(np.array([1.0, np.nan, np.inf, -3.0]))
    assert (found.count, found.sum, found.mean, found.sd) == (2, -2.0, -1.0, 2.0)
    assert (found.low, found.high) == (-3.0, 1.0)


def test_nothing_has_no_mean() -> None:
    found = ExactMoments.of(np.array([np.nan]))
    assert found == ExactMoments()
    assert found.sum == 0
    assert math.isnan(found.mean)
    assert math.isnan(found.sd)


def test_a_sum_of_many_equal_numbers_is_exact() -> None:
    assert ExactMoments.of(np.full(1_000_000, 0.1)).sum == 1_000_000 * float(np.float32(0.1))
