"""How firmly a plan rests on each site, and what each budget buys at best."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.grid import BoolArray, FloatArray, IntArray
from shanhai.science.selection import solver
from shanhai.science.selection.limits import ConstraintRow
from shanhai.science.selection.problem import BudgetGoal, Goal, SelectionProblem, maximises
from shanhai.science.selection.programme import IntegerProgramme, SitePlan, make_programme


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Plans that follow one another, each the best of those not yet found.

    Attributes:
        plans: The best first; fewer than asked for when there are no more.
        frequency: Share of the plans that choose each site, 0–1.
    """

    plans: tuple[SitePlan, ...]
    frequency: FloatArray


def find_alternatives(
    problem: SelectionProblem,
    goal: Goal,
    count: int = 10,
    options: solver.SolveOptions = solver.DEFAULT_SOLVE_OPTIONS,
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
    plans: list[SitePlan] = []
    rows: list[ConstraintRow] = []
    while len(plans) < count:
        found = solver.solve(programme, options, rows).plan
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
    best: solver.SiteSelection,
    options: solver.SolveOptions = solver.DEFAULT_SOLVE_OPTIONS,
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
        without = solver.select_sites(_without(problem, site), goal, options)
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


def _another(programme: IntegerProgramme, chosen: BoolArray, differ_by: int) -> ConstraintRow:
    """`Σ (1 − xᵢ) over the chosen + Σ xᵢ over the others ≥ differ_by`."""
    signs = np.repeat(np.where(chosen, -1.0, 1.0), programme.problem.periods)
    least = differ_by - float(np.count_nonzero(chosen))
    return ConstraintRow(np.arange(len(signs)), signs, least, math.inf)


_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class FrontPoint:
    """A plan than which none gains more for no more money.

    Attributes:
        plan: The plan; its cost is the one coordinate.
        gain: The other: the objective, with its sign turned where less is better.
        gap: Of the gain at this cost.
        status: `optimal` within the gap asked for, else `feasible`.
    """

    plan: SitePlan
    gain: float
    gap: float
    status: solver.Status


def pareto_front(
    problem: SelectionProblem,
    goal: BudgetGoal,
    points: int = 10,
    options: solver.SolveOptions = solver.DEFAULT_SOLVE_OPTIONS,
) -> tuple[FrontPoint, ...]:
    """The front of cost against gain, by the epsilon-constraint method.

    Both ends are solved without a gap: the cheapest plan the rules allow (of such, the one that
    gains most), and the one that gains most (of such, the cheapest). Between them the gain is made
    largest under budgets at equal distances, and then the cost least at that gain.

    Args:
        problem: Its budget is the largest looked at; None for no limit.
        goal: What is gained.
        points: How many budgets, both ends included.
        options: Of each solution between the ends, and the time limit of all.

    Returns:
        By ascending cost, with strictly ascending gain; fewer than `points` where budgets buy
        the same. Empty when no plan is possible.

    Raises:
        InvalidInput: fewer than two points are asked for, or the goal does not fit the features.
    """
    if points < 2:
        raise InvalidInput(
            f"points is {points}; a front has two ends",
            message_zh=f"points 为 {points}，前沿至少须有两个端点",
            pointer="/points",
        )
    whole = make_programme(problem, goal)
    exactly = replace(options, gap=0.0)
    cheapest = solver.solve(whole.cheapest(), exactly).plan
    richest = _cheaper(whole, solver.solve(whole, exactly), exactly)
    if cheapest is None or richest is None:
        return ()
    first = _within(problem, goal, cheapest.cost, exactly)
    budgets = np.linspace(cheapest.cost, richest.plan.cost, points)[1:-1]
    between = [_within(problem, goal, float(budget), options) for budget in budgets]
    return _ascending(point for point in (first, *between, richest) if point is not None)


def _within(
    problem: SelectionProblem, goal: BudgetGoal, budget: float, options: solver.SolveOptions
) -> FrontPoint | None:
    """The cheapest of the plans that gain most within a budget."""
    programme = make_programme(replace(problem, budget=budget), goal)
    return _cheaper(programme, solver.solve(programme, options), options)


def _cheaper(
    programme: IntegerProgramme, found: solver.SiteSelection, options: solver.SolveOptions
) -> FrontPoint | None:
    if found.plan is None or found.gap is None:
        return None
    value = programme.minimised(found.plan)
    slack = _ROUNDING * max(abs(value), float(np.abs(programme.objective).max(initial=0.0)))
    columns = np.flatnonzero(programme.objective)
    as_good = ConstraintRow(columns, programme.objective[columns], -math.inf, value + slack)
    saved = solver.solve(programme.cheapest(), options, [_scaled(as_good)]).plan
    plan = found.plan
    if saved is not None and saved.cost < plan.cost and programme.minimised(saved) <= value + slack:
        plan = saved
    gain = plan.objective if maximises(programme.goal) else -plan.objective
    return FrontPoint(plan, gain, found.gap, found.status)


def _scaled(row: ConstraintRow) -> ConstraintRow:
    scale = float(np.abs(row.values).max(initial=0.0)) or 1.0
    return ConstraintRow(row.columns, row.values / scale, row.low / scale, row.high / scale)


def _ascending(points: Iterable[FrontPoint]) -> tuple[FrontPoint, ...]:
    """The points that no other one beats."""
    kept: list[FrontPoint] = []
    for point in sorted(points, key=lambda one: (one.plan.cost, -one.gain)):
        if not kept or point.gain > kept[-1].gain:
            kept.append(point)
    return tuple(kept)
