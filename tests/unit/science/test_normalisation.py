import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from shanhai.science.normalisation import (
    LeastSpan,
    NormalisationLimits,
    limits_of,
    log1p_positive,
    normalise,
    settled,
)

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


@pytest.mark.parametrize(
    ("low", "high", "least"),
    [
        # The larger of 10 and 2 % of the middle.
        (500.05, 500.42, 10.004_7),
        (100.0, 200.0, 10.0),
        (-900.0, -1100.0, 20.0),
    ],
)
def test_the_least_span_is_absolute_or_a_part_of_the_middle(
    low: float, high: float, least: float
) -> None:
    span = LeastSpan(10.0, 0.02, "mm", "")
    assert span.of(NormalisationLimits(low, high)) == pytest.approx(least)


def test_limits_that_are_too_close_are_one_and_others_stay() -> None:
    least = LeastSpan(2.0, 0.01, "mm", "")
    close, apart = NormalisationLimits(10, 11.9), NormalisationLimits(10, 12)
    assert settled(close, least) == NormalisationLimits(10, 10)
    assert settled(apart, least) == apart
    # Of 1000 a hundredth is 10.
    assert settled(NormalisationLimits(995, 1004), least).high == 995
    result = normalise(np.array([10.0, 11.9, np.nan]), settled(close, least))
    np.testing.assert_array_equal(result, [0, 0, np.nan])


def test_limits_of_nothing_stay_nan() -> None:
    assert np.isnan(settled(limits_of(np.array([np.nan])), LeastSpan(1, 0, "", "")).low)


@given(FINITE, st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1))
def test_a_layer_is_stretched_only_from_the_least_span_on(
    low: float, span: float, absolute: float, relative: float
) -> None:
    least, limits = LeastSpan(absolute, relative, "", ""), NormalisationLimits(low, low + span)
    stretched = normalise(np.array([limits.high]), settled(limits, least))[0]
    if limits.high - low < absolute:
        assert stretched == 0
    elif relative == 0 and limits.high > low:
        assert stretched == 1
