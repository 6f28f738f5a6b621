"""Depressions filled to the level at which they overflow."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from shanhai.science.grid import BoolArray, FloatArray, IntArray, Window
from shanhai.science.hydrology.flow_kernels import COLUMN_STEPS, ROW_STEPS
from shanhai.science.hydrology.tiles import LayerStore, Lines, Run, Seams, TileLayout, lines_of
from shanhai.science.kernels import compiled

Labels = NDArray[np.int32]

BLOCKED, WAITING, FRESH = -2, -1, 0
"""Labels of cells that are no part of the tile, of seeds and of other cells not yet reached."""

OUTSIDE, FIRST = 1, 2
"""Label of all that drains off the raster, and of the first basin of the tile."""


@compiled
def push(keys: FloatArray, cells: IntArray, size: int, key: float, cell: int) -> int:
    """Add to a binary heap of `size` entries; returns the new size."""
    place = size
    while place > 0:
        parent = (place - 1) >> 1
        if keys[parent] <= key:
            break
        keys[place], cells[place] = keys[parent], cells[parent]
        place = parent
    keys[place], cells[place] = key, cell
    return size + 1


@compiled
def drop_first(keys: FloatArray, cells: IntArray, size: int) -> int:
    """Take the smallest entry off a binary heap of `size` entries; returns the new size."""
    size -= 1
    key, cell = keys[size], cells[size]
    keys[size] = np.inf  # so that the last child has a neighbour, which is not taken
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        # Added, not branched on: which of the two is smaller, nobody can predict.
        child += int(keys[child + 1] < keys[child])
        if keys[child] >= key:
            break
        keys[place], cells[place] = keys[child], cells[child]
        place = child
    keys[place], cells[place] = key, cell
    return size


@compiled
def beside_nodata(ground: FloatArray, start: int, steps: IntArray, beside: BoolArray) -> None:
    """Mark the cells of a row with a neighbour that is NaN, several cells at once."""
    beside[:] = False
    first, last = start + 1, start + beside.size - 1
    inside = beside[1:-1]
    for step in steps:
        near = ground[first + step : last + step]
        for column in range(inside.size):
            inside[column] |= near[column] != near[column]


@compiled
def flood(ground: FloatArray) -> tuple[FloatArray, Labels, int, Labels, Labels, FloatArray]:
    """Flood a tile from its edges, as if it drained there, and tell basin from basin.

    Args:
        ground: Elevation with a frame of one cell, NaN for nodata; C-contiguous.

    Returns:
        Level and label of every cell of the framed tile, the number after the last label, and
        where basins touch: their labels and the level at which water passes between them.

    Source: Barnes et al. 2014 (flood), Barnes 2016 (basins of a tile).
    """
    height, width = ground.shape
    level = ground.copy().ravel()
    label = np.full(level.size, BLOCKED, dtype=np.int32)
    steps = ROW_STEPS * width + COLUMN_STEPS
    keys, cells, size = np.empty(level.size), np.empty(level.size, dtype=np.int64), 0
    pits = np.empty(level.size, dtype=np.int64)
    ends = np.zeros(width, dtype=np.bool_)
    for row in range(1, height - 1):
        beside_nodata(level, row * width, steps, ends)
        for column in range(1, width - 1):
            cell = row * width + column
            if np.isnan(level[cell]):
                continue
            label[cell] = FRESH
            if ends[column]:
                label[cell] = OUTSIDE
            elif row == 1 or column == 1 or row == height - 2 or column == width - 2:
                label[cell] = WAITING
            if label[cell] != FRESH:
                size = push(keys, cells, size, level[cell], cell)
    following = FIRST
    first, second = np.empty(1024, dtype=np.int32), np.empty(1024, dtype=np.int32)
    passes, touching = np.empty(1024), 0
    while size > 0:
        pits[0], deep = cells[0], 1
        size = drop_first(keys, cells, size)
        if label[pits[0]] == WAITING:
            label[pits[0]] = following
            following += 1
        while deep > 0:
            deep -= 1
            cell = pits[deep]
            here, basin = level[cell], label[cell]
            for step in steps:
                near = cell + step
                other = label[near]
                if other == basin:
                    continue
                if other == WAITING:
                    label[near] = basin
                elif other == FRESH:
                    label[near] = basin
                    if level[near] <= here:
                        level[near] = here
                        pits[deep] = near
                        deep += 1
                    else:
                        size = push(keys, cells, size, level[near], near)
                elif other != BLOCKED:
                    if touching == passes.size:
                        first = np.concatenate((first, np.empty_like(first)))
                        second = np.concatenate((second, np.empty_like(second)))
                        passes = np.concatenate((passes, np.empty_like(passes)))
                    first[touching], second[touching] = basin, other
                    passes[touching] = max(here, level[near])
                    touching += 1
    return (
        level.reshape(ground.shape),
        label.reshape(ground.shape),
        following,
        first[:touching],
        second[:touching],
        passes[:touching],
    )


@compiled
def spill_levels(starts: IntArray, ends: IntArray, passes: FloatArray) -> FloatArray:
    """Lowest level at which each basin overflows towards basin 0, the outside.

    Args:
        starts: First edge of each basin in `ends` and `passes`, and their number at the end.
        ends: Basin on the other side of each edge.
        passes: Level of the pass.

    Returns:
        Level by basin; −∞ for the outside, +∞ for a basin that touches nothing.
    """
    levels = np.full(starts.size - 1, np.inf)
    levels[0] = -np.inf
    keys, basins = np.empty(ends.size + 1), np.empty(ends.size + 1, dtype=np.int64)
    size = push(keys, basins, 0, levels[0], 0)
    while size > 0:
        key, basin = keys[0], basins[0]
        size = drop_first(keys, basins, size)
        if key > levels[basin]:
            continue
        for edge in range(starts[basin], starts[basin + 1]):
            level = max(key, passes[edge])
            if level < levels[ends[edge]]:
                levels[ends[edge]] = level
                size = push(keys, basins, size, level, ends[edge])
    return levels


DEM, FILLED, BASINS = "dem", "filled", "basins"

_INNER = (slice(1, -1), slice(1, -1))


@dataclass(frozen=True, slots=True)
class Basins:
    """What the rest of the raster must know of a tile flooded from its edges.

    Attributes:
        ground: Elevation along the edges.
        labels: Basin of the same cells.
        count: Number after the last label.
        pairs: Labels of basins that touch, one pair a row.
        passes: Lowest level at which water passes between them.
    """

    ground: Lines
    labels: Lines
    count: int
    pairs: IntArray
    passes: FloatArray


def fill_depressions(layers: LayerStore, tiles: TileLayout, run: Run = map) -> None:
    """Raise every cell of `dem` to the level from which water can leave, and write `filled`.

    Of several tiles `basins` is written on the way: the number of each cell's basin in its tile.

    The level is the lowest that any way off the raster, or into nodata, must cross: the same
    whatever the tiles. Two passes over the tiles; between them the basins of all tiles are joined
    along the tile edges and flooded from the outside.

    Source: Barnes et al. 2014; Barnes 2016 for the tiles.
    """
    windows = tiles.windows
    if len(windows) == 1:
        # A tile that is all of the raster has no basin but the outside.
        layers.write(FILLED, windows[0], flood(tiles.read(layers, DEM, windows[0], 1))[0][_INNER])
        return
    levels = _overflows(tiles, list(run(partial(_basins, layers, tiles), windows)))
    for _ in run(partial(_fill, layers), list(zip(windows, levels, strict=True))):
        pass


def _basins(layers: LayerStore, tiles: TileLayout, window: Window) -> Basins:
    level, label, count, first, second, passes = flood(tiles.read(layers, DEM, window, 1))
    pairs = np.stack([np.minimum(first, second), np.maximum(first, second)], axis=1)
    pairs, passes = _lowest(pairs.astype(np.int64), passes)
    level, label = level[_INNER], label[_INNER]
    layers.write(FILLED, window, level)
    layers.write(BASINS, window, np.maximum(label, 0).astype(np.float64))
    # Edge cells are where the flood starts, so that their level is their ground.
    return Basins(lines_of(level), lines_of(label), count, pairs, passes)


def _lowest(pairs: IntArray, passes: FloatArray) -> tuple[IntArray, FloatArray]:
    """One edge a pair, the lowest."""
    order = np.lexsort((passes, pairs[:, 1], pairs[:, 0]))
    pairs, passes = pairs[order], passes[order]
    new = np.ones(len(pairs), dtype=bool)
    new[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    return pairs[new], passes[new]


def _overflows(tiles: TileLayout, found: list[Basins]) -> list[FloatArray]:
    """Level at which each basin overflows, by tile and label."""
    sizes = [basins.count - FIRST for basins in found]
    # Over all tiles the outside is basin 0, and the others follow tile by tile.
    shifts = (1 + np.cumsum([0, *sizes[:-1]]) - FIRST).tolist()
    numbered = [
        np.where(basins.pairs < FIRST, 0, basins.pairs + shift)
        for basins, shift in zip(found, shifts, strict=True)
    ]
    pairs, passes = _joins(tiles, found, shifts)
    levels = _flooded(
        np.concatenate([*numbered, pairs]),
        np.concatenate([*(basins.passes for basins in found), passes]),
        1 + sum(sizes),
    )
    outside = np.full(FIRST, -np.inf)
    return [
        np.concatenate([outside, levels[shift + FIRST : shift + basins.count]])
        for basins, shift in zip(found, shifts, strict=True)
    ]


def _joins(
    tiles: TileLayout, found: list[Basins], shifts: list[int]
) -> tuple[IntArray, FloatArray]:
    """Passes between basins of different tiles, one for each pair of cells that touch."""
    grounds, basins = Seams(tiles, np.nan), Seams(tiles, np.nan)
    for number, (tile, shift) in enumerate(zip(found, shifts, strict=True)):
        grounds.put(number, tile.ground)
        north, south, west, east = (
            np.where(line < FIRST, 0.0, line + shift) for line in tile.labels
        )
        basins.put(number, (north, south, west, east))
    pairs, passes = [np.empty((0, 2), dtype=np.int64)], [np.empty(0)]
    for ground, basin in zip(grounds.facing(), basins.facing(), strict=True):
        touching = ~np.isnan(ground[0]) & ~np.isnan(ground[1]) & (basin[0] != basin[1])
        sides = np.stack([side[touching] for side in basin], axis=1).astype(np.int64)
        pairs.append(np.sort(sides, axis=1))
        passes.append(np.maximum(ground[0][touching], ground[1][touching]))
    return _lowest(np.concatenate(pairs), np.concatenate(passes))


def _flooded(pairs: IntArray, passes: FloatArray, count: int) -> FloatArray:
    """Level at which each basin overflows, by its number over all tiles."""
    near = np.concatenate([pairs[:, 0], pairs[:, 1]])
    far = np.concatenate([pairs[:, 1], pairs[:, 0]])
    order = np.argsort(near, kind="stable")
    starts = np.searchsorted(near[order], np.arange(count + 1))
    return spill_levels(starts, far[order], np.concatenate([passes, passes])[order])


def _fill(layers: LayerStore, item: tuple[Window, FloatArray]) -> None:
    """Raise a tile to where its basins overflow; once more does no harm."""
    window, overflows = item
    basins = layers.read(BASINS, window).astype(np.int64)
    layers.write(FILLED, window, np.maximum(layers.read(FILLED, window), overflows[basins]))
