"""Resistance surfaces, and minimum cumulative resistance: the least cost to reach each cell."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.science.corridors import cost_kernels
from shanhai.science.corridors.spacing import (
    DIRECTIONS,
    Neighbours,
    Spacing,
    Steps,
    lengths_m,
    make_steps,
)
from shanhai.science.grid import ClassArray, FloatArray, IntArray, Window

BARRIER = np.inf
"""Resistance of a cell that nothing crosses: its cost is infinite and its conductance 0."""


def require_resistance(values: NDArray[np.floating | np.integer]) -> FloatArray:
    """The resistance surface as the methods compute with it.

    Args:
        values: Resistance of each cell, dimensionless, above 0; NaN and +∞ are barriers. A nodata
            value of another kind must have become NaN before.

    Returns:
        A contiguous float64 copy in which every barrier is +∞.

    Raises:
        InvalidInput: the array has not two dimensions, a cell is 0 or negative (their count and the
            lowest are told), or there is no cell to cross.
    """
    if values.ndim != 2:
        raise InvalidInput(
            f"the resistance has {values.ndim} dimensions; it must have two, rows and columns",
            message_zh=f"阻力面有 {values.ndim} 个维度，须为行、列两维",
            pointer="/resistance",
        )
    resistance = np.array(values, dtype=np.float64, order="C")
    resistance[np.isnan(resistance)] = BARRIER
    _require_positive(resistance)
    if not np.isfinite(resistance).any():
        raise InvalidInput(
            f"all {resistance.size} cells of the resistance are barriers (NaN or infinite); "
            "at least one must be passable",
            message_zh=f"阻力面的 {resistance.size} 个像元全部为障碍（NaN 或无穷大），"
            "至少须有一个可通行",
            pointer="/resistance",
        )
    return resistance


def _require_positive(resistance: FloatArray) -> None:
    # −∞ is no barrier either: only +∞ says "impassable".
    wrong = resistance[resistance <= 0]
    if wrong.size:
        raise InvalidInput(
            f"the resistance is 0 or negative in {wrong.size} cells (lowest {wrong.min():g}); "
            "it must be above 0, and free movement is a short-circuit region instead",
            message_zh=f"阻力面有 {wrong.size} 个像元不大于 0（最低 {wrong.min():g}）；"
            "阻力须大于 0，自由通行请用短路区域表示",
            pointer="/resistance",
        )


MOST_BUCKETS: Final = 100_000
"""Steps that differ by more are searched with a heap: it does not visit empty buckets."""
WIDEST_RANGE: Final = 1e9
"""Largest resistance over the smallest; beyond it a step could vanish in the rounding of a sum."""

_MOST_CELLS = 2**31 - 1
_BYTES_PER_CELL = 32
_NO_LABELS: cost_kernels.Labels = np.zeros(1, dtype=np.int32)
_EVERYWHERE = cost_kernels.Reach(float("inf"))


@dataclass(frozen=True, slots=True)
class Surface:
    """What every search over one surface shares.

    Attributes:
        shape: Rows and columns of the raster.
        resistance: With a margin of barriers around it, flattened; +∞ is a barrier.
        steps: The moves.
        least_cost: Cost of the cheapest possible step.
        most_cost: Cost of the dearest possible step.
    """

    shape: tuple[int, int]
    resistance: FloatArray
    steps: Steps
    least_cost: float
    most_cost: float

    def inner(self, values: FloatArray) -> FloatArray:
        """The raster within its margin; a view."""
        margin, (height, width) = self.steps.margin, self.shape
        whole = values.reshape(height + 2 * margin, width + 2 * margin)
        return whole[margin : margin + height, margin : margin + width]

    def positions(self, cells: IntArray) -> IntArray:
        """Positions in the padded raster of rows and columns, shape (n, 2)."""
        margin = self.steps.margin
        return (cells[:, 0] + margin) * self.steps.width + cells[:, 1] + margin

    def cells(self, positions: IntArray) -> IntArray:
        """Rows and columns, shape (n, 2), of positions in the padded raster."""
        rows, cols = np.divmod(positions, self.steps.width)
        return np.stack([rows, cols], axis=1) - self.steps.margin

    def part(self, window: Window) -> "Surface":
        """The surface of a window, to trace paths in; its margin is that of the whole raster."""
        margin = self.steps.margin
        width = window.width + 2 * margin
        rows = slice(window.row, window.row + window.height + 2 * margin)
        whole = self.resistance.reshape(-1, self.steps.width)
        share_m = self.steps.share_m[rows] if self.steps.by_row else self.steps.share_m
        return replace(
            self,
            shape=(window.height, window.width),
            resistance=whole[rows, window.col : window.col + width].ravel(),
            steps=_moved(self.steps, width)._replace(share_m=share_m),
        )


def make_surface(
    resistance: NDArray[np.floating | np.integer],
    spacing: Spacing,
    neighbours: Neighbours = 8,
    *,
    forbid_corner_cutting: bool = False,
) -> Surface:
    """Check a resistance surface and make it ready.

    Raises:
        InvalidInput: as `require_resistance` and `make_steps` say, or the resistances span more
            than `WIDEST_RANGE`.
        LimitExceeded: there are more than 2³¹ cells.
    """
    checked = require_resistance(resistance)
    shape = (checked.shape[0], checked.shape[1])
    steps = make_steps(shape, spacing, neighbours, forbid_corner_cutting=forbid_corner_cutting)
    padded = np.pad(checked, steps.margin, constant_values=BARRIER).ravel()
    if padded.size > _MOST_CELLS:
        raise LimitExceeded(
            f"the resistance has {checked.size} cells; at most 2^31 are searched at once",
            message_zh=f"阻力面有 {checked.size} 个像元，单次搜索至多 2^31 个",
            pointer="/resistance",
        )
    least, most = _range(checked)
    lengths = lengths_m(steps)
    return Surface(shape, padded, steps, lengths.min() * least, lengths.max() * most)


def memory_needed(shape: tuple[int, int]) -> int:
    """Bytes that a cost distance over a raster of `shape` takes at most, besides its input.

    A cell takes 8 for the resistance and 8 for the cost, both with a margin, 8 for a copy of either
    without it, 4 for the allocation and 1 for the directions; the rest is for cells that wait.
    """
    return _BYTES_PER_CELL * shape[0] * shape[1]


def spread(
    surface: Surface,
    starts: IntArray,
    reach: cost_kernels.Reach = _EVERYWHERE,
    labels: cost_kernels.Labels = _NO_LABELS,
) -> tuple[FloatArray, float]:
    """Least accumulated cost from any of `starts`.

    Args:
        surface: From `make_surface`.
        starts: Positions in the padded raster; barriers among them are left out.
        reach: How far to go.
        labels: Numbers of all sources, padded, where `reach` asks to meet others.

    Returns:
        Cost-weighted metres, padded and flattened, +∞ where there is no way; and the cost up to
        which they were sought, beyond which all are +∞.
    """
    cost = np.full(surface.resistance.size, np.inf)
    cost[starts[np.isfinite(surface.resistance[starts])]] = 0.0
    buckets = surface.most_cost / surface.least_cost
    if buckets > MOST_BUCKETS:
        limit = cost_kernels.spread_by_heap(cost, surface.resistance, labels, surface.steps, reach)
    else:
        slots = 1 << (int(buckets) + 3).bit_length()
        limit = cost_kernels.spread_by_buckets(
            cost, surface.resistance, labels, surface.steps, surface.least_cost, slots, reach
        )
    if reach.others and limit < np.inf:
        cost[cost > limit] = np.inf
    return cost, limit


def require_shape(name: str, found: Sequence[int], expected: tuple[int, int]) -> None:
    """Refuse a raster that does not lie on the resistance."""
    if tuple(found) != expected:
        raise InvalidInput(
            f"{name} has the shape {tuple(found)}, the resistance {expected}; they must agree",
            message_zh=f"{name} 的形状为 {tuple(found)}，阻力面为 {expected}，两者须一致",
            pointer=f"/{name}",
        )


def _range(resistance: FloatArray) -> tuple[float, float]:
    """Smallest and largest resistance of the passable cells."""
    least = float(resistance.min())
    most = float(resistance.max(where=np.isfinite(resistance), initial=least))
    if most > WIDEST_RANGE * least:
        raise InvalidInput(
            f"the resistance runs from {least:g} to {most:g}; "
            f"the largest may be {WIDEST_RANGE:g} times the smallest",
            message_zh=f"阻力值从 {least:g} 到 {most:g}，最大与最小之比不得超过 {WIDEST_RANGE:g}",
            pointer="/resistance",
        )
    return least, most


def _moved(steps: Steps, width: int) -> Steps:
    """The same steps over a padded raster of other width."""

    def rewritten(offsets: IntArray) -> IntArray:
        down = np.rint(offsets / steps.width).astype(np.int64)
        return down * width + (offsets - down * steps.width)

    return steps._replace(
        to=rewritten(steps.to), one=rewritten(steps.one), other=rewritten(steps.other), width=width
    )


@dataclass(frozen=True, slots=True)
class CostDistance:
    """The least-cost ways to the sources.

    Attributes:
        cost: Resistance times metres, 0 at the sources; +∞ in barriers, where no way leads and
            beyond the most that was asked for.
        directions: Which neighbour a cell is reached from: code c is `DIRECTIONS[c − 1]`, 0 a
            source, 255 nowhere.
        allocation: Number of the source a cell is reached from; 0 is none.
    """

    cost: FloatArray
    directions: ClassArray
    allocation: cost_kernels.Labels


def cost_distance(
    resistance: NDArray[np.floating | np.integer],
    sources: NDArray[np.integer | np.bool_],
    spacing: Spacing,
    *,
    neighbours: Neighbours = 8,
    forbid_corner_cutting: bool = False,
    max_cost: float = math.inf,
) -> CostDistance:
    """Least accumulated cost from any source, the way back and the source it leads to.

    A straight or diagonal step costs its length times the mean resistance of its two cells, a
    knight's move (16 neighbours) its length times the mean of its ends and the two cells it
    crosses, none of which may be a barrier. On a plane of one resistance the cost of the worst
    bearing is too high by 41.4 % with 4 neighbours, 8.24 % with 8 and 2.75 % with 16.

    Of neighbours that give a cell the same cost (to 1e-12 of it) the one with the smallest
    row-major index is the way back.

    Args:
        resistance: Dimensionless, above 0; NaN and infinite are barriers.
        sources: Number of the source of each cell, from 1, or True; 0 is none.
        spacing: Size of the cells.
        neighbours: 4, 8 or 16.
        forbid_corner_cutting: Refuse a diagonal step when either cell beside it is a barrier.
        max_cost: Cost-weighted metres beyond which no cell is searched, above 0.

    Raises:
        InvalidInput: the resistance is refused (`make_surface`), the shapes differ, a source has a
            negative number, no source lies on passable ground, or `max_cost` is not above 0.

    Source: Dijkstra (1959); minimum cumulative resistance, Knaapen et al. (1992).
    """
    if not max_cost > 0:
        raise InvalidInput(
            f"max_cost is {max_cost}; it must be above 0",
            message_zh=f"max_cost 为 {max_cost}，须大于 0",
            pointer="/max_cost",
        )
    surface = make_surface(
        resistance, spacing, neighbours, forbid_corner_cutting=forbid_corner_cutting
    )
    labels = require_sources(sources, surface)
    cost, _ = spread(surface, starts_of(labels, surface), cost_kernels.Reach(max_cost))
    return _described(surface, cost, labels)


def require_sources(
    sources: NDArray[np.integer | np.bool_], surface: Surface
) -> cost_kernels.Labels:
    """Numbers of the sources, 0 in barriers too; a copy.

    Raises:
        InvalidInput: the shapes differ, a number is negative or above 2³¹ - 1, or no source lies on
            passable ground.
    """
    require_shape("sources", sources.shape, surface.shape)
    # Looked at before they are made narrower, which wraps without a word.
    wrong = next((int(n) for n in (sources.min(), sources.max()) if not 0 <= n < 2**31), None)
    if wrong is not None:
        raise InvalidInput(
            f"a source has the number {wrong}; numbers are 1 to {2**31 - 1}, and 0 is none",
            message_zh=f"源地编号出现 {wrong}；编号为 1 至 {2**31 - 1}，0 表示无",
            pointer="/sources",
        )
    labels = np.array(sources, dtype=np.int32, order="C")
    covered = np.count_nonzero(labels)
    labels[~np.isfinite(surface.inner(surface.resistance))] = 0
    if not labels.any():
        raise InvalidInput(
            f"none of the {covered} source cells lies on passable ground; at least one must",
            message_zh=f"{covered} 个源地像元均不在可通行处，至少须有一个",
            pointer="/sources",
        )
    return labels


def starts_of(labels: cost_kernels.Labels, surface: Surface) -> IntArray:
    """Positions in the padded raster of all numbered cells."""
    return surface.positions(np.argwhere(labels))


def allocate(surface: Surface, cost: FloatArray, labels: cost_kernels.Labels) -> ClassArray:
    """Directions back; every cell that a way leads to is given the number of its source, in place.

    Args:
        surface: That the cost was accumulated over.
        cost: From `spread`.
        labels: Numbers at the sources, 0 elsewhere.
    """
    directions = cost_kernels.directions_back(
        cost, surface.resistance, surface.steps, surface.shape[0]
    )
    cost_kernels.follow_to_sources(directions, _moves(surface.shape[1]), labels.reshape(-1))
    return directions


def _described(surface: Surface, cost: FloatArray, labels: cost_kernels.Labels) -> CostDistance:
    directions = allocate(surface, cost, labels)
    return CostDistance(np.ascontiguousarray(surface.inner(cost)), directions, labels)


def _moves(width: int) -> IntArray:
    """Positions to the neighbour of each direction in a raster without margin, by code."""
    return np.array([0, *(down * width + across for down, across in DIRECTIONS)], dtype=np.int64)
