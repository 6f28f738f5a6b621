"""A resistance surface made ready for searches, and the searches over it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.corridors.cost_kernels import (
    Labels,
    Reach,
    spread_by_buckets,
    spread_by_heap,
)
from shanhai.science.corridors.resistance import BARRIER, require_resistance
from shanhai.science.corridors.spacing import Spacing
from shanhai.science.corridors.steps import Neighbours, Steps, lengths_m, make_steps
from shanhai.science.grid import Window

MOST_BUCKETS: Final = 100_000
"""Steps that differ by more are searched with a heap: it does not visit empty buckets."""
WIDEST_RANGE: Final = 1e9
"""Largest resistance over the smallest; beyond it a step could vanish in the rounding of a sum."""

_MOST_CELLS = 2**31 - 1
_BYTES_PER_CELL = 32
_NO_LABELS: Labels = np.zeros(1, dtype=np.int32)
_EVERYWHERE = Reach(float("inf"))


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
    reach: Reach = _EVERYWHERE,
    labels: Labels = _NO_LABELS,
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
        limit = spread_by_heap(cost, surface.resistance, labels, surface.steps, reach)
    else:
        slots = 1 << (int(buckets) + 3).bit_length()
        limit = spread_by_buckets(
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
        to=rewritten(steps.to),
        one=rewritten(steps.one),
        other=rewritten(steps.other),
        width=width,
    )
