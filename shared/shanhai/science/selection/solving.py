"""Solving a choice of sites: status, gap, and what stands in the way where nothing is possible."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shanhai.errors import InvalidInput
from shanhai.science.selection.conflicts import Unmet, find_conflicts
from shanhai.science.selection.goals import Goal, maximises
from shanhai.science.selection.plan import Plan
from shanhai.science.selection.problem import SelectionProblem
from shanhai.science.selection.programme import Programme, make_programme
from shanhai.science.selection.rows import Row
from shanhai.science.selection.search import scale_of, search

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
class Selection:
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
    plan: Plan | None
    bound: float | None
    gap: float | None
    seconds: float
    unmet: tuple[Unmet, ...] = ()


def select_sites(
    problem: SelectionProblem, goal: Goal, options: SolveOptions = DEFAULT_SOLVE_OPTIONS
) -> Selection:
    """The best choice of sites.

    The choice is rounded, and every budget, count and target is checked without any rounding; one
    that the tolerance of the solver let pass is forbidden, and the search goes on.

    Raises:
        InvalidInput: the goal does not fit the features.
        LimitExceeded: funds overlap in too many ways.
    """
    return solve(make_programme(problem, goal), options)


def solve(
    programme: Programme,
    options: SolveOptions = DEFAULT_SOLVE_OPTIONS,
    rows: Sequence[Row] = (),
) -> Selection:
    """The best choice under further rows."""
    started = time.monotonic()
    added = list(rows)
    while True:
        left_s = max(options.time_limit_s - (time.monotonic() - started), 1e-3)
        answer = search(programme, added, options.gap, left_s)
        if answer.ending in ("infeasible", "failed"):
            unmet = () if rows else find_conflicts(programme, options.time_limit_s)
            known = answer.ending == "infeasible" or unmet
            return _without_plan("infeasible" if known else "undecided", started, unmet)
        if answer.values is None:
            return _without_plan("undecided", started)
        plan = programme.read(answer.values)
        cuts = programme.cuts(plan, answer.values)
        if not cuts:
            return _told(programme, plan, answer.bound, options.gap, started)
        if answer.ending == "limit":
            return _without_plan("undecided", started)
        added += cuts


def _without_plan(status: Status, started: float, unmet: tuple[Unmet, ...] = ()) -> Selection:
    return Selection(status, None, None, None, time.monotonic() - started, unmet)


def _told(
    programme: Programme, plan: Plan, bound: float, asked: float, started: float
) -> Selection:
    found = programme.minimised(plan)
    bound = min(bound, found)
    apart, nothing = found - bound, _TOLERANCE * scale_of(programme.objective)
    gap = apart / abs(found) if found else (0.0 if apart <= nothing else math.inf)
    within = gap <= asked + _TOLERANCE or apart <= nothing
    turned = maximises(programme.goal) and not programme.for_cost
    status: Status = "optimal" if within else "feasible"
    shown = -bound if turned else bound
    return Selection(status, plan, shown, gap, time.monotonic() - started)
