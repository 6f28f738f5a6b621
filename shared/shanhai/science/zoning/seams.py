"""Patches of a class raster that is never held whole: found tile by tile, joined over the seams.

Each tile numbers its own patches. What it tells of them, and its outermost lines, is enough to join
them: the whole is then a graph of patches, on which decisions are made and told to the tiles.
Patches are numbered by their first cell row by row, whatever the tiles, and so is all that follows.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shanhai.science.grid import ClassArray, IntArray, Window
from shanhai.science.hydrology.tiles import TILE_CELLS, TileLayout
from shanhai.science.zoning.contiguity import components
from shanhai.science.zoning.patches import (
    Codes,
    Patches,
    chain_ends,
    first_cells,
    label,
    largest_neighbours,
    measure,
    pairs_of,
)

MAX_ROUNDS = 5

Lines = tuple[Patches, Patches, Patches, Patches]
"""Patches along the northern, southern, western and eastern edge of a tile."""


class ClassLayers(Protocol):
    """Class rasters and quantities of one shape by name; picklable where processes share them."""

    def create_classes(self, layer: str) -> None:
        """Make room for classes; every cell begins as 0."""

    def read_classes(self, layer: str, window: Window) -> ClassArray:
        """A window of classes; 0 is nodata."""

    def write_classes(self, layer: str, window: Window, values: ClassArray) -> None:
        """Store a window of classes."""

    def read_stored(self, layer: str, window: Window) -> NDArray[np.float32]:
        """A window of a quantity; NaN is nodata."""

    def drop(self, *layers: str) -> None:
        """Remove layers that are needed no longer."""


def around(tiles: TileLayout, window: Window, halo: int) -> Window:
    """A window with `halo` cells on every side, cut at the edge of the raster."""
    top, left = max(0, window.row - halo), max(0, window.col - halo)
    bottom = min(tiles.height, window.row + window.height + halo)
    right = min(tiles.width, window.col + window.width + halo)
    return Window(top, left, bottom - top, right - left)


@dataclass(frozen=True, slots=True)
class TilePatches:
    """What a tile tells of its patches; entry 0 of each array is nodata.

    Attributes:
        sizes: Cells of each.
        codes: Code of each.
        first: First cell of each, counted row by row over the raster.
        pairs: Numbers of patches that share a side, the lower first.
        lines: Patches along the edges.
    """

    sizes: IntArray
    codes: IntArray
    first: IntArray
    pairs: NDArray[np.int32]
    lines: Lines


def describe_tile(
    codes: Codes, window: Window, raster_width: int, *, corners: bool = False
) -> tuple[TilePatches, Patches]:
    """The patches of a tile, and the number of each of its cells.

    Args:
        codes: Codes of the tile; 0 is nodata.
        window: Where it lies.
        raster_width: Columns of the raster.
        corners: Whether cells that share a corner only belong together; no pairs are told then.
    """
    codes = np.ascontiguousarray(codes)
    patches, count = label(codes, corners)
    sizes, code_of = measure(patches, codes, count)
    first = first_cells(patches, count, window.row, window.col, raster_width)
    none = np.empty((0, 2), dtype=np.int32)
    pairs = none if corners else pairs_of(patches)
    lines = (patches[0], patches[-1], patches[:, 0], patches[:, -1])
    north, south, west, east = (line.copy() for line in lines)
    return TilePatches(sizes, code_of, first, pairs, (north, south, west, east)), patches


@dataclass(frozen=True, slots=True)
class SeamGraph:
    """All patches of a raster, numbered from 1 by their first cells; entry 0 is nodata.

    Attributes:
        sizes: Cells of each.
        codes: Code of each.
        pairs: Patches that share a side, each pair once.
        number: Number of every tile's patches, one tile after the other.
        begins: Where those of each tile begin.
    """

    sizes: IntArray
    codes: IntArray
    pairs: IntArray
    number: IntArray
    begins: IntArray

    def gathered(self, by_tile: Sequence[NDArray[np.generic]]) -> IntArray:
        """Sums over every patch of what the tiles have of it; of flags the number that are set."""
        total = np.zeros(len(self.sizes), dtype=np.int64)
        np.add.at(total, self.number, np.concatenate(by_tile).astype(np.int64, copy=False))
        return total

    def by_tile(self, codes: IntArray, former: IntArray) -> Iterator[ClassArray | None]:
        """Codes of the patches of each tile; None for a tile in which all keep the former ones."""
        kept = codes == former
        kept[0] = True
        for begin, end in pairwise(self.begins):
            own = self.number[begin:end]
            yield None if kept[own].all() else codes[own].astype(np.uint8)


def join_tiles(
    tiles: TileLayout, found: Iterable[TilePatches], *, corners: bool = False
) -> SeamGraph:
    """Join the patches of all tiles over their seams.

    Args:
        tiles: Of the raster.
        found: What each tells, by its number.
        corners: As in `describe_tile`.
    """
    parts = list(found)
    begins = np.cumsum([0, *(len(part.sizes) for part in parts)])
    codes = np.concatenate([part.codes for part in parts])
    joined, apart = _over_seams(tiles, parts, begins, codes, corners=corners)
    root = components(joined, len(codes))
    first = np.concatenate([part.first for part in parts])
    lowest = np.full(len(codes), np.iinfo(np.int64).max)
    np.minimum.at(lowest, root, first)
    nodata = np.zeros(len(codes), dtype=bool)
    nodata[begins[:-1]] = True
    roots = np.unique(root[~nodata])
    roots = roots[np.argsort(lowest[roots])]
    rank = np.zeros(len(codes), dtype=np.int64)
    rank[roots] = np.arange(1, len(roots) + 1)
    number = rank[root]
    number[nodata] = 0
    sizes = np.zeros(len(roots) + 1, dtype=np.int64)
    np.add.at(sizes, number, np.concatenate([part.sizes for part in parts]))
    code_of = np.zeros(len(roots) + 1, dtype=np.int64)
    code_of[number] = codes
    code_of[0] = 0
    beside = [part.pairs + begin for part, begin in zip(parts, begins, strict=False)]
    pairs = distinct_pairs(number[np.concatenate([*beside, apart])], len(sizes))
    return SeamGraph(sizes, code_of, pairs, number, begins)


def distinct_pairs(pairs: IntArray, count: int) -> IntArray:
    """Each pair of different numbers below `count` once, the lower first, in order."""
    low, high = pairs.min(axis=1, initial=count), pairs.max(axis=1, initial=0)
    keys = np.unique((low * count + high)[low != high])
    return np.stack([keys // count, keys % count], axis=1)


def _over_seams(
    tiles: TileLayout,
    parts: Sequence[TilePatches],
    begins: IntArray,
    codes: IntArray,
    *,
    corners: bool,
) -> tuple[IntArray, IntArray]:
    """Pairs of tiles' patches that are one, and of those that lie side by side."""
    joined, apart = [], []
    for near, far in _facing(tiles, parts, begins, codes):
        for shift in (-1, 0, 1) if corners else (0,):
            beside = near[max(0, -shift) : len(near) - max(0, shift)]
            across = far[max(0, shift) : len(far) - max(0, -shift)]
            both = np.stack([beside, across], axis=1)[(codes[beside] > 0) & (codes[across] > 0)]
            alike = codes[both[:, 0]] == codes[both[:, 1]]
            joined.append(both[alike])
            if not corners:
                apart.append(both[~alike])
    none = np.empty((0, 2), dtype=np.int64)
    return np.concatenate([none, *joined]), np.concatenate([none, *apart])


