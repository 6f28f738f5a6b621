"""The manifest of a scenario, and what a reader must know of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from shanhai.jobs.contracts import Task
from shanhai.processes.evaluating import record
from shanhai.processes.legal_lines import left_out_flags
from shanhai.processes.scenario.states import Rehearsal
from shanhai.science.zoning.flag import Flag
from shanhai.vocabulary import Label


def build_manifest(task: Task, rehearsal: Rehearsal, flags: Sequence[Flag]) -> dict[str, Any]:
    """The manifest; only `job_id` and `created_utc` differ between equal runs."""
    before, after = rehearsal.before, rehearsal.after
    return record.build_manifest(
        task,
        before.scene.place,
        parameters=before.scene.parameters.model_dump(mode="json"),
        control_areas={
            "as_of": task.areas_as_of.isoformat() if task.areas_as_of else None,
            "areas": [area.model_dump(mode="json") for area in task.areas],
            "left_out": task.areas_left_out,
        },
        scenario={
            **rehearsal.record,
            "sources": {
                "before": before.sources.patches.count,
                "after": after.sources.patches.count,
                "same": len(rehearsal.matching.same),
            },
            "links": {
                "before": len(before.network.links),
                "after": len(after.network.links),
                "taken_over": len(rehearsal.kept),
            },
        },
        warnings=[flag.document() for flag in flags],
    )


def scenario_flags(rehearsal: Rehearsal, document: Mapping[str, Any], task: Task) -> list[Flag]:
    """What holds as it was, what fell apart, and edits that change nothing."""
    found = []
    if rehearsal.record["importance"] is not None:
        found.append(_HELD)
    if rehearsal.after.network.disconnected:
        found.append(_DISCONNECTED)
    changes = document["changes"]
    if changes["same"] == sum(changes.values()) and not any(
        one["change"] for one in document["measures"]
    ):
        found.append(_NOTHING)
    return [*found, *left_out_flags(task)]


_HELD = Flag(
    "importance_held",
    Label(
        "生态系统服务的重要性保持编辑前的值；仅修复的土地额外计入候选",
        "the importance of the land for services is that before the edits; only land that is "
        "restored counts as candidate besides",
    ),
)
_DISCONNECTED = Flag(
    "disconnected_after",
    Label(
        "编辑之后部分源地之间没有可通行的路径",
        "after the edits no way leads between some of the sources",
    ),
)
_NOTHING = Flag(
    "nothing_changed",
    Label(
        "编辑没有改变网络",
        "the edits change nothing of the network",
    ),
)
