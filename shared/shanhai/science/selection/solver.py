"""Selection of sites by HiGHS: plan, status, gap, and what makes a problem infeasible."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_array, vstack

from shanhai.errors import InvalidInput
from shanhai.science.grid import BoolArray, FloatArray
from shanhai.science.selection.conflicts import Unmet, find_conflicts
from shanhai.science.selection.limits import ConstraintRow, RowBlock
from shanhai.science.selection.problem import Goal, SelectionProblem, maximises
from shanhai.science.selection.programme import (
    IntegerProgramme,
    SitePlan,
    make_plan,
    make_programme,
    options_of,
)

Values = TypeVar("Values", FloatArray, BoolArray)

Ending = Literal["done", "limit", "infeasible", "failed"]

_ENDINGS: dict[int, Ending] = {0: "done", 1: "limit", 2: "infeasible"}

LARGE = 1000
"""From so many options on the relaxation is solved first."""

_HEAD_START = 0.5
"""Share of the time that the search for a plan near the relaxation may take."""
_DECIDED = 1e-6
"""By so little an option of the relaxation may differ from yes or no."""
_HALF = 0.5
_SMALL_GAP = 1e-4
"""Where no gap is allowed, the plan to start with is sought within this one."""
_FEW = 150
"""Open options that are few enough for a search of what they may be."""
_PORTIONS = (0.5, 0.25, 0.1)
"""Shares of the open options that are decided at once; the next when too many were."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search came to.

    Attributes:
        ending: `done` within the gap, stopped at the `limit`, or without any answer.
        values: Of the variables; None when none were found.
        found: Objective of the values, minimised; +∞ without.
        bound: Below which no values can be.
    """

    ending: Ending
    values: FloatArray | None
    found: float
    bound: float


def scale_of(objective: FloatArray) -> float:
    """The largest coefficient; HiGHS stops at an absolute gap as well, which is for that size."""
    return float(np.abs(objective).max(initial=0.0)) or 1.0


def search(
    programme: IntegerProgramme, rows: Sequence[ConstraintRow], gap: float, seconds: float
) -> SearchResult:
    """The least objective under further rows.

    Where there are many options the relaxation is solved first, which is a bound of all plans. It
    decides most options; of the others those nearest to a decision are decided and it is solved
    again, until the rest is a small programme. That plan is mostly within the gap. If not, the
    whole is searched and the better plan counts.
    """
    started = time.monotonic()
    whole = _with_rows(programme, rows)
    head = None
    if programme.problem.option_costs.size >= LARGE:
        head = _head_start(whole, gap, seconds)
        if head.ending in ("done", "infeasible"):
            return head
    left_s = max(seconds - (time.monotonic() - started), 1e-3)
    return _better(_run(whole, whole.integral, gap, left_s), head)


def _head_start(programme: IntegerProgramme, gap: float, seconds: float) -> SearchResult:
    """`done` when a plan within the gap of the relaxation was found, `infeasible` if that is."""
    until = time.monotonic() + seconds * _HEAD_START
    relaxed = _relax(programme, seconds)
    if relaxed.values is None or relaxed.ending != "done":
        return relaxed
    fixed = _dive(programme, relaxed.values, until)
    left_s = max(until - time.monotonic(), 1e-3)
    near = _run(fixed, programme.integral, max(gap, _SMALL_GAP) / 2, left_s)
    within = near.values is not None and near.found - relaxed.found <= gap * abs(near.found)
    return SearchResult("done" if within else "limit", near.values, near.found, relaxed.found)


def _dive(programme: IntegerProgramme, values: FloatArray, until: float) -> IntegerProgramme:
    """Decide options until few are open, or no more can be decided."""
    while True:
        programme = _fixed(programme, values < _DECIDED, values > 1 - _DECIDED)
        open_ = np.flatnonzero(_options(programme.lower < programme.upper, programme))
        if len(open_) <= _FEW or time.monotonic() > until:
            return programme
        doubt = np.minimum(values[open_], 1 - values[open_])
        nearest = open_[np.argsort(doubt, kind="stable")]
        for portion in _PORTIONS:
            some = np.zeros(len(values), dtype=np.bool_)
            some[nearest[: math.ceil(portion * len(nearest))]] = True
            more = values > _HALF
            tried = _fixed(programme, some & ~more, some & more)
            relaxed = _relax(tried, max(until - time.monotonic(), 1e-3))
            if relaxed.values is not None and relaxed.ending == "done":
                programme, values = tried, relaxed.values
                break
        else:
            return programme


def _fixed(programme: IntegerProgramme, no: BoolArray, yes: BoolArray) -> IntegerProgramme:
    lower, upper = programme.lower.copy(), programme.upper.copy()
    _options(lower, programme)[_options(yes, programme)] = 1.0
    _options(upper, programme)[_options(no, programme)] = 0.0
    return replace(programme, lower=lower, upper=upper)


def _options(values: Values, programme: IntegerProgramme) -> Values:
    """The options among the variables, which come first."""
    return values[: programme.problem.option_costs.size]


def _relax(programme: IntegerProgramme, seconds: float) -> SearchResult:
    """The least objective when options may be chosen in part."""
    return _run(programme, np.zeros_like(programme.integral), 0.0, seconds)


def _better(found: SearchResult, head: SearchResult | None) -> SearchResult:
    """The better values and the better bound of two searches of the same programme."""
    if head is None:
        return found
    values, value = found.values, found.found
    if head.values is not None and head.found < value:
        values, value = head.values, head.found
    return SearchResult(found.ending, values, value, max(found.bound, head.bound))


def _with_rows(programme: IntegerProgramme, rows: Sequence[ConstraintRow]) -> IntegerProgramme:
    if not rows:
        return programme
    block = RowBlock()
    block.add(rows)
    matrix, low, high = block.matrix(len(programme.objective))
    return replace(
        programme,
        matrix=csc_array(vstack([programme.matrix, matrix])),
        low=np.concatenate([programme.low, low]),
        high=np.concatenate([programme.high, high]),
    )


def _run(
    programme: IntegerProgramme, integral: BoolArray, gap: float, seconds: float
) -> SearchResult:
    scale = scale_of(programme.objective)
    answer: Any = milp(
        programme.objective / scale,
        integrality=integral.astype(np.int64),
        bounds=Bounds(programme.lower, programme.upper),
        constraints=LinearConstraint(programme.matrix, programme.low, programme.high)
        if len(programme.low)
        else None,
        options={"mip_rel_gap": gap, "time_limit": seconds},
    )
    ending = _ENDINGS.get(answer.status, "failed")
    if answer.x is None:
        return SearchResult(ending, None, np.inf, -np.inf)
    found = float(answer.fun) * scale
    told = answer.mip_dual_bound if integral.any() else answer.fun
    return SearchResult(ending, answer.x, found, -np.inf if told is None else float(told) * scale)


Status = Literal["optimal", "feasible", "infeasible", "undecided"]
"""`optimal` within the gap asked for; `feasible` stopped at the limit with a plan, `undecided`
without one."""

_TOLERANCE = 1e-6
"""Of HiGHS: by so much its own objective may differ from the plan's."""


