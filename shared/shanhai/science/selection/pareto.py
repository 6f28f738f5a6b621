"""Cost against gain: what each budget buys at best."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.selection.goals import BudgetGoal, maximises
from shanhai.science.selection.plan import Plan
from shanhai.science.selection.problem import SelectionProblem
from shanhai.science.selection.programme import Programme, make_programme
from shanhai.science.selection.rows import Row
from shanhai.science.selection.solving import (
    DEFAULT_SOLVE_OPTIONS,
    Selection,
    SolveOptions,
    Status,
    solve,
)

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

    plan: Plan
    gain: float
    gap: float
    status: Status


def pareto_front(
    problem: SelectionProblem,
    goal: BudgetGoal,
    points: int = 10,
    options: SolveOptions = DEFAULT_SOLVE_OPTIONS,
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
    cheapest = solve(whole.cheapest(), exactly).plan
    richest = _cheaper(whole, solve(whole, exactly), exactly)
    if cheapest is None or richest is None:
        return ()
    first = _within(problem, goal, cheapest.cost, exactly)
    budgets = np.linspace(cheapest.cost, richest.plan.cost, points)[1:-1]
    between = [_within(problem, goal, float(budget), options) for budget in budgets]
    return _ascending(point for point in (first, *between, richest) if point is not None)


def _within(
    problem: SelectionProblem, goal: BudgetGoal, budget: float, options: SolveOptions
) -> FrontPoint | None:
    """The cheapest of the plans that gain most within a budget."""
    programme = make_programme(replace(problem, budget=budget), goal)
    return _cheaper(programme, solve(programme, options), options)


def _cheaper(programme: Programme, found: Selection, options: SolveOptions) -> FrontPoint | None:
    if found.plan is None or found.gap is None:
        return None
    value = programme.minimised(found.plan)
    slack = _ROUNDING * max(abs(value), float(np.abs(programme.objective).max(initial=0.0)))
    columns = np.flatnonzero(programme.objective)
    as_good = Row(columns, programme.objective[columns], -math.inf, value + slack)
    saved = solve(programme.cheapest(), options, [_scaled(as_good)]).plan
    plan = found.plan
    if saved is not None and saved.cost < plan.cost and programme.minimised(saved) <= value + slack:
        plan = saved
    gain = plan.objective if maximises(programme.goal) else -plan.objective
    return FrontPoint(plan, gain, found.gap, found.status)


def _scaled(row: Row) -> Row:
    scale = float(np.abs(row.values).max(initial=0.0)) or 1.0
    return Row(row.columns, row.values / scale, row.low / scale, row.high / scale)


def _ascending(points: Iterable[FrontPoint]) -> tuple[FrontPoint, ...]:
    """The points that no other one beats."""
    kept: list[FrontPoint] = []
    for point in sorted(points, key=lambda one: (one.plan.cost, -one.gain)):
        if not kept or point.gain > kept[-1].gain:
            kept.append(point)
    return tuple(kept)
