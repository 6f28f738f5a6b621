"""Evaluate a region: importance, sensitivity, quality, degradation, resilience, carbon."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shanhai.errors import Fault, InvalidInput
from shanhai.processes.evaluate_ecosystem.contract import (
    EvaluateEcosystemInputs,
    evaluation_needs,
    evaluation_themes,
)
from shanhai.processes.evaluate_ecosystem.degradation import evaluate_degradation
from shanhai.processes.evaluate_ecosystem.importance import evaluate_importance
from shanhai.processes.evaluate_ecosystem.quality import evaluate_quality
from shanhai.processes.evaluate_ecosystem.report import write_maps_and_report
from shanhai.processes.evaluate_ecosystem.resilience import evaluate_resilience
from shanhai.processes.evaluate_ecosystem.sensitivity import evaluate_sensitivity
from shanhai.processes.evaluate_ecosystem.statistics import (
    APPLIES_IN_PART,
    TABLE_HEAD,
    count,
    remarks,
    statistics_document,
    table_rows,
)
from shanhai.processes.evaluate_ecosystem.steps import EvaluationRun, Result, Step
from shanhai.processes.kit.checkpointing import resumed_runner
from shanhai.processes.kit.error_pointers import pointing_at
from shanhai.processes.kit.evaluation_lookup import missing_faults
from shanhai.processes.kit.layers import make_layers
from shanhai.processes.kit.manifest import build_manifest, finished
from shanhai.processes.kit.outputs import write_document, write_rasters, write_table
from shanhai.processes.kit.process import Progress
from shanhai.processes.kit.region import SCRATCH, Place, build_place, open_sources
from shanhai.processes.kit.task import Outcome, OutputFile, Task
from shanhai.vocabulary import Label

LAYER = "carbon"


def evaluate_carbon(run: EvaluationRun) -> Result:
    """Write `carbon`, the net ecosystem production, tC/ha/yr; negative where land is a source."""
    make_layers(run.place, [LAYER])
    return Result(classes=(), quantities={LAYER: "tC/ha/yr"}, record={"method": "nep"})


STEPS: Mapping[str, Step] = {
    "importance": evaluate_importance,
    "sensitivity": evaluate_sensitivity,
    "quality": evaluate_quality,
    "degradation": evaluate_degradation,
    "resilience": evaluate_resilience,
    "carbon": evaluate_carbon,
}
"""The evaluations in the order in which they are made: later ones rest on earlier ones."""


def compute(task: Task, workspace: Path, progress: Progress) -> Outcome:
    """Compute with files only; the workspace holds every result afterwards."""
    inputs = EvaluateEcosystemInputs.model_validate(task.inputs)
    _require_layers(task, inputs)
    with resumed_runner(task, workspace, progress) as (runner, progress):
        progress(0, "prepare")
        sources = open_sources(task, {*evaluation_themes(inputs), *_supplies(inputs)})
        place = build_place(task, inputs, workspace / SCRATCH, sources, runner)
        results = _evaluate(place, inputs, progress)
        files, statistics = _write(place, results, workspace, progress)
    flags = [flag for result in results.values() for flag in result.flags]
    flags += remarks(statistics)
    manifest = build_manifest(
        task,
        place,
        parameters=inputs.parameters.model_dump(mode="json"),
        evaluations={name: result.record for name, result in results.items()},
        warnings=[flag.document() for flag in flags],
    )
    progress(90, "maps")
    files += _report(place, results, statistics, manifest, workspace)
    return finished(
        workspace,
        files,
        manifest,
        {"highlights": statistics["highlights"], "carbon": _carbon(statistics)},
        progress,
    )


def _require_layers(task: Task, inputs: EvaluateEcosystemInputs) -> None:
    """Refuse an evaluation whose inputs are missing; all that is missing is named."""
    faults = missing_faults(evaluation_needs(inputs), task.datasets)
    if faults:
        raise InvalidInput.of(faults)


def _supplies(inputs: EvaluateEcosystemInputs) -> list[str]:
    return [f"supply.{service}" for service in inputs.supplies]


def _evaluate(
    place: Place, inputs: EvaluateEcosystemInputs, progress: Progress
) -> dict[str, Result]:
    run = EvaluationRun(place, inputs)
    wanted = [name for name in STEPS if name in inputs.themes]
    for number, name in enumerate(wanted):
        progress(5 + 65 * number / len(wanted), name)
        with pointing_at("/inputs"):
            run.results[name] = STEPS[name](run)
    return run.results


def _write(
    place: Place, results: Mapping[str, Result], workspace: Path, progress: Progress
) -> tuple[list[OutputFile], dict[str, Any]]:
    """Statistics, table and rasters."""
    classes = [layer for result in results.values() for layer in result.classes]
    quantities = {k: v for result in results.values() for k, v in result.quantities.items()}
    progress(70, "statistics")
    counts = count(place, classes, list(quantities))
    statistics = statistics_document(place, counts, quantities)
    _require_some(statistics)
    progress(75, "rasters")
    layers = [*((layer, None) for layer in classes), *quantities.items()]
    region = place.area.region
    named = {"code": region.code, "name_zh": region.name_zh, "name_en": region.name_en}
    files = [
        *write_rasters(place, layers, workspace),
        write_document(
            workspace, "statistics", Label("分级统计", "Statistics by class"), statistics
        ),
        write_table(
            workspace,
            "table",
            Label("分级统计（表格）", "Statistics as a table"),
            TABLE_HEAD,
            table_rows(statistics, named),
        ),
    ]
    return files, statistics


def _require_some(statistics: Mapping[str, Any]) -> None:
    """Refuse an evaluation in which nothing is known anywhere."""
    empty = [
        one
        for one in (*statistics["evaluations"], *statistics["quantities"])
        if not one["cells"] and one["layer"] not in APPLIES_IN_PART
    ]
    if not empty:
        return
    faults = [
        Fault(
            "/inputs/datasets",
            f"{one['layer']}: no cell of the region has a value in every input it needs",
            f"{one['title_zh']}：区域内没有各项输入齐全的像元",
        )
        for one in empty
    ]
    raise InvalidInput.of(faults)


def _report(
    place: Place,
    results: Mapping[str, Result],
    statistics: Mapping[str, Any],
    manifest: Mapping[str, Any],
    workspace: Path,
) -> list[OutputFile]:
    leading = [result.classes[0] for result in results.values() if result.classes]
    if "carbon" in results:
        leading.append("carbon")
    return write_maps_and_report(place, leading, statistics, manifest, workspace)


def _carbon(statistics: Mapping[str, Any]) -> dict[str, Any] | None:
    """Mean and total of the carbon taken up, if it was evaluated."""
    found = next((one for one in statistics["quantities"] if one["layer"] == "carbon"), None)
    if found is None:
        return None
    return {
        "mean_tc_per_ha": found["mean"],
        "total_tc": round(found["mean"] * found["area_ha"], 3),
        "unit": "tC/yr",
    }
