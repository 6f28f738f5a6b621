"""The choice itself: the plan and who pays; its manifest, and what a reader must know of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from shanhai.errors import Fault, InvalidInput
from shanhai.processes.kit import manifest
from shanhai.processes.kit.task import Progress
from shanhai.processes.select_sites.candidates import Candidate
from shanhai.processes.select_sites.gains import Gains
from shanhai.processes.select_sites.priority import Priority, Siting
from shanhai.processes.select_sites.ranking import Ranking
from shanhai.processes.select_sites.rules import Rules, least_shortfall
from shanhai.processes.select_sites.task import SelectSitesTask
from shanhai.science.flags import ResultFlag
from shanhai.science.grid import FloatArray
from shanhai.science.selection import tradeoffs
from shanhai.science.selection.conflicts import Unmet
from shanhai.science.selection.limits import exact_sum, exactly, payments
from shanhai.science.selection.priority import ConnectivityGain, connectivity_gain
from shanhai.science.selection.problem import (
    BudgetGoal,
    Goal,
    MinimumSet,
    SelectionProblem,
    maximises,
)
from shanhai.science.selection.programme import SitePlan, make_plan
from shanhai.science.selection.solver import SiteSelection, SolveOptions, select_sites

_POINTERS = {
    "target": "/inputs/goal",
    "budget": "/inputs/budget",
    "district_budget": "/inputs/districts",
    "phase_budget": "/inputs/phases",
    "fund": "/inputs/funds",
    "at_least": "/inputs/districts",
    "at_most": "/inputs/districts",
    "group": "/inputs/parameters/least_group_ha",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What came of a selection.

    Attributes:
        selection: Status, bound, gap; of a partial plan those of the least shortfall.
        plan: The sites.
        partial: Whether the plan is only the nearest to what was asked for.
        unmet: Why not all that was asked for is possible, as far as that was found out in time.
        paid: Sites by funds, yuan; None without funds.
        front: What other budgets buy, if that was asked for.
        others: Plans to compare with, if that was asked for.
        losses: Objective lost without each chosen site; None where it was not asked for.
        connectivity: What the plan truly gains, beside the sum of its sites; None without network.
    """

    selection: SiteSelection
    plan: SitePlan
    partial: bool
    unmet: tuple[Unmet, ...]
    paid: FloatArray | None
    front: tuple[tradeoffs.FrontPoint, ...]
    others: tradeoffs.Alternatives | None
    losses: FloatArray | None
    connectivity: ConnectivityGain | None


def choose(siting: Siting, rules: Rules, gains: Gains, progress: Progress) -> Choice:
    """Solve what was asked for, and what was asked about it.

    Targets that cannot be reached under the other rules give the plan that misses them by least.

    Raises:
        InvalidInput: nothing is possible at all, or the time did not suffice for any plan.
    """
    parameters = siting.parameters
    options = SolveOptions(parameters.gap, parameters.time_limit_s)
    problem, goal = rules.problem, rules.goal
    progress(45, "select")
    once = siting.place.once
    found = once(partial(select_sites, problem, goal, options))
    unmet = found.unmet
    falls_short = found.status == "infeasible" and isinstance(goal, MinimumSet)
    if falls_short:
        goal = least_shortfall(rules)
        found = once(partial(select_sites, problem, goal, options))
    plan = _demand_plan(found, found.unmet or unmet)
    progress(55, "front")
    front = _front(siting, rules, options)
    found = better_of(found, front, goal)
    plan = as_soon_as_can_be(problem, goal, found.plan or plan)
    progress(70, "alternatives")
    count = parameters.alternatives
    others = losses = None
    if count:
        others = once(partial(tradeoffs.find_alternatives, problem, goal, count, options))
    if parameters.irreplaceability:
        losses = once(partial(tradeoffs.irreplaceability, problem, goal, found, options))
    restoration = gains.restoration
    return Choice(
        selection=found,
        plan=plan,
        partial=falls_short,
        unmet=unmet,
        paid=payments(problem, plan.phase_of) if problem.funds else None,
        front=front,
        others=others,
        losses=losses,
        connectivity=None if restoration is None else connectivity_gain(restoration, plan.chosen),
    )


