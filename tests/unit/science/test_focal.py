import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from shanhai.science import focal
from shanhai.science.focal import (
    WindowFrame,
    convolve,
    disk_mean,
    disk_spans,
    disk_sum,
    exponential_kernel,
    gaussian_sum,
    weighted_mean,
)
from shanhai.science.grid import Grid, Window

GRID = Grid(4548, 0, 0, 30.0, 37, 29)


def scene(seed: int, *, gaps: float = 0.1) -> np.ndarray:
    generator = np.random.default_rng(seed)
    values = generator.random(GRID.shape)
    values[generator.random(GRID.shape) < gaps] = np.nan
    return values


def test_exponential_kernel_of_five_cells() -> None:
    kernel = exponential_kernel(30.0, 30.0, 30.0)
    e = np.exp(-1)
    np.testing.assert_allclose(kernel, [[0, e, 0], [e, 1, e], [0, e, 0]])


def bell(reach_m: float, cell_m: float) -> np.ndarray:
    steps = np.arange(-int(reach_m // cell_m), int(reach_m // cell_m) + 1) * cell_m
    distance = np.hypot(steps[:, None], steps)
    weight = (np.exp(-0.5 * (distance / reach_m) ** 2) - np.exp(-0.5)) / (1 - np.exp(-0.5))
    return np.where(distance <= reach_m, weight, 0)


def test_gaussian_weights_are_1_here_and_0_at_their_reach() -> None:
    spread = gaussian_sum(np.array([[0.0, 0, 1, 0, 0]]), 60.0, 30.0)
    np.testing.assert_allclose(spread, [[0, 0.701367, 1, 0.701367, 0]], atol=1e-6)


def test_disk_holds_the_cells_on_its_circle() -> None:
    assert disk_spans(150.0, 30.0).tolist() == [0, 3, 4, 4, 4, 5, 4, 4, 4, 3, 0]
    # Three cells; 85.8/28.6 is a hair below 3, and (3, 0) lies on the circle as (0, 3) does.
    assert disk_spans(85.8, 28.6).tolist() == [0, 2, 2, 3, 2, 2, 0]


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (40, 3), (29, 37)])
def test_sums_agree_with_direct_ones(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(1).random(shape)
    kernel = exponential_kernel(60, 300, 30)
    direct = ndimage.convolve(values, kernel, mode="constant")
    np.testing.assert_allclose(convolve(values, kernel), direct, rtol=1e-12, atol=1e-12)
    for reach_m in (20.0, 200.0, 600.0):
        direct = ndimage.convolve(values, bell(reach_m, 30), mode="constant")
        np.testing.assert_allclose(gaussian_sum(values, reach_m, 30), direct, atol=1e-12)
    disk = (exponential_kernel(60, 300, 30) > 0).astype(float)
    direct = ndimage.convolve(values, disk, mode="constant")
    np.testing.assert_allclose(disk_sum(values, 300, 30), direct, atol=4e-7)


def test_a_disk_of_flags_is_counted_exactly() -> None:
    assert disk_sum(np.ones((3, 3)), 30.0, 30.0).tolist() == [[3, 4, 3], [4, 5, 4], [3, 4, 3]]


def test_a_constant_block_sums_to_the_kernel() -> None:
    kernel = exponential_kernel(30.0, 60.0, 30.0)
    whole = Window(-2, -2, 516, 516)
    sums = convolve(np.full((516, 516), 2.0), kernel, WindowFrame(whole, Window(0, 0, 512, 512)))
    np.testing.assert_allclose(sums[2:-2, 2:-2], 2 * kernel.sum(), rtol=1e-14)
    assert np.isnan(sums[0]).all()


@settings(max_examples=10)
@given(seed=st.integers(0, 99), blocks=st.sampled_from([1, 2]))
def test_windows_with_halo_equal_the_whole_to_the_byte(seed: int, blocks: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(focal, "BLOCK", 8)
        values, kernel = scene(seed), exponential_kernel(40.0, 130.0, 30.0)
        known = ~np.isnan(values)
        filled = np.nan_to_num(values)
        mean, disk = weighted_mean(filled, known, kernel), disk_sum(values, 130.0, 30.0)
        spread = gaussian_sum(values, 130.0, 30.0)
        for window in GRID.windows(8 * blocks):
            outer = window.expanded(4, GRID)
            frame = WindowFrame(outer, window)
            part = weighted_mean(filled[outer.slices], known[outer.slices], kernel, frame)
            np.testing.assert_array_equal(part[frame.slices], mean[window.slices])
            part = disk_sum(values[outer.slices], 130.0, 30.0)
            np.testing.assert_array_equal(part[frame.slices], disk[window.slices])
            part = gaussian_sum(values[outer.slices], 130.0, 30.0)
            np.testing.assert_array_equal(part[frame.slices], spread[window.slices])


@given(seed=st.integers(0, 99))
def test_a_mean_lies_between_its_terms_and_keeps_nodata(seed: int) -> None:
    values = scene(seed)
    known = ~np.isnan(values)
    mean = weighted_mean(values, known, exponential_kernel(60, 300, 30))
    assert (np.isnan(mean) == ~known).all()
    assert np.nanmin(mean) >= np.nanmin(values) - 1e-12
    assert np.nanmax(mean) <= np.nanmax(values) + 1e-12


def test_nothing_around_is_zero() -> None:
    for nothing in (np.zeros((5, 5)), np.full((5, 5), np.nan)):
        assert (convolve(nothing, exponential_kernel(30.0, 90.0, 30.0)) == 0).all()
        assert (gaussian_sum(nothing, 90.0, 30.0) == 0).all()


def test_a_disk_mean_leaves_out_what_is_unknown() -> None:
    values = np.array([[1.0, np.nan, 0.5]])
    np.testing.assert_allclose(disk_mean(values, 60.0, 30.0), [[0.75, np.nan, 0.75]])
