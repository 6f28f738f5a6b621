"""Flow directions and accumulation: the land above each cell, in rasters of any size."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.grid import BoolArray, ClassArray, FloatArray, IntArray, Window
from shanhai.science.hydrology import flow_kernels
from shanhai.science.hydrology.depressions import BASINS, DEM, FILLED, fill_depressions
from shanhai.science.hydrology.tiles import (
    TILE_CELLS,
    ArrayLayerStore,
    Found,
    LayerStore,
    Run,
    TileLayout,
    lines_of,
    ring_of,
    set_ring,
    settle,
)
from shanhai.vocabulary import Label

DIRECTIONS = "directions"

Item = tuple[Window, FloatArray]


def find_directions(layers: LayerStore, tiles: TileLayout, run: Run = map) -> None:
    """From `filled` write `directions`: codes of `neighbours`, 0 (NaN as read) for nodata.

    The steepest way down; between equals the side before the corner and east before south before
    west before north. On a flat the shortest way, counted in cells, to a cell of it that drains.

    Source: O'Callaghan and Mark 1984; flats towards their outlet after Garbrecht and Martz 1997.
    """
    seams = settle(tiles, partial(_distances, layers, tiles), np.inf, run)
    items = [(window, seams.around(number)) for number, window in enumerate(tiles.windows)]
    for _ in run(partial(_directions, layers, tiles), items):
        pass


def _distances(layers: LayerStore, tiles: TileLayout, item: Item) -> Found:
    filled = tiles.read(layers, FILLED, item[0], 1)
    distances = np.empty_like(filled)
    set_ring(distances, item[1])
    reads = flow_kernels.flat_distances(filled, distances)
    return lines_of(distances[1:-1, 1:-1]), ring_of(reads)


def _directions(layers: LayerStore, tiles: TileLayout, item: Item) -> None:
    window, around = item
    filled = tiles.read(layers, FILLED, window, 1)
    distances = np.empty_like(filled)
    set_ring(distances, around)
    flow_kernels.flat_distances(filled, distances)
    layers.write(DIRECTIONS, window, flow_kernels.steepest(filled, distances).astype(np.float64))


CELLS = "contributing_area"

MARGIN_SHARE = 8
"""One side of a tile in so many is looked beyond its edges where flow spreads."""


@dataclass(frozen=True, slots=True)
class Spreading:
    """How flow is shared out among the lower neighbours of a cell.

    Attributes:
        exponent: Of the slope.
        corner: Width over a corner, that over a side being 1.
    """

    exponent: float
    corner: float


FREEMAN = Spreading(exponent=1.1, corner=1.0)
"""Freeman 1991."""

QUINN = Spreading(exponent=1.0, corner=0.354 / 0.5)
"""Quinn et al. 1991: contour lengths of 0.5 and 0.354 cells."""


@dataclass(frozen=True, slots=True)
class Edge:
    """What the rest of the raster must know of the ways through a tile, by cell of its edge.

    Attributes:
        cells: Number of the cell in the raster, row by row.
        leaves: Number of the cell at which its way leaves the tile; −1 when it does not.
        into: Number of the cell of another tile that it drains to; −1 when it does not.
        total: Cells of the tile above it, and itself.
    """

    cells: IntArray
    leaves: IntArray
    into: IntArray
    total: IntArray


def gather_down(layers: LayerStore, tiles: TileLayout, scale: float, run: Run = map) -> None:
    """From `directions` write `contributing_area`: cells above each, without itself, times `scale`.

    Whole numbers of cells, exact whatever the tiles. Two passes over the tiles; between them what
    flows from tile to tile is passed on along their edges.

    Source: O'Callaghan and Mark 1984; Barnes 2017 for the tiles.
    """
    edges = list(run(partial(_edge, layers, tiles), tiles.windows))
    inflows = _inflows(edges)
    items = list(zip(tiles.windows, inflows, strict=True))
    for _ in run(partial(_gather, layers, tiles, scale), items):
        pass


def spread_down(
    layers: LayerStore, tiles: TileLayout, spreading: Spreading, scale: float, run: Run = map
) -> None:
    """The same from `filled` and `directions` where flow spreads over all lower neighbours.

    Off a flat it follows the direction. The tiles are worked through in rounds, those again that
    water from another tile newly reaches; the result is the same whatever the tiles.

    Source: Freeman 1991; Quinn et al. 1991.
    """
    depth = tiles.size // MARGIN_SHARE
    find = partial(_disperse, layers, tiles, spreading, depth)
    seams = settle(tiles, find, 0.0, run, depth)
    items = [(window, seams.around(number)) for number, window in enumerate(tiles.windows)]
    for _ in run(partial(_spread, layers, tiles, spreading, depth, scale), items):
        pass


def _codes(tiles: TileLayout, layers: LayerStore, window: Window, halo: int) -> ClassArray:
    read = tiles.read(layers, DIRECTIONS, window, halo)
    return np.nan_to_num(read, nan=flow_kernels.NODATA).astype(np.uint8)


def _numbers(tiles: TileLayout, window: Window) -> IntArray:
    """Numbers in the raster of the edge cells of a tile, in the order of `ring_of`."""
    rows = np.arange(window.row, window.row + window.height, dtype=np.int64)
    columns = np.arange(window.col, window.col + window.width, dtype=np.int64)
    return ring_of(rows[:, np.newaxis] * tiles.width + columns)


def _edge(layers: LayerStore, tiles: TileLayout, window: Window) -> Edge:
    codes = _codes(tiles, layers, window, 0)
    total, last = flow_kernels.gather(codes, np.zeros(codes.shape, dtype=np.int64))
    into = _into(tiles, window, codes)
    ends = ring_of(last.reshape(codes.shape))
    leaves = np.where(into.ravel()[ends] >= 0, _global(tiles, window, ends), -1)
    cells = _numbers(tiles, window)
    return Edge(cells, leaves, ring_of(into), ring_of(total.reshape(codes.shape)))


def _global(tiles: TileLayout, window: Window, flat: IntArray) -> IntArray:
    """Number in the raster of a cell numbered in its tile."""
    row, column = np.divmod(flat, window.width)
    return (window.row + row) * tiles.width + window.col + column


def _into(tiles: TileLayout, window: Window, codes: ClassArray) -> IntArray:
    """Number in the raster of the cell of another tile that each cell drains to; else −1."""
    flows = (codes != flow_kernels.NODATA) & (codes != flow_kernels.OUTLET)
    step = np.where(flows, codes.astype(np.int64) - 1, 0)
    row = np.arange(window.height)[:, np.newaxis] + flow_kernels.ROW_STEPS[step]
    column = np.arange(window.width) + flow_kernels.COLUMN_STEPS[step]
    outside = (row < 0) | (row >= window.height) | (column < 0) | (column >= window.width)
    number = (window.row + row) * tiles.width + window.col + column
    return np.where(flows & outside, number, -1)


def _inflows(edges: list[Edge]) -> list[IntArray]:
    """Cells that flow into each edge cell from other tiles, by tile."""
    cells = np.concatenate([edge.cells for edge in edges])
    # Corners, and tiles of one row or column, list a cell twice; once is enough.
    known, first, where = np.unique(cells, return_index=True, return_inverse=True)
    total = np.concatenate([edge.total for edge in edges])[first]
    leaves = _places(known, np.concatenate([edge.leaves for edge in edges])[first])
    into = _places(known, np.concatenate([edge.into for edge in edges])[first])
    inflow = flow_kernels.pass_on(leaves, into, total)[where]
    return np.split(inflow, np.cumsum([edge.cells.size for edge in edges])[:-1])


def _places(known: IntArray, numbers: IntArray) -> IntArray:
    """Position of each number among the known ones; −1 stays."""
    return np.where(numbers < 0, -1, np.searchsorted(known, numbers))


def _gather(
    layers: LayerStore, tiles: TileLayout, scale: float, item: tuple[Window, IntArray]
) -> None:
    window, edge = item
    codes = _codes(tiles, layers, window, 0)
    inflow = np.zeros(codes.shape, dtype=np.int64)
    set_ring(inflow, edge)
    total = flow_kernels.gather(codes, inflow)[0].reshape(codes.shape)
    layers.write(CELLS, window, np.where(codes == flow_kernels.NODATA, np.nan, (total - 1) * scale))


def _disperse(
    layers: LayerStore, tiles: TileLayout, spreading: Spreading, depth: int, item: Item
) -> Found:
    sums, reads = _dispersed(layers, tiles, spreading, depth, item)
    return lines_of(sums, depth), ring_of(reads)


def _spread(
    layers: LayerStore,
    tiles: TileLayout,
    spreading: Spreading,
    depth: int,
    scale: float,
    item: Item,
) -> None:
    sums = _dispersed(layers, tiles, spreading, depth, item)[0]
    layers.write(CELLS, item[0], np.where(sums == 0, np.nan, (sums - 1) * scale))


def _dispersed(
    layers: LayerStore, tiles: TileLayout, spreading: Spreading, depth: int, item: Item
) -> tuple[FloatArray, BoolArray]:
    """Cells above each cell and itself; which cells around the tile and its margin they rest on."""
    window, around = item
    frame = depth + 1
    filled = tiles.read(layers, FILLED, window, frame + 1)
    codes = _codes(tiles, layers, window, frame)
    sums = np.empty(codes.shape)
    set_ring(sums, around)
    reads = flow_kernels.disperse(filled, codes, sums, spreading.exponent, spreading.corner)
    return sums[frame:-frame, frame:-frame], reads


D8 = "d8"

ROUTINGS: Mapping[str, Label] = MappingProxyType(
    {
        D8: Label("单流向 D8", "all down the steepest slope, D8"),
        "freeman": Label("多流向（Freeman）", "spread over lower neighbours, Freeman"),
        "quinn": Label("多流向（Quinn）", "spread over lower neighbours, Quinn"),
    }
)
"""Ways in which water leaves a cell, and their names."""

_SPREADINGS: Mapping[str, Spreading] = MappingProxyType({"freeman": FREEMAN, "quinn": QUINN})

SCRATCH = (FILLED, BASINS, DIRECTIONS)
"""Layers that `write_contributing_area` writes on the way; they may be dropped afterwards."""


def write_contributing_area(
    layers: LayerStore,
    shape: tuple[int, int],
    *,
    cell_m: float,
    flow_routing: str = D8,
    tile: int = TILE_CELLS,
    run: Run = map,
) -> None:
    """From `dem` write the layers of `SCRATCH` and `contributing_area`, tile by tile.

    The same values whatever the side of a tile and whatever runs the tiles. Memory is that of a
    tile, some tens of bytes a cell, and a few lines along the tile edges.

    Args:
        layers: Reads `dem`, m, NaN for nodata, into which water drains like off the raster; writes
            and reads again the others. It must keep `filled` as exactly as it gave `dem`, and whole
            numbers up to the cells of a tile in `basins`.
        shape: Rows and columns of the raster.
        cell_m: Side of a cell, m.
        flow_routing: A key of `ROUTINGS`.
        tile: Side of a tile, cells.
        run: Maps a picklable function over a sequence, results in order.

    Raises:
        InvalidInput: the routing is unknown, or there is no cell in a tile.
    """
    _require_routing(flow_routing)
    tiles = TileLayout(*shape, tile)
    fill_depressions(layers, tiles, run)
    find_directions(layers, tiles, run)
    if flow_routing == D8:
        gather_down(layers, tiles, cell_m**2, run)
    else:
        spread_down(layers, tiles, _SPREADINGS[flow_routing], cell_m**2, run)


def contributing_area(*, dem: FloatArray, cell_m: float, flow_routing: str = D8) -> FloatArray:
    """Area that drains into each cell, the cell itself excluded.

    Args:
        dem: Elevation, m; NaN is nodata, into which water drains like off the raster.
        cell_m: Side of a cell, m.
        flow_routing: A key of `ROUTINGS`.

    Returns:
        m², ≥ 0; NaN stays NaN.

    Raises:
        InvalidInput: the routing is unknown.
    """
    scratch = {name: np.empty(dem.shape) for name in (FILLED, DIRECTIONS, CELLS)}
    layers = ArrayLayerStore({DEM: dem} | scratch)
    height, width = dem.shape
    write_contributing_area(
        layers, (height, width), cell_m=cell_m, flow_routing=flow_routing, tile=max(height, width)
    )
    return layers.arrays[CELLS]


def _require_routing(flow_routing: str) -> None:
    if flow_routing not in ROUTINGS:
        known = ", ".join(ROUTINGS)
        raise InvalidInput(
            f"flow_routing is {flow_routing!r}; it must be one of {known}",
            message_zh=f"flow_routing 为 {flow_routing!r}，须为 {known} 之一",
            pointer="/flow_routing",
        )
