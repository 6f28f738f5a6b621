"""Compiled loops that read ways out of accumulated costs.

All go by one rule: the neighbour a cell is reached from has a lower cost, and of those that give
the cell its cost to within `TIE` the one with the smallest row-major index counts.
"""

import numpy as np
from numba import njit

from shanhai.science.arrays import ClassArray, FloatArray, IntArray
from shanhai.science.corridors.cost_kernels import Labels, length_row, step_cost
from shanhai.science.corridors.steps import AT_SOURCE, NOWHERE, Steps

TIE = 1e-12
"""Costs that differ by no more than this share of themselves are equal."""


@njit(cache=True, nogil=True)
def directions_back(
    cost: FloatArray, resistance: FloatArray, steps: Steps, height: int
) -> ClassArray:
    """Direction of the cell that each cell is reached from, without padding."""
    margin = steps.margin
    directions = np.empty((height, steps.width - 2 * margin), dtype=np.uint8)
    for row in range(height):
        first = (row + margin) * steps.width + margin
        _directions_of_row(cost, resistance, steps, first, directions[row])
    return directions


@njit(cache=True, nogil=True)
def _directions_of_row(
    cost: FloatArray, resistance: FloatArray, steps: Steps, first: int, directions: ClassArray
) -> None:
    """Directions of the cells from `first` on.

    The steps are taken apart before the loop: counting references to them in it costs more than it.
    """
    moves, one, other, codes = steps.to, steps.one, steps.other, steps.code
    through, closed = steps.through, steps.corners_close
    share_m = steps.share_m[length_row(first, steps)]
    for col in range(len(directions)):
        at = first + col
        here = cost[at]
        code = AT_SOURCE if here == 0.0 else NOWHERE
        highest = here * (1.0 + TIE) if here < np.inf else -np.inf
        for step in range(len(moves)):
            there = cost[at + moves[step]]
            if there >= here or codes[step] > code:
                continue
            ends = resistance[at] + resistance[at + moves[step]]
            if step >= through:
                ends += resistance[at + one[step]] + resistance[at + other[step]]
            elif closed and resistance[at + one[step]] + resistance[at + other[step]] == np.inf:
                continue
            if there + share_m[step] * ends <= highest:
                code = codes[step]
        directions[col] = code


@njit(cache=True, nogil=True)
def follow_to_sources(directions: ClassArray, moves: IntArray, labels: Labels) -> None:
    """Give every cell the number of the source its way ends in, in place.

    Args:
        directions: From `directions_back`.
        moves: Positions from a cell to the neighbour of each direction, by code.
        labels: Numbers at the source cells, 0 elsewhere; flattened as `directions` is.
    """
    flat = directions.ravel()
    for start in range(len(flat)):
        if flat[start] == NOWHERE or labels[start]:
            continue
        at = start
        while not labels[at]:
            at += moves[flat[at]]
        number = labels[at]
        at = start
        while not labels[at]:
            labels[at] = number
            at += moves[flat[at]]


@njit(cache=True, nogil=True)
def path_back(cost: FloatArray, resistance: FloatArray, end: int, steps: Steps) -> IntArray:
    """Positions from a cell of a source to `end`, both included."""
    path = [np.int64(end)]
    at = end
    direction = np.empty(1, dtype=np.uint8)
    while cost[at] > 0.0:
        _directions_of_row(cost, resistance, steps, at, direction)
        at += steps.to[np.flatnonzero(steps.code == direction[0])[0]]
        path.append(at)
    return np.array(path)[::-1].copy()


@njit(cache=True, nogil=True)
def contacts(
    cost: FloatArray,
    resistance: FloatArray,
    zones: Labels,
    steps: Steps,
    count: int,
) -> FloatArray:
    """Least cost of the ways that cross the border between two zones once.

    Zones meet where a step leads from one to the other, or where a corner of two cells does and
    the way round it is open.

    Args:
        cost: Accumulated from all sources, padded.
        resistance: As for the search, padded.
        zones: Number of the source that each cell is reached from, padded.
        steps: The moves.
        count: How many sources there are.

    Returns:
        Shape (count + 1, count + 1), symmetric; infinite where zones do not meet.
    """
    least = np.full((count + 1, count + 1), np.inf)
    for at in range(len(zones)):
        own = zones[at]
        if own == 0:
            continue
        row = length_row(at, steps)
        for step in range(len(steps.to)):
            to = at + steps.to[step]
            if to > at and zones[to] and zones[to] != own:
                between = step_cost(resistance, at, step, row, steps)
                _lower(least, own, zones[to], cost[at] + between + cost[to])
        for side in (-1, 1):
            to = at + steps.width + side
            if zones[to] and zones[to] != own:
                between = _round_corner(resistance, at, side, steps)
                _lower(least, own, zones[to], cost[at] + between + cost[to])
    return least


@njit(cache=True, nogil=True)
def _round_corner(resistance: FloatArray, at: int, side: int, steps: Steps) -> float:
    """Cost of the way to the cell south-west (−1) or south-east (1) by two straight steps."""
    across, down = _STRAIGHT_EAST if side > 0 else _STRAIGHT_WEST, _STRAIGHT_SOUTH
    row = length_row(at, steps)
    below = length_row(at + steps.width, steps)
    by_row = step_cost(resistance, at, across, row, steps) + step_cost(
        resistance, at + side, down, row, steps
    )
    by_column = step_cost(resistance, at, down, row, steps) + step_cost(
        resistance, at + steps.width, across, below, steps
    )
    return min(by_row, by_column)


@njit(cache=True, nogil=True)
def _lower(least: FloatArray, one: int, other: int, cost: float) -> None:
    if cost < least[one, other]:
        least[one, other] = cost
        least[other, one] = cost


_STRAIGHT_WEST, _STRAIGHT_EAST, _STRAIGHT_SOUTH = 1, 2, 3
"""Numbers of the straight steps: north, west, east, south."""