def better_of(
    found: SiteSelection, front: Sequence[tradeoffs.FrontPoint], goal: Goal
) -> SiteSelection:
    """The selection with the plan at the end of its front, where that gains more.

    That plan keeps the same rules and budget, and is sought without a gap.
    """
    if found.plan is None or found.bound is None or not front:
        return found
    end, before = front[-1].plan, found.plan.objective
    more = end.objective - before if maximises(goal) else before - end.objective
    if more <= 0 or not end.objective:
        return found
    gap = abs(end.objective - found.bound) / abs(end.objective)
    return replace(found, plan=end, gap=gap)


def as_soon_as_can_be(problem: SelectionProblem, goal: Goal, plan: SitePlan) -> SitePlan:
    """The same sites, each in the first phase of the same share whose budget still holds it.

    To the programme phases of one share are alike, so that it may leave the first ones empty.
    """
    phase_of, phases = plan.phase_of.copy(), problem.phases
    left = [
        None
        if one.budget is None
        else exactly(one.budget) - exact_sum(problem.costs[phase_of == number].tolist())
        for number, one in enumerate(phases)
    ]
    chosen = np.flatnonzero(phase_of > 0)
    for site in chosen[np.argsort(-problem.costs[chosen], kind="stable")].tolist():
        cost, own = exactly(problem.costs[site]), int(phase_of[site])
        for number in range(own):
            room = left[number]
            if phases[number].share != phases[own].share or (room is not None and room < cost):
                continue
            phase_of[site] = number
            for changed, sign in ((number, -1), (own, 1)):
                rest = left[changed]
                left[changed] = None if rest is None else rest + sign * cost
            break
    return make_plan(problem, goal, phase_of)


def _front(siting: Siting, rules: Rules, options: SolveOptions) -> tuple[tradeoffs.FrontPoint, ...]:
    points = siting.parameters.pareto_points
    if not points or isinstance(rules.goal, MinimumSet):
        return ()
    goal: BudgetGoal = rules.goal
    return siting.place.once(partial(tradeoffs.pareto_front, rules.problem, goal, points, options))


def _demand_plan(found: SiteSelection, unmet: Sequence[Unmet]) -> SitePlan:
    if found.plan is not None:
        return found.plan
    if found.status == "undecided":
        raise InvalidInput(
            "no plan was found within time_limit_s; allow more time, or fewer sites and rules",
            message_zh="在 time_limit_s 内未找到方案；请延长时限，或减少地块与规则",
            pointer="/inputs/parameters/time_limit_s",
        )
    faults = [Fault(_POINTERS[one.kind], one.message, one.message_zh) for one in unmet]
    faults = faults or [Fault("/inputs", "the rules contradict each other", "规则相互矛盾")]
    raise InvalidInput(
        "no choice of sites keeps the rules: " + "; ".join(one.detail for one in faults),
        message_zh="没有符合全部规则的选址：" + "；".join(one.detail_zh or "" for one in faults),
        faults=faults,
    )


def frequency_of(choice: Choice, place: int) -> float | None:
    """Share of the compared plans that choose a site."""
    return None if choice.others is None else round(float(choice.others.frequency[place]), 6)


def loss_of(choice: Choice, place: int) -> tuple[float | None, bool]:
    """Objective lost without a site, and whether nothing is possible without it."""
    if choice.losses is None:
        return None, False
    value = float(choice.losses[place])
    return (round(value, 6) if np.isfinite(value) else None), bool(np.isposinf(value))


@dataclass(frozen=True, slots=True)
class Chosen:
    """A selection, and how it was made.

    Attributes:
        siting: Where, and what was asked.
        priority: The priority map; None where there is nothing to rank by.
        candidates: The sites there were.
        gains: What they give.
        rules: What was asked for.
        choice: What came of it.
        ranking: The order in which land would be given up, if that was asked for.
    """

    siting: Siting
    priority: Priority | None
    candidates: Sequence[Candidate]
    gains: Gains
    rules: Rules
    choice: Choice
    ranking: Ranking | None = None


