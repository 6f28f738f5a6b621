"""The circuit of a resistance surface: its nodes, its Laplacian and its parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.corridors.circuit.graph_kernels import (
    ConductanceRule,
    Numbers,
    count_entries,
    currents,
    fill_entries,
    number_nodes,
    number_parts,
)
from shanhai.science.corridors.circuit.settings import CircuitSettings
from shanhai.science.corridors.surface import require_shape
from shanhai.science.zoning.graph_kernels import components

Regions = NDArray[np.integer]
"""Number of the region of each cell, from 1; 0 is none."""

_MOST_ENTRIES: Final = 2**31 - 1
_NO_GROUND: FloatArray = np.empty(0)


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

    def currents(self, potential: FloatArray, to_ground: FloatArray = _NO_GROUND) -> FloatArray:
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
    if 9 * resistance.size > _MOST_ENTRIES:
        raise LimitExceeded(
            f"the resistance has {resistance.size} cells; a circuit of at most "
            f"{_MOST_ENTRIES // 9} is solved at once",
            message_zh=f"阻力面有 {resistance.size} 个像元，电路计算单次至多 "
            f"{_MOST_ENTRIES // 9} 个",
            pointer="/resistance",
        )
    merged, numbers = merge_regions(resistance, regions)
    node_of = np.empty(resistance.shape, dtype=np.int32)
    most = max((int(own.max()) for own in numbers), default=0)
    node_of_region = number_nodes(resistance, merged, most, node_of)
    node_of_region[0] = -1
    rule = ConductanceRule(settings.neighbours == 8, settings.joining == "average_resistance")
    starts = count_entries(resistance, node_of, rule)
    columns, values = fill_entries(resistance, node_of, rule, starts)
    size = len(starts) - 1
    laplacian = csr_array((values, columns, starts), shape=(size, size))
    laplacian.sum_duplicates()
    circuit = Circuit(node_of, laplacian, number_parts(laplacian.indptr, laplacian.indices))
    return circuit, tuple(node_of_region[own] for own in numbers)


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
