"""Trend and outlook of yearly values beside SciPy and pymannkendall."""

import numpy as np
import pymannkendall
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import linregress, theilslopes
from scipy.stats import t as student

from shanhai.errors import InvalidInput
from shanhai.science.forecast import yearly_trend

values = st.lists(st.integers(0, 1000).map(float), min_size=4, max_size=15)


def series(numbers: list[float], start: int = 2010) -> list[tuple[int, float]]:
    return [(start + place, value) for place, value in enumerate(numbers)]


def test_two_values_make_no_trend() -> None:
    assert yearly_trend(series([1.0, 2.0])) is None


def test_a_straight_line_goes_on_without_doubt() -> None:
    found = yearly_trend([(2020, 80.0), (2021, 82.0), (2023, 86.0)])
    assert found is not None
    ahead = found.forecast(2030)
    assert (found.slope, ahead.value) == (2.0, 100.0)
    assert ahead.low == pytest.approx(ahead.high)


def test_the_interval_is_that_of_least_squares_where_the_lines_agree() -> None:
    # Residuals 1, −1, 0, −1, 1 around y = x: both lines are that one.
    numbers = [-1.0, -2.0, 0.0, 0.0, 3.0]
    found = yearly_trend([(place - 2, value) for place, value in enumerate(numbers)])
    assert found is not None
    peer = linregress(range(-2, 3), numbers)
    assert found.slope == pytest.approx(peer.slope)
    assert found.at(0) == pytest.approx(peer.intercept)
    # By hand: s² = 4/3; at x = 5, 1 + 1/5 + 5²/10 = 3.7.
    ahead = found.forecast(5)
    assert ahead.value == pytest.approx(5.0)
    assert ahead.high - ahead.value == pytest.approx(student.ppf(0.975, 3) * (3.7 * 4 / 3) ** 0.5)
    # SciPy's error of the slope is s / √Σ(x−x̄)².
    assert peer.stderr == pytest.approx((4 / 3 / 10) ** 0.5)


@given(numbers=values)
def test_the_line_agrees_with_scipy(numbers: list[float]) -> None:
    found = yearly_trend(series(numbers))
    assert found is not None
    peer = theilslopes(numbers, range(2010, 2010 + len(numbers)))
    assert found.slope == pytest.approx(peer.slope)
    assert found.at(0) == pytest.approx(peer.intercept)


@given(numbers=values)
def test_the_test_agrees_with_pymannkendall(numbers: list[float]) -> None:
    found = yearly_trend(series(numbers))
    assert found is not None
    peer = pymannkendall.original_test(np.array(numbers))
    if len(set(numbers)) > 1:
        assert found.score == peer.s
        assert found.z == pytest.approx(peer.z)
        assert found.p_value == pytest.approx(peer.p)


@given(numbers=values, ahead=st.integers(1, 20))
def test_the_further_ahead_the_less_is_sure(numbers: list[float], ahead: int) -> None:
    found = yearly_trend(series(numbers))
    assert found is not None
    last = 2010 + len(numbers) - 1
    near, far = found.forecast(last + ahead), found.forecast(last + ahead + 1)
    assert near.low <= near.value <= near.high
    assert far.high - far.low >= near.high - near.low
    assert found.forecast(last + ahead, 0.5).high <= near.high


def test_bad_series_are_refused() -> None:
    with pytest.raises(InvalidInput, match="one finite value a year"):
        yearly_trend([(2020, 1.0), (2020, 2.0), (2021, 3.0)])
    with pytest.raises(InvalidInput, match="one finite value a year"):
        yearly_trend([(2020, 1.0), (2021, float("nan")), (2022, 3.0)])
    found = yearly_trend(series([1.0, 2.0, 3.0]))
    assert found is not None
    with pytest.raises(InvalidInput, match="confidence is 1"):
        found.forecast(2030, 1.0)
