"""Core areas of the pattern as patches: large enough, near ones as one, in a settled order."""

from dataclasses import dataclass

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.arrays import BoolArray, FloatArray, IntArray
from shanhai.science.corridors.patch_distances import patch_distances
from shanhai.science.corridors.patch_kernels import Labels
from shanhai.science.grid import SQUARE_METRES_PER_HECTARE
from shanhai.science.zoning.graph_kernels import components
from shanhai.science.zoning.patches import label_patches


@dataclass(frozen=True, slots=True)
class Patches:
    """Patches by descending area, of equal ones by their first cell row by row.

    Attributes:
        labels: Number of each cell's patch, from 1; 0 is none.
        area_ha: Of each patch, ha.
    """

    labels: Labels
    area_ha: FloatArray

    @property
    def count(self) -> int:
        """Number of patches."""
        return len(self.area_ha)

    def mean(self, values: FloatArray) -> FloatArray:
        """Mean of each patch over its known cells; NaN where none is known."""
        known = (self.labels > 0) & ~np.isnan(values)
        labels = self.labels[known]
        sums = np.bincount(labels, weights=values[known], minlength=self.count + 1)[1:]
        counts = np.bincount(labels, minlength=self.count + 1)[1:]
        unknown = np.full(self.count, np.nan)
        return np.asarray(np.divide(sums, counts, out=unknown, where=counts > 0))

    def share(self, mask: BoolArray) -> FloatArray:
        """Part of each patch that the mask covers, 0–1."""
        return self.mean(mask.astype(np.float64))

    def kept(self, keep: BoolArray) -> "Patches":
        """Some of the patches, numbered anew."""
        numbers = np.concatenate([[0], np.where(keep, np.cumsum(keep), 0)]).astype(np.int32)
        return Patches(numbers[self.labels], self.area_ha[keep])


def core_patches(
    core: BoolArray, cell_m: float, min_area_ha: float, merge_gap_m: float = 0.0
) -> Patches:
    """Patches of core area.

    Args:
        core: Core cells; those that share a side or a corner are one core.
        cell_m: Side of a cell, m.
        min_area_ha: Smaller cores are dropped, ha, ≥ 0.
        merge_gap_m: Cores less than this apart, edge to edge, become one patch, m, ≥ 0.

    Returns:
        Patches; none when no core is large enough.

    Raises:
        InvalidInput: a size is negative.
    """
    _require_sizes(min_area_ha=min_area_ha, merge_gap_m=merge_gap_m)
    labels, count = label_patches(np.ascontiguousarray(core).view(np.uint8), 8)
    cell_ha = cell_m**2 / SQUARE_METRES_PER_HECTARE
    cells = np.bincount(labels.ravel(), minlength=count + 1)
    # Ten hectares of cells of 0.09 ha are not exactly a whole number of cells.
    large = cells * cell_ha >= min_area_ha * (1 - 1e-12)
    large[0] = False
    number = np.where(large, np.cumsum(large), 0)
    if merge_gap_m > 0 and large.any():
        number = _merged(number[labels].astype(np.int32), number, cell_m, merge_gap_m)
    return _ordered(labels, number, cell_ha)


def _merged(labels: Labels, number: IntArray, cell_m: float, gap_m: float) -> IntArray:
    """Numbers of which near patches have the lowest in common."""
    distances = patch_distances(labels, int(number.max()), cell_m, gap_m)
    near = np.argwhere(np.triu(distances < gap_m, 1))
    joined = components(near.astype(np.int64), len(distances)) + 1
    return np.concatenate([[0], joined])[number]


def _ordered(labels: Labels, number: IntArray, cell_ha: float) -> Patches:
    """Patches numbered by area; `number` says for each label what it belongs to, 0 for none."""
    cells = np.bincount(number[labels].ravel(), minlength=int(number.max()) + 1)
    cells[0] = 0
    # Labels follow their first cells row by row and a patch bears its first one's number.
    ranked = np.argsort(-cells, kind="stable")[: np.count_nonzero(cells)]
    final = np.zeros(len(cells), dtype=np.int32)
    final[ranked] = np.arange(1, len(ranked) + 1)
    area_ha: FloatArray = cells[ranked].astype(np.float64) * cell_ha
    return Patches(final[number[labels]], area_ha)


def _require_sizes(**sizes: float) -> None:
    for name, size in sizes.items():
        if not 0 <= size < np.inf:
            raise InvalidInput(
                f"{name} is {size}; it must be finite and at least 0",
                message_zh=f"{name} 为 {size}，须为有限数且不小于 0",
                pointer=f"/{name}",
            )