def build_manifest(
    task: SelectSitesTask,
    chosen: Chosen,
    statistics: Mapping[str, Any],
    flags: Sequence[ResultFlag],
) -> dict[str, Any]:
    """The manifest; only `job_id` and `created_utc` differ between equal runs."""
    told = ("goal", "status", "candidates", "chosen", "cost", "objective", "bound", "gap")
    return manifest.build_manifest(
        task,
        chosen.siting.place,
        parameters=chosen.siting.parameters.model_dump(mode="json"),
        control_areas=manifest.areas_record(task),
        unit_polygons=[unit.model_dump(mode="json") for unit in task.units],
        selection=chosen.siting.selection.model_dump(mode="json"),
        chosen={name: statistics[name] for name in told},
        warnings=[flag.document() for flag in flags],
    )


def selection_flags(chosen: Chosen) -> list[ResultFlag]:
    """A plan that misses its targets or was not searched to the end, and what was left out."""
    found = []
    choice, inputs = chosen.choice, chosen.siting.inputs
    if choice.partial:
        found.append(_missed(chosen))
    if choice.selection.status == "feasible":
        found.append(_STOPPED)
    if not choice.plan.chosen.any():
        found.append(_NONE)
    found += _too_far_apart(chosen.rules.problem)
    within = {code for one in chosen.candidates for code in one.places}
    shapeless = [
        one
        for one in chosen.siting.selection.of_kind("problem", "project")
        if f"{one.kind}s" in inputs.candidates and one.code not in within
    ]
    if shapeless:
        found.append(_left_out(len(shapeless)))
    lacking = [
        kind
        for kind in inputs.exclude.lines
        if not any(area.kind == kind for area in chosen.siting.task.areas)
    ]
    if lacking:
        found.append(_no_lines(lacking))
    if chosen.priority is None:
        found.append(_NO_PRIORITY)
    return found


def _too_far_apart(problem: SelectionProblem) -> list[ResultFlag]:
    """Why no site can be chosen, where none lie together in a group that is large enough."""
    groups = problem.groups
    if groups is None:
        return []
    free = ~problem.locked_mask(problem.locked_out)
    most = max(map(groups.size, groups.members(free)), default=0.0)
    if most >= groups.least:
        return []
    return [
        ResultFlag.of(
            "groups_too_small",
            f"可选地块中相连的一片最大为 {most:g} 公顷，未达连片规模下限 {groups.least:g} 公顷",
            f"the largest group of sites that lie together has {most:g} ha, less than "
            f"least_group_ha {groups.least:g}: none can be chosen",
        )
    ]


def _missed(chosen: Chosen) -> ResultFlag:
    unmet = chosen.choice.unmet
    return ResultFlag.of(
        "targets_out_of_reach",
        "目标无法全部达到，所示为缺口最小的方案，未据此建立项目："
        + "；".join(one.message_zh for one in unmet),
        "not all targets can be reached; the plan is the one that misses them by least, and no "
        "project is made of it: " + "; ".join(one.message for one in unmet),
    )


def _left_out(count: int) -> ResultFlag:
    return ResultFlag.of(
        "places_left_out",
        f"有 {count} 个问题或项目不是面、没有投资额，或完全落在其他候选地块内，未作为候选",
        f"{count} problems or projects are no polygons, have no cost, or lie within other "
        "candidates, and are none themselves",
    )


def _no_lines(kinds: Sequence[str]) -> ResultFlag:
    return ResultFlag.of(
        "no_lines",
        f"该区域没有现行的管控线：{'、'.join(kinds)}，未据此排除地块",
        f"the region has no {', '.join(kinds)} in force: no site was kept out by them",
    )


_STOPPED = ResultFlag.of(
    "stopped_at_limit",
    "求解在时限内停止，方案可行但未证明达到所要求的间隙；再次运行可能得到不同方案",
    "the search stopped at the time limit: the plan keeps all rules, but is not shown to lie "
    "within the gap, and another run may find another",
)
_NONE = ResultFlag.of("nothing_chosen", "没有选出任何地块", "no site was chosen")
_NO_PRIORITY = ResultFlag.of(
    "no_priority",
    "没有生态网络、供需比或生态问题，未计算优先级",
    "there is no network, ratio or problem: priority was not computed",
)
