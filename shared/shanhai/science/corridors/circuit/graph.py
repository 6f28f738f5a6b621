"""The circuit of a resistance surface: its nodes, conductances, Laplacian and parts.

Resistances are as `require_resistance` gives them: +∞ in barriers. Matrices are in compressed rows.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.science.corridors.circuit.solver import NO_GROUND, CircuitSettings
from shanhai.science.corridors.cost_distance import require_shape
from shanhai.science.grid import FloatArray, IntArray
from shanhai.science.kernels import compiled
from shanhai.science.zoning.contiguity import components

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


@compiled
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


@compiled
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


@compiled
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


@compiled
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


@compiled
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


@compiled
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


Regions = NDArray[np.integer]
"""Number of the region of each cell, from 1; 0 is none."""

_MOST_ENTRIES: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Circuit:
    """Nodes and the conductances between them.

    Attributes:
        node_of: Node of each cell; −1 is none.
        laplacian: In siemens: sums of the conductances on the diagonal, themselves negative beside.
        part: Number of the part of each node; no current flows between parts.
    """

    node_of: Numbers
    laplacian: csr_array
    part: Numbers

    @property
    def size(self) -> int:
        """Number of nodes."""
        return len(self.part)

    def raster(self, values: FloatArray) -> FloatArray:
        """Values of the nodes in their cells; NaN where there is no node."""
        # The last entry, NaN, is what −1 picks.
        return np.append(values, np.nan)[self.node_of]

    def currents(self, potential: FloatArray, to_ground: FloatArray = NO_GROUND) -> FloatArray:
        """Current of each node, A: the larger of what flows in and what flows out.

        Args:
            potential: Of each node, V.
            to_ground: Conductance from each node to the ground, S, where that is finite.
        """
        return currents(*entries(self.laplacian), potential, to_ground)


def make_circuit(
    resistance: FloatArray, settings: CircuitSettings, regions: Sequence[Regions] = ()
) -> tuple[Circuit, tuple[Numbers, ...]]:
    """Build the circuit; the cells of a region become one node.

    Regions that share a cell, of different rasters, become one node too. Resistors that come to lie
    between the same two nodes add up; those within a node vanish. A barrier in a region of which
    another cell is passable belongs to it and carries what flows over its own links.

    Args:
        resistance: From `require_resistance`.
        settings: Neighbours, and how two cells are joined.
        regions: Rasters of numbers from 1; 0 is none.

    Returns:
        The circuit, and for each raster the node of each of its numbers; −1 where the number does
        not occur or has no passable cell.

    Raises:
        InvalidInput: shapes differ or a number is negative.
        LimitExceeded: the matrix would have 2³¹ entries or more.
    """
    require_cells(resistance.size, 9)
    merged, numbers = merge_regions(resistance, regions)
    node_of = np.empty(resistance.shape, dtype=np.int32)
    most = max((int(own.max()) for own in numbers), default=0)
    node_of_region = number_nodes(resistance, merged, most, node_of)
    node_of_region[0] = -1
    rule = conductance_rule(settings)
    starts = count_entries(resistance, node_of, rule)
    columns, values = fill_entries(resistance, node_of, rule, starts)
    size = len(starts) - 1
    laplacian = csr_array((values, columns, starts), shape=(size, size))
    laplacian.sum_duplicates()
    circuit = Circuit(node_of, laplacian, number_parts(laplacian.indptr, laplacian.indices))
    return circuit, tuple(node_of_region[own] for own in numbers)


def conductance_rule(settings: CircuitSettings) -> ConductanceRule:
    """What links two cells, as loops know it."""
    return ConductanceRule(settings.neighbours == 8, settings.joining == "average_resistance")


def require_cells(cells: int, entries: int) -> None:
    """Refuse a raster whose nodes or entries are more than 31 bits can tell apart.

    Raises:
        LimitExceeded: it has so many cells, each with so many entries.
    """
    if entries * cells > _MOST_ENTRIES:
        raise LimitExceeded(
            f"the resistance has {cells} cells; a circuit of at most {_MOST_ENTRIES // entries} is "
            "solved at once",
            message_zh=f"阻力面有 {cells} 个像元，电路计算单次至多 {_MOST_ENTRIES // entries} 个",
            pointer="/resistance",
        )


def merge_regions(
    resistance: FloatArray, rasters: Sequence[Regions]
) -> tuple[Numbers, tuple[IntArray, ...]]:
    """One raster of regions, those that share a cell as one, and the new number of each old one."""
    firsts = [1]
    for raster in rasters:
        require_shape("regions", raster.shape, (resistance.shape[0], resistance.shape[1]))
        _require_numbers(raster)
        firsts.append(firsts[-1] + int(raster.max()))
    shared = [np.empty((0, 2), dtype=np.int64)]
    merged = np.zeros(resistance.shape, dtype=np.int64)
    for first, raster in zip(firsts, rasters, strict=False):
        shifted = np.where(raster > 0, raster + (first - 1), 0)
        both = (shifted > 0) & (merged > 0)
        shared.append(np.unique(np.stack([merged[both], shifted[both]], axis=1), axis=0))
        merged = np.where(merged > 0, merged, shifted)
    joined = components(np.concatenate(shared), firsts[-1])
    numbers = tuple(np.concatenate([[0], joined[first:last]]) for first, last in pairwise(firsts))
    return joined[merged].astype(np.int32), numbers


def entries(matrix: csr_array) -> tuple[Numbers, Numbers, FloatArray]:
    """Starts, columns and values of a matrix in compressed rows."""
    return matrix.indptr, matrix.indices, matrix.data


def _require_numbers(raster: Regions) -> None:
    if raster.min() < 0:
        raise InvalidInput(
            f"a region has the number {raster.min()}; numbers start at 1, and 0 is none",
            message_zh=f"区域编号出现 {raster.min()}；编号从 1 起，0 表示无",
            pointer="/regions",
        )
