"""Pinch points and barriers that overlap, as one site with both reasons."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from shanhai.errors import InvalidInput
from shanhai.science.arrays import IntArray
from shanhai.science.corridors.cost_kernels import Labels


@dataclass(frozen=True, slots=True)
class JoinedSites:
    """Sites of the overlapping patches of two kinds.

    Attributes:
        labels: Number of each cell's site, from 1, by the first cell row by row; 0 is none.
        of_pinch: Site of each pinch point.
        of_barrier: Site of each barrier.
    """

    labels: Labels
    of_pinch: IntArray
    of_barrier: IntArray

    @property
    def count(self) -> int:
        """Number of sites."""
        return int(self.labels.max(initial=0))

    def reasons(self, site: int) -> tuple[str, ...]:
        """`pinch`, `barrier` or both."""
        kinds = (("pinch", self.of_pinch), ("barrier", self.of_barrier))
        return tuple(name for name, of in kinds if (of == site).any())


def join_overlapping(pinch: Labels, barrier: Labels) -> JoinedSites:
    """One site of all patches that share cells with one another, directly or through others.

    Patches that only touch stay apart.

    Args:
        pinch: Number of each cell's pinch point, from 1 without gaps; 0 is none.
        barrier: The same of barriers.

    Raises:
        InvalidInput: the two differ in shape.
    """
    if pinch.shape != barrier.shape:
        raise InvalidInput(
            f"pinch points have the shape {pinch.shape}, barriers {barrier.shape}; "
            "they must be on one grid",
            message_zh=f"夹点形状为 {pinch.shape}，障碍点为 {barrier.shape}，须在同一格网上",
            pointer="/barrier",
        )
    pinches, barriers = int(pinch.max(initial=0)), int(barrier.max(initial=0))
    both = (pinch > 0) & (barrier > 0)
    ends = (pinch[both].astype(np.int64) - 1, pinches + barrier[both].astype(np.int64) - 1)
    size = pinches + barriers
    graph = coo_array((np.ones(len(ends[0]), dtype=np.int8), ends), shape=(size, size))
    groups = connected_components(graph, directed=False)[1].astype(np.int64)
    of_cell = np.zeros(pinch.shape, dtype=np.int64)
    of_cell[barrier > 0] = groups[pinches + barrier[barrier > 0] - 1] + 1
    of_cell[pinch > 0] = groups[pinch[pinch > 0] - 1] + 1
    numbers = _by_first_cell(of_cell, int(groups.max(initial=-1)) + 1)
    own = numbers[groups + 1]
    return JoinedSites(numbers[of_cell].astype(np.int32), own[:pinches], own[pinches:])


def _by_first_cell(of_cell: IntArray, count: int) -> IntArray:
    """New number of each group from 1; 0 stays 0."""
    found, first = np.unique(of_cell, return_index=True)
    groups = found[found > 0]
    numbers = np.zeros(count + 1, dtype=np.int64)
    numbers[groups[np.argsort(first[found > 0])]] = np.arange(1, len(groups) + 1)
    return numbers
