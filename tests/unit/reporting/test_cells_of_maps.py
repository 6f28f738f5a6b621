"""Cells of maps: which pixel shows which cell, and in which colour."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure

from shanhai.cartography import ZONES, ClassStyle
from shanhai.reporting.maps import (
    GROUND,
    cells_of_pixels,
    class_colours,
    ramp_colours,
    render,
    show_cells,
)

GROUND_BYTES = [round(255 * part) for part in to_rgba(GROUND)]


@pytest.mark.parametrize(
    ("start", "end", "count", "first", "cells"),
    [
        (0.0, 4.0, 2, 0, [0, 0, 1, 1]),
        (10.0, 13.0, 3, 10, [0, 1, 2]),
        # Middles at 0.5, 1.5 and 2.5 are 0.1, 1.1 and 2.1 from the start of cells 1.2 wide.
        (0.4, 2.8, 2, 0, [0, 0, 1]),
        # More cells than pixels: 6 on 3, of which the middles lie in 1, 3 and 5.
        (0.0, 3.0, 6, 0, [1, 3, 5]),
        (5.2, 5.4, 7, 5, [6]),
    ],
)
def test_a_pixel_shows_the_cell_its_middle_lies_in(
    start: float, end: float, count: int, first: int, cells: list[int]
) -> None:
    found, shown = cells_of_pixels(start, end, count)
    assert (found, shown.tolist()) == (first, cells)


@given(start=st.floats(0, 500), width=st.floats(0.1, 2000), count=st.integers(1, 3000))
def test_cells_come_in_order_and_none_is_beyond_the_last(
    start: float, width: float, count: int
) -> None:
    _, cells = cells_of_pixels(start, start + width, count)
    assert cells.min() >= 0
    assert cells.max() < count
    assert (np.diff(cells) >= 0).all()


def test_what_is_not_known_is_ground() -> None:
    ramp = LinearSegmentedColormap.from_list("ramp", ["#000000", "#ffffff"])
    values = np.array([[0.0, 1.0, np.nan, -5.0, np.inf]])
    told = ramp_colours(values, ramp, 0.0, 1.0)[0].tolist()
    black, white = [0, 0, 0, 255], [255, 255, 255, 255]
    assert told == [black, white, GROUND_BYTES, black, GROUND_BYTES]
    some = ClassStyle(ZONES.title, tuple(one for one in ZONES.entries if one.value == 4))
    codes = np.array([[0, 1, 4]], dtype=np.uint8)
    four = [round(255 * part) for part in to_rgba(some.entries[0].color)]
    assert class_colours(codes, some)[0].tolist() == [GROUND_BYTES, GROUND_BYTES, four]


def test_cells_lie_where_the_axes_say_the_north_up() -> None:
    figure = Figure(figsize=(1.0, 1.0), dpi=100, facecolor="white")
    axes = figure.add_axes((0.2, 0.1, 0.4, 0.8))
    axes.set_axis_off()
    axes.set_xlim(0, 2)
    axes.set_ylim(0, 2)
    red, green, blue, grey = [255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255], [9, 9, 9, 255]
    cells = np.array([[red, green], [blue, grey]], dtype=np.uint8)
    show_cells(axes, (0, 2, 0, 2), cells)
    pixels = np.asarray(render(figure))
    # Columns 20 to 39 and 40 to 59; from above, rows 10 to 49 and 50 to 89.
    for rows, columns, color in (
        (slice(10, 50), slice(20, 40), red),
        (slice(10, 50), slice(40, 60), green),
        (slice(50, 90), slice(20, 40), blue),
        (slice(50, 90), slice(40, 60), grey),
    ):
        assert (pixels[rows, columns] == color[:3]).all()
    outside = pixels.copy()
    outside[10:90, 20:60] = 255
    assert (outside == 255).all()
