"""Barriers: where restoring a small piece of ground would shorten the way between sources most."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.corridors.disc_kernels import running_minimum

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
