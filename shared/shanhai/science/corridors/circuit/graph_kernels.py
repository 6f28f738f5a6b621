"""Compiled loops over circuits: nodes of cells, their conductances, parts that current can reach.

Resistances are as `require_resistance` gives them: +∞ in barriers. Matrices are in compressed rows.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shanhai.science.arrays import FloatArray

Numbers = NDArray[np.int32]
"""Numbers of nodes, regions or parts; 0 or −1 is none, as it is said."""

# North-west to south-east, the cell itself in the middle: rows of a matrix come out sorted.
_DOWN = np.array([-1, -1, -1, 0, 0, 0, 1, 1, 1])
_ACROSS = np.array([-1, 0, 1, -1, 0, 1, -1, 0, 1])
_SELF = 4


class ConductanceRule(NamedTuple):
    """What links two cells.

    Attributes:
        corners: Whether those that share a corner are linked.
        mean_of_resistances: Whether resistances are averaged, or else conductances.
    """

    corners: bool
    mean_of_resistances: bool


@njit(cache=True, nogil=True)
def number_nodes(resistance: FloatArray, region: Numbers, most: int, node_of: Numbers) -> Numbers:
    """Number the nodes row by row from 0: one for each passable cell, one for each region.

    Cells of a region that are barriers belong to it if another of its cells is passable.

    Args:
        resistance: Of each cell.
        region: Number of the region of each cell, from 1; 0 is none.
        most: Largest number a region may have.
        node_of: Filled with the node of each cell; −1 is none.

    Returns:
        The node of each region, by its number; −1 when all its cells are barriers.
    """
    height, width = resistance.shape
    node_of_region = np.full(most + 1, -2, dtype=np.int32)
    for row in range(height):
        for col in range(width):
            if resistance[row, col] < np.inf:
                node_of_region[region[row, col]] = -1
    last = 0
    for row in range(height):
        for col in range(width):
            number = region[row, col]
            if number > 0 and node_of_region[number] > -2:
                if node_of_region[number] < 0:
                    node_of_region[number] = last
                    last += 1
                node_of[row, col] = node_of_region[number]
            elif number == 0 and resistance[row, col] < np.inf:
                node_of[row, col] = last
                last += 1
            else:
                node_of[row, col] = -1
    return np.maximum(node_of_region, np.int32(-1))


@njit(cache=True, nogil=True)
def conductance(
    resistance: FloatArray, node_of: Numbers, row: int, col: int, step: int, rule: ConductanceRule
) -> float:
    """From a cell to one beside it; 0 where nothing flows between nodes."""
    i, j = row + _DOWN[step], col + _ACROSS[step]
    diagonal = _DOWN[step] * _ACROSS[step] != 0
    if (diagonal and not rule.corners) or not (
        0 <= i < resistance.shape[0] and 0 <= j < resistance.shape[1]
    ):
        return 0.0
    if node_of[i, j] < 0 or node_of[i, j] == node_of[row, col]:
        return 0.0
    length = math.sqrt(2.0) if diagonal else 1.0
    one, other = resistance[row, col], resistance[i, j]
    found: float = (1.0 / one + 1.0 / other) / (2.0 * length)
    if rule.mean_of_resistances:
        found = 2.0 / (length * (one + other))
    return found


@njit(cache=True, nogil=True)
def count_entries(resistance: FloatArray, node_of: Numbers, rule: ConductanceRule) -> Numbers:
    """Where the entries of each node begin in its matrix, and where the last ones end."""
    starts = np.zeros(node_of.max() + 2, dtype=np.int32)
    for row in range(resistance.shape[0]):
        for col in range(resistance.shape[1]):
            node = node_of[row, col]
            if node < 0:
                continue
            starts[node + 1] += 1
            for step in range(9):
                if conductance(resistance, node_of, row, col, step, rule) > 0:
                    starts[node + 1] += 1
    for node in range(len(starts) - 1):
        starts[node + 1] += starts[node]
    return starts


@njit(cache=True, nogil=True)
def fill_entries(
    resistance: FloatArray, node_of: Numbers, rule: ConductanceRule, starts: Numbers
) -> tuple[Numbers, FloatArray]:
    """Columns and values of the Laplacian; entries of a region that share a place are to be added.

    Args:
        resistance: Of each cell.
        node_of: Node of each cell; −1 is none.
        rule: What links two cells.
        starts: From `count_entries`.
    """
    free = starts[:-1].copy()
    columns = np.empty(starts[-1], dtype=np.int32)
    values = np.empty(starts[-1])
    for row in range(resistance.shape[0]):
        for col in range(resistance.shape[1]):
            node = node_of[row, col]
            if node < 0:
                continue
            own, total = -1, 0.0
            for step in range(9):
                flow = conductance(resistance, node_of, row, col, step, rule)
                if step == _SELF:
                    own = free[node]
                    free[node] += 1
                elif flow > 0:
                    place = free[node]
                    columns[place] = node_of[row + _DOWN[step], col + _ACROSS[step]]
                    values[place] = -flow
                    free[node] += 1
                    total += flow
            columns[own], values[own] = node, total
    return columns, values


@njit(cache=True, nogil=True)
def number_parts(starts: Numbers, columns: Numbers) -> Numbers:
    """Number of the part of each node, from 0 in the order of their first nodes."""
    size = len(starts) - 1
    part = np.full(size, -1, dtype=np.int32)
    waiting = np.empty(size, dtype=np.int32)
    last = 0
    for first in range(size):
        if part[first] >= 0:
            continue
        part[first] = last
        waiting[0] = first
        length = 1
        while length:
            length -= 1
            node = waiting[length]
            for place in range(starts[node], starts[node + 1]):
                other = columns[place]
                if part[other] < 0:
                    part[other] = last
                    waiting[length] = other
                    length += 1
        last += 1
    return part


@njit(cache=True, nogil=True)
def currents(
    starts: Numbers,
    columns: Numbers,
    values: FloatArray,
    potential: FloatArray,
    to_ground: FloatArray,
) -> FloatArray:
    """Current of each node: what flows in from or out to others and the ground, whichever is more.

    Args:
        starts: Of the entries of each row of the Laplacian.
        columns: Of its entries.
        values: Of its entries; what is between two nodes is negative.
        potential: V.
        to_ground: Conductance from each node to the ground; empty when there is none.
    """
    found = np.empty(len(potential))
    for node in range(len(potential)):
        inward, outward = 0.0, 0.0
        for place in range(starts[node], starts[node + 1]):
            flow = values[place] * (potential[columns[place]] - potential[node])
            if flow > 0:
                outward += flow
            else:
                inward -= flow
        if len(to_ground):
            flow = to_ground[node] * potential[node]
            if flow > 0:
                outward += flow
            else:
                inward -= flow
        found[node] = max(inward, outward)
    return found
