"""Barriers: where restoring a small piece of ground would shorten the ways between sources most."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.corridors.candidates import CostField, overlap
from shanhai.science.corridors.circuit.solver import require_square
from shanhai.science.corridors.cost_kernels import Labels
from shanhai.science.corridors.pairs import Pair
from shanhai.science.corridors.paths import LeastCostPath
from shanhai.science.corridors.spacing import Spacing
from shanhai.science.grid import BoolArray, FloatArray, IntArray, Window
from shanhai.science.kernels import compiled


@compiled
def running_minimum(values: FloatArray, half_widths: IntArray) -> FloatArray:
    """Least value within a disc around each cell; what lies beyond the raster does not count.

    A row's minima over a wider run come from those over a narrower one, and each row gives its part
    to all rows of the disc around it: steps per cell grow with the radius, not with the area.

    Args:
        values: +∞ is none.
        half_widths: Cells to either side that belong to the disc, by rows from its centre; they
            never grow.
    """
    height, width = values.shape
    least = np.full((height, width), np.inf)
    run = np.empty(width)
    wider = np.empty(width)
    last = len(half_widths) - 1
    for row in range(height):
        run[:] = values[row]
        reach = 0
        for down in range(last, -1, -1):
            while reach < half_widths[down]:
                step = min(half_widths[down] - reach, 2 * reach + 1)
                _widen(run, step, wider)
                run, wider = wider, run
                reach += step
            if row - down >= 0:
                _lower(least[row - down], run)
            if down > 0 and row + down < height:
                _lower(least[row + down], run)
    return least


@compiled
def _widen(run: FloatArray, step: int, wider: FloatArray) -> None:
    """Minima of runs that are wider by a step on either side.

    A run whose middle would lie beyond an edge still holds cells of the raster: the run around the
    edge holds them all, and none that is too far away.
    """
    last = len(run) - 1
    for col in range(last + 1):
        outer = min(run[max(col - step, 0)], run[min(col + step, last)])
        wider[col] = min(run[col], outer)


@compiled
def _lower(least: FloatArray, run: FloatArray) -> None:
    for col in range(len(run)):
        least[col] = min(least[col], run[col])


Combination = Literal["maximum", "sum"]

ROUNDING = 1e-9
"""Share by which a radius or a cost may miss a cell that lies exactly on it."""


@dataclass(frozen=True, slots=True)
class BarrierSettings:
    """What a run may change.

    Attributes:
        radii_m: Of the discs, m; of several the best score counts. 60, 120 and 240 m suit a city of
            30 m cells and are common practice, not a finding.
        combine: What links that share a cell make of it: `maximum`, the single most valuable spot,
            or `sum`, what it does for all of them.
        restored: Resistance of restored ground, above 0.
    """

    radii_m: tuple[float, ...] = (60.0, 120.0, 240.0)
    combine: Combination = "maximum"
    restored: float = 1.0

    def __post_init__(self) -> None:
        """Refuse settings outside the method."""
        if self.combine not in get_args(Combination):
            raise InvalidInput(
                f"combine is {self.combine!r}; it must be one of {get_args(Combination)}",
                message_zh=f"combine 为 {self.combine!r}，须为 {get_args(Combination)} 之一",
                pointer="/combine",
            )
        if not 0 < self.restored < math.inf:
            raise InvalidInput(
                f"restored is {self.restored}; it must be above 0 and finite",
                message_zh=f"restored 为 {self.restored}，须为正的有限数",
                pointer="/restored",
            )


DEFAULT_BARRIER_SETTINGS = BarrierSettings()


@dataclass(frozen=True, slots=True)
class BarrierScores:
    """What restoring a disc around each cell would save.

    Attributes:
        score: Cost saved for each metre restored; negative where restored ground would cost more
            than the way that is there; NaN where no way through the disc is worth a look.
        percent: The same of the least-cost distance, % for each metre.
        radius_m: Of the disc that gave the score, m; NaN with it.
    """

    score: FloatArray
    percent: FloatArray
    radius_m: FloatArray


def barrier_scores(
    from_one: FloatArray,
    from_other: FloatArray,
    cost: float,
    cell_m: float,
    settings: BarrierSettings = DEFAULT_BARRIER_SETTINGS,
) -> BarrierScores:
    """Scores of the cells for one link.

    `LCD' = min CWD_i + min CWD_j + 2r·R'` over the disc, `score = (LCD − LCD')/2r`. Impassable
    cells get a score as well: making them passable is the point of it.

    Args:
        from_one: Cost accumulated from one source; NaN and +∞ where it is unknown.
        from_other: The same from the other source.
        cost: Least-cost distance of the two, above 0.
        cell_m: Side of a cell, m.
        settings: Radii, and the resistance of restored ground.

    Returns:
        Scores, at most `(LCD − 2r·R')/2r`.

    Raises:
        InvalidInput: there is no radius, or one is smaller than a cell.

    Source: McRae, Hall, Beier and Theobald (2012), Where to restore ecological connectivity?
    """
    require_radii(settings.radii_m, cell_m)
    found = no_scores(from_one.shape)
    one, other = (np.where(np.isnan(costs), np.inf, costs) for costs in (from_one, from_other))
    for radius_m in settings.radii_m:
        rows = disc_rows(radius_m, cell_m)
        across = 2 * radius_m
        new = running_minimum(one, rows)
        new += running_minimum(other, rows)
        saved = (cost - across * settings.restored - new) / across
        saved[np.isinf(saved)] = np.nan
        take_better(found, BarrierScores(saved, 100 * saved / cost, np.full_like(saved, radius_m)))
    return found


def disc_rows(radius_m: float, cell_m: float) -> IntArray:
    """Cells to either side that lie within a radius, by rows from the centre of the disc."""
    reach = radius_m / cell_m * (1 + ROUNDING)
    rows = np.arange(math.floor(reach) + 1)
    across: IntArray = np.floor(np.sqrt(np.maximum(reach**2 - rows**2, 0.0))).astype(np.int64)
    return across


def no_scores(shape: tuple[int, ...]) -> BarrierScores:
    """Scores of which none is known."""
    return BarrierScores(np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan))


def take_better(best: BarrierScores, found: BarrierScores) -> None:
    """Put what is better into the best; of equal ones the first stays."""
    better = ~(found.score <= best.score) & ~np.isnan(found.score)
    for kept, new in (
        (best.score, found.score),
        (best.percent, found.percent),
        (best.radius_m, found.radius_m),
    ):
        np.copyto(kept, new, where=better)


def require_radii(radii_m: tuple[float, ...], cell_m: float) -> None:
    """Refuse no radius at all, and one that is smaller than a cell."""
    wrong = [radius for radius in radii_m if not cell_m <= radius < math.inf]
    if wrong or not radii_m:
        raise InvalidInput(
            f"radii_m is {radii_m}; at least one radius is needed, none below the cell of "
            f"{cell_m:g} m",
            message_zh=f"radii_m 为 {radii_m}；至少须有一个半径，且均不得小于像元边长 {cell_m:g} m",
            pointer="/radii_m",
        )


_BYTES_PER_CELL = 24
_BYTES_PER_CELL_OF_LINK = 112


class BarrierScan:
    """Scores over all links; `link_sources(…, visit=scan.visit)` fills it.

    Each link is looked at in the rectangle in which both its sources are near enough. Costs up to
    the least-cost distance are enough for every gain.

    Args:
        sources: Number of the source of each cell, from 1; 0 is none.
        spacing: Square cells in metres.
        settings: Radii, combination and restored ground.

    Raises:
        InvalidInput: the cells are not square metres, there is no radius, or one is below a cell.
    """

    def __init__(
        self,
        sources: Labels,
        spacing: Spacing,
        settings: BarrierSettings = DEFAULT_BARRIER_SETTINGS,
    ) -> None:
        self._sources = sources
        self._cell_m = require_square(spacing)
        self._settings = settings
        require_radii(settings.radii_m, self._cell_m)
        self._total = no_scores(sources.shape)

    @property
    def scores(self) -> BarrierScores:
        """Scores above 0, NaN elsewhere and within sources.

        With `maximum` the percentage and the radius are those of the link that gains most; with
        `sum` scores and percentages are added, and the radius is that of the first link to gain.
        """
        return self._total

    def visit(self, pair: Pair, path: LeastCostPath, one: CostField, other: CostField) -> None:
        """Take in a link.

        Args:
            pair: Its sources.
            path: Its least-cost path.
            one: Costs from its first source.
            other: Costs from its second source.
        """
        window = overlap(self._grown(one.window), self._grown(other.window))
        found = barrier_scores(
            one.read(window), other.read(window), path.cost, self._cell_m, self._settings
        )
        self._add(found, window)

    def _grown(self, window: Window) -> Window:
        """The cells whose disc may reach into a window."""
        reach = math.ceil(max(self._settings.radii_m) / self._cell_m)
        row, col = max(window.row - reach, 0), max(window.col - reach, 0)
        end_row = min(window.row + window.height + reach, self._sources.shape[0])
        end_col = min(window.col + window.width + reach, self._sources.shape[1])
        return Window(row, col, end_row - row, end_col - col)

    def _add(self, found: BarrierScores, window: Window) -> None:
        _without(found, ~(found.score > 0) | (self._sources[window.slices] > 0))
        here = BarrierScores(*(values[window.slices] for values in _arrays(self._total)))
        (_add_up if self._settings.combine == "sum" else take_better)(here, found)


def memory_needed(shape: tuple[int, int], largest_link: tuple[int, int] | None = None) -> int:
    """Bytes that a scan takes at most besides the network.

    Args:
        shape: Rows and columns of the raster.
        largest_link: Rows and columns of the largest rectangle of a link; the raster if not given.
    """
    link = largest_link or shape
    return _BYTES_PER_CELL * math.prod(shape) + _BYTES_PER_CELL_OF_LINK * math.prod(link)


def _arrays(scores: BarrierScores) -> tuple[FloatArray, FloatArray, FloatArray]:
    return scores.score, scores.percent, scores.radius_m


def _without(scores: BarrierScores, mask: BoolArray) -> None:
    for values in _arrays(scores):
        values[mask] = np.nan


def _add_up(total: BarrierScores, found: BarrierScores) -> None:
    known = ~np.isnan(found.score)
    np.copyto(total.radius_m, found.radius_m, where=known & np.isnan(total.radius_m))
    for kept, new in ((total.score, found.score), (total.percent, found.percent)):
        kept[known & np.isnan(kept)] = 0.0
        np.add(kept, new, out=kept, where=known)
