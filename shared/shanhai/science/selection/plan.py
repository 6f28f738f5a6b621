"""A choice of sites and what it amounts to, reckoned anew from the choice alone."""

import math
from dataclasses import dataclass

import numpy as np

from shanhai.science.arrays import BoolArray, FloatArray, IntArray
from shanhai.science.selection.exact_sums import exact_sum, not_below
from shanhai.science.selection.goals import Goal, MaximumBenefit, MinimumSet, maximises, value_of
from shanhai.science.selection.limits import target_limits
from shanhai.science.selection.problem import SelectionProblem


@dataclass(frozen=True, slots=True)
class SitePlan:
    """Which sites are chosen, and what that gives.

    Attributes:
        phase_of: Phase of each site, from 0 (0 without phases); −1 is not chosen.
        cost: Of all chosen sites; if it has no double, the next above.
        amounts: Reached of each feature.
        reached: Whether each target is met; without targets, whether there is any amount.
        exposed_m: E, outline of the chosen sites as a whole, m; 0 without edges.
        connection: Q, summed strength of the pairs whose both sites are chosen.
        corridors: Whether each corridor is open.
        objective: Value in the sense of the goal, with `λE − κQ − V` to its disadvantage.
    """

    phase_of: IntArray
    cost: float
    amounts: FloatArray
    reached: BoolArray
    exposed_m: float
    connection: float
    corridors: BoolArray
    objective: float

    @property
    def chosen(self) -> BoolArray:
        """Mask of the chosen sites."""
        return np.asarray(self.phase_of >= 0)


def make_plan(problem: SelectionProblem, goal: Goal, phase_of: IntArray) -> SitePlan:
    """What a choice amounts to; it is not asked whether the rules allow it.

    Args:
        problem: Sites and rules.
        goal: What the choice is for.
        phase_of: Phase of each site, from 0; −1 is not chosen.
    """
    chosen = np.asarray(phase_of >= 0)
    options = options_of(problem, phase_of)
    amounts = problem.option_amounts[:, options].sum(axis=1)
    reached = _reached(problem, goal, options, amounts)
    exposed, connection = _exposed(problem, chosen), _connection(problem, chosen)
    corridors = _open(problem, chosen)
    cost = not_below(exact_sum(problem.costs[chosen].tolist()))
    beside = _beside(problem, exposed, connection, corridors)
    value = cost if isinstance(goal, MinimumSet) else value_of(goal, amounts, reached)
    objective = value - beside if maximises(goal) else value + beside
    return SitePlan(phase_of, cost, amounts, reached, exposed, connection, corridors, objective)


def options_of(problem: SelectionProblem, phase_of: IntArray) -> BoolArray:
    """Mask of the chosen options."""
    mask = np.zeros((problem.sites, problem.periods), dtype=np.bool_)
    sites = np.flatnonzero(phase_of >= 0)
    mask[sites, phase_of[sites]] = True
    return mask.ravel()


def _reached(
    problem: SelectionProblem, goal: Goal, options: BoolArray, amounts: FloatArray
) -> BoolArray:
    if isinstance(goal, MaximumBenefit):
        return np.asarray(amounts > 0)
    rules = {rule.name: rule for rule in target_limits(problem, goal.targets)}
    return np.array(
        [name not in rules or rules[name].holds(options) for name in problem.features], dtype=bool
    )


def _exposed(problem: SelectionProblem, chosen: BoolArray) -> float:
    edges = problem.edges
    if edges is None:
        return 0.0
    inner = edges.lengths[chosen[edges.pairs].all(axis=1)].sum()
    return float(edges.perimeters[chosen].sum() - 2 * inner)


def _connection(problem: SelectionProblem, chosen: BoolArray) -> float:
    links = problem.connections
    return 0.0 if links is None else float(links.strengths[chosen[links.pairs].all(axis=1)].sum())


def _beside(
    problem: SelectionProblem, exposed: float, connection: float, corridors: BoolArray
) -> float:
    """`λE − κQ − V`."""
    opened = zip(problem.corridors, corridors.tolist(), strict=True)
    total = -math.fsum(one.value for one, is_open in opened if is_open)
    if problem.edges is not None:
        total += problem.edges.penalty * exposed
    if problem.connections is not None:
        total -= problem.connections.reward * connection
    return total


def _open(problem: SelectionProblem, chosen: BoolArray) -> BoolArray:
    return np.array(
        [all(chosen[list(step)].any() for step in one.steps) for one in problem.corridors],
        dtype=np.bool_,
    )
