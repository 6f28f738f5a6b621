import numpy as np
import shapely
from shapely import box

from shanhai.raster.cells import cells_within, number_areas
from shanhai.science.grid import Grid, Window

GRID = Grid(4548, 1000.0, 2000.0, 10.0, 8, 6)


def test_the_first_of_overlapping_areas_keeps_the_cell() -> None:
    west, south, east, north = GRID.bounds
    left = box(west, south, west + 50, north)
    everything = box(west, south, east, north)
    numbers = number_areas([left, everything], GRID)
    assert (numbers[:, :5] == 1).all()
    assert (numbers[:, 5:] == 2).all()
    assert not number_areas([], GRID).any()


def test_up_to_255_areas_take_a_byte_a_cell() -> None:
    west, south, east, north = GRID.bounds
    elsewhere, everything = box(west - 20, south, west - 10, north), box(west, south, east, north)
    for count, dtype in ((255, np.uint8), (256, np.uint16)):
        numbers = number_areas([elsewhere] * (count - 1) + [everything], GRID)
        assert numbers.dtype == dtype
        assert (numbers == count).all()


def test_windows_find_the_cells_of_the_whole() -> None:
    shape = shapely.Point(1041.0, 1969.0).buffer(24.0)
    whole = cells_within(shape, GRID, Window(0, 0, 6, 8))
    for window in GRID.windows(3):
        np.testing.assert_array_equal(cells_within(shape, GRID, window), whole[window.slices])
    assert 0 < whole.sum() < whole.size
