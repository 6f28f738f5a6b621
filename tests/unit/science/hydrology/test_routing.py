import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.grid import ClassArray, FloatArray
from shanhai.science.hydrology.depressions import fill_depressions
from shanhai.science.hydrology.flow_kernels import (
    COLUMN_STEPS,
    NODATA,
    OUTLET,
    ROW_STEPS,
    flat_distances,
)
from shanhai.science.hydrology.routing import (
    DIRECTIONS,
    ROUTINGS,
    SCRATCH,
    contributing_area,
    find_directions,
    write_contributing_area,
)
from shanhai.science.hydrology.tiles import ArrayLayerStore, TileLayout, ring_of
from tests.unit.science.hydrology.grounds import flooded, terrain

LAYERS = (*SCRATCH, "contributing_area")
SAME_FOR_ALL_TILES = ("filled", "directions", "contributing_area")


def in_tiles(dem: FloatArray, routing: str, tile: int) -> dict[str, FloatArray]:
    layers = ArrayLayerStore({"dem": dem} | {name: np.empty(dem.shape) for name in LAYERS})
    write_contributing_area(
        layers, (dem.shape[0], dem.shape[1]), cell_m=30, flow_routing=routing, tile=tile
    )
    return layers.arrays


def fill(dem: FloatArray) -> FloatArray:
    """Elevation, m, with every depression raised to its overflow; NaN stays NaN."""
    layers = ArrayLayerStore({"dem": dem, "filled": np.empty(dem.shape)})
    fill_depressions(layers, TileLayout(dem.shape[0], dem.shape[1], max(dem.shape)))
    return layers.arrays["filled"]


def flow_directions(filled: FloatArray) -> ClassArray:
    """Codes of `neighbours` for the cell each one drains to; 0 is nodata, 9 leaves the raster."""
    layers = ArrayLayerStore({"filled": filled, DIRECTIONS: np.empty(filled.shape)})
    tiles = TileLayout(filled.shape[0], filled.shape[1], max(filled.shape))
    find_directions(layers, tiles)
    return layers.arrays[DIRECTIONS].astype(np.uint8)


def valley() -> FloatArray:
    """Ground that falls to the middle column and along it to the south."""
    rows, columns = np.meshgrid(np.arange(5.0), np.arange(5.0), indexing="ij")
    heights: FloatArray = 10 * np.abs(columns - 2) - rows
    return heights


def test_fill_equals_the_flood_of_the_paper(ground: FloatArray) -> None:
    np.testing.assert_array_equal(fill(ground), flooded(ground))


def test_rough_ground_below_the_sea_is_filled_tile_by_tile() -> None:
    # Basins of one tile touch in some thousand places, and polders lie below 0.
    ground = np.random.default_rng(5).normal(-40, 10, size=(90, 120))
    tiled = in_tiles(ground, "d8", 80)["filled"]
    np.testing.assert_array_equal(tiled, flooded(ground))
    assert (tiled < 0).all()


@pytest.mark.parametrize("routing", ROUTINGS)
@pytest.mark.parametrize("tile", [3, 7, 16])
def test_tiles_give_the_bytes_of_the_whole(ground: FloatArray, routing: str, tile: int) -> None:
    whole, tiled = in_tiles(ground, routing, 100), in_tiles(ground, routing, tile)
    for name in SAME_FOR_ALL_TILES:
        np.testing.assert_array_equal(tiled[name], whole[name])


def test_tiles_may_be_filled_twice(ground: FloatArray) -> None:
    def twice(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        return [(function(item), function(item))[1] for item in items]

    layers = ArrayLayerStore({"dem": ground} | {name: np.empty(ground.shape) for name in LAYERS})
    shape = (ground.shape[0], ground.shape[1])
    write_contributing_area(layers, shape, cell_m=30, tile=7, run=twice)
    np.testing.assert_array_equal(layers.arrays["filled"], fill(ground))


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    levels=st.integers(1, 40),
    missing=st.sampled_from([0.0, 0.02, 0.2]),
    tile=st.integers(1, 20),
    routing=st.sampled_from(list(ROUTINGS)),
)
def test_tiles_give_the_bytes_of_the_whole_anywhere(
    seed: int, levels: int, missing: float, tile: int, routing: str
) -> None:
    dem = terrain(seed, (15, 19), levels, missing)
    np.testing.assert_array_equal(
        in_tiles(dem, routing, tile)["contributing_area"],
        contributing_area(dem=dem, cell_m=30, flow_routing=routing),
    )


