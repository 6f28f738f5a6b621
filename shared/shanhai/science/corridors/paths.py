"""Least-cost paths: their cells, their measures and the lines that are stored of them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from shanhai.science.corridors.cost_distance import Surface
from shanhai.science.corridors.cost_kernels import TIE, Labels, path_back
from shanhai.science.corridors.spacing import Spacing
from shanhai.science.grid import FloatArray, IntArray

Transform = tuple[float, float, float, float, float, float]
"""Coefficients a, b, c, d, e, f of the affine map from column, row to x, y."""

_CENTRE = 0.5


@dataclass(frozen=True, slots=True)
class LeastCostPath:
    """A least-cost path from a source to a target.

    Attributes:
        cells: Rows and columns from a cell of the source to one of the target, shape (n, 2).
        cost: Cost-weighted metres, the least-cost distance of the two.
        length_m: From centre to centre along the cells, m.
    """

    cells: IntArray
    cost: float
    length_m: float

    @property
    def mean_resistance(self) -> float:
        """Cost over length, the mean resistance along the path."""
        return self.cost / self.length_m


def trace(surface: Surface, cost: FloatArray, targets: IntArray) -> IntArray:
    """Cells of the cheapest way from the sources of `cost` to any of `targets`, shape (n, 2).

    Of targets of equal cost (to 1e-12 of it) the one with the smallest row-major index is taken,
    and along the way the predecessor with the smallest one. No cell where no way leads.

    Args:
        surface: That the cost was accumulated over.
        cost: From `spread`, padded and flattened.
        targets: Positions in the padded raster, ascending.
    """
    least = cost[targets].min(initial=np.inf)
    if not np.isfinite(least):
        return np.empty((0, 2), dtype=np.int64)
    end = int(targets[np.argmax(cost[targets] <= least * (1 + TIE))])
    return surface.cells(path_back(cost, surface.resistance, end, surface.steps))


def length_m(cells: IntArray, spacing: Spacing) -> float:
    """Length from centre to centre along cells that follow one another by steps, m."""
    moves, kind = np.unique(np.diff(cells, axis=0), axis=0, return_inverse=True)
    rows = cells[:-1, 0]
    return math.fsum(
        length
        for number, (down, across) in enumerate(moves.tolist())
        for length in spacing.lengths_m(rows[kind.ravel() == number], down, across)
    )


def line_between(cells: IntArray, labels: Labels, transform: Transform) -> FloatArray:
    """The line through the centres of a path's cells, cut where it leaves the two sources.

    Positions in between that lie on a straight line are left out.

    Args:
        cells: Rows and columns of the path, first and last in a source.
        labels: Number of the source of each cell, 0 none.
        transform: From column, row to x, y.

    Returns:
        x and y, shape (n, 2), n ≥ 2; of two sources that touch, the same position twice.
    """
    points: FloatArray = cells[:, ::-1].astype(np.float64) + _CENTRE
    points[0] = _leaving(cells[0], cells[1], labels)
    points[-1] = _leaving(cells[-1], cells[-2], labels)
    a, b, c, d, e, f = transform
    x, y = _without_midpoints(points).T
    return np.stack([a * x + b * y + c, d * x + e * y + f], axis=1)


def _leaving(start: IntArray, end: IntArray, labels: Labels) -> FloatArray:
    """Column and row of where a step out of a source crosses its border.

    A step lies in equal parts in the cells it goes through.
    """
    through = [start, *crossed_cells(start, end)]
    inside = 0
    while inside < len(through) and labels[tuple(through[inside])] == labels[tuple(start)]:
        inside += 1
    share = inside / (len(through) + 1)
    point: FloatArray = (start + _CENTRE + share * (end - start))[::-1]
    return point


def crossed_cells(start: IntArray, end: IntArray) -> list[IntArray]:
    """The two cells that a knight's move goes through between its ends; none for other steps."""
    move = end - start
    if np.abs(move).max() < 2:
        return []
    half = np.trunc(move / 2).astype(np.int64)
    return [start + half, end - half]


def _without_midpoints(points: FloatArray) -> FloatArray:
    if len(points) < 3:
        return points
    before, after = np.diff(points[:-1], axis=0), np.diff(points[1:], axis=0)
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    bends = np.abs(cross) > 1e-9
    kept: FloatArray = points[np.concatenate([[True], bends, [True]])]
    return kept


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch that the same paths share.

    Attributes:
        cells: Rows and columns, shape (n, 2).
        paths: Numbers of the paths that use it, ascending.
    """

    cells: IntArray
    paths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """Paths without their overlaps.

    Attributes:
        segments: Stretches between ends and junctions, each step of any path in just one of them.
        junctions: Cells where stretches of different paths meet, row-major, shape (n, 2).
    """

    segments: tuple[Segment, ...]
    junctions: IntArray


def merge_paths(paths: Iterable[IntArray]) -> Merged:
    """Stretches that paths share, each once, for display.

    Args:
        paths: Rows and columns of each path; the number of a path is its place.
    """
    kept = [[(int(row), int(col)) for row, col in cells] for cells in paths]
    users: dict[frozenset[tuple[int, int]], list[int]] = {}
    for number, cells in enumerate(kept):
        for pair in pairwise(cells):
            users.setdefault(frozenset(pair), []).append(number)
    degree: dict[tuple[int, int], int] = {}
    for step in users:
        for cell in step:
            degree[cell] = degree.get(cell, 0) + 1
    segments: list[Segment] = []
    drawn: set[frozenset[tuple[int, int]]] = set()
    for cells in kept:
        segments += _new_stretches(cells, users, degree, drawn)
    junctions = sorted(cell for cell, number in degree.items() if number > 2)
    return Merged(tuple(segments), np.array(junctions, dtype=np.int64).reshape(-1, 2))


def _new_stretches(
    cells: list[tuple[int, int]],
    users: dict[frozenset[tuple[int, int]], list[int]],
    degree: dict[tuple[int, int], int],
    drawn: set[frozenset[tuple[int, int]]],
) -> list[Segment]:
    """Stretches of a path that no former path has given."""
    found: list[Segment] = []
    stretch: list[tuple[int, int]] = []
    own: tuple[int, ...] = ()

    def end() -> None:
        if len(stretch) > 1:
            found.append(Segment(np.array(stretch, dtype=np.int64), own))

    for pair in pairwise(cells):
        step = frozenset(pair)
        shared = tuple(users[step])
        if step in drawn or shared != own or degree[pair[0]] != 2 or not stretch:
            end()
            stretch = [] if step in drawn else [pair[0]]
        if step not in drawn:
            own = shared
            stretch.append(pair[1])
            drawn.add(step)
    end()
    return found
