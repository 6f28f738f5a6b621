"""Assess a region: supply, demand and ratio of the ecosystem services, and nothing more."""

from pathlib import Path
from typing import Any

from shanhai.processes.assess_ecoservices.assessment import assess
from shanhai.processes.assess_ecoservices.contract import (
    AssessEcoservicesInputs,
)
from shanhai.processes.assess_ecoservices.manifest import assessment_manifest
from shanhai.processes.assess_ecoservices.report import (
    rasters_of,
    titles_of,
    write_maps_and_report,
)
from shanhai.processes.assess_ecoservices.service_figures import service_figures
from shanhai.processes.assess_ecoservices.statistics import (
    TABLE_HEAD,
    assessment_statistics,
    table_rows,
)
from shanhai.processes.kit.checkpointing import resumed_runner
from shanhai.processes.kit.manifest import finished
from shanhai.processes.kit.outputs import write_document, write_rasters, write_table
from shanhai.processes.kit.process import Progress
from shanhai.processes.kit.region import SCRATCH
from shanhai.processes.kit.task import Outcome, OutputFile, Task
from shanhai.vocabulary import Label


def compute(task: Task, workspace: Path, progress: Progress) -> Outcome:
    """Compute with files only; the workspace holds every result afterwards."""
    inputs = AssessEcoservicesInputs.model_validate(task.inputs)
    with resumed_runner(task, workspace, progress) as (runner, progress):
        progress(0, "prepare")
        assessment = assess(task, inputs, workspace / SCRATCH, runner, progress)
        progress(60, "statistics")
        statistics = assessment_statistics(assessment)
        progress(75, "rasters")
        files = _documents(statistics, workspace)
        layers, titles = rasters_of(assessment), titles_of(assessment)
        files += write_rasters(assessment.place, layers, workspace, titles)
        progress(88, "maps")
        figures = service_figures(assessment)
    manifest = assessment_manifest(task, inputs, assessment)
    places = statistics["places"][1:]
    files += write_maps_and_report(assessment, figures, manifest, workspace, places=places)
    return finished(
        workspace,
        files,
        manifest,
        {"methods": manifest["methods"], "region": statistics["places"][0]},
        progress,
    )


def _documents(statistics: dict[str, Any], workspace: Path) -> list[OutputFile]:
    return [
        write_document(
            workspace, "statistics", Label("供需统计", "Supply and demand in numbers"), statistics
        ),
        write_table(
            workspace,
            "table",
            Label("供需统计（表格）", "Supply and demand as a table"),
            TABLE_HEAD,
            table_rows(statistics),
        ),
    ]