def test_every_way_ends_at_an_outlet(ground: FloatArray) -> None:
    filled = fill(ground)
    codes = flow_directions(filled)
    np.testing.assert_array_equal(codes == NODATA, np.isnan(ground))
    for row, column in np.argwhere(codes != NODATA):
        seen, r, c = filled[row, column], row, column
        for _ in range(codes.size):
            if codes[r, c] == OUTLET:
                break
            r, c = r + ROW_STEPS[codes[r, c] - 1], c + COLUMN_STEPS[codes[r, c] - 1]
            assert filled[r, c] <= seen
            seen = filled[r, c]
        assert codes[r, c] == OUTLET


def test_water_takes_the_steepest_way_there_is(ground: FloatArray) -> None:
    filled = fill(ground)
    framed = np.pad(filled, 1, constant_values=np.nan)
    codes = flow_directions(filled)
    for row, column in np.argwhere(codes != NODATA):
        falls = [
            (filled[row, column] - framed[row + 1 + r, column + 1 + c]) / math.hypot(r, c)
            for r, c in zip(ROW_STEPS, COLUMN_STEPS, strict=True)
        ]
        steepest = int(np.nanargmax(np.nan_to_num(falls, nan=-np.inf)))
        if falls[steepest] > 0:
            assert codes[row, column] == steepest + 1


def test_all_land_arrives_at_the_outlets(ground: FloatArray) -> None:
    codes = flow_directions(fill(ground))
    area = contributing_area(dem=ground, cell_m=30) + 900
    assert area[codes == OUTLET].sum() == 900 * np.isfinite(ground).sum()


@pytest.mark.parametrize("routing", ["freeman", "quinn"])
def test_spreading_loses_nothing(ground: FloatArray, routing: str) -> None:
    codes = flow_directions(fill(ground))
    area = contributing_area(dem=ground, cell_m=1, flow_routing=routing) + 1
    # What a cell spreads, lower neighbours receive: only outlets keep what arrives.
    assert area[codes == OUTLET].sum() == pytest.approx(np.isfinite(ground).sum(), rel=1e-12)


@pytest.mark.parametrize("routing", ROUTINGS)
def test_area_is_bounded(ground: FloatArray, routing: str) -> None:
    area = contributing_area(dem=ground, cell_m=1, flow_routing=routing)
    known = np.isfinite(ground)
    np.testing.assert_array_equal(np.isfinite(area), known)
    assert (area[known] >= -1e-12).all()
    assert (area[known] <= known.sum() - 1 + 1e-9).all()


def test_valley_by_hand() -> None:
    area = contributing_area(dem=valley(), cell_m=30) / 900
    # Each side slope is a step of two cells eastward or westward, and the outer drains inward.
    assert area[:, 0].tolist() == [0] * 5
    assert area[4, 2] == 24
    assert area[:, 2].tolist() == [4, 9, 14, 19, 24]


def test_cone_drains_in_all_directions_alike() -> None:
    rows, columns = np.meshgrid(np.arange(-3.0, 4), np.arange(-3.0, 4), indexing="ij")
    spread = contributing_area(dem=-np.hypot(rows, columns), cell_m=1, flow_routing="freeman")
    np.testing.assert_allclose(spread, spread.T, rtol=1e-12)
    np.testing.assert_allclose(spread, spread[::-1], rtol=1e-12)


@pytest.mark.parametrize(("routing", "p", "corner"), [("freeman", 1.1, 1.0), ("quinn", 1, 0.708)])
def test_shares_of_four_cells_by_hand(routing: str, p: float, corner: float) -> None:
    dem = np.array([[5.0, 3], [9, 4]])
    # 9 sends to 5 (4 below), 4 (5 below) and over the corner to 3 (6 below on a longer way).
    to_5, to_4, to_3 = 4.0**p, 5.0**p, corner * (6 / math.sqrt(2)) ** p
    all_of_9 = to_5 + to_4 + to_3
    five = to_5 / all_of_9
    # 5 sends to 3 (2 below) and over the corner to 4 (1 below); 4 sends all to 3.
    down, across = 2.0**p, corner * (1 / math.sqrt(2)) ** p
    four = to_4 / all_of_9 + (1 + five) * across / (down + across)
    area = contributing_area(dem=dem, cell_m=1, flow_routing=routing)
    np.testing.assert_allclose(area, [[five, 3], [0, four]], rtol=1e-12)