def _facing(
    tiles: TileLayout, parts: Sequence[TilePatches], begins: IntArray, codes: IntArray
) -> Iterator[tuple[IntArray, IntArray]]:
    """Patches on one side of every seam, as long as the raster, and those on the other."""
    numbers = np.arange(len(parts)).reshape(tiles.rows, tiles.columns)
    for lattice, (back, front) in ((numbers, (1, 0)), (numbers.T, (3, 2))):
        for near, far in pairwise(lattice):
            yield (
                np.concatenate([parts[one].lines[back] + begins[one] for one in near]),
                np.concatenate([parts[one].lines[front] + begins[one] for one in far]),
            )


def sieve_patches(graph: SeamGraph, min_cells: int, rounds: int = MAX_ROUNDS) -> IntArray:
    """The code of every patch after small ones took that of their largest neighbour.

    A small patch follows its largest neighbour only if that is larger than itself, and on through
    small neighbours to the end of the chain; the smallest patches so vanish first. A patch without
    neighbour, such as an islet in nodata, stays. Of equally large neighbours the lowest code wins,
    then the first in row-major order. Patches that have become alike are one in the next round.

    Args:
        graph: Patches that share sides.
        min_cells: Cells from which a patch stays.
        rounds: Most repetitions; it ends earlier when nothing changes.
    """
    final, sizes, codes, pairs = graph.codes.copy(), graph.sizes, graph.codes, graph.pairs
    place = np.arange(len(sizes))
    for _ in range(rounds if min_cells > 1 else 0):
        taken = codes[chain_ends(largest_neighbours(pairs, sizes, codes, min_cells))]
        if np.array_equal(taken, codes):
            break
        final = taken[place]
        alike = taken[pairs[:, 0]] == taken[pairs[:, 1]]
        # The lowest number stands for all that are one, so the order of first cells is kept.
        roots, inverse = np.unique(components(pairs[alike], len(sizes)), return_inverse=True)
        codes, place = taken[roots], inverse[place]
        merged = np.zeros(len(roots), dtype=np.int64)
        np.add.at(merged, inverse, sizes)
        sizes, pairs = merged, distinct_pairs(inverse[pairs], len(roots))
    return final


def patch_sizes(codes: Codes, tile: int = TILE_CELLS) -> dict[int, IntArray]:
    """Cells of every 4-connected patch by code; 0 is left out.

    The numbers of the patches are held for one tile at a time.
    """
    tiles = TileLayout(codes.shape[0], codes.shape[1], tile)
    found = (describe_tile(codes[one.slices], one, tiles.width)[0] for one in tiles.windows)
    graph = join_tiles(tiles, found)
    return {int(code): graph.sizes[graph.codes == code] for code in np.unique(graph.codes[1:])}
