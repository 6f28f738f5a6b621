import numpy as np
import shapely
from shapely import box

from shanhai.raster.vectorise import cells_within, number_areas
from shanhai.raster.zonal import zonal_summary
from shanhai.science.grid import Grid, Window

GRID = Grid(4548, 1000.0, 2000.0, 10.0, 8, 6)


def test_the_first_of_overlapping_areas_keeps_the_cell():
    west, south, east, north = GRID.bounds
    left = box(west, south, west + 50, north)
    everything = box(west, south, east, north)
    numbers = number_areas([left, everything], GRID)
    assert (numbers[:, :5] == 1).all()
    assert (numbers[:, 5:] == 2).all()
    assert not number_areas([], GRID).any()


def test_windows_find_the_cells_of_the_whole():
    shape = shapely.Point(1041.0, 1969.0).buffer(24.0)
    whole = cells_within(shape, GRID, Window(0, 0, 6, 8))
    for window in GRID.windows(3):
        np.testing.assert_array_equal(cells_within(shape, GRID, window), whole[window.slices])
    assert 0 < whole.sum() < whole.size


def test_zonal_summaries_do_not_depend_on_the_cut():
    rng = np.random.default_rng(4)
    numbers = rng.integers(0, 4, (20, 10))
    values = rng.random((20, 10))
    values[numbers == 3] = np.nan
    values[0, 0] = np.nan
    whole = zonal_summary([(numbers, values)], 4)
    cut = zonal_summary([(numbers[:7], values[:7]), (numbers[7:], values[7:])], 4)
    for number in (0, 1, 2):
        own = values[(numbers == number) & ~np.isnan(values)]
        assert whole.count[number] == own.size
        np.testing.assert_allclose(whole.sum[number], own.sum())
        assert (whole.min[number], whole.max[number]) == (own.min(), own.max())
    np.testing.assert_allclose(whole.mean, cut.mean)
    assert np.isnan(whole.mean[3:]).all()
    assert whole.sum[4] == 0
