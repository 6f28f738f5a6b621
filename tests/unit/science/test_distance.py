import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from shanhai.science.distance import distance_m, halo_cells
from shanhai.science.grid import Grid


def test_distance_between_cell_centres() -> None:
    mask = np.array([[True, False, False], [False, False, False]])
    expected = [[0.0, 30.0, 60.0], [30.0, 30 * math.sqrt(2), 30 * math.sqrt(5)]]
    np.testing.assert_allclose(distance_m(mask, 30), expected)


def test_cutoff_is_inclusive_and_beyond_is_infinite() -> None:
    mask = np.array([[True, False, False]])
    assert distance_m(mask, 30, 30).tolist() == [[0, 30, np.inf]]


def test_empty_mask_is_infinitely_far() -> None:
    assert np.isinf(distance_m(np.zeros((2, 2), dtype=bool), 30)).all()


@given(seed=st.integers(0, 99), size=st.integers(3, 20), cutoff=st.floats(0, 250))
def test_windows_with_halo_equal_the_whole(seed: int, size: int, cutoff: float) -> None:
    mask = np.random.default_rng(seed).random((20, 23)) < 0.03
    grid = Grid(4548, 0, 0, 33.3, 23, 20)
    tiled = np.empty(mask.shape)
    for window in grid.windows(size):
        outer = window.expanded(halo_cells(cutoff, 33.3), grid)
        part = distance_m(mask[outer.slices], 33.3, cutoff)
        tiled[window.slices] = part[window.slices_within(outer)]
    np.testing.assert_array_equal(tiled, distance_m(mask, 33.3, cutoff))


@given(
    seed=st.integers(0, 99),
    shape=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    share=st.sampled_from([0.003, 0.03, 0.3]),
)
def test_distance_equals_that_of_scipy(seed: int, shape: tuple[int, int], share: float) -> None:
    mask = np.random.default_rng(seed).random(shape) < share
    mask[0, 0] = True
    np.testing.assert_array_equal(
        distance_m(mask, 30.0), ndimage.distance_transform_edt(~mask) * 30.0
    )
