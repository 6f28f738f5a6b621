from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.features import sieve as gdal_sieve
from scipy import ndimage

from shanhai.science.grid import Grid
from shanhai.science.hydrology.tiles import TileLayout
from shanhai.science.zoning.patches import label_patches, majority_filter, min_patch_cells, recode
from shanhai.science.zoning.seams import (
    MAX_ROUNDS,
    describe_tile,
    join_tiles,
    patch_sizes,
    sieve_patches,
)


def classes(rows: list[list[int]]) -> np.ndarray:
    return np.array(rows, dtype=np.uint8)


def scene(seed: int, smoothing: float = 1.5, size: int = 60) -> np.ndarray:
    noise = ndimage.gaussian_filter(
        np.random.default_rng(seed).normal(size=(size, size)), smoothing
    )
    return np.asarray(np.digitize(noise / noise.std(), [-0.5, 0.5]) + 1).astype(np.uint8)


def sieve(
    codes: np.ndarray, min_cells: int, rounds: int = MAX_ROUNDS, tile: int = 100
) -> np.ndarray:
    tiles, result = TileLayout(codes.shape[0], codes.shape[1], tile), codes.copy()
    found = [describe_tile(codes[one.slices], one, tiles.width) for one in tiles.windows]
    graph = join_tiles(tiles, [described for described, _ in found])
    by_tile = graph.by_tile(sieve_patches(graph, min_cells, rounds), graph.codes)
    for window, (_, patches), code_of in zip(tiles.windows, found, by_tile, strict=True):
        part = codes[window.slices].copy()
        if code_of is not None:
            recode(patches, code_of, part)
        result[window.slices] = part
    return result


def test_patches_share_sides_or_corners() -> None:
    codes = classes([[1, 0, 1], [0, 1, 0], [2, 2, 1]])
    patches, count = label_patches(codes)
    assert count == 5
    assert patches.tolist() == [[1, 0, 2], [0, 3, 0], [4, 4, 5]]
    assert label_patches(codes, 8)[1] == 2


def test_no_patch_in_nodata() -> None:
    patches, count = label_patches(np.zeros((2, 2), dtype=np.uint8))
    assert count == 0
    assert not patches.any()


@pytest.mark.parametrize("connectivity", [4, 8])
@given(seed=st.integers(0, 300), classes_=st.integers(1, 3))
def test_patches_agree_with_scipy(connectivity: Literal[4, 8], seed: int, classes_: int) -> None:
    codes = np.random.default_rng(seed).integers(0, classes_ + 1, (12, 15)).astype(np.uint8)
    patches, count = label_patches(codes, connectivity)
    structure = np.ones((3, 3)) if connectivity == 8 else None
    expected = np.zeros(codes.shape, dtype=int)
    for code in range(1, classes_ + 1):
        own, _ = ndimage.label(codes == code, structure=structure)
        expected[own > 0] = own[own > 0] + expected.max()
    assert count == expected.max()
    pairs = np.unique(np.stack([patches.ravel(), expected.ravel()]), axis=1)
    assert pairs.shape[1] == len(np.unique(patches))
    _, first = np.unique(patches[patches > 0], return_index=True)
    assert (np.diff(first) > 0).all()


def test_more_patches_than_the_first_table_holds() -> None:
    board = (np.indices((400, 400)).sum(axis=0) % 2).astype(np.uint8)
    assert label_patches(board)[1] == 80_000
    assert label_patches(board, 8)[1] == 1


def test_worked_example_of_the_majority() -> None:
    result = majority_filter(classes([[1, 1, 2], [1, 3, 2], [1, 2, 0]]))
    assert result.tolist() == [[1, 1, 2], [1, 1, 2], [1, 2, 0]]


def test_tie_with_the_centre_keeps_it() -> None:
    assert majority_filter(classes([[1, 2]])).tolist() == [[1, 2]]
    assert majority_filter(classes([[2, 1]])).tolist() == [[2, 1]]


def test_tie_without_the_centre_takes_the_lowest_code() -> None:
    codes = classes([[4, 4, 0], [2, 3, 2], [0, 0, 0]])
    assert majority_filter(codes)[1, 1] == 2


@given(seed=st.integers(0, 30), size=st.integers(3, 25))
def test_majority_by_windows_with_halo_equals_the_whole(seed: int, size: int) -> None:
    codes = np.random.default_rng(seed).integers(0, 6, (25, 22)).astype(np.uint8)
    grid = Grid(4548, 0, 0, 100, 22, 25)
    tiled = np.empty_like(codes)
    for window in grid.windows(size):
        outer = window.expanded(1, grid)
        tiled[window.slices] = majority_filter(codes[outer.slices])[window.slices_within(outer)]
    np.testing.assert_array_equal(tiled, majority_filter(codes))


@given(seed=st.integers(0, 30))
def test_majority_equals_a_count_cell_by_cell(seed: int) -> None:
    codes = np.random.default_rng(seed).integers(0, 6, (7, 8)).astype(np.uint8)
    padded = np.pad(codes, 1)
    expected = codes.copy()
    for row, col in np.argwhere(codes):
        votes = np.bincount(padded[row : row + 3, col : col + 3].ravel(), minlength=6)
        votes[0] = 0
        if votes[codes[row, col]] < votes.max():
            expected[row, col] = votes.argmax()
    np.testing.assert_array_equal(majority_filter(codes), expected)


