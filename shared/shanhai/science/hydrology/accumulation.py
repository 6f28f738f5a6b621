"""The cells above each cell: all their water down one way, or spread over many."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from shanhai.science.arrays import BoolArray, ClassArray, FloatArray, IntArray
from shanhai.science.grid import Window
from shanhai.science.hydrology.depressions import FILLED
from shanhai.science.hydrology.directions import DIRECTIONS
from shanhai.science.hydrology.flow_kernels import disperse, gather, pass_on
from shanhai.science.hydrology.neighbours import COLUMN_STEPS, NODATA, OUTLET, ROW_STEPS
from shanhai.science.hydrology.tiles import (
    Found,
    LayerStore,
    Run,
    TileLayout,
    lines_of,
    ring_of,
    set_ring,
    settle,
)

CELLS = "contributing_area"

MARGIN_SHARE = 8
"""One side of a tile in so many is looked beyond its edges where flow spreads."""

Item = tuple[Window, FloatArray]


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
    return np.nan_to_num(read, nan=NODATA).astype(np.uint8)


def _numbers(tiles: TileLayout, window: Window) -> IntArray:
    """Numbers in the raster of the edge cells of a tile, in the order of `ring_of`."""
    rows = np.arange(window.row, window.row + window.height, dtype=np.int64)
    columns = np.arange(window.col, window.col + window.width, dtype=np.int64)
    return ring_of(rows[:, np.newaxis] * tiles.width + columns)


def _edge(layers: LayerStore, tiles: TileLayout, window: Window) -> Edge:
    codes = _codes(tiles, layers, window, 0)
    total, last = gather(codes, np.zeros(codes.shape, dtype=np.int64))
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
    flows = (codes != NODATA) & (codes != OUTLET)
    step = np.where(flows, codes.astype(np.int64) - 1, 0)
    row = np.arange(window.height)[:, np.newaxis] + ROW_STEPS[step]
    column = np.arange(window.width) + COLUMN_STEPS[step]
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
    inflow = pass_on(leaves, into, total)[where]
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
    total = gather(codes, inflow)[0].reshape(codes.shape)
    layers.write(CELLS, window, np.where(codes == NODATA, np.nan, (total - 1) * scale))


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
    reads = disperse(filled, codes, sums, spreading.exponent, spreading.corner)
    return sums[frame:-frame, frame:-frame], reads
