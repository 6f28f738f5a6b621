import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from shanhai.science.normalisation import NormalisationLimits, limits_of, log1p_positive, normalise

FINITE = st.floats(-1e6, 1e6)


def test_worked_example() -> None:
    assert normalise(np.array([2.0, 4, 10]), NormalisationLimits(2, 10)).tolist() == [0, 0.25, 1]


def test_values_beyond_the_limits_are_clipped() -> None:
    assert normalise(np.array([-5.0, 99]), NormalisationLimits(0, 10)).tolist() == [0, 1]


def test_constant_layer_becomes_zero_and_keeps_nodata() -> None:
    result = normalise(np.array([3.0, np.nan]), NormalisationLimits(3, 3))
    np.testing.assert_array_equal(result, [0, np.nan])


@given(hnp.arrays(np.float64, 12, elements=FINITE), FINITE, FINITE)
def test_bounded_and_monotone(values: np.ndarray, low: float, high: float) -> None:
    result = normalise(np.sort(values), NormalisationLimits(low, high))
    assert result.min() >= 0
    assert result.max() <= 1
    assert (np.diff(result) >= 0).all()


def test_limits_are_the_outer_half_percentiles() -> None:
    limits = limits_of(np.append(np.arange(1001.0), np.nan))
    assert limits == NormalisationLimits(5, 995)


def test_limits_of_nothing_are_nan() -> None:
    assert np.isnan(limits_of(np.array([np.nan])).low)


def test_log1p_treats_negative_light_as_dark() -> None:
    result = log1p_positive(np.array([-1.0, 0, np.e - 1, np.nan]))
    np.testing.assert_allclose(result, [0, 0, 1, np.nan])