@dataclass(frozen=True, slots=True)
class SolveOptions:
    """When to stop.

    Attributes:
        gap: Share by which the plan may be worse than what is not yet ruled out, ≥ 0.
        time_limit_s: Seconds after which the best plan so far is returned, above 0.
    """

    gap: float = 0.01
    time_limit_s: float = 60.0

    def __post_init__(self) -> None:
        """Refuse a gap or a limit that is none."""
        for name, value, low in (("gap", self.gap, 0.0), ("time_limit_s", self.time_limit_s, 1e-3)):
            if not low <= value < math.inf:
                raise InvalidInput(
                    f"{name} is {value}; it must be finite and at least {low:g}",
                    message_zh=f"{name} 为 {value}，须为不小于 {low:g} 的有限数",
                    pointer=f"/{name}",
                )


DEFAULT_SOLVE_OPTIONS = SolveOptions()


@dataclass(frozen=True, slots=True)
class SiteSelection:
    """What came of it.

    Attributes:
        status: How it ended.
        plan: The best plan found; None when there is none.
        bound: Objective that no plan can better; None without a plan.
        gap: `|objective − bound|/|objective|`; None without a plan.
        seconds: It took.
        unmet: Why nothing is possible: what to give up or to add so that something is.
    """

    status: Status
    plan: SitePlan | None
    bound: float | None
    gap: float | None
    seconds: float
    unmet: tuple[Unmet, ...] = ()


