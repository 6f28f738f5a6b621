"""What lies along a path: how much of it in which cells, and what it has to cross."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from shanhai.science.arrays import BoolArray, ClassArray, FloatArray, IntArray
from shanhai.science.corridors.cost_kernels import Labels
from shanhai.science.corridors.paths import crossed_cells
from shanhai.science.corridors.spacing import Spacing
from shanhai.science.landcover import is_built_up

LONGEST_BUILT_UP_M = 100.0
"""Length of a built-up stretch from which it breaks a corridor."""


@dataclass(frozen=True, slots=True)
class Course:
    """The cells a path goes through, in order.

    Attributes:
        cells: Rows and columns, shape (n, 2), with those that knight's moves cross.
        lengths_m: Length of the path in each, m.
    """

    cells: IntArray
    lengths_m: FloatArray

    def share_in(self, mask: BoolArray) -> float:
        """Share of the length in the cells of a mask, 0–1; 0 for a path without length."""
        whole = self.lengths_m.sum()
        inside = mask[self.cells[:, 0], self.cells[:, 1]]
        return float(self.lengths_m[inside].sum() / whole) if whole else 0.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a path.

    Attributes:
        cells: Rows and columns, shape (n, 2).
        length_m: Of the path in them, m.
    """

    cells: IntArray
    length_m: float


def course_of(cells: IntArray, spacing: Spacing) -> Course:
    """The cells of a path with the length of the path in each.

    A step lies in equal parts in the cells it goes through, a diagonal in its two ends.

    Args:
        cells: Rows and columns of the path, shape (n, 2).
        spacing: Size of the cells.
    """
    through: list[IntArray] = [cells[0]]
    lengths = [0.0]
    for start, end in pairwise(cells):
        down, across = (end - start).tolist()
        whole = spacing.lengths_m(start[:1], down, across)[0]
        entered = [*crossed_cells(start, end), end]
        part = whole / (len(entered) + 1)
        lengths[-1] += part
        through += entered
        lengths += [part] * len(entered)
    return Course(np.array(through), np.array(lengths))


def built_up_stretches(
    course: Course, land_cover: ClassArray, longest_m: float = LONGEST_BUILT_UP_M
) -> tuple[Stretch, ...]:
    """Runs of built-up cells in which a path is longer than `longest_m`, in its order.

    Args:
        course: Of the path.
        land_cover: Internal codes of the raster.
        longest_m: Metres.
    """
    built_up = is_built_up(land_cover[course.cells[:, 0], course.cells[:, 1]])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], built_up, [False]])))
    runs = [slice(first, last) for first, last in edges.reshape(-1, 2).tolist()]
    found = (Stretch(course.cells[run], float(course.lengths_m[run].sum())) for run in runs)
    return tuple(stretch for stretch in found if stretch.length_m > longest_m)


def saddles(cells: IntArray, zones: Labels, cost: FloatArray) -> IntArray:
    """Cells where a path goes from one zone of least cost to another, shape (n, 2).

    The path is there farthest by cost from both sources: of the two cells at the border the one of
    higher cost is given, of equal ones the first.

    Args:
        cells: Rows and columns of the path.
        zones: Number of the source each cell is nearest to.
        cost: From that source.
    """
    row, col = cells.T
    border = np.flatnonzero(np.diff(zones[row, col]))
    later = cost[row[border + 1], col[border + 1]] > cost[row[border], col[border]]
    higher: IntArray = cells[border + later]
    return higher
