"""The manifest of a network: enough to compute it again, and to judge how it was made."""

from collections.abc import Sequence
from typing import Any

from shanhai.processes.build_network.result import Built
from shanhai.processes.kit import manifest
from shanhai.processes.kit.task import Task
from shanhai.science.corridors.circuit.solver import SolveReport
from shanhai.science.flags import ResultFlag


def build_manifest(task: Task, built: Built, flags: Sequence[ResultFlag]) -> dict[str, Any]:
    """The manifest; only `job_id` and `created_utc` differ between equal runs."""
    return manifest.build_manifest(
        task,
        built.scene.place,
        parameters=built.scene.parameters.model_dump(mode="json"),
        control_areas={
            "as_of": task.areas_as_of.isoformat() if task.areas_as_of else None,
            "areas": [area.model_dump(mode="json") for area in task.areas],
            "left_out": task.areas_left_out,
        },
        network={
            **built.record,
            "pattern": built.pattern.record(),
            "sources": {
                "found": built.sources.patches.count,
                "dropped": built.sources.dropped,
            },
            "links": {
                "found": len(built.network.links),
                "dropped": len(built.network.dropped),
                "disconnected_pairs": len(built.network.disconnected),
                "searches": built.network.searches,
            },
            "circuit": [_solution(one) for one in built.pinch.reports],
            "barrier_radii_m": list(built.obstacles.radii_m),
        },
        warnings=[flag.document() for flag in flags],
    )


def _solution(report: SolveReport) -> dict[str, Any]:
    """How a circuit was solved. The residual is rounding, and told as its order of size only."""
    return {
        "methods": list(report.methods),
        "solutions": report.solutions,
        "nodes": report.nodes,
        "residual": f"{report.residual:.0e}",
    }
