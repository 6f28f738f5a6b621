"""Earmarked money: which sets of sites it can pay for, and who pays for what in the end."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.selection.exact_sums import exact_sum
from shanhai.science.selection.problem import SelectionProblem

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
