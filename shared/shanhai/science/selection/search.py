"""The search itself: HiGHS on a programme, with a head start where that is large."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_array, vstack

from shanhai.science.arrays import BoolArray, FloatArray
from shanhai.science.selection.programme import Programme
from shanhai.science.selection.rows import Row, RowBlock

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
class Answer:
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


def search(programme: Programme, rows: Sequence[Row], gap: float, seconds: float) -> Answer:
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


def _head_start(programme: Programme, gap: float, seconds: float) -> Answer:
    """`done` when a plan within the gap of the relaxation was found, `infeasible` if that is."""
    until = time.monotonic() + seconds * _HEAD_START
    relaxed = _relax(programme, seconds)
    if relaxed.values is None or relaxed.ending != "done":
        return relaxed
    fixed = _dive(programme, relaxed.values, until)
    left_s = max(until - time.monotonic(), 1e-3)
    near = _run(fixed, programme.integral, max(gap, _SMALL_GAP) / 2, left_s)
    within = near.values is not None and near.found - relaxed.found <= gap * abs(near.found)
    return Answer("done" if within else "limit", near.values, near.found, relaxed.found)


def _dive(programme: Programme, values: FloatArray, until: float) -> Programme:
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


def _fixed(programme: Programme, no: BoolArray, yes: BoolArray) -> Programme:
    lower, upper = programme.lower.copy(), programme.upper.copy()
    _options(lower, programme)[_options(yes, programme)] = 1.0
    _options(upper, programme)[_options(no, programme)] = 0.0
    return replace(programme, lower=lower, upper=upper)


def _options(values: Values, programme: Programme) -> Values:
    """The options among the variables, which come first."""
    return values[: programme.problem.option_costs.size]


def _relax(programme: Programme, seconds: float) -> Answer:
    """The least objective when options may be chosen in part."""
    return _run(programme, np.zeros_like(programme.integral), 0.0, seconds)


def _better(found: Answer, head: Answer | None) -> Answer:
    """The better values and the better bound of two searches of the same programme."""
    if head is None:
        return found
    values, value = found.values, found.found
    if head.values is not None and head.found < value:
        values, value = head.values, head.found
    return Answer(found.ending, values, value, max(found.bound, head.bound))


def _with_rows(programme: Programme, rows: Sequence[Row]) -> Programme:
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


def _run(programme: Programme, integral: BoolArray, gap: float, seconds: float) -> Answer:
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
        return Answer(ending, None, np.inf, -np.inf)
    found = float(answer.fun) * scale
    told = answer.mip_dual_bound if integral.any() else answer.fun
    return Answer(ending, answer.x, found, -np.inf if told is None else float(told) * scale)
