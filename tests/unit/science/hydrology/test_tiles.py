import numpy as np
import pytest

from shanhai.errors import InvalidInput
from shanhai.science.grid import Window
from shanhai.science.hydrology.tiles import (
    ArrayLayerStore,
    Found,
    Seams,
    TileLayout,
    lines_of,
    ring_of,
    set_ring,
    settle,
)


@pytest.mark.parametrize("shape", [(7, 10), (1, 4), (5, 1), (3, 3)])
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_tiles_cover_the_raster_once(shape: tuple[int, int], size: int) -> None:
    covered = np.zeros(shape, dtype=int)
    for window in TileLayout(*shape, size).windows:
        covered[window.slices] += 1
    assert (covered == 1).all()


def test_a_tile_has_cells() -> None:
    with pytest.raises(InvalidInput, match="at least one cell"):
        TileLayout(3, 3, 0)


def test_reading_beyond_the_raster_gives_nodata() -> None:
    layers = ArrayLayerStore({"dem": np.arange(6.0).reshape(2, 3)})
    read = TileLayout(2, 3, 2).read(layers, "dem", Window(0, 2, 2, 1), 1)
    np.testing.assert_array_equal(
        read, [[np.nan] * 3, [1, 2, np.nan], [4, 5, np.nan], [np.nan] * 3]
    )


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (2, 2), (5, 3)])
def test_a_ring_put_back_changes_nothing(shape: tuple[int, int]) -> None:
    array = np.arange(float(np.prod(shape))).reshape(shape)
    blank = array.copy()
    ring = ring_of(array)
    blank[[0, -1]], blank[:, [0, -1]] = -1, -1
    set_ring(blank, ring)
    np.testing.assert_array_equal(blank, array)


@pytest.mark.parametrize("shape", [(7, 10), (1, 9), (8, 1), (9, 13)])
@pytest.mark.parametrize(
    ("size", "depth"), [(1, 0), (2, 0), (3, 0), (4, 0), (2, 1), (4, 1), (4, 3)]
)
def test_seams_know_what_lies_around_a_tile(shape: tuple[int, int], size: int, depth: int) -> None:
    array = np.arange(float(np.prod(shape))).reshape(shape)
    framed = np.pad(array, depth + 1, constant_values=-1)
    tiles = TileLayout(*shape, size)
    seams = Seams(tiles, -1.0, depth)
    for number, window in enumerate(tiles.windows):
        seams.put(number, lines_of(array[window.slices], depth))
    for number, window in enumerate(tiles.windows):
        margin = 2 * (depth + 1)
        outer = Window(window.row, window.col, window.height + margin, window.width + margin)
        expected = ring_of(framed[outer.slices])
        inside = expected >= 0
        np.testing.assert_array_equal(seams.around(number)[inside], expected[inside])


def test_facing_cells_touch_across_a_seam() -> None:
    array = np.arange(16.0).reshape(4, 4)
    tiles = TileLayout(4, 4, 2)
    seams = Seams(tiles, np.nan)
    for number, window in enumerate(tiles.windows):
        seams.put(number, lines_of(array[window.slices]))
    found = {
        frozenset({int(a), int(b)})
        for near, far in seams.facing()
        for a, b in zip(near, far, strict=True)
        if not np.isnan(a) and not np.isnan(b)
    }
    touching = {
        frozenset({i, j})
        for i in range(16)
        for j in range(16)
        if max(abs(i // 4 - j // 4), abs(i % 4 - j % 4)) == 1
        and ((i // 4 < 2) != (j // 4 < 2) or (i % 4 < 2) != (j % 4 < 2))
    }
    assert found == touching


def test_settling_works_a_tile_again_only_when_what_it_rests_on_changes() -> None:
    tiles = TileLayout(1, 4, 1)
    worked = []

    def one_more_than_west(item: tuple[Window, np.ndarray]) -> Found:
        window, ring = item
        worked.append(window.col)
        # Ring of a single cell: three above, three below, west, east.
        reads = np.arange(8) == 6
        return lines_of(np.full((1, 1), ring[6] + 1)), reads

    seams = settle(tiles, one_more_than_west, 0.0, map)
    np.testing.assert_array_equal(seams.lines[1, 0, 1:-1], [1, 2, 3, 4])
    assert worked == [0, 1, 2, 3, 1, 2, 3, 2, 3, 3]
