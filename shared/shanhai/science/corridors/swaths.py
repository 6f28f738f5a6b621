"""Normalised least-cost corridors, and the swaths cut out of them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage

from shanhai.errors import InvalidInput
from shanhai.science.grid import BoolArray, FloatArray, IntArray
from shanhai.science.kernels import compiled
from shanhai.science.zoning.patches import label_patches


@compiled
def widest_discs(radius: FloatArray, path: IntArray, cell: FloatArray) -> FloatArray:
    """Radius of the widest disc of a corridor that covers the centre of each cell of a path, m.

    Args:
        radius: Of the widest disc around each cell that lies in the corridor, m.
        path: Rows and columns, shape (n, 2).
        cell: Height and width of a cell, m.
    """
    height, width = radius.shape
    reach = int(np.ceil(radius.max() / cell.min()))
    found = np.empty(len(path))
    for number in range(len(path)):
        row, col = path[number]
        widest = radius[row, col]
        for i in range(max(row - reach, 0), min(row + reach + 1, height)):
            for j in range(max(col - reach, 0), min(col + reach + 1, width)):
                if radius[i, j] > widest:
                    south, east = (i - row) * cell[0], (j - col) * cell[1]
                    if south * south + east * east <= radius[i, j] ** 2:
                        widest = radius[i, j]
        found[number] = widest
    return found


ROUNDING = 1e-9
"""Share of the least-cost distance below which an excess is rounding of the sums, and becomes 0."""

WidthRule = Literal["relative", "cost_cutoff", "fixed_width_m"]


@dataclass(frozen=True, slots=True)
class SwathRule:
    """What belongs to a swath.

    Attributes:
        kind: `relative`: cells whose excess is at most `value` times the least-cost distance;
            `cost_cutoff`: at most `value` cost-weighted metres; `fixed_width_m`: cells within
            `value`/2 metres of the path.
        value: Above 0; 0.05 of the least-cost distance is common practice, not a finding.
    """

    kind: WidthRule = "relative"
    value: float = 0.05

    def __post_init__(self) -> None:
        """Refuse a width that is none."""
        if not (np.isfinite(self.value) and self.value > 0):
            raise InvalidInput(
                f"the width of the swath ({self.kind}) is {self.value}; it must be above 0",
                message_zh=f"廊道宽度（{self.kind}）为 {self.value}，须大于 0",
                pointer="/swath/value",
            )

    def cutoff(self, cost: float) -> float:
        """Largest excess of a link of this least-cost distance, cost-weighted metres.

        For a fixed width this is only the reach of the corridor raster, the default share.
        """
        if self.kind == "cost_cutoff":
            return self.value
        share = self.value if self.kind == "relative" else type(self)().value
        return share * cost

    @property
    def stretch(self) -> float:
        """Factor of the least-cost distance up to which costs are needed."""
        return 1.0 + self.cutoff(1.0) if self.kind != "cost_cutoff" else 1.0

    @property
    def allowance(self) -> float:
        """Cost-weighted metres beyond that factor up to which costs are needed."""
        return self.value if self.kind == "cost_cutoff" else 0.0


@dataclass(frozen=True, slots=True)
class Swath:
    """The cells of a corridor, in a window of the raster.

    Attributes:
        row: First row of the window.
        col: First column of the window.
        inside: Cells of the corridor.
    """

    row: int
    col: int
    inside: BoolArray

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of the window."""
        height, width = self.inside.shape
        return slice(self.row, self.row + height), slice(self.col, self.col + width)


def trim(row: int, col: int, inside: BoolArray) -> Swath:
    """A swath in the smallest window that holds it.

    Args:
        row: First row of the window of the mask.
        col: First column of it.
        inside: At least one cell.
    """
    rows, cols = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    kept = inside[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    return Swath(row + int(rows[0]), col + int(cols[0]), kept.copy())


@dataclass(frozen=True, slots=True)
class Width:
    """How wide a corridor is between its sources.

    Attributes:
        area_m2: Of the swath without its sources, m².
        mean_m: Area over the length of the path, m; 0 between sources that touch.
        narrowest_m: Diameter of the widest disc that fits where the corridor is narrowest, m.
    """

    area_m2: float
    mean_m: float
    narrowest_m: float


def corridor_excess(from_one: FloatArray, from_other: FloatArray, cost: float) -> FloatArray:
    """Normalised least-cost corridor, `CWD_i + CWD_j − LCD_ij`.

    Args:
        from_one: Cost accumulated from one source; +∞ where it is unknown.
        from_other: The same from the other source.
        cost: Least-cost distance of the two.

    Returns:
        Cost-weighted metres, ≥ 0, 0 along every least-cost path; +∞ where either is unknown.

    Source: McRae and Kavanagh (2011), Linkage Mapper.
    """
    excess = from_one + from_other
    excess -= cost
    excess[excess <= ROUNDING * cost] = 0.0
    return excess


def connected_to(inside: BoolArray, path: IntArray) -> BoolArray:
    """The part of a mask that the cells of a path lie in; corners connect.

    Args:
        inside: The mask.
        path: Rows and columns in it, shape (n, 2).
    """
    patches, _ = label_patches(inside.view(np.uint8), 8)
    own = np.unique(patches[path[:, 0], path[:, 1]])
    return np.isin(patches, own[own > 0])


def within_m(shape: tuple[int, int], path: IntArray, reach_m: float, cell: FloatArray) -> BoolArray:
    """Cells whose centre lies within `reach_m` of the centre of a cell of a path.

    Args:
        shape: Rows and columns.
        path: Rows and columns, shape (n, 2).
        reach_m: Metres.
        cell: Height and width of a cell, m.
    """
    off = np.ones(shape, dtype=bool)
    off[path[:, 0], path[:, 1]] = False
    distance: FloatArray = ndimage.distance_transform_edt(off, sampling=cell)
    return np.asarray(distance <= reach_m)


def measure_width(
    swath: Swath, sources: BoolArray, path: IntArray, length_m: float, cell: FloatArray
) -> Width:
    """Area and widths of a swath between its two sources.

    Each cell of the path is given the widest disc of swath and sources that covers it (local
    thickness, Hildebrand and Rüegsegger 1997), so that a path along an edge does not make a
    corridor narrow. What lies beyond the window counts as outside.

    Args:
        swath: Of the link.
        sources: Cells of its two sources, in the window of the swath.
        path: Rows and columns in the raster, shape (n, 2).
        length_m: Of the path, m.
        cell: Height and width of a cell, m.
    """
    between = swath.inside & ~sources
    area_m2 = float(np.count_nonzero(between) * cell[0] * cell[1])
    in_window = path - np.array([swath.row, swath.col])
    outside = sources[in_window[:, 0], in_window[:, 1]]
    crossed = in_window[~outside]
    mean_m = area_m2 / length_m if length_m else 0.0
    if not len(crossed):
        return Width(area_m2, mean_m, mean_m)
    whole = np.pad(swath.inside | sources, 1)
    clearance: FloatArray = ndimage.distance_transform_edt(whole, sampling=cell)
    # The nearest cell outside begins half a cell before its centre.
    radius = clearance - np.sqrt(cell[0] * cell[1]) / 2
    narrowest = 2 * widest_discs(radius, crossed + 1, cell).min()
    return Width(area_m2, mean_m, float(narrowest))
