"""Compiled loop of the thinning."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shanhai.science.arrays import BoolArray, IntArray

_IDLE = np.int32(-2)
"""The cell waits in no queue."""
_LAST = np.int32(-1)

GONE, STAYS, MAY_GO = 0, 1, 2
"""States of a cell; the last only while the cells of a turn are weighed against one another."""


@njit(cache=True, nogil=True)
def turns(depth: NDArray[np.uint16], steps: NDArray[np.int32]) -> tuple[NDArray[np.int32], int]:
    """When each cell has its turn, least depth first, of one depth most steps first.

    Args:
        depth: From 1 where a cell has a turn, 0 elsewhere.
        steps: At least 1 where a cell has a turn.

    Returns:
        Turns from 0, with a rim of one cell, −1 where there is none; and above which there is none.
    """
    height, width = depth.shape
    longest = np.zeros(depth.max() + 1, dtype=np.int64)
    for row in range(height):
        for col in range(width):
            if depth[row, col]:
                longest[depth[row, col]] = max(longest[depth[row, col]], steps[row, col])
    ends = np.cumsum(longest)
    order = np.full((height + 2, width + 2), -1, dtype=np.int32)
    for row in range(height):
        for col in range(width):
            if depth[row, col]:
                order[row + 1, col + 1] = ends[depth[row, col]] - steps[row, col]
    return order, ends[-1]


@njit(cache=True, nogil=True)
def thin(
    state: NDArray[np.uint8],
    order: NDArray[np.int32],
    levels: int,
    around: IntArray,
    simple: BoolArray,
    independent: BoolArray,
) -> None:
    """Remove dispensable cells, lowest turn first, until there is none; see `anchored_skeleton`.

    A cell is looked at again only when a neighbour has gone, so that the work grows with the cells
    that go and not with the rounds it takes.

    Args:
        state: Land, with a rim of one cell without, row by row; thinned in place.
        order: Turn of each cell, −1 where it stays.
        levels: Number of turns.
        around: Steps in these arrays to the eight neighbours, in the order of the tables.
        simple: As `tables` gives it.
        independent: As `tables` gives it.
    """
    heads = np.full(levels, _LAST, dtype=np.int32)
    following = np.full(len(order), _IDLE, dtype=np.int32)
    for cell in range(len(order)):
        if order[cell] >= 0 and _is_simple(state, cell, around, simple):
            _enqueue(cell, order, heads, following)
    level = 0
    while level < levels:
        if heads[level] == _LAST:
            level += 1
            continue
        batch = _emptied(level, state, heads, following, around, simple)
        beside = _marked(batch, state, order, around, simple)
        gone = _removed(batch, state, around, independent)
        for cell in beside:
            state[cell] = STAYS
        for cell in batch[:gone]:
            level = min(level, _wake(cell, state, order, heads, following, around, simple))


@njit(cache=True, nogil=True)
def _enqueue(
    cell: int, order: NDArray[np.int32], heads: NDArray[np.int32], following: NDArray[np.int32]
) -> None:
    following[cell] = heads[order[cell]]
    heads[order[cell]] = cell


@njit(cache=True, nogil=True)
def _is_simple(state: NDArray[np.uint8], cell: int, around: IntArray, simple: BoolArray) -> bool:
    if state[cell] == GONE:
        return False
    bits = 0
    for place in range(8):
        if state[cell + around[place]] != GONE:
            bits |= 1 << place
    return bool(simple[bits])


@njit(cache=True, nogil=True)
def _emptied(
    level: int,
    state: NDArray[np.uint8],
    heads: NDArray[np.int32],
    following: NDArray[np.int32],
    around: IntArray,
    simple: BoolArray,
) -> IntArray:
    """Empty the queue of a turn; its cells that are simple still."""
    batch = np.empty(64, dtype=np.int64)
    count = 0
    cell = heads[level]
    heads[level] = _LAST
    while cell != _LAST:
        onward = following[cell]
        following[cell] = _IDLE
        if _is_simple(state, cell, around, simple):
            if count == len(batch):
                batch = np.append(batch, batch)
            batch[count] = cell
            count += 1
        cell = onward
    return batch[:count]


@njit(cache=True, nogil=True)
def _marked(
    batch: IntArray,
    state: NDArray[np.uint8],
    order: NDArray[np.int32],
    around: IntArray,
    simple: BoolArray,
) -> IntArray:
    """Mark the batch, and cells beside it that have the same turn and could go but for others.

    Returns:
        The latter.
    """
    for cell in batch:
        state[cell] = MAY_GO
    found = np.empty(8 * len(batch), dtype=np.int64)
    count = 0
    for cell in batch:
        for step in around:
            beside = cell + step
            if state[beside] != STAYS or order[beside] != order[cell]:
                continue
            if _is_simple(state, beside, around, simple):
                state[beside] = MAY_GO
                found[count] = beside
                count += 1
    return found[:count]


@njit(cache=True, nogil=True)
def _removed(
    batch: IntArray, state: NDArray[np.uint8], around: IntArray, independent: BoolArray
) -> int:
    """Remove what can go whichever of the others go; returns their count, first in the batch."""
    gone = 0
    for number in range(len(batch)):
        cell = batch[number]
        index = 0
        for place in range(7, -1, -1):
            index = index * 3 + state[cell + around[place]]
        if independent[index]:
            batch[number], batch[gone] = batch[gone], cell
            gone += 1
    for number in range(len(batch)):
        state[batch[number]] = GONE if number < gone else STAYS
    return gone


@njit(cache=True, nogil=True)
def _wake(
    cell: int,
    state: NDArray[np.uint8],
    order: NDArray[np.int32],
    heads: NDArray[np.int32],
    following: NDArray[np.int32],
    around: IntArray,
    simple: BoolArray,
) -> int:
    """Queue what a removal may have made dispensable; returns the lowest turn of it.

    These are the neighbours, and next to them cells of their own turn that they had held back.
    """
    lowest = order[cell]
    for step in around:
        beside = cell + step
        if order[beside] < 0 or state[beside] == GONE:
            continue
        lowest = min(lowest, order[beside])
        if following[beside] == _IDLE and _is_simple(state, beside, around, simple):
            _enqueue(beside, order, heads, following)
        for second in around:
            held = beside + second
            if order[held] != order[beside] or following[held] != _IDLE:
                continue
            if _is_simple(state, held, around, simple):
                _enqueue(held, order, heads, following)
    return int(lowest)
