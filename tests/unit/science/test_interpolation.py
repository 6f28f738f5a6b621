"""Values between points: by hand, and bounded by those of the points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.water_quality import inverse_distance

POINTS = np.array([[0.0, 0.0], [3.0, 0.0]])


def test_the_nearer_point_counts_more() -> None:
    found = inverse_distance(POINTS, np.array([1.0, 6.0]), np.array([[1.0, 0.0]]))
    # Weights 1 and 1/4: (1 + 6/4) / (5/4).
    assert found == pytest.approx([2.0])


def test_on_a_point_its_value_holds() -> None:
    found = inverse_distance(POINTS, np.array([1.0, 6.0]), np.array([[3.0, 0.0], [0.0, 0.0]]))
    assert found.tolist() == [6.0, 1.0]


def test_points_without_value_are_left_out() -> None:
    places = np.array([[1.0, 0.0]])
    assert inverse_distance(POINTS, np.array([np.nan, 6.0]), places).tolist() == [6.0]
    assert np.isnan(inverse_distance(POINTS, np.array([np.nan, np.nan]), places)).all()


def test_the_exponent_is_positive() -> None:
    with pytest.raises(InvalidInput, match="power is 0"):
        inverse_distance(POINTS, np.array([1.0, 6.0]), POINTS, power=0)


@given(
    heights=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=2),
    place=st.tuples(st.floats(-1e5, 1e5), st.floats(-1e5, 1e5)),
)
def test_nothing_lies_beyond_the_points(heights: list[float], place: tuple[float, float]) -> None:
    found = inverse_distance(POINTS, np.array(heights), np.array([place]))[0]
    assert min(heights) <= found <= max(heights)