def select_sites(
    problem: SelectionProblem, goal: Goal, options: SolveOptions = DEFAULT_SOLVE_OPTIONS
) -> SiteSelection:
    """The best choice of sites.

    The choice is rounded, and every budget, count and target is checked without any rounding; one
    that the tolerance of the solver let pass is forbidden, and the search goes on. So it does when
    a group is too small; what is left of a plan without such groups counts if it is good enough,
    or all there was time for.

    Raises:
        InvalidInput: the goal does not fit the features.
        LimitExceeded: funds overlap in too many ways.
    """
    return solve(make_programme(problem, goal), options)


def solve(
    programme: IntegerProgramme,
    options: SolveOptions = DEFAULT_SOLVE_OPTIONS,
    rows: Sequence[ConstraintRow] = (),
) -> SiteSelection:
    """The best choice under further rows."""
    started = time.monotonic()
    added, trimmed, bound = list(rows), None, -np.inf
    while True:
        left_s = max(options.time_limit_s - (time.monotonic() - started), 1e-3)
        answer = search(programme, added, options.gap, left_s)
        if answer.ending in ("infeasible", "failed"):
            unmet = () if rows else find_conflicts(programme, options.time_limit_s)
            known = answer.ending == "infeasible" or unmet
            return _without_plan("infeasible" if known else "undecided", started, unmet)
        bound = max(bound, answer.bound)
        if answer.values is not None:
            plan = programme.read(answer.values)
            cuts = programme.cuts(plan, answer.values)
            if not cuts:
                return _told(programme, plan, bound, options.gap, started)
            trimmed = _trimmed(programme, plan, trimmed) if not rows else None
            added += cuts
        told = trimmed and _told(programme, trimmed, bound, options.gap, started)
        if answer.ending == "limit" or (told and told.status == "optimal"):
            return told or _without_plan("undecided", started)


def _trimmed(
    programme: IntegerProgramme, plan: SitePlan, former: SitePlan | None
) -> SitePlan | None:
    """A plan without its groups that are too small; the former one unless that is better."""
    problem = programme.problem
    small = [] if problem.groups is None else problem.groups.small(plan.chosen)
    phase_of = plan.phase_of.copy()
    for members in small:
        phase_of[members] = -1
    options = options_of(problem, phase_of)
    kept = all(limit.holds(options) for limit in programme.limits)
    if not small or not kept or (phase_of[list(problem.locked_in)] < 0).any():
        return former
    found = make_plan(problem, programme.goal, phase_of)
    if former is not None and programme.minimised(former) <= programme.minimised(found):
        return former
    return found


def _without_plan(status: Status, started: float, unmet: tuple[Unmet, ...] = ()) -> SiteSelection:
    return SiteSelection(status, None, None, None, time.monotonic() - started, unmet)


def _told(
    programme: IntegerProgramme, plan: SitePlan, bound: float, asked: float, started: float
) -> SiteSelection:
    found = programme.minimised(plan)
    bound = min(bound, found)
    apart, nothing = found - bound, _TOLERANCE * scale_of(programme.objective)
    gap = apart / abs(found) if found else (0.0 if apart <= nothing else math.inf)
    within = gap <= asked + _TOLERANCE or apart <= nothing
    turned = maximises(programme.goal) and not programme.for_cost
    status: Status = "optimal" if within else "feasible"
    shown = -bound if turned else bound
    return SiteSelection(status, plan, shown, gap, time.monotonic() - started)
