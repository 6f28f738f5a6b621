"""Why no choice keeps all rules: the least that would have to give way."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_array, eye_array, hstack, vstack

from shanhai.science.grid import BoolArray, FloatArray, IntArray
from shanhai.science.selection.groups import SiteGroups
from shanhai.science.selection.limits import Limit, LimitKind, exact_sum, exactly
from shanhai.science.selection.problem import SelectionProblem
from shanhai.science.selection.programme import IntegerProgramme, make_programme, options_of

_GAP = 0.01

_WORDS: dict[LimitKind, tuple[str, str]] = {
    "target": ("the target of {name}", "指标 {name} 的目标"),
    "budget": ("the budget", "总预算"),
    "district_budget": ("the budget of district {name}", "分区 {name} 的预算"),
    "phase_budget": ("the budget of phase {name}", "阶段 {name} 的预算"),
    "fund": ("the funds ({name})", "资金（{name}）"),
    "at_least": ("the least number of sites in district {name}", "分区 {name} 的地块数下限"),
    "group": ("the least size of a group", "连片规模下限"),
    "at_most": ("the largest number of sites in district {name}", "分区 {name} 的地块数上限"),
}

_GROUP_BESIDE = (
    "the other rules can be kept without it, with a group of",
    "其他规则单独可行，但此时最小的一片为",
)


@dataclass(frozen=True, slots=True)
class Unmet:
    """A rule that cannot be kept.

    Attributes:
        kind: Which.
        name: Of the feature, district, phase or funds; empty for the budget and for groups.
        asked: The bound.
        possible: Where the sum comes to when as little as possible gives way; of groups the
            largest that must or can be there, or the smallest of a plan that keeps the rest.
        alone: Whether the rule cannot be kept even if all others were dropped.
    """

    kind: LimitKind
    name: str
    asked: float
    possible: float
    alone: bool

    @property
    def message(self) -> str:
        """What is unmet, in English."""
        what = _WORDS[self.kind][0].format(name=self.name)
        if self.kind == "group":
            beside = "sites that lie together come to" if self.alone else _GROUP_BESIDE[0]
            return f"{what} is {self.asked:g}; {beside} {self.possible:g}"
        if self.alone:
            return f"{what} is {self.asked:g}; all sites together give {self.possible:g}"
        return f"{what} is {self.asked:g}; with the other rules, {self.possible:g} comes nearest"

    @property
    def message_zh(self) -> str:
        """What is unmet, in Chinese."""
        what = _WORDS[self.kind][1].format(name=self.name)
        if self.kind == "group":
            beside = "而相连地块合计仅" if self.alone else _GROUP_BESIDE[1]
            return f"{what}为 {self.asked:g}，{beside} {self.possible:g}"
        if self.alone:
            return f"{what}为 {self.asked:g}，而全部地块合计仅 {self.possible:g}"
        return f"{what}为 {self.asked:g}；与其他规则并存时最接近的值为 {self.possible:g}"


def find_conflicts(programme: IntegerProgramme, time_limit_s: float) -> tuple[Unmet, ...]:
    """Targets beyond all there is; without such, the rules that give way in the least relaxation.

    In the relaxation every sum may miss its bound; the sum of the misses, each as a share of its
    bound, is made least. Exclusions and locks stay. Empty when that takes longer than allowed;
    up to two searches may take that long each.
    """
    beyond, groups = _beyond_all(programme), programme.problem.groups
    if beyond or groups is None or not groups.least:
        return beyond or _relaxed(programme, time_limit_s)
    return _apart(programme.problem, groups) or _ungrouped(programme, groups, time_limit_s)


def _apart(problem: SelectionProblem, groups: SiteGroups) -> tuple[Unmet, ...]:
    """Sites that must be chosen, or all of them, lie too far apart for any group."""
    free = ~problem.locked_mask(problem.locked_out)
    sizes = [(members, groups.size(members)) for members in groups.members(free)]
    locked = [size for members, size in sizes if np.isin(members, problem.locked_in).any()]
    most = min(locked) if locked else max((size for _, size in sizes), default=0.0)
    return (Unmet("group", "", groups.least, most, alone=True),) if most < groups.least else ()


def _ungrouped(
    programme: IntegerProgramme, groups: SiteGroups, time_limit_s: float
) -> tuple[Unmet, ...]:
    """The rules that cannot even be kept without groups; if all can, the size of the groups."""
    without = make_programme(replace(programme.problem, groups=None), programme.goal)
    unkept = _relaxed(without, time_limit_s)
    every = np.ones(len(without.limits), dtype=np.bool_)
    values = None if unkept else _least_misses(without, every, time_limit_s)
    if values is None:
        return unkept
    chosen = without.read(values).chosen
    least = min(map(groups.size, groups.members(chosen)), default=0.0)
    return (Unmet("group", "", groups.least, least, alone=False),)


def _beyond_all(programme: IntegerProgramme) -> tuple[Unmet, ...]:
    features = programme.problem.features
    most = dict(zip(features, programme.problem.attainable().tolist(), strict=True))
    sums = {name: exact_sum(values) for name, values in most.items()}
    return tuple(
        Unmet("target", limit.name, limit.bound, float(sums[limit.name]), alone=True)
        for limit in programme.limits
        if limit.kind == "target" and sums[limit.name] < exactly(limit.bound)
    )


def _relaxed(programme: IntegerProgramme, time_limit_s: float) -> tuple[Unmet, ...]:
    """The least relaxation, if that does without the rules that it misses by next to nothing."""
    every = np.ones(len(programme.limits), dtype=np.bool_)
    values = _least_misses(programme, every, time_limit_s)
    if values is None:
        return ()
    misses = _misses(programme, values)
    few = misses > _GAP * misses.max(initial=0.0)
    if few.sum() < np.count_nonzero(misses):
        fewer = _least_misses(programme, few, time_limit_s)
        values = values if fewer is None else fewer
    return _missed(programme, values)


def _least_misses(
    programme: IntegerProgramme, may_miss: BoolArray, time_limit_s: float
) -> FloatArray | None:
    """Options of a choice that misses some rules by as little as can be."""
    limits, options = programme.limits, programme.problem.option_costs.size
    count = len(limits)
    rows = programme.matrix[:, :options]
    gives = np.array([1.0 if limit.floor else -1.0 for limit in limits])
    slack = vstack([eye_array(count) * gives[:, None], csc_array((rows.shape[0] - count, count))])
    # Rows with further variables (pairs, corridors, features) can always be kept.
    kept = _own_rows(programme, options)
    answer = milp(
        np.concatenate([np.zeros(options), [_weight(limit) for limit in limits]]),
        integrality=np.concatenate([np.ones(options, int), np.zeros(count, int)]),
        bounds=Bounds(
            np.concatenate([programme.lower[:options], np.zeros(count)]),
            np.concatenate([programme.upper[:options], np.where(may_miss, np.inf, 0.0)]),
        ),
        constraints=LinearConstraint(
            csc_array(hstack([rows, slack]))[kept], programme.low[kept], programme.high[kept]
        ),
        options={"mip_rel_gap": _GAP, "time_limit": time_limit_s},
    )
    return None if answer.x is None else np.asarray(answer.x[:options])


def _misses(programme: IntegerProgramme, values: FloatArray) -> FloatArray:
    """By what share of its bound a choice misses each rule."""
    chosen = options_of(programme.problem, programme.read(values).phase_of)
    return np.array(
        [
            0.0
            if limit.holds(chosen)
            else abs(limit.total(chosen) - limit.bound) / limit.scale * _weight(limit)
            for limit in programme.limits
        ]
    )


def _own_rows(programme: IntegerProgramme, options: int) -> IntArray:
    """Rows that hold nothing but options."""
    others = programme.matrix[:, options:]
    return np.flatnonzero(np.bincount(others.indices, minlength=others.shape[0]) == 0)


def _weight(limit: Limit) -> float:
    """Makes a miss of the scaled row a share of the bound; beside 0, of the largest amount."""
    return limit.scale / limit.bound if limit.bound else 1.0


def _missed(programme: IntegerProgramme, values: FloatArray) -> tuple[Unmet, ...]:
    plan = programme.read(values)
    options = options_of(programme.problem, plan.phase_of)
    return tuple(
        Unmet(limit.kind, limit.name, limit.bound, limit.total(options), alone=False)
        for limit in programme.limits
        if not limit.holds(options)
    )
