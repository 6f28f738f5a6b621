"""Evaluate a region: importance, sensitivity, quality, degradation, resilience; maps, page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shanhai.cartography import ClassStyle, style_of
from shanhai.errors import Fault, InvalidInput
from shanhai.processes.evaluate_ecosystem.condition import (
    evaluate_degradation,
    evaluate_quality,
    evaluate_resilience,
)
from shanhai.processes.evaluate_ecosystem.contract import (
    EVALUATE_ECOSYSTEM,
    EvaluateEcosystemInputs,
    evaluation_needs,
    evaluation_themes,
)
from shanhai.processes.evaluate_ecosystem.importance_sensitivity import (
    evaluate_importance,
    evaluate_sensitivity,
)
from shanhai.processes.evaluate_ecosystem.statistics import (
    APPLIES_IN_PART,
    TABLE_HEAD,
    count,
    remarks,
    statistics_document,
    table_rows,
)
from shanhai.processes.evaluate_ecosystem.steps import EvaluationRun, Result, Step
from shanhai.processes.kit import outputs
from shanhai.processes.kit.layers import make_layers, stand_ins
from shanhai.processes.kit.lookups import missing_faults
from shanhai.processes.kit.manifest import build_manifest, finished, resumed_runner
from shanhai.processes.kit.region import SCRATCH, Place, build_place, open_sources
from shanhai.processes.kit.task import Outcome, OutputFile, Progress, Task, pointing_at
from shanhai.raster.store import ScratchStore
from shanhai.reporting.maps import MapFrame, draw_class_map, draw_ramp_map
from shanhai.reporting.pages import Picture, ReportPage
from shanhai.vocabulary import LANGUAGES, Label

TEMPLATE = "ecosystem_report.html.j2"
_HEADING = Label("等级（占已评价面积）", "Class (share of what is known)")
_CARBON_ENDS = (Label("净吸收 tC/ha/a", "taken up, tC/ha/yr"), Label("净排放", "given off"))


def write_maps_and_report(
    place: Place,
    layers: Sequence[str],
    statistics: Mapping[str, Any],
    manifest: Mapping[str, Any],
    workspace: Path,
) -> list[OutputFile]:
    """Draw the leading layers and write the page that holds them."""
    frame = outputs.frame_of(place, manifest)
    pictures = [
        picture
        for layer in layers
        for picture in _draw(place.store, layer, statistics, frame, workspace)
    ]
    page = ReportPage(TEMPLATE, place.area.name, statistics, manifest, pictures)
    return outputs.write_report(workspace, page)


def _draw(
    store: ScratchStore, layer: str, statistics: Mapping[str, Any], frame: MapFrame, workspace: Path
) -> list[Picture]:
    """The maps of a layer in the languages that can be written here."""
    style, drawn = style_of(layer), list[Picture]()
    for lang in LANGUAGES:
        path = workspace / f"{layer}.{lang}.png"
        if isinstance(style, ClassStyle):
            codes, shares = outputs.thinned_classes(store, layer), _shares(layer, statistics)
            done = draw_class_map(path, codes, style, shares, _HEADING, frame, lang)
        else:
            done = draw_ramp_map(
                path, outputs.thinned(store, layer), layer, frame, lang, _CARBON_ENDS
            )
        if done:
            drawn.append((path, style.title))
    return drawn


def _shares(layer: str, statistics: Mapping[str, Any]) -> dict[int, float]:
    own = next(one for one in statistics["evaluations"] if one["layer"] == layer)
    return {entry["value"]: entry["percent"] or 0.0 for entry in own["classes"]}


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
        supplies = [f"supply.{service}" for service in inputs.supplies]
        sources = open_sources(task, {*evaluation_themes(inputs), *supplies})
        place = build_place(task, inputs, workspace / SCRATCH, sources, runner)
        results = _evaluate(place, inputs, progress)
        files, statistics = _write(place, results, workspace, progress)
    flags = [flag for result in results.values() for flag in result.flags]
    flags += [*stand_ins(place), *remarks(statistics)]
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
        {
            "highlights": statistics["highlights"],
            "carbon": _carbon(statistics),
            "areas_km2": _areas(statistics, place.area.region.code),
            "means": _means(statistics, place.area.region.code),
        },
        progress,
    )


def _require_layers(task: Task, inputs: EvaluateEcosystemInputs) -> None:
    """Refuse an evaluation whose inputs are missing; all that is missing is named."""
    faults = missing_faults(evaluation_needs(inputs), task.datasets)
    if faults:
        raise InvalidInput.of(faults)


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
        *outputs.begin_rasters(place, layers, workspace)(),
        outputs.write_document(workspace, EVALUATE_ECOSYSTEM.output("statistics"), statistics),
        outputs.write_table(
            workspace, EVALUATE_ECOSYSTEM.output("table"), TABLE_HEAD, table_rows(statistics, named)
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


def _areas(statistics: Mapping[str, Any], region: str) -> dict[str, dict[str, dict[str, float]]]:
    """Area of every class by layer and place, km², for whoever compares it with a plan's figure."""
    return {
        one["layer"]: {
            place: {entry["code"]: round(entry["area_ha"] / 100, 6) for entry in entries}
            for place, entries in (
                (region, one["classes"]),
                *((district["code"], district["classes"]) for district in one["districts"]),
            )
        }
        for one in statistics["evaluations"]
    }


def _means(statistics: Mapping[str, Any], region: str) -> dict[str, dict[str, Any]]:
    """Mean of every quantity by layer and place, with its unit."""
    return {
        one["layer"]: {
            "unit": one["unit"],
            region: one["mean"],
            **{district["code"]: district["mean"] for district in one["districts"]},
        }
        for one in statistics["quantities"]
    }