@pytest.mark.parametrize(
    ("mmu_ha", "cell_m", "cells"), [(5, 100, 5), (5, 30, 56), (0, 30, 0), (0.09, 30, 1)]
)
def test_minimum_mapping_unit_in_cells(mmu_ha: float, cell_m: float, cells: int) -> None:
    assert min_patch_cells(mmu_ha, cell_m) == cells


@pytest.mark.parametrize("seed", [0, 2, 3, 4, 6])
def test_one_round_agrees_with_gdal(seed: int) -> None:
    codes = scene(seed)
    ours = sieve(codes, 12, rounds=1)
    assert (ours != codes).any()
    np.testing.assert_array_equal(ours, gdal_sieve(codes, 12, connectivity=4))


def test_small_patch_takes_the_largest_neighbour() -> None:
    codes = classes([[1, 1, 1, 2, 2], [1, 1, 3, 2, 2], [1, 1, 1, 2, 2]])
    assert sieve(codes, 3)[1, 2] == 1


def test_equal_neighbours_give_the_lowest_code() -> None:
    assert sieve(classes([[5, 5, 1, 2, 2]]), 2).tolist() == [[5, 5, 2, 2, 2]]


def test_islet_in_nodata_stays() -> None:
    codes = classes([[1, 1, 1, 0, 2], [1, 1, 1, 0, 0]])
    np.testing.assert_array_equal(sieve(codes, 4), codes)


def test_patches_that_are_all_small_join() -> None:
    assert sieve(classes([[1, 2, 2, 3]]), 4).tolist() == [[2, 2, 2, 2]]


@settings(max_examples=30)
@given(seed=st.integers(0, 500), min_cells=st.integers(0, 15))
def test_only_patches_without_neighbour_stay_small(seed: int, min_cells: int) -> None:
    codes = scene(seed, smoothing=1.0, size=40)
    codes[np.random.default_rng(seed).random(codes.shape) < 0.1] = 0
    result = sieve(codes, min_cells, rounds=50)
    assert ((result == 0) == (codes == 0)).all()
    patches, count = label_patches(result)
    sizes = np.bincount(patches.ravel(), minlength=count + 1)
    for patch in np.flatnonzero(sizes[1:] < min_cells) + 1:
        grown = ndimage.binary_dilation(patches == patch)
        assert set(patches[grown]) <= {0, patch}
    np.testing.assert_array_equal(sieve(result, min_cells), result)


def test_input_is_left_alone() -> None:
    codes = classes([[1, 1, 2]])
    sieve(codes, 2)
    assert codes.tolist() == [[1, 1, 2]]


@given(
    seed=st.integers(0, 300),
    classes_=st.integers(1, 4),
    tile=st.integers(1, 9),
    connectivity=st.sampled_from([4, 8]),
)
def test_patches_joined_over_seams_are_those_of_the_whole(
    seed: int, classes_: int, tile: int, connectivity: Literal[4, 8]
) -> None:
    codes = np.random.default_rng(seed).integers(0, classes_ + 1, (12, 15)).astype(np.uint8)
    tiles, corners = TileLayout(12, 15, tile), connectivity == 8
    found = [describe_tile(codes[one.slices], one, 15, corners=corners) for one in tiles.windows]
    graph = join_tiles(tiles, [described for described, _ in found], corners=corners)
    joined = np.zeros_like(codes, dtype=np.int64)
    for number, (window, (_, patches)) in enumerate(zip(tiles.windows, found, strict=True)):
        joined[window.slices] = graph.number[graph.begins[number] :][patches]
    expected, count = label_patches(codes, connectivity)
    np.testing.assert_array_equal(joined, expected)
    assert (
        graph.sizes[1:].tolist() == np.bincount(expected.ravel(), minlength=count + 1)[1:].tolist()
    )
    if not corners:
        beside = {
            (int(min(a, b)), int(max(a, b)))
            for near, far in ((expected[1:], expected[:-1]), (expected[:, 1:], expected[:, :-1]))
            for a, b in zip(near.ravel(), far.ravel(), strict=True)
            if a and b and a != b
        }
        assert {(int(a), int(b)) for a, b in graph.pairs} == beside


@settings(max_examples=40)
@given(seed=st.integers(0, 500), min_cells=st.integers(0, 30), tile=st.integers(1, 25))
def test_sieve_by_tiles_equals_the_whole(seed: int, min_cells: int, tile: int) -> None:
    codes = scene(seed, smoothing=0.8, size=40)
    codes[np.random.default_rng(seed).random(codes.shape) < 0.1] = 0
    np.testing.assert_array_equal(sieve(codes, min_cells, tile=tile), sieve(codes, min_cells))


@given(seed=st.integers(0, 100), tile=st.integers(1, 20))
def test_sizes_of_patches_by_code_whatever_the_tiles(seed: int, tile: int) -> None:
    codes = np.random.default_rng(seed).integers(0, 4, (15, 12)).astype(np.uint16) * 300
    patches, count = label_patches(codes)
    sizes = np.bincount(patches.ravel(), minlength=count + 1)
    found = patch_sizes(codes, tile)
    assert 0 not in found
    for code, own in found.items():
        assert own.tolist() == [
            int(sizes[patch]) for patch in range(1, count + 1) if codes[patches == patch][0] == code
        ]
    assert sum(int(own.sum()) for own in found.values()) == np.count_nonzero(codes)
