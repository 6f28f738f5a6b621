"""Compiled search for the least accumulated cost over a padded, flattened raster, and its ways.

Sums run along the way and grow with every step, so the result is the one state in which no step
helps: it depends neither on the queue nor on the order in which the queue gives the cells back.
Ways go by one rule: the neighbour a cell is reached from has a lower cost, and of those that give
the cell its cost to within `TIE` the one with the smallest row-major index counts.
"""

from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shanhai.science.corridors.spacing import AT_SOURCE, NOWHERE, Steps
from shanhai.science.grid import ClassArray, FloatArray, IntArray
from shanhai.science.kernels import compiled, compiled_inline

Labels = NDArray[np.int32]
"""Number of the source of each cell, from 1; 0 is none."""

_FIRST_ENTRIES = 1 << 16
_SPARE, _FREE, _MISSING = 0, 1, 2
"""Places in the state of a search: first spare entry, their number, sources still to be met."""


class Reach(NamedTuple):
    """How far a search goes.

    Attributes:
        limit: Cost beyond which no cell is needed.
        own: Number of the source it starts from, when others are to be met.
        others: How many other sources are to be met, whatever the limit.
        stretch: Where the last of them is met at cost c, the search goes on to
            `stretch·c + allowance`, or to the limit if that is more.
        allowance: In the unit of the cost.
    """

    limit: float
    own: int = 0
    others: int = 0
    stretch: float = 1.0
    allowance: float = 0.0


@compiled_inline
def step_cost(resistance: FloatArray, at: int, step: int, row: int, steps: Steps) -> float:
    """Cost of a step out of `at`; infinite where it may not be made."""
    ends: float = resistance[at] + resistance[at + steps.to[step]]
    if step >= steps.through:
        ends += resistance[at + steps.one[step]] + resistance[at + steps.other[step]]
    elif steps.corners_close and not (
        resistance[at + steps.one[step]] < np.inf and resistance[at + steps.other[step]] < np.inf
    ):
        return np.inf
    share_m: float = steps.share_m[row, step]
    return share_m * ends


@compiled_inline
def length_row(at: int, steps: Steps) -> int:
    """The row of `share_m` that holds for a cell."""
    return at // steps.width if steps.by_row else 0


@compiled
def spread_by_buckets(
    cost: FloatArray,
    resistance: FloatArray,
    labels: Labels,
    steps: Steps,
    width: float,
    slots: int,
    reach: Reach,
) -> float:
    """Lower every cell to its least cost from the cells that have one, in place.

    Cells wait in a ring of buckets by cost (Dial 1969; Denardo and Fox 1979). A cell that is
    lowered while it waits is put in again; its former entry is known by its former cost.

    Args:
        cost: 0 at the sources, else infinite.
        resistance: Infinite at barriers and in the padding.
        labels: Read only where other sources are to be met.
        steps: The moves.
        width: Costs of a bucket; the smallest step's cost lets each cell be left but once.
        slots: Buckets in the ring, a power of two; more than the largest step takes.
        reach: Where to end.

    Returns:
        The cost up to which the costs are final.
    """
    head = np.full(slots, -1, dtype=np.int32)
    cells = np.empty(_FIRST_ENTRIES, dtype=np.int32)
    costs = np.empty(_FIRST_ENTRIES)
    following = _chain(_FIRST_ENTRIES, 0)
    met = np.zeros(_numbers(labels, reach), dtype=np.bool_)
    state = np.array([0, _FIRST_ENTRIES, reach.others])
    for at in range(len(cost)):
        if cost[at] == 0.0 and _leads_on(cost, resistance, at, steps):
            if state[_SPARE] < 0:
                cells, costs, following = _grown(cells, costs, following, state)
            entry = state[_SPARE]
            state[_SPARE] = following[entry]
            state[_FREE] -= 1
            cells[entry], costs[entry], following[entry] = at, 0.0, head[0]
            head[0] = entry
    limit = np.inf if reach.others else reach.limit
    key = 0
    # A cost that rounding put into the bucket above its own is at most one bucket off.
    while state[_FREE] < len(cells) and (key - 1) * width <= limit:
        slot = key & (slots - 1)
        while head[slot] >= 0:
            _empty(
                slot, head, cells, costs, following, state, cost, resistance, labels, met,
                reach.own, steps, 1.0 / width, limit,
            )  # fmt: skip
            if head[slot] >= 0:
                cells, costs, following = _grown(cells, costs, following, state)
        if reach.others and not state[_MISSING] and limit == np.inf:
            # Within a bucket the order is any: its end bounds all that it holds.
            limit = max(reach.limit, reach.stretch * (key + 1) * width + reach.allowance)
        key += 1
    return limit


