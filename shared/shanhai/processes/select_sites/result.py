"""What a selection found, its manifest, and what a reader must know of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shanhai.processes.kit import manifest
from shanhai.processes.select_sites.candidates import Candidate
from shanhai.processes.select_sites.context import Siting
from shanhai.processes.select_sites.gains import Gains
from shanhai.processes.select_sites.optimisation import Choice
from shanhai.processes.select_sites.priority import Priority
from shanhai.processes.select_sites.rules import Rules
from shanhai.processes.select_sites.task import SelectSitesTask
from shanhai.science.flags import ResultFlag
from shanhai.vocabulary import Label


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
    """

    siting: Siting
    priority: Priority | None
    candidates: Sequence[Candidate]
    gains: Gains
    rules: Rules
    choice: Choice


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
    shapeless = [
        one
        for one in chosen.siting.selection.of_kind("problem", "project")
        if f"{one.kind}s" in inputs.candidates and not _is_candidate(chosen, one.code)
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


def _is_candidate(chosen: Chosen, code: str) -> bool:
    return any(code in one.places for one in chosen.candidates)


def _missed(chosen: Chosen) -> ResultFlag:
    unmet = chosen.choice.unmet
    return ResultFlag(
        "targets_out_of_reach",
        Label(
            "目标无法全部达到，所示为缺口最小的方案，未据此建立项目："
            + "；".join(one.message_zh for one in unmet),
            "not all targets can be reached; the plan is the one that misses them by least, and no "
            "project is made of it: " + "; ".join(one.message for one in unmet),
        ),
    )


def _left_out(count: int) -> ResultFlag:
    return ResultFlag(
        "places_left_out",
        Label(
            f"有 {count} 个问题或项目不是面、没有投资额，或完全落在其他候选地块内，未作为候选",
            f"{count} problems or projects are no polygons, have no cost, or lie within other "
            "candidates, and are none themselves",
        ),
    )


def _no_lines(kinds: Sequence[str]) -> ResultFlag:
    return ResultFlag(
        "no_lines",
        Label(
            f"该区域没有现行的管控线：{'、'.join(kinds)}，未据此排除地块",
            f"the region has no {', '.join(kinds)} in force: no site was kept out by them",
        ),
    )


_STOPPED = ResultFlag(
    "stopped_at_limit",
    Label(
        "求解在时限内停止，方案可行但未证明达到所要求的间隙；再次运行可能得到不同方案",
        "the search stopped at the time limit: the plan keeps all rules, but is not shown to lie "
        "within the gap, and another run may find another",
    ),
)
_NONE = ResultFlag(
    "nothing_chosen",
    Label("没有选出任何地块", "no site was chosen"),
)
_NO_PRIORITY = ResultFlag(
    "no_priority",
    Label(
        "没有生态网络、供需比或生态问题，未计算优先级",
        "there is no network, ratio or problem: priority was not computed",
    ),
)
