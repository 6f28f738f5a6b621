import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.grid import Grid, Window
from shanhai.science.zoning.units import (
    Fishnet,
    aggregate,
    rasterise,
    select_units,
    unit_codes,
)

NAN = np.nan


def grid(width: int, height: int, cell_m: float = 100) -> Grid:
    return Grid(4548, 0, 0, cell_m, width, height)


@pytest.mark.parametrize(
    ("cell_m", "cells"), [(100, 3), (250, 1), (1000, 1), (30, 9), (125, 2), (0.1, 2500)]
)
def test_unit_side_is_rounded_up_to_whole_cells(cell_m: float, cells: int) -> None:
    assert Fishnet.over(grid(4, 4, cell_m)).unit_cells == cells


def test_fishnet_hangs_over_the_edge() -> None:
    net = Fishnet.over(grid(7, 4))
    assert net.shape == (2, 3)
    assert net.window_size(512) == 513
    assert net.unit_slices(Window(3, 3, 1, 4)) == (slice(1, 2), slice(1, 3))


def test_window_must_start_at_a_unit() -> None:
    with pytest.raises(InvalidInput, match="multiples of the 3 cells"):
        Fishnet.over(grid(9, 9)).unit_slices(Window(0, 4, 3, 3))


def test_means_are_of_cells_where_every_layer_is_valid() -> None:
    layers = np.array([[[1.0, 3, 5], [NAN, 5, 7]], [[10.0, 30, 50], [0, NAN, 70]]])
    means, count = aggregate(layers, 2)
    np.testing.assert_array_equal(means, [[[2, 6]], [[20, 60]]])
    assert count.tolist() == [[2, 2]]


def test_unit_without_valid_cell_has_no_mean() -> None:
    means, count = aggregate(np.full((1, 2, 2), NAN), 2)
    assert np.isnan(means).all()
    assert count.tolist() == [[0]]


@given(seed=st.integers(0, 50), size=st.integers(1, 4), units=st.integers(1, 3))
def test_windows_of_whole_units_equal_the_whole(seed: int, size: int, units: int) -> None:
    random = np.random.default_rng(seed)
    layers = random.normal(size=(2, 11, 13))
    layers[:, random.random((11, 13)) < 0.2] = NAN
    net = Fishnet(grid(13, 11), size)
    means = np.full((2, *net.shape), NAN)
    count = np.zeros(net.shape, dtype=np.int64)
    for window in net.grid.windows(size * units):
        rows, cols = net.unit_slices(window)
        part = layers[(slice(None), *window.slices)]
        means[:, rows, cols], count[rows, cols] = aggregate(part, size)
    whole_means, whole_count = aggregate(layers, size)
    np.testing.assert_array_equal(means, whole_means)
    np.testing.assert_array_equal(count, whole_count)


def test_units_below_half_coverage_take_no_part() -> None:
    means = np.array([[[1.0, 2.0], [3.0, NAN]]])
    table = select_units(means, np.array([[4, 2], [1, 0]]), 2)
    assert table.means.tolist() == [[1], [2]]
    assert table.cells.tolist() == [4, 2]
    assert table.index.tolist() == [0, 1]


def test_no_valid_cell_is_an_error() -> None:
    with pytest.raises(InvalidInput, match="no valid cell"):
        select_units(np.full((1, 1, 1), NAN), np.array([[0]]), 3)


def test_no_unit_half_valid_is_an_error() -> None:
    with pytest.raises(InvalidInput, match="valid over half its area"):
        select_units(np.ones((1, 1, 1)), np.array([[4]]), 3)


def test_every_valid_cell_gets_a_zone_and_no_other() -> None:
    valid = np.array([[True, True, True, False, True], [True, False, False, False, True]])
    layer = np.where(valid, 1.0, NAN)[np.newaxis]
    means, count = aggregate(layer, 2)
    table = select_units(means, count, 2)
    assert table.index.tolist() == [0, 2]
    raster = unit_codes(np.array([1, 4], dtype=np.uint8), table)
    zones = rasterise(raster, 2, Window(0, 0, 2, 5))
    assert zones.dtype == np.uint8
    assert (zones > 0).all()
    assert zones[0, :2].tolist() == [1, 1]
    assert zones[:, 4].tolist() == [4, 4]
    assert rasterise(raster, 2, Window(1, 1, 1, 4)).tolist() == zones[1:, 1:].tolist()


def test_cells_may_be_the_units_of_a_small_grid() -> None:
    assert Fishnet.of_cells(grid(5, 4)).shape == (4, 5)
    with pytest.raises(InvalidInput, match="2250000 of them") as caught:
        Fishnet.of_cells(grid(1500, 1500))
    assert caught.value.faults[0].pointer == "/units"
