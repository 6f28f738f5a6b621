"""The inside of a box, where nothing needs the exact test."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shanhai.db.features.selection import SURELY_DEGREES, Sides, inside

EAST = st.floats(-180, 180)
NORTH = st.floats(-90, 90)


def rounded_outwards(low: float, high: float) -> tuple[float, float]:
    """An interval as PostGIS keeps it: in single precision, never smaller than it is."""
    near_low, near_high = np.float32(low), np.float32(high)
    if near_low > low:
        near_low = np.nextafter(near_low, np.float32(-np.inf))
    if near_high < high:
        near_high = np.nextafter(near_high, np.float32(np.inf))
    return float(near_low), float(near_high)


def test_a_small_box_has_none() -> None:
    assert inside((118.0, 24.0, 118.0, 25.0)) is None
    assert inside((118.0, 24.0, 119.0, 24.0 + SURELY_DEGREES)) is None


def test_it_is_smaller_on_every_side() -> None:
    assert inside((118.0, 24.0, 119.0, 25.0)) == (118.0001, 24.0001, 118.9999, 24.9999)


@given(EAST, NORTH, EAST, NORTH)
def test_what_is_rounded_into_it_lies_in_the_box(a: float, b: float, c: float, d: float) -> None:
    box: Sides = (min(a, c), min(b, d), max(a, c), max(b, d))
    inner = inside(box)
    if inner is None:
        return
    for low, high, outer_low, outer_high in (
        (inner[0], inner[2], box[0], box[2]),
        (inner[1], inner[3], box[1], box[3]),
    ):
        # A shape's own box is rounded outwards too: what lies in this one lies in it all the more.
        rounded_low, rounded_high = rounded_outwards(low, high)
        assert outer_low < rounded_low
        assert rounded_high < outer_high
