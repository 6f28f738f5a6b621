"""Assess a region: supply, demand and ratio of the ecosystem services, and nothing more."""

import shutil
from pathlib import Path
from typing import Any

import orjson

from shanhai.processes.assess_ecoservices.assessment import assess
from shanhai.processes.assess_ecoservices.contract import (
    AssessEcoservicesInputs,
)
from shanhai.processes.assess_ecoservices.layer_rasters import rasters_of, write_rasters
from shanhai.processes.assess_ecoservices.manifest import assessment_manifest
from shanhai.processes.assess_ecoservices.report import write_assessment_report
from shanhai.processes.assess_ecoservices.service_figures import service_figures
from shanhai.processes.assess_ecoservices.statistics import (
    TABLE_HEAD,
    assessment_statistics,
    table_rows,
)
from shanhai.processes.kit.checkpointing import resumed_runner
from shanhai.processes.kit.outputs import write_document, write_table
from shanhai.processes.kit.process import Progress
from shanhai.processes.kit.task import Outcome, OutputFile, Task
from shanhai.storage.artifacts import sha256_of
from shanhai.vocabulary import Label

SCRATCH = "scratch"
MANIFEST_FILE = "manifest.json"


def compute(task: Task, workspace: Path, progress: Progress) -> Outcome:
    """Compute with files only; the workspace holds every result afterwards."""
    inputs = AssessEcoservicesInputs.model_validate(task.inputs)
    with resumed_runner(task, workspace, progress) as (runner, progress):
        progress(0, "prepare")
        assessment = assess(task, inputs, workspace / SCRATCH, runner, progress)
        progress(60, "statistics")
        statistics = assessment_statistics(assessment, runner)
        progress(75, "rasters")
        files = _documents(statistics, workspace)
        layers = rasters_of(assessment)
        files += write_rasters(assessment.stores.own, layers, workspace, runner)
        progress(88, "maps")
        figures = service_figures(assessment, runner)
    manifest = assessment_manifest(task, inputs, assessment)
    places = statistics["places"][1:]
    files += write_assessment_report(assessment, figures, places, manifest, workspace)
    _finish_manifest(manifest, files, workspace)
    shutil.rmtree(workspace / SCRATCH)
    progress(100, "done")
    return Outcome(
        files=files,
        values={"methods": manifest["methods"], "region": statistics["places"][0]},
        manifest=manifest,
        warnings=manifest["warnings"],
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


def _finish_manifest(manifest: dict[str, Any], files: list[OutputFile], workspace: Path) -> None:
    """Add checksums of the outputs, and write it beside them."""
    manifest["outputs"] = [
        {
            "name": file.name,
            "sha256": sha256_of(workspace / file.path),
            "unit": file.meta.get("unit"),
            "nodata": file.meta.get("nodata"),
        }
        for file in files
    ]
    (workspace / MANIFEST_FILE).write_bytes(
        orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
    )
