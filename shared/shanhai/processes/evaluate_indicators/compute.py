"""Evaluate the indicators of a plan: compute values, judge them, look ahead."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from shanhai.errors import InvalidInput
from shanhai.processes.evaluate_indicators import air_and_water, documents, land
from shanhai.processes.evaluate_indicators.attainment import look
from shanhai.processes.evaluate_indicators.computations import ComputationId
from shanhai.processes.evaluate_indicators.contract import (
    EVALUATE_INDICATORS,
    EvaluateIndicatorsInputs,
    EvaluateIndicatorsTask,
    IndicatorTask,
)
from shanhai.processes.evaluate_indicators.values import Asked, CoverCounts, Figure, Found, Material
from shanhai.processes.kit.manifest import finished
from shanhai.processes.kit.outputs import write_document, write_report, write_table
from shanhai.processes.kit.task import Outcome, OutputFile, Progress
from shanhai.reporting.charts import draw_indicator
from shanhai.reporting.pages import Picture, ReportPage
from shanhai.vocabulary import Label

FUNCTIONS: Mapping[ComputationId, Callable[[Asked], Found]] = {
    "surface_water_good": air_and_water.good_sections,
    "surface_water_inferior": air_and_water.inferior_sections,
    "nearshore_good": air_and_water.good_sea,
    "good_air_days": air_and_water.good_air_days,
    "forest_cover": land.forest_cover,
    "water_area": land.water_area,
    "park_reach": land.park_reach,
    "red_line_area": land.area_of_kind,
    "basic_farmland_area": land.area_of_kind,
    "cultivated_land_area": land.area_of_kind,
    "urban_boundary_area": land.area_of_kind,
    "protected_share": land.protected_share,
    "wetland_protection": land.wetland_protection,
    "soil_conservation": land.soil_conservation,
    "natural_shoreline": land.natural_shoreline,
    "key_species_protected": land.key_species_protected,
}


TEMPLATE = "indicators_report.html.j2"


def compute(task: EvaluateIndicatorsTask, workspace: Path, progress: Progress) -> Outcome:
    """Compute with files only; the workspace holds every result afterwards."""
    inputs = EvaluateIndicatorsInputs.model_validate(task.inputs)
    if task.region is None or task.indicators is None:
        raise InvalidInput(
            "indicators are evaluated from a plan on a server",
            message_zh="指标评价需要服务器上的规划",
            pointer="/inputs/plan",
        )
    material = Material(task, inputs, CoverCounts(task, inputs))
    evaluated = list(_evaluate(material, progress))
    progress(70, "statistics")
    document = documents.indicators_document(material, evaluated)
    flags = documents.flags_of(evaluated)
    manifest = documents.build_manifest(material, [flag.document() for flag in flags])
    progress(75, "report")
    files = _write(material, evaluated, document, manifest, workspace)
    return finished(
        workspace,
        files,
        manifest,
        {"summary": document["summary"], "recorded": _to_record(evaluated, inputs)},
        progress,
    )


def _evaluate(material: Material, progress: Progress) -> Sequence[documents.Evaluated]:
    wanted = material.held.indicators
    found = []
    for number, indicator in enumerate(wanted):
        progress(70 * number / len(wanted), "indicators")
        found.append(_evaluate_one(material, indicator))
    return found


def _evaluate_one(material: Material, indicator: IndicatorTask) -> documents.Evaluated:
    found: dict[int, Found] = {}
    computed = {}
    if indicator.computation is not None:
        for year in material.inputs.years:
            asked = Asked(material, indicator, year)
            found[year] = figure = FUNCTIONS[indicator.computation](asked)
            if isinstance(figure, Figure):
                computed[year] = figure.in_unit(asked.computation, indicator.unit)
    return documents.Evaluated(look(indicator, computed, material.inputs), found)


def _to_record(
    evaluated: Sequence[documents.Evaluated], inputs: EvaluateIndicatorsInputs
) -> list[dict[str, Any]]:
    """The values that are to be recorded, each with its origin."""
    if not inputs.record:
        return []
    return [
        {
            "code": one.indicator.code,
            "year": year,
            "value": f"{one.outlook.computed[year]:f}",
            "provenance": documents.provenance_of(one, year),
        }
        for one in evaluated
        for year in sorted(one.outlook.counting)
    ]


def _write(
    material: Material,
    evaluated: Sequence[documents.Evaluated],
    document: dict[str, Any],
    manifest: dict[str, Any],
    workspace: Path,
) -> list[OutputFile]:
    region = document["region"]
    pictures = _draw(evaluated, document, workspace)
    page = ReportPage(
        TEMPLATE, Label(region["name_zh"], region["name_en"]), document, manifest, pictures
    )
    output, statistics = EVALUATE_INDICATORS.output, documents.statistics_document(evaluated)
    rows = documents.table_rows(document)
    return [
        write_document(workspace, output("indicators"), document),
        write_document(workspace, output("statistics"), statistics),
        write_table(workspace, output("table"), documents.TABLE_HEAD, rows),
        *write_report(workspace, page),
    ]


def _draw(
    evaluated: Sequence[documents.Evaluated], document: dict[str, Any], workspace: Path
) -> list[Picture]:
    """A chart for each indicator of which there is more to show than one value."""
    drawn: list[Picture] = []
    for one, told in zip(evaluated, document["indicators"], strict=True):
        outlook, path = one.outlook, workspace / f"{len(drawn)}.png"
        way = outlook.path
        years = {each["year"] for each in (*told["computed"], *told["entered"])}
        if not years or (len(years) == 1 and way is None):
            continue
        points = [] if way is None else [(year, float(value)) for year, value in way.points]
        trend, ahead = outlook.trend, outlook.forecast
        line: list[tuple[int, float]] = []
        if trend is not None:
            last = trend.points[-1][0] if ahead is None else ahead.year
            ends = (trend.points[0][0], last)
            line = [(year, outlook.bounded(trend.at(year))) for year in ends]
        draw_indicator(path, told, points, line)
        drawn.append((path, Label(told["name_zh"], told["name_en"])))
    return drawn
