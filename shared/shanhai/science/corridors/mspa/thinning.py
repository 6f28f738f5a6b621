"""Thinning to what holds the cores together: the same whichever way the raster is turned."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from shanhai.science.arrays import BoolArray
from shanhai.science.corridors.mspa.thinning_kernels import thin, turns
from shanhai.science.zoning.patches import Connectivity

Flags = NDArray[np.bool_]

RING = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
"""Steps to the eight neighbours, clockwise from the north; those of even position share a side."""


def anchored_skeleton(
    core: BoolArray,
    depth: NDArray[np.uint16],
    steps: NDArray[np.int32],
    connectivity: Connectivity,
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
    simple = np.array([_is_simple(land, connectivity) for land in range(1 << len(RING))])
    digits = np.arange(3 ** len(RING))[:, None] // 3 ** np.arange(len(RING)) % 3
    bits = 1 << np.arange(len(RING))
    stays, goes = (digits == 1) @ bits, (digits == 2) @ bits
    independent = [_stays_simple(simple, int(a), int(b)) for a, b in zip(stays, goes, strict=True)]
    return simple, np.array(independent)


def _is_simple(land: int, connectivity: Connectivity) -> bool:
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
