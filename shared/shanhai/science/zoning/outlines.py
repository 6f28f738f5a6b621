"""Outlines of a class raster's patches, traced tile by tile and joined over the seams.

Every tile knows the numbers its patches have in the whole raster and those of the cells around it,
so each step along a border is found where the cell to its left lies. What a tile finds of a ring
that leaves it is an arc; where one ends another begins, in the tile beside it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from shanhai.science.grid import BoolArray, ClassArray, FloatArray, Grid, IntArray, Window
from shanhai.science.hydrology.tiles import TILE_CELLS, Run, TileLayout, ring_of, set_ring
from shanhai.science.kernels import compiled
from shanhai.science.zoning.patches import Patches, label_patches
from shanhai.science.zoning.seams import TilePatches, describe_tile, join_tiles

Corners = NDArray[np.int32]
"""Row and column of cell corners, 0 at the north-west corner of the grid."""

Geometries = NDArray[np.object_]
Read = Callable[[Window], ClassArray]
"""Classes of a window; picklable where processes share the tiles."""

# East, north, west, south; a turn to the left adds one. Beside each step, from the corner it
# begins at: the cell to its left and the cell to its right.
_STEP = np.array([[0, 1], [-1, 0], [0, -1], [1, 0]])
_LEFT = np.array([[-1, 0], [-1, -1], [0, -1], [0, 0]])
_RIGHT = np.array([[0, 0], [-1, 0], [-1, -1], [0, -1]])
_WEST = 2
_NEVER = np.iinfo(np.int64).max

_END, _OWNER, _FROM, _TO, _TOP, _AT_TOP = range(6)


class TileArcs(NamedTuple):
    """The pieces of rings a tile holds.

    Attributes:
        corners: Of all arcs, one after the other.
        arcs: A row for each: where its corners end; its patch; numbers of the step it begins with
            and of the one that follows it; the first cell, row by row, along whose top it runs
            west, and how many of its corners come before the end of that step.
    """

    corners: Corners
    arcs: IntArray


@compiled
def _walk(
    patches: Patches,
    seen: BoolArray,
    origin: tuple[int, int, int],
    begin: tuple[int, int, int],
    corners: Corners,
    arc: IntArray,
    at: int,
) -> int:
    """Follow a ring from a step on, the patch on its left, until it leaves the tile or closes.

    A corner is kept where the ring turns, and where the patches on the other side change. Where
    a patch touches itself at a corner the ring turns right, so that no ring touches itself.

    Args:
        patches: Numbers in the tile and in one cell around it; 0 is nodata.
        seen: Tops of the cells of the tile that an arc has run west along; marked on the way.
        origin: Row and column of the tile, and columns of the raster.
        begin: Row and column, within the tile, of the corner of the first step, and its heading.
        corners: Filled from `at` on, unless it is empty.
        arc: Filled as `TileArcs` tells.
        at: Number of corners found before.

    Returns:
        Number of corners with those of this arc.
    """
    height, width = seen.shape
    row, col, heading = begin
    own = patches[row + _LEFT[heading, 0] + 1, col + _LEFT[heading, 1] + 1]
    arc[_OWNER], arc[_TOP], arc[_AT_TOP] = own, _NEVER, 0
    arc[_FROM] = _number(origin, row, col, heading)
    first = at
    while True:
        if heading == _WEST:
            seen[row, col - 1] = True
            top = (origin[0] + row) * origin[2] + origin[1] + col - 1
            if top < arc[_TOP]:
                arc[_TOP], arc[_AT_TOP] = top, at - first
        behind = patches[row + _RIGHT[heading, 0] + 1, col + _RIGHT[heading, 1] + 1]
        row += _STEP[heading, 0]
        col += _STEP[heading, 1]
        right = patches[row + _RIGHT[heading, 0] + 1, col + _RIGHT[heading, 1] + 1]
        left = patches[row + _LEFT[heading, 0] + 1, col + _LEFT[heading, 1] + 1]
        turn = 3 if right == own else (0 if left == own else 1)
        if turn != 0 or right != behind:
            if len(corners) > 0:
                corners[at, 0], corners[at, 1] = origin[0] + row, origin[1] + col
            at += 1
        heading = (heading + turn) % 4
        i, j = row + _LEFT[heading, 0], col + _LEFT[heading, 1]
        left_tile = not (0 <= i < height and 0 <= j < width)
        if left_tile or (row == begin[0] and col == begin[1] and heading == begin[2]):
            arc[_TO], arc[_END] = _number(origin, row, col, heading), at
            return at


@compiled
def _number(origin: tuple[int, int, int], row: int, col: int, heading: int) -> int:
    """Number of a step in the raster."""
    return ((origin[0] + row) * (origin[2] + 1) + origin[1] + col) * 4 + heading


@compiled
def _enters(patches: Patches, row: int, col: int, heading: int) -> bool:
    """Whether a step runs along a border and comes from another tile.

    Args:
        patches: As in `_walk`.
        row: Row of the corner it begins at, within the tile.
        col: Column of that corner.
        heading: Of the step.
    """
    i, j = row + _LEFT[heading, 0] + 1, col + _LEFT[heading, 1] + 1
    own = patches[i, j]
    if own == 0 or patches[row + _RIGHT[heading, 0] + 1, col + _RIGHT[heading, 1] + 1] == own:
        return False
    # The cells to the left and to the right of a step that leads straight to this one.
    before = row - _STEP[heading, 0] + 1, col - _STEP[heading, 1] + 1
    y, x = before[0] + _RIGHT[heading, 0], before[1] + _RIGHT[heading, 1]
    if patches[y, x] != own:
        y, x = before[0] + _LEFT[heading, 0], before[1] + _LEFT[heading, 1]
        if patches[y, x] != own:
            return False
    return not (0 < y < patches.shape[0] - 1 and 0 < x < patches.shape[1] - 1)


@compiled
def walk_arcs(
    patches: Patches, origin: tuple[int, int, int], corners: Corners, arcs: IntArray
) -> tuple[int, int]:
    """Walk all arcs of a tile; returns the number of arcs and of corners.

    Called once with empty arrays to count, and once with arrays of those sizes to fill.

    Args:
        patches: Numbers in the tile and in one cell around it; 0 is nodata.
        origin: Row and column of the tile, and columns of the raster.
        corners: Corners of all arcs.
        arcs: As `TileArcs` tells.
    """
    height, width = patches.shape[0] - 2, patches.shape[1] - 2
    seen = np.zeros((height, width), dtype=np.bool_)
    spare = np.empty(6, dtype=np.int64)
    count, at = 0, 0
    for row in range(height):
        for col in range(width):
            inside = 0 < row < height - 1 and 0 < col < width - 1
            for heading in range(0 if inside else 4):
                i, j = row - _LEFT[heading, 0], col - _LEFT[heading, 1]
                if _enters(patches, i, j, heading):
                    arc = arcs[count] if len(arcs) > 0 else spare
                    at = _walk(patches, seen, origin, (i, j, heading), corners, arc, at)
                    count += 1
    for row in range(height):
        for col in range(width):
            own = patches[row + 1, col + 1]
            if own != 0 and not seen[row, col] and patches[row, col + 1] != own:
                arc = arcs[count] if len(arcs) > 0 else spare
                at = _walk(patches, seen, origin, (row, col + 1, _WEST), corners, arc, at)
                count += 1
    return count, at


@compiled
def chain_arcs(following: IntArray, tops: IntArray, chain: IntArray, ends: IntArray) -> int:
    """Put the arcs of each ring one after the other, the one with the first top first.

    Args:
        following: Arc that follows each.
        tops: First cell along whose top each runs west.
        chain: Filled: all arcs, ring by ring.
        ends: Filled: where each ring ends among them.

    Returns:
        Number of rings.
    """
    done = np.zeros(len(following), dtype=np.bool_)
    rings, at = 0, 0
    for begin in range(len(following)):
        if done[begin]:
            continue
        first, arc = begin, following[begin]
        while arc != begin:
            if tops[arc] < tops[first]:
                first = arc
            arc = following[arc]
        arc = first
        while not done[arc]:
            done[arc] = True
            chain[at] = arc
            at += 1
            arc = following[arc]
        ends[rings] = at
        rings += 1
    return rings


@compiled
def place_rings(
    found: tuple[Corners, IntArray, IntArray],
    rings: tuple[IntArray, IntArray, IntArray],
    frame: tuple[float, float, float],
    coordinates: FloatArray,
) -> None:
    """Write x and y of rings one after the other; a corner has the same bits in every ring.

    Args:
        found: Corners of all arcs, where those of each begin and end, and how many of each come
            before the corner a ring begins at.
        rings: All arcs, ring by ring, and where each ring begins and ends, in the order wanted.
        frame: x of column 0 and y of row 0, m, and side of a cell, m.
        coordinates: Filled: x and y of every corner, the first of a ring again at its end.
    """
    corners, bounds, before = found
    chain, begins, ends = rings
    west, north, cell_m = frame
    at = 0
    for ring in range(len(begins)):
        begin_at = at
        for place in range(begins[ring], ends[ring] + 1):
            arc = chain[place] if place < ends[ring] else chain[begins[ring]]
            first, last = bounds[arc], bounds[arc + 1]
            if place == begins[ring]:
                first += before[arc]
            elif place == ends[ring]:
                last = first + before[arc]
            for corner in range(first, last):
                coordinates[at, 0] = west + corners[corner, 1] * cell_m
                coordinates[at, 1] = north - corners[corner, 0] * cell_m
                at += 1
        coordinates[at] = coordinates[begin_at]
        at += 1


@dataclass(frozen=True, slots=True)
class Outlines:
    """One polygon per 4-connected patch, in the order of their first cells row by row.

    Attributes:
        polygons: Valid polygons in the CRS of the grid; neighbours have the same vertices, namely
            where a border turns and where three patches meet.
        codes: Class of each.
        cell_m: Side of a cell, m.
    """

    polygons: Geometries
    codes: IntArray
    cell_m: float


def trace_outlines(
    codes: ClassArray | Read, grid: Grid, run: Run = map, tile: int = TILE_CELLS
) -> Outlines:
    """Polygons of the patches of equal code; the same bytes whatever the tiles.

    One process holds a tile, the graph of the patches and the outlines, not the raster.

    Args:
        codes: Class raster, or what reads a window of it; cells of class 0 are left out.
        grid: Its grid.
        run: Maps a picklable function over the tiles, results in order.
        tile: Side of a tile, cells.
    """
    read = codes if callable(codes) else partial(_cut, codes)
    tiles = TileLayout(grid.height, grid.width, tile)
    parts = list(run(partial(_describe, read, grid.width), tiles.windows))
    graph = join_tiles(tiles, parts)
    numbers = np.split(graph.number.astype(np.int32), graph.begins[1:-1])
    lines = [
        tuple(own[line] for line in part.lines) for own, part in zip(numbers, parts, strict=True)
    ]
    items = [
        (window, own, _around(tiles, lines, number))
        for number, (window, own) in enumerate(zip(tiles.windows, numbers, strict=True))
    ]
    found = list(run(partial(_trace, read, grid.width), items))
    return Outlines(_polygons(found, len(graph.codes) - 1, grid), graph.codes[1:], grid.cell_m)


def _cut(codes: ClassArray, window: Window) -> ClassArray:
    return codes[window.slices]


def _describe(read: Read, width: int, window: Window) -> TilePatches:
    return describe_tile(read(window), window, width)[0]


def _around(tiles: TileLayout, lines: Sequence[Sequence[Patches]], number: int) -> Patches:
    """Numbers of the cells around a tile, as `ring_of` has them; 0 beyond the raster."""
    window, (row, col) = tiles.window(number), divmod(number, tiles.columns)
    framed = np.zeros((window.height + 2, window.width + 2), dtype=np.int32)
    into, nearest = (slice(1, -1), -1, 0), (slice(None), 0, -1)
    for down, across in product((0, 1, -1), repeat=2):
        i, j = row + down, col + across
        if (down or across) and 0 <= i < tiles.rows and 0 <= j < tiles.columns:
            north, south, west, east = lines[i * tiles.columns + j]
            beside = (west if across > 0 else east, north, south)[down]
            framed[into[down], into[across]] = beside[nearest[across]] if down else beside
    return ring_of(framed)


def _trace(read: Read, width: int, item: tuple[Window, Patches, Patches]) -> TileArcs:
    """The arcs of a tile, given the numbers of its patches and those around it."""
    window, numbers, around = item
    patches = np.empty((window.height + 2, window.width + 2), dtype=np.int32)
    patches[1:-1, 1:-1] = numbers[label_patches(read(window))[0]]
    set_ring(patches, around)
    origin = window.row, window.col, width
    corners, arcs = np.empty((0, 2), dtype=np.int32), np.empty((0, 6), dtype=np.int64)
    count, size = walk_arcs(patches, origin, corners, arcs)
    corners, arcs = np.empty((size, 2), dtype=np.int32), np.empty((count, 6), dtype=np.int64)
    walk_arcs(patches, origin, corners, arcs)
    return TileArcs(corners, arcs)


def _polygons(found: Sequence[TileArcs], count: int, grid: Grid) -> Geometries:
    """Join the arcs of all tiles to rings, and the rings of each patch to a polygon."""
    arcs = np.concatenate([part.arcs for part in found])
    lengths = np.concatenate([np.diff(part.arcs[:, _END], prepend=0) for part in found])
    chain, begins, ends = _rings(arcs)
    first = chain[begins]
    owners, tops = arcs[first, _OWNER], arcs[first, _TOP]
    # A patch begins with its outer ring, which has its first cell, then come holes from the north.
    order = np.lexsort((tops, owners))
    sizes = np.add.reduceat(lengths[chain], begins)[order] + 1 if len(begins) else begins
    coordinates = np.empty((int(sizes.sum()), 2))
    place_rings(
        (
            np.concatenate([part.corners for part in found]),
            np.concatenate([[0], np.cumsum(lengths)]),
            arcs[:, _AT_TOP],
        ),
        (chain, begins[order], ends[order]),
        (grid.west, grid.north, grid.cell_m),
        coordinates,
    )
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    rings_of = np.bincount(owners, minlength=count + 1)[1:]
    polygons = shapely.from_ragged_array(
        shapely.GeometryType.POLYGON,
        coordinates,
        (offsets, np.concatenate([[0], np.cumsum(rings_of)])),
    )
    return np.asarray(polygons, dtype=object)


def _rings(arcs: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """All arcs ring by ring, and where each ring begins and ends among them."""
    order = np.argsort(arcs[:, _FROM])
    following = order[np.searchsorted(arcs[order, _FROM], arcs[:, _TO])]
    chain, ends = np.empty((2, len(arcs)), dtype=np.int64)
    rings = chain_arcs(following, arcs[:, _TOP], chain, ends)
    return chain, np.concatenate([[0], ends[: rings - 1]])[:rings].astype(np.int64), ends[:rings]