def test_equally_steep_ways_have_an_order() -> None:
    """East, south, west, north, then south-east, south-west, north-west, north-east; the one that
    is taken is walled up, until none is left."""
    hill = np.full((3, 3), 4.0)
    hill[1, 1] = 5.0
    taken = []
    for _ in range(8):
        code = int(flow_directions(hill)[1, 1])
        taken.append(code)
        hill[1 + ROW_STEPS[code - 1], 1 + COLUMN_STEPS[code - 1]] = 9.0
    assert taken == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("routing", ROUTINGS)
@pytest.mark.parametrize("tile", [1, 2, 3, 8])
@pytest.mark.parametrize("turns", range(4))
def test_a_flat_drains_through_all_tiles_by_hand(routing: str, tile: int, turns: int) -> None:
    """A flat valley floor between walls; only its end lies at the edge of the raster."""
    dem = np.full((3, 8), 9.0)
    dem[1, 1:] = 5.0
    codes = in_tiles(np.rot90(dem, turns).copy(), routing, tile)["directions"]
    east, south, west, north = 1, 2, 3, 4
    onward = (east, north, west, south)[turns]
    assert np.rot90(codes, -turns)[1].tolist() == [onward] * 7 + [OUTLET]
    area = np.rot90(in_tiles(np.rot90(dem, turns).copy(), routing, tile)[LAYERS[-1]], -turns) / 900
    # The wall is three cells at its closed end, and two at every cell of the floor, which all
    # drain into it; whichever way they are shared out, the end receives all 23 others.
    assert area[1, 7] == pytest.approx(23, rel=1e-12)
    if routing == "d8":
        assert area.tolist() == [[0.0] * 8, [0, 5, 8, 11, 14, 17, 20, 23], [0.0] * 8]


def test_distances_are_told_of_cells_of_the_tile_alone() -> None:
    """One cell, all ground around it as high; the cell north of it drains, of the others nobody
    knows yet."""
    around = np.full((3, 3), np.inf)
    around[0, 1] = 0.0
    frame = around.copy()
    reads = flat_distances(np.full((3, 3), 5.0), around)
    assert around[1, 1] == 1
    around[1, 1] = frame[1, 1]
    np.testing.assert_array_equal(around, frame)
    assert ring_of(reads).all()


def test_flat_ground_drains_to_the_nearest_edge() -> None:
    codes = flow_directions(np.zeros((5, 5)))
    assert (codes[0] == OUTLET).all()
    assert codes[1, 2] == 4
    assert codes[2, 1] == 3
    area = contributing_area(dem=np.zeros((5, 5)), cell_m=1)
    assert (area + 1)[codes == OUTLET].sum() == 25


def test_water_drains_into_nodata() -> None:
    dem = np.full((5, 5), 3.0)
    dem[2, 2] = np.nan
    codes = flow_directions(fill(dem))
    assert codes[2, 2] == NODATA
    assert codes[1, 1] == OUTLET


def test_pit_is_filled_to_its_overflow_and_drains_over_it() -> None:
    dem = np.full((5, 5), 9.0)
    dem[2, 2], dem[2, 3], dem[2, 4] = 1, 4, 2
    assert fill(dem)[2, 2] == 4
    codes = flow_directions(fill(dem))
    assert codes[2, 2] == 1
    assert contributing_area(dem=dem, cell_m=1)[2, 4] >= 2


def test_unknown_routing_is_refused() -> None:
    with pytest.raises(InvalidInput, match="d8, freeman, quinn"):
        contributing_area(dem=np.zeros((2, 2)), cell_m=1, flow_routing="dinf")


def test_all_nodata_stays_nodata() -> None:
    assert np.isnan(contributing_area(dem=np.full((4, 4), np.nan), cell_m=1)).all()
