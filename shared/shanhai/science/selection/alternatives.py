"""How firmly a plan rests on each of its sites: other plans, and plans without one of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.arrays import BoolArray, FloatArray, IntArray
from shanhai.science.selection.goals import Goal, maximises
from shanhai.science.selection.plan import Plan
from shanhai.science.selection.problem import SelectionProblem
from shanhai.science.selection.programme import Programme, make_programme
from shanhai.science.selection.rows import Row
from shanhai.science.selection.solving import (
    DEFAULT_SOLVE_OPTIONS,
    Selection,
    SolveOptions,
    select_sites,
    solve,
)


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Plans that follow one another, each the best of those not yet found.

    Attributes:
        plans: The best first; fewer than asked for when there are no more.
        frequency: Share of the plans that choose each site, 0–1.
    """

    plans: tuple[Plan, ...]
    frequency: FloatArray


def find_alternatives(
    problem: SelectionProblem,
    goal: Goal,
    count: int = 10,
    options: SolveOptions = DEFAULT_SOLVE_OPTIONS,
    *,
    differ_by: int = 1,
) -> Alternatives:
    """Solve again and again, each time without the plans found before (no-good cuts).

    Args:
        problem: Sites and rules.
        goal: What is asked for.
        count: How many plans, the first included.
        options: For each of them.
        differ_by: In so many sites at least any two plans must differ.

    Raises:
        InvalidInput: fewer than one plan or one different site is asked for.
    """
    if count < 1 or differ_by < 1:
        raise InvalidInput(
            f"{count} plans that differ in {differ_by} sites are asked for; "
            "both must be at least 1",
            message_zh=f"要求 {count} 个方案、两两至少相差 {differ_by} 个地块；二者均须不小于 1",
            pointer="/count",
        )
    programme = make_programme(problem, goal)
    plans: list[Plan] = []
    rows: list[Row] = []
    while len(plans) < count:
        found = solve(programme, options, rows).plan
        if found is None:
            break
        plans.append(found)
        rows.append(_another(programme, found.chosen, differ_by))
    chosen = np.array([plan.chosen for plan in plans]).reshape(len(plans), problem.sites)
    frequency = chosen.mean(axis=0) if plans else np.zeros(problem.sites)
    return Alternatives(tuple(plans), frequency)


def irreplaceability(
    problem: SelectionProblem,
    goal: Goal,
    best: Selection,
    options: SolveOptions = DEFAULT_SOLVE_OPTIONS,
    sites: Sequence[int] | IntArray | None = None,
) -> FloatArray:
    """How much worse the objective becomes when a site may not be chosen.

    Figures are as exact as the gaps of the plans that are compared: with a gap of 0, exact.

    Args:
        problem: Sites and rules.
        goal: What is asked for.
        best: What came of them.
        options: For each plan without a site.
        sites: Chosen sites to look at; None for all of them. What is not chosen costs nothing.

    Returns:
        Of each site, ≥ 0 in the unit of the goal; +∞ where nothing is possible without it, NaN
        where that was not decided in time or was not asked for.

    Raises:
        InvalidInput: there is no plan.
    """
    if best.plan is None:
        raise InvalidInput(
            f"the selection is {best.status}; there must be a plan to take sites from",
            message_zh=f"选址结果为 {best.status}，须先有方案方可逐一剔除地块",
            pointer="/best",
        )
    chosen = np.flatnonzero(best.plan.chosen)
    asked = chosen if sites is None else np.intersect1d(chosen, np.asarray(sites, dtype=np.int64))
    losses = np.where(best.plan.chosen, np.nan, 0.0)
    for site in asked.tolist():
        without = select_sites(_without(problem, site), goal, options)
        if without.plan is not None:
            losses[site] = _loss(best.plan.objective, without.plan.objective, goal)
        elif without.status == "infeasible":
            losses[site] = math.inf
    return losses


def _loss(best: float, without: float, goal: Goal) -> float:
    worse = best - without if maximises(goal) else without - best
    return max(worse, 0.0)


def _without(problem: SelectionProblem, site: int) -> SelectionProblem:
    return replace(
        problem,
        locked_in=tuple(one for one in problem.locked_in if one != site),
        locked_out=(*problem.locked_out, site),
    )


def _another(programme: Programme, chosen: BoolArray, differ_by: int) -> Row:
    """`Σ (1 − xᵢ) over the chosen + Σ xᵢ over the others ≥ differ_by`."""
    signs = np.repeat(np.where(chosen, -1.0, 1.0), programme.problem.periods)
    least = differ_by - float(np.count_nonzero(chosen))
    return Row(np.arange(len(signs)), signs, least, math.inf)
