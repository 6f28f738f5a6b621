import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.grid import Grid
from shanhai.science.zoning.units import (
    join_sums,
    nearest_codes,
    polygon_codes,
    polygon_points,
    polygon_sums,
    select_polygons,
)

NAN = np.nan
NUMBERS = np.array([[1, 1, 2, 2], [1, 1, 2, 0], [3, 3, 3, 0]])
LAYERS = np.array([[[1.0, 2, 7, 8], [3, NAN, 9, 5], [NAN, NAN, 4, 6]]])


def test_means_are_of_the_valid_cells_of_each_polygon() -> None:
    units = select_polygons(polygon_sums(LAYERS, NUMBERS, 3))
    assert units.means.ravel().tolist() == [2, 8]
    assert units.cells.tolist() == [3, 3]
    assert units.index.tolist() == [0, 1]


@given(seed=st.integers(0, 30), size=st.integers(2, 9))
def test_windows_sum_up_to_the_whole(seed: int, size: int) -> None:
    random = np.random.default_rng(seed)
    numbers = random.integers(0, 5, (11, 13))
    layers = random.integers(0, 9, (2, 11, 13)).astype(float)
    layers[:, random.random((11, 13)) < 0.2] = NAN
    grid = Grid(4548, 0, 0, 100, 13, 11)
    joined = join_sums(
        polygon_sums(layers[(slice(None), *w.slices)], numbers[w.slices], 5, w.row, w.col)
        for w in grid.windows(size)
    )
    whole = polygon_sums(layers, numbers, 5)
    for name in ("totals", "valid", "cells", "places"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name))


def test_points_are_the_middles() -> None:
    points = polygon_points(polygon_sums(LAYERS, NUMBERS, 4))
    np.testing.assert_allclose(points[[0, 2]], [[0.5, 0.5], [1.0, 2.0]])
    assert np.isnan(points[3]).all()


def test_every_valid_cell_gets_a_zone() -> None:
    sums = polygon_sums(LAYERS, NUMBERS, 4)
    units = select_polygons(sums)
    every = polygon_codes(np.array([1, 4], dtype=np.uint8), units, polygon_points(sums))
    assert every.tolist() == [1, 4, 1, 0]
    zones = nearest_codes(np.append(np.uint8(0), every)[NUMBERS])
    assert (zones > 0).all()
    assert zones[1:, 3].tolist() == [4, 1]


def test_no_polygon_is_covered() -> None:
    with pytest.raises(InvalidInput, match="none of the 2 unit polygons"):
        select_polygons(polygon_sums(np.full((1, 2, 2), NAN), np.array([[1, 1], [2, 0]]), 2))
