import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from shanhai.science.grid import Grid
from shanhai.science.terrain import aspect_length, relief, slope_degrees


def hills(seed: int = 5, size: int = 24) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(size, size))
    return np.asarray(ndimage.gaussian_filter(noise, 2)) * 400


def test_worked_example_of_horn() -> None:
    dem = np.array([[50.0, 45, 50], [30, 30, 30], [8, 10, 10]])
    slope = slope_degrees(dem, 30)
    assert slope[1, 1] == pytest.approx(32.349685, rel=1e-6)
    assert np.isnan(slope).sum() == 8


def test_agrees_with_an_independent_convolution() -> None:
    dem = hills()
    east = ndimage.correlate(dem, [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    south = ndimage.correlate(dem, [[-1, -2, -1], [0, 0, 0], [1, 2, 1]])
    expected = np.degrees(np.arctan(np.sqrt(east**2 + south**2) / (8 * 30)))
    np.testing.assert_allclose(slope_degrees(dem, 30)[1:-1, 1:-1], expected[1:-1, 1:-1], rtol=1e-12)


def test_flat_ground_has_no_slope() -> None:
    assert slope_degrees(np.full((3, 3), 8.0), 30)[1, 1] == 0


def test_plane_has_its_own_slope_everywhere() -> None:
    dem = np.tile(np.arange(6) * 30.0, (5, 1))
    np.testing.assert_allclose(slope_degrees(dem, 30)[1:-1, 1:-1], 45)


@pytest.mark.parametrize("cell", [(0, 0), (1, 1), (2, 1)])
def test_one_missing_cell_makes_the_slope_missing(cell: tuple[int, int]) -> None:
    dem = np.ones((3, 3))
    dem[cell] = np.nan
    assert np.isnan(slope_degrees(dem, 30)).all()


def test_array_too_small_for_a_window() -> None:
    assert np.isnan(slope_degrees(np.ones((2, 5)), 30)).all()


def test_aspect_length_of_planes() -> None:
    east, south = np.meshgrid(np.arange(4.0), np.arange(4.0))
    assert aspect_length(east, 1)[1, 1] == 1
    assert aspect_length(-south, 1)[2, 2] == 1
    assert aspect_length(east + south, 30)[1, 1] == pytest.approx(math.sqrt(2))
    tilted = math.cos(math.radians(30)) * east + math.sin(math.radians(30)) * south
    assert aspect_length(tilted, 30)[1, 1] == pytest.approx(0.5 + math.sqrt(3) / 2)


def test_flat_ground_faces_a_side() -> None:
    assert aspect_length(np.full((3, 3), 8.0), 30)[1, 1] == 1
    assert np.isnan(aspect_length(np.ones((2, 5)), 30)).all()


def test_aspect_length_is_known_where_slope_is() -> None:
    dem = hills()
    dem[4:6, 7] = np.nan
    length = aspect_length(dem, 30)
    np.testing.assert_array_equal(np.isnan(length), np.isnan(slope_degrees(dem, 30)))
    known = length[~np.isnan(length)]
    assert ((known >= 1) & (known <= math.sqrt(2) * (1 + 1e-12))).all()


def test_relief_is_the_local_range() -> None:
    dem = np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
    assert relief(dem, 1).tolist() == [[4, 5, 4], [7, 8, 7], [4, 5, 4]]
    assert (relief(dem, 0) == 0).all()


def test_relief_skips_missing_neighbours() -> None:
    dem = np.array([[1.0, np.nan, 9.0]])
    np.testing.assert_array_equal(relief(dem, 1), [[0, np.nan, 0]])


@given(size=st.integers(3, 24), radius=st.integers(1, 4))
def test_windows_with_halo_equal_the_whole(size: int, radius: int) -> None:
    dem = hills()
    dem[4:6, 7] = np.nan
    grid = Grid(4548, 0, 0, 30, 24, 24)
    slope, height = np.empty_like(dem), np.empty_like(dem)
    for window in grid.windows(size):
        outer = window.expanded(radius, grid)
        core = window.slices_within(outer)
        slope[window.slices] = slope_degrees(dem[outer.slices], 30)[core]
        height[window.slices] = relief(dem[outer.slices], radius)[core]
    np.testing.assert_array_equal(slope, slope_degrees(dem, 30))
    np.testing.assert_array_equal(height, relief(dem, radius))
