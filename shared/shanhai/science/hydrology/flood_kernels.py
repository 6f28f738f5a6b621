"""Compiled kernels that fill depressions: priority flood, and levels of a spill graph."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shanhai.science.arrays import BoolArray, FloatArray, IntArray
from shanhai.science.hydrology.neighbours import COLUMN_STEPS, ROW_STEPS

Labels = NDArray[np.int32]

BLOCKED, WAITING, FRESH = -2, -1, 0
"""Labels of cells that are no part of the tile, of seeds and of other cells not yet reached."""

OUTSIDE, FIRST = 1, 2
"""Label of all that drains off the raster, and of the first basin of the tile."""


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def drop_first(keys: FloatArray, cells: IntArray, size: int) -> int:
    """Take the smallest entry off a binary heap of `size` entries; returns the new size."""
    size -= 1
    key, cell = keys[size], cells[size]
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and keys[child + 1] < keys[child]:
            child += 1
        if keys[child] >= key:
            break
        keys[place], cells[place] = keys[child], cells[child]
        place = child
    keys[place], cells[place] = key, cell
    return size


@njit(cache=True, nogil=True)
def beside_nodata(ground: FloatArray, start: int, steps: IntArray, beside: BoolArray) -> None:
    """Mark the cells of a row with a neighbour that is NaN, several cells at once."""
    beside[:] = False
    first, last = start + 1, start + beside.size - 1
    inside = beside[1:-1]
    for step in steps:
        near = ground[first + step : last + step]
        for column in range(inside.size):
            inside[column] |= near[column] != near[column]


@njit(cache=True, nogil=True)
def flood(
    ground: FloatArray,
) -> tuple[FloatArray, Labels, int, Labels, Labels, FloatArray]:
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
            for step in steps:
                near = cell + step
                if label[near] == BLOCKED or label[near] == label[cell]:
                    continue
                if label[near] == WAITING:
                    label[near] = label[cell]
                elif label[near] == FRESH:
                    label[near] = label[cell]
                    if level[near] <= level[cell]:
                        level[near] = level[cell]
                        pits[deep] = near
                        deep += 1
                    else:
                        size = push(keys, cells, size, level[near], near)
                else:
                    if touching == passes.size:
                        first = np.concatenate((first, np.empty_like(first)))
                        second = np.concatenate((second, np.empty_like(second)))
                        passes = np.concatenate((passes, np.empty_like(passes)))
                    first[touching], second[touching] = label[cell], label[near]
                    passes[touching] = max(level[cell], level[near])
                    touching += 1
    return (
        level.reshape(ground.shape),
        label.reshape(ground.shape),
        following,
        first[:touching],
        second[:touching],
        passes[:touching],
    )


@njit(cache=True, nogil=True)
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
