"""Thinning to what holds the cores together: the same whichever way the raster is turned."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from shanhai.science.grid import BoolArray, IntArray
from shanhai.science.kernels import compiled
from shanhai.science.zoning.patches import Connectivity

_IDLE = np.int32(-2)
"""The cell waits in no queue."""
_LAST = np.int32(-1)

GONE, STAYS, MAY_GO = 0, 1, 2
"""States of a cell; the last only while the cells of a turn are weighed against one another."""


@compiled
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


@compiled
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


@compiled
def _enqueue(
    cell: int, order: NDArray[np.int32], heads: NDArray[np.int32], following: NDArray[np.int32]
) -> None:
    following[cell] = heads[order[cell]]
    heads[order[cell]] = cell


@compiled
def _is_simple(state: NDArray[np.uint8], cell: int, around: IntArray, simple: BoolArray) -> bool:
    if state[cell] == GONE:
        return False
    bits = 0
    for place in range(8):
        if state[cell + around[place]] != GONE:
            bits |= 1 << place
    return bool(simple[bits])


@compiled
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


@compiled
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


@compiled
def _removed(
    batch: IntArray, state: NDArray[np.uint8], around: IntArray, independent: BoolArray
) -> int:
    """Remove what can go whichever of the others go; returns their count, first in the batch."""
    gone = 0
    for number in range(len(batch)):
        cell = batch[number]
        index = np.int64(0)  # of 8 bits without the compiler, as the states are
        for place in range(7, -1, -1):
            index = index * 3 + state[cell + around[place]]
        if independent[index]:
            batch[number], batch[gone] = batch[gone], cell
            gone += 1
    for number in range(len(batch)):
        state[batch[number]] = GONE if number < gone else STAYS
    return gone


@compiled
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


Flags = NDArray[np.bool_]

RING = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
"""Steps to the eight neighbours, clockwise from the north; those of even position share a side."""


def anchored_skeleton(
    core: BoolArray, depth: NDArray[np.uint16], steps: NDArray[np.int32], connectivity: Connectivity
) -> BoolArray:
    """What is left of the cells around the cores when none more can go without changing the shape.

    Removing a cell must neither part, join nor end a piece of land or a hole. Cells nearest the
    background go first, of these the farthest from a core. Cells of one turn go together, and only
    those go that are dispensable whichever of the others go (P-simple, Bertrand 1995): the order of
    cells in the raster has no part in it.

    Args:
        core: Cells that stay.
        depth: Rank of the distance to the background, from 1, at the cells that may go; 0 at
            others.
        steps: Steps to the nearest core within the land, ≥ 1 at the cells that may go.
        connectivity: By which land hangs together; holes do by the other one.

    Returns:
        The cells that may go but did not.
    """
    order, levels = turns(depth, steps)
    state = np.pad((core | (depth > 0)).view(np.uint8), 1)
    around = np.array([row * state.shape[1] + col for row, col in RING])
    simple, independent = tables(connectivity)
    thin(state.reshape(-1), order.reshape(-1), levels, around, simple, independent)
    left: BoolArray = state[1:-1, 1:-1] > 0
    return left & ~core


@cache
def tables(connectivity: Connectivity) -> tuple[Flags, Flags]:
    """Which neighbourhoods let a cell go.

    Returns:
        By the neighbours that are land, bit `i` for neighbour `i` of `RING`: whether the cell is
        simple (Rosenfeld 1979). By the neighbours as digits of a number to the base 3 (0 not land,
        1 land, 2 land that may go too): whether it is simple whichever of the latter go.
    """
    simple = np.array(
        [_is_simple_neighbourhood(land, connectivity) for land in range(1 << len(RING))]
    )
    digits = np.arange(3 ** len(RING))[:, None] // 3 ** np.arange(len(RING)) % 3
    bits = 1 << np.arange(len(RING))
    stays, goes = (digits == 1) @ bits, (digits == 2) @ bits
    independent = [_stays_simple(simple, int(a), int(b)) for a, b in zip(stays, goes, strict=True)]
    return simple, np.array(independent)


def _is_simple_neighbourhood(land: int, connectivity: Connectivity) -> bool:
    """Whether exactly one piece of land and one of the rest touch the cell."""
    other: Connectivity = 4 if connectivity == 8 else 8
    rest = ~land & ((1 << len(RING)) - 1)
    return _pieces(land, connectivity) == 1 and _pieces(rest, other) == 1


def _pieces(members: int, connectivity: Connectivity) -> int:
    """Pieces among the neighbours; joined over sides, only those that share one with the cell."""
    groups: list[set[int]] = []
    for place in (place for place in range(len(RING)) if members >> place & 1):
        touching = [group for group in groups if _touches(place, group, connectivity)]
        groups = [group for group in groups if group not in touching]
        groups.append({place}.union(*touching))
    return sum(connectivity == 8 or any(place % 2 == 0 for place in group) for group in groups)


def _touches(place: int, group: set[int], connectivity: Connectivity) -> bool:
    row, col = RING[place]
    gaps = [(abs(row - RING[other][0]), abs(col - RING[other][1])) for other in group]
    return any(max(gap) == 1 and (connectivity == 8 or sum(gap) == 1) for gap in gaps)


def _stays_simple(simple: Flags, stays: int, goes: int) -> bool:
    left = goes
    while simple[stays | left]:
        if left == 0:
            return True
        left = (left - 1) & goes
    return False
