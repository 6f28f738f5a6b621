"""Compiled loops of the pattern: ways from the cores, depth of the land, ends of connectors."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shanhai.science.arrays import BoolArray, ClassArray, IntArray

Steps = NDArray[np.int32]
Depth = NDArray[np.uint16]
Labels = NDArray[np.int32]

UNREACHED = -1


@njit(cache=True, nogil=True)
def steps_from(core: BoolArray, land: BoolArray, corners: bool) -> Steps:
    """Steps over land to the nearest core cell: 0 in it, −1 where no way leads to one."""
    height, width = core.shape
    steps = np.full((height, width), UNREACHED, dtype=np.int32)
    waiting = np.empty(np.count_nonzero(land), dtype=np.int32)
    last = 0
    for row in range(height):
        for col in range(width):
            if core[row, col]:
                steps[row, col] = 0
                waiting[last] = row * width + col
                last += 1
    first = 0
    while first < last:
        row, col = waiting[first] // width, waiting[first] % width
        first += 1
        for down in range(max(row - 1, 0), min(row + 2, height)):
            for across in range(max(col - 1, 0), min(col + 2, width)):
                if not corners and down != row and across != col:
                    continue
                if land[down, across] and steps[down, across] == UNREACHED:
                    steps[down, across] = steps[row, col] + 1
                    waiting[last] = down * width + across
                    last += 1
    return steps


@njit(cache=True, nogil=True)
def depth_within(land: BoolArray, background: BoolArray, offsets: IntArray, ranks: Depth) -> Depth:
    """Rank of the distance from each land cell to the background, 0 beyond the offsets.

    Args:
        land: Cells to tell it of.
        background: Cells to measure to.
        offsets: Row and column steps, nearest first.
        ranks: Rank of the length of each, from 1.
    """
    height, width = land.shape
    depth = np.zeros((height, width), dtype=np.uint16)
    for row in range(height):
        for col in range(width):
            if not land[row, col]:
                continue
            for number in range(len(offsets)):
                down, across = row + offsets[number, 0], col + offsets[number, 1]
                inside = 0 <= down < height and 0 <= across < width
                if inside and background[down, across]:
                    depth[row, col] = ranks[number]
                    break
    return depth


@njit(cache=True, nogil=True)
def nearest_class(
    cells: BoolArray, classes: ClassArray, offsets: IntArray, ranks: Depth
) -> ClassArray:
    """The class nearest to each cell, of equally near ones the lowest; 0 beyond the offsets."""
    height, width = cells.shape
    found = np.zeros((height, width), dtype=np.uint8)
    for row in range(height):
        for col in range(width):
            if not cells[row, col]:
                continue
            best, rank = 0, 0
            for number in range(len(offsets)):
                if best and ranks[number] > rank:
                    break
                down, across = row + offsets[number, 0], col + offsets[number, 1]
                if not (0 <= down < height and 0 <= across < width):
                    continue
                here = classes[down, across]
                if here and (best == 0 or here < best):
                    best, rank = here, ranks[number]
            found[row, col] = best
    return found


@njit(cache=True, nogil=True)
def joins_cores(pieces: Labels, count: int, cores: Labels, corners: bool) -> BoolArray:
    """Which pieces touch cores of different number; the first entry stands for no piece."""
    height, width = pieces.shape
    touched = np.zeros(count + 1, dtype=np.int32)
    joins = np.zeros(count + 1, dtype=np.bool_)
    for row in range(height):
        for col in range(width):
            piece = pieces[row, col]
            if piece == 0:
                continue
            for down in range(max(row - 1, 0), min(row + 2, height)):
                for across in range(max(col - 1, 0), min(col + 2, width)):
                    if not corners and down != row and across != col:
                        continue
                    core = cores[down, across]
                    if core and touched[piece] == 0:
                        touched[piece] = core
                    elif core and touched[piece] != core:
                        joins[piece] = True
    return joins
