"""Rules on options as sums that must stay on one side of a bound."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from shanhai.science.arrays import BoolArray, FloatArray, IntArray
from shanhai.science.selection.exact_sums import exact_sum, exactly
from shanhai.science.selection.funding import fund_groups
from shanhai.science.selection.problem import SelectionProblem
from shanhai.science.selection.rows import ConstraintRow
from shanhai.science.selection.rules import DistrictRule

LimitKind = Literal[
    "target", "budget", "district_budget", "phase_budget", "fund", "at_least", "at_most"
]

_NEAR = 1e-9
"""Share of the bound within which a sum of doubles does not tell on which side it lies."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A sum over options that may not pass a bound.

    Attributes:
        kind: Which rule it comes from.
        name: Of the feature, district, phase or funds; empty for the budget.
        options: Different options.
        amounts: What each adds if it is chosen, ≥ 0.
        bound: The bound.
        floor: Whether the sum must reach the bound; else it may not exceed it.
    """

    kind: LimitKind
    name: str
    options: IntArray = field(repr=False)
    amounts: FloatArray = field(repr=False)
    bound: float
    floor: bool = False

    @property
    def scale(self) -> float:
        """The largest amount, by which the row is divided so that tolerances mean the same."""
        return float(self.amounts.max(initial=0.0)) or 1.0

    @property
    def row(self) -> ConstraintRow:
        """The rule as the solver takes it."""
        side = self.bound / self.scale
        low, high = (side, math.inf) if self.floor else (-math.inf, side)
        return ConstraintRow(self.options, self.amounts / self.scale, low, high)

    def total(self, chosen: BoolArray) -> float:
        """The sum over chosen options."""
        return float(exact_sum(self.amounts[chosen[self.options]].tolist()))

    def holds(self, chosen: BoolArray) -> bool:
        """Whether the sum of the decimals, without any rounding, keeps to the bound."""
        taken = self.amounts[chosen[self.options]]
        beyond = float(taken.sum()) - self.bound
        if abs(beyond) > _NEAR * max(abs(self.bound), self.scale):
            return (beyond > 0) == self.floor
        total, bound = exact_sum(taken.tolist()), exactly(self.bound)
        return total >= bound if self.floor else total <= bound

    def cut(self, chosen: BoolArray) -> ConstraintRow:
        """A row that no choice within the rule breaks and this one, which breaks it, does.

        What costs too much does so with anything added; what gives too little does so with anything
        taken away.
        """
        adds = self.amounts > 0
        taken = chosen[self.options] & adds
        if self.floor:
            rest = self.options[adds & ~taken]
            return ConstraintRow(rest, np.ones(len(rest)), 1.0, math.inf)
        members = self.options[taken]
        return ConstraintRow(members, np.ones(len(members)), -math.inf, len(members) - 1.0)


def limits_of(problem: SelectionProblem, targets: FloatArray | None = None) -> tuple[Limit, ...]:
    """Every rule of a problem that is a sum, and the targets that must be reached."""
    found = [*_budgets(problem), *_fund_limits(problem)]
    for district in problem.districts:
        found += _of_district(problem, district)
    if targets is not None:
        found += target_limits(problem, targets)
    return tuple(found)


def _budgets(problem: SelectionProblem) -> Iterator[Limit]:
    costs = problem.option_costs
    every = np.arange(costs.size)
    if problem.budget is not None:
        yield Limit("budget", "", every, costs, problem.budget)
    for number, phase in enumerate(problem.phases):
        if phase.budget is not None:
            within = every[number :: problem.periods]
            yield Limit("phase_budget", phase.name, within, costs[within], phase.budget)


def _fund_limits(problem: SelectionProblem) -> Iterator[Limit]:
    costs = problem.option_costs
    for group in fund_groups(problem):
        options = group.options
        yield Limit("fund", group.name, options, costs[options], group.amount)


def _of_district(problem: SelectionProblem, district: DistrictRule) -> Iterator[Limit]:
    options, name = problem.options_of(district.sites), district.name
    ones = np.ones(len(options))
    if district.budget is not None:
        costs = problem.option_costs[options]
        yield Limit("district_budget", name, options, costs, district.budget)
    if district.at_least:
        yield Limit("at_least", name, options, ones, float(district.at_least), floor=True)
    if district.at_most is not None:
        yield Limit("at_most", name, options, ones, float(district.at_most))


def target_limits(problem: SelectionProblem, targets: FloatArray) -> Iterator[Limit]:
    """Targets above 0 as rules."""
    amounts = problem.option_amounts
    for number, (name, target) in enumerate(zip(problem.features, targets.tolist(), strict=True)):
        if target > 0:
            gives = np.flatnonzero(amounts[number])
            yield Limit("target", name, gives, amounts[number, gives], target, floor=True)