@compiled
def _empty(
    slot: int,
    head: NDArray[np.int32],
    cells: NDArray[np.int32],
    costs: FloatArray,
    following: NDArray[np.int32],
    state: IntArray,
    cost: FloatArray,
    resistance: FloatArray,
    labels: Labels,
    met: NDArray[np.bool_],
    own: int,
    steps: Steps,
    inverse: float,
    limit: float,
) -> None:
    """Take cells out of a bucket until it is empty or the entries might not suffice for one more.

    The arrays are never replaced in here and the steps are taken apart before the loop: counting
    references to them in it would take three times as long as the search itself.
    """
    moves, one, other, share_m = steps.to, steps.one, steps.other, steps.share_m
    by_row, width, closed = steps.by_row, steps.width, steps.corners_close
    through, ways, mask = steps.through, len(steps.to), len(head) - 1
    spare, free, missing = state[_SPARE], state[_FREE], state[_MISSING]
    while head[slot] >= 0 and free >= ways:
        entry = head[slot]
        at, here = np.int64(cells[entry]), costs[entry]
        head[slot] = following[entry]
        following[entry] = spare
        spare = entry
        free += 1
        if cost[at] < here:
            continue
        if missing:
            label = labels[at]
            if label != 0 and label != own and not met[label]:
                met[label] = True
                missing -= 1
        row = at // width if by_row else 0
        for step in range(ways):
            to = at + moves[step]
            before = cost[to]
            if before <= here:
                continue
            ends = resistance[at] + resistance[to]
            if step >= through:
                ends += resistance[at + one[step]] + resistance[at + other[step]]
            there = here + share_m[row, step] * ends
            if there >= before or there > limit:
                continue
            if closed and step < through:
                beside = resistance[at + one[step]] + resistance[at + other[step]]
                if beside == np.inf:
                    continue
            cost[to] = there
            entry = spare
            spare = following[entry]
            free -= 1
            beyond = np.int64(there * inverse) & mask
            cells[entry], costs[entry], following[entry] = to, there, head[beyond]
            head[beyond] = entry
    state[_SPARE], state[_FREE], state[_MISSING] = spare, free, missing


@compiled
def spread_by_heap(
    cost: FloatArray, resistance: FloatArray, labels: Labels, steps: Steps, reach: Reach
) -> float:
    """The same as `spread_by_buckets` (Dijkstra 1959), for steps of very unequal cost."""
    met = np.zeros(_numbers(labels, reach), dtype=np.bool_)
    missing = reach.others
    limit = np.inf if missing else reach.limit
    waiting = [(0.0, 0)]
    waiting.pop()
    for at in range(len(cost)):
        if cost[at] == 0.0 and _leads_on(cost, resistance, at, steps):
            heappush(waiting, (0.0, at))
    while waiting:
        here, at = heappop(waiting)
        if here > limit:
            break
        if cost[at] < here:
            continue
        if missing and _is_new(labels[at], reach.own, met):
            missing -= 1
            if not missing:
                limit = max(reach.limit, reach.stretch * here + reach.allowance)
        row = length_row(at, steps)
        for step in range(len(steps.to)):
            to = at + steps.to[step]
            if cost[to] <= here:
                continue
            there = here + step_cost(resistance, at, step, row, steps)
            if there < cost[to] and there <= limit:
                cost[to] = there
                heappush(waiting, (there, to))
    return limit


@compiled
def _numbers(labels: Labels, reach: Reach) -> int:
    """One more than the largest number, where numbers are read at all."""
    return labels.max() + 1 if reach.others else 1


@compiled_inline
def _is_new(label: int, own: int, met: NDArray[np.bool_]) -> bool:
    """Whether another source is met for the first time, which is noted."""
    if label == 0 or label == own or met[label]:
        return False
    met[label] = True
    return True


@compiled
def _leads_on(cost: FloatArray, resistance: FloatArray, at: int, steps: Steps) -> bool:
    """Whether a neighbour is passable and no source: the inside of a source leads nowhere."""
    for step in range(len(steps.to)):
        to = at + steps.to[step]
        if cost[to] > 0.0 and resistance[to] < np.inf:
            return True
    return False


@compiled
def _chain(entries: int, first: int) -> NDArray[np.int32]:
    """Each spare entry followed by the next one; −1 ends."""
    following = np.arange(first + 1, first + entries + 1).astype(np.int32)
    following[-1] = -1
    return following


@compiled
def _grown(
    cells: NDArray[np.int32], costs: FloatArray, following: NDArray[np.int32], state: IntArray
) -> tuple[NDArray[np.int32], FloatArray, NDArray[np.int32]]:
    """Twice as many entries, the new ones spare before the others."""
    before = len(cells)
    more_cells = np.empty(2 * before, dtype=np.int32)
    more_costs = np.empty(2 * before)
    more_cells[:before] = cells
    more_costs[:before] = costs
    more = np.concatenate((following, _chain(before, before)))
    more[-1] = state[_SPARE]
    state[_SPARE] = before
    state[_FREE] += before
    return more_cells, more_costs, more


TIE = 1e-12
"""Costs that differ by no more than this share of themselves are equal."""


@compiled
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


@compiled
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


@compiled
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


@compiled
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


@compiled
def contacts(
    cost: FloatArray, resistance: FloatArray, zones: Labels, steps: Steps, count: int
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


@compiled
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


@compiled
def _lower(least: FloatArray, one: int, other: int, cost: float) -> None:
    if cost < least[one, other]:
        least[one, other] = cost
        least[other, one] = cost


_STRAIGHT_WEST, _STRAIGHT_EAST, _STRAIGHT_SOUTH = 1, 2, 3
"""Numbers of the straight steps: north, west, east, south."""
