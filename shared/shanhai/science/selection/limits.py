"""Rules as sums on one side of a bound, earmarked money among them: rows of a linear programme."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Literal

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, csc_array

from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.science.grid import BoolArray, FloatArray, IntArray
from shanhai.science.selection.problem import SelectionProblem
from shanhai.science.selection.rules import DistrictRule

_EXACT = Context(prec=800, Emax=999_999, Emin=-999_999)
"""Digits enough for the sum of any two doubles, whatever their size."""


def exact_sum(values: Iterable[float]) -> Decimal:
    """Sum of finite numbers as they are written: 0.1 and 0.2 are 0.3."""
    total = Decimal(0)
    for value in values:
        total = _EXACT.add(total, exactly(value))
    return total


def exactly(value: float) -> Decimal:
    """A number as it is written in decimals."""
    return Decimal(repr(float(value)))


def not_below(total: Decimal) -> float:
    """The double nearest to a sum, or the next one above it when that lies below."""
    nearest = float(total)
    return nearest if exactly(nearest) >= total else math.nextafter(nearest, math.inf)


@dataclass(frozen=True, slots=True)
class ConstraintRow:
    """`low ≤ Σ values·x[columns] ≤ high`."""

    columns: IntArray
    values: FloatArray
    low: float
    high: float


@dataclass(slots=True)
class RowBlock:
    """Rows that are being gathered."""

    count: int = 0
    _rows: list[IntArray] = field(default_factory=list)
    _columns: list[IntArray] = field(default_factory=list)
    _values: list[FloatArray] = field(default_factory=list)
    _low: list[FloatArray] = field(default_factory=list)
    _high: list[FloatArray] = field(default_factory=list)

    def add(self, rows: Iterable[ConstraintRow]) -> None:
        """Append single rows."""
        for row in rows:
            self._rows.append(np.full(len(row.columns), self.count))
            self._columns.append(row.columns)
            self._values.append(row.values)
            self._low.append(np.array([row.low]))
            self._high.append(np.array([row.high]))
            self.count += 1

    def add_at_most_0(
        self, count: int, rows: IntArray, columns: IntArray, values: FloatArray
    ) -> None:
        """Append so many rows `Σ values·x[columns] ≤ 0` at once; `rows` are counted from 0."""
        self._rows.append(self.count + rows)
        self._columns.append(columns)
        self._values.append(values)
        self._low.append(np.full(count, -math.inf))
        self._high.append(np.zeros(count))
        self.count += count

    def matrix(self, width: int) -> tuple[csc_array, FloatArray, FloatArray]:
        """The rows as a sparse matrix of that many columns, with their bounds."""
        values, rows, columns = (
            np.concatenate(parts) if parts else np.array([], dtype=kind)
            for parts, kind in (
                (self._values, np.float64),
                (self._rows, np.int64),
                (self._columns, np.int64),
            )
        )
        shape = (self.count, width)
        bounds = (np.concatenate(side) if side else np.zeros(0) for side in (self._low, self._high))
        low, high = bounds
        return csc_array(coo_array((values, (rows, columns)), shape=shape)), low, high


MOST_GROUPS = 1000
"""Sets of funds whose sites can compete for them, at most."""


@dataclass(frozen=True, slots=True)
class FundGroup:
    """Options that none but some funds may pay for.

    Attributes:
        name: Of the funds, joined.
        options: All that these funds alone may pay for.
        amount: What the funds hold together.
    """

    name: str
    options: IntArray
    amount: float


def fund_groups(problem: SelectionProblem) -> tuple[FundGroup, ...]:
    """The groups that must each be affordable for all to be.

    Money can be dealt out exactly when, for every set of funds, what these alone may pay for costs
    no more than they hold (Gale 1957). Only sets that arise from overlapping claims matter.

    Raises:
        LimitExceeded: the funds overlap in more than `MOST_GROUPS` ways.
    """
    if not problem.funds:
        return ()
    masks = _payers(problem)
    return tuple(_group(problem, masks, funds) for funds in _unions(np.unique(masks).tolist()))


def payments(problem: SelectionProblem, phase_of: IntArray) -> FloatArray:
    """What each fund pays for each site of a plan that the funds can pay for.

    Money that may be spent on few sites goes before money for many; of sites with the same payers
    the first gets the narrowest fund.

    Args:
        problem: With at least one fund.
        phase_of: Phase of each site, from 0; −1 is not chosen.

    Returns:
        Sites by funds, in the unit of the costs; each row adds up to the cost of the site.

    Raises:
        InvalidInput: the funds cannot pay for the plan.
    """
    paid = np.zeros((problem.sites, len(problem.funds)))
    sites = np.flatnonzero((phase_of >= 0) & (problem.costs > 0))
    if not sites.size:
        return paid
    masks = _payers(problem)
    own = masks[sites * problem.periods + phase_of[sites]]
    kinds, kind_of = np.unique(own, return_inverse=True)
    needs = np.bincount(kind_of, weights=problem.costs[sites]).astype(np.float64)
    breadth = np.array([float(np.sum(masks >> k & 1)) for k in range(len(problem.funds))])
    order = np.argsort(breadth, kind="stable")
    dealt = _dealt(kinds, needs, problem, breadth)
    for kind in range(len(kinds)):
        _fill(paid, sites[kind_of == kind], dealt[kind], problem.costs, order)
    return paid


def _payers(problem: SelectionProblem) -> IntArray:
    """Bits of the funds that may pay for each option."""
    masks = np.zeros((problem.sites, problem.periods), dtype=np.int64)
    for number, fund in enumerate(problem.funds):
        sites = slice(None) if fund.sites is None else list(fund.sites)
        phases = slice(None) if fund.phase is None else fund.phase
        masks[sites, phases] |= 1 << number
    return masks.ravel()


def _unions(kinds: list[int]) -> list[int]:
    """Sets of funds that overlapping kinds of claims make up, by size of their number."""
    found, waiting = set(kinds), list(kinds)
    while waiting:
        funds = waiting.pop()
        for kind in kinds:
            both = funds | kind
            if funds & kind and both not in found:
                found.add(both)
                waiting.append(both)
        if len(found) > MOST_GROUPS:
            raise LimitExceeded(
                f"the funds overlap in more than {MOST_GROUPS} ways; "
                "join funds that may be spent on the same sites",
                message_zh=f"资金用途的重叠组合超过 {MOST_GROUPS} 种；请合并用途相同的资金",
                pointer="/funds",
            )
    return sorted(found)


def _group(problem: SelectionProblem, masks: IntArray, funds: int) -> FundGroup:
    members = [fund for number, fund in enumerate(problem.funds) if funds >> number & 1]
    amount = float(exact_sum(fund.amount for fund in members))
    name = ", ".join(fund.name for fund in members)
    return FundGroup(name, np.flatnonzero(masks & ~funds == 0), amount)


def _dealt(
    kinds: IntArray, needs: FloatArray, problem: SelectionProblem, breadth: FloatArray
) -> FloatArray:
    """Kinds of claims by funds: what is paid, with the narrow funds first."""
    funds = len(problem.funds)
    shape = (len(kinds), funds)
    held = np.array([fund.amount for fund in problem.funds])
    allowed = (kinds[:, None] >> np.arange(funds) & 1).astype(bool)
    whole = needs.sum()
    cells = np.arange(allowed.size).reshape(shape)
    by_kind, by_fund = np.zeros((len(kinds), allowed.size)), np.zeros((funds, allowed.size))
    np.put_along_axis(by_kind, cells, 1.0, axis=1)
    np.put_along_axis(by_fund, cells.T, 1.0, axis=1)
    limits = [(0.0, math.inf if free else 0.0) for free in allowed.ravel().tolist()]
    answer = linprog(
        np.tile(breadth / max(float(breadth.max()), 1.0), len(kinds)),
        A_ub=by_fund,
        b_ub=held / whole,
        A_eq=by_kind,
        b_eq=needs / whole,
        bounds=limits,
        method="highs",
    )
    if answer.x is None:
        raise InvalidInput(
            f"the chosen sites cost {whole:g}; the funds that may pay for them hold too little",
            message_zh=f"所选地块共需 {whole:g}，可用于其上的资金不足",
            pointer="/funds",
        )
    return np.asarray(answer.x.reshape(shape) * whole)


def _fill(
    paid: FloatArray, sites: IntArray, money: FloatArray, costs: FloatArray, order: IntArray
) -> None:
    """Spend the money on one site after the other, fund after fund."""
    starts = np.concatenate([[0.0], np.cumsum(costs[sites])])
    ends = np.cumsum(money[order])
    # What rounding leaves over or short falls to the last fund that pays.
    ends[np.flatnonzero(money[order])[-1] :] = starts[-1]
    before = np.concatenate([[0.0], ends[:-1]])
    overlap = np.minimum(starts[1:, None], ends) - np.maximum(starts[:-1, None], before)
    paid[np.ix_(sites, order)] = np.maximum(overlap, 0.0)


LimitKind = Literal[
    "target", "budget", "district_budget", "phase_budget", "fund", "at_least", "at_most", "group"
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
