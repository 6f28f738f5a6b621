"""Maps and the report of an assessment, and of a zoning where there is one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from shanhai.cartography import COORDINATION, LAND_COVER, QUADRANTS, ZONES, style_of
from shanhai.processes.assess_ecoservices.assessed import Assessment, compared_by
from shanhai.processes.assess_ecoservices.contract import AssessmentInputs
from shanhai.processes.assess_ecoservices.manifest import assessment_manifest, lack_title
from shanhai.processes.assess_ecoservices.pictures import (
    Drawing,
    doubt_maps,
    matching_maps,
    service_maps,
)
from shanhai.processes.assess_ecoservices.request import decisive
from shanhai.processes.assess_ecoservices.spec_words import NO_MORE, SOURCES_ZH, STATUSES
from shanhai.processes.kit import outputs
from shanhai.processes.kit.manifest import drawing_runner, keep_files, recall_files
from shanhai.processes.kit.task import OutputFile, Task
from shanhai.raster.store import ScratchStore
from shanhai.reporting.furniture import crs_words
from shanhai.reporting.map_decorations import drawing_software, font_families, missing_font_warning
from shanhai.reporting.maps import MapFrame, draw_ramp_map, draw_zone_map
from shanhai.reporting.pages import ReportPage
from shanhai.science.ecoservices.computation import CLASS_UNITS
from shanhai.science.ecoservices.graph import LayerGraph
from shanhai.science.ecoservices.matching_layers import DEMAND_MEAN, SUPPLY_MEAN
from shanhai.vocabulary import LANGUAGES, Label, Lang, label_of

TEMPLATE = "assessment_report.html.j2"
_LEADING = 2

ZONING_TITLE = Label("生态保护修复分区报告", "ecological protection and restoration zones")
ASSESSMENT_TITLE = Label("生态系统服务评估报告", "assessment of ecosystem services")


def rasters_of(assessment: Assessment) -> list[outputs.Layer]:
    """The results of an assessment, in the order of the plan."""
    units = {key: assessment.plan.unit_of(key) for key in assessment.assembled.results}
    return [
        (key, None if unit in CLASS_UNITS else unit)
        for key, unit in units.items()
        if key not in (SUPPLY_MEAN, DEMAND_MEAN)
    ]


def titles_of(assessment: Assessment) -> dict[str, Label]:
    """What its results are called."""
    return {key: _title_of(assessment, key, unit) for key, unit in rasters_of(assessment)}


def _title_of(assessment: Assessment, key: str, unit: str | None) -> Label:
    kind, _, service = key.partition(".")
    quantity = assessment.assembled.graph.quantities.get(key)
    if kind == "ratio" and service:
        return style_of(key, compared=compared_by(assessment.assembled.methods[service])).title
    if quantity is None or kind in {"supply", "demand"}:
        return style_of(key, unit).title
    of = label_of(service)
    return Label(f"{of.zh}：{quantity.label.zh}", f"{of.en}: {quantity.label.en}")


@dataclass(frozen=True, slots=True)
class ServicesShown:
    """What shows the services alone, however their zones come out.

    Attributes:
        rasters: As `rasters_of` orders them.
        drawn: By name of each picture whether it could be drawn.
    """

    rasters: list[OutputFile]
    drawn: Mapping[str, bool]


def begin_services(
    task: Task,
    inputs: AssessmentInputs,
    assessment: Assessment,
    figures: Sequence[Mapping[str, Any]],
    workspace: Path,
) -> Callable[[], ServicesShown]:
    """Begin rasters and pictures of the services, or take over those of another job.

    Args:
        task: What they rest on, as `kit.manifest.digest_of_step` tells it.
        inputs: Its inputs.
        assessment: The services.
        figures: Figures of every service, as `service_figures` makes them.
        workspace: For the files.

    Returns:
        Waits until they are there; called once.
    """
    place = assessment.place
    frame = frame_of_services(assessment, assessment_manifest(task, inputs, assessment))
    drawings = {
        **{path: drawing for path, (_, drawing) in _ratio_sheets(frame, place.store, workspace)},
        **service_maps(assessment, frame, workspace),
        **matching_maps(assessment, figures, frame, workspace),
    }
    layers, titles = rasters_of(assessment), titles_of(assessment)
    rests_on = {**decisive(inputs), "drawn_with": drawing_software()}
    kept: ServicesShown | None = recall_files(task, rests_on, workspace)
    if kept is not None:
        return lambda: kept
    rasters = outputs.begin_rasters(place, layers, workspace, titles)
    pictures = _begin(task, assessment, drawings)

    def collect() -> ServicesShown:
        ready = ServicesShown(rasters(), pictures())
        drawn = [workspace / name for name, is_drawn in ready.drawn.items() if is_drawn]
        files = [*(workspace / file.path for file in ready.rasters), *drawn]
        keep_files(task, rests_on, ready, files, workspace)
        return ready

    return collect


MapsBegun = Callable[[], Mapping[str, bool]]
"""Waits for pictures and tells, by name of each, whether it could be drawn; called once."""


def begin_zone_maps(
    task: Task,
    inputs: AssessmentInputs,
    assessment: Assessment,
    statistics: Mapping[str, Any],
    workspace: Path,
) -> MapsBegun:
    """Begin the maps of the zones, whose areas the statistics tell.

    Args:
        task: See `begin_services`, as for `inputs` and `assessment`.
        statistics: The statistics document of the zoning.
        workspace: For the pictures.
    """
    frame = frame_of_services(assessment, assessment_manifest(task, inputs, assessment))
    sheets = _zone_sheets(frame, assessment.place.store, statistics, workspace)
    return _begin(task, assessment, {path: drawing for path, (_, drawing) in sheets})


def begin_doubt_maps(
    task: Task, inputs: AssessmentInputs, assessment: Assessment, workspace: Path
) -> MapsBegun:
    """Begin the pictures of what is doubtful about the zones; see `begin_zone_maps`."""
    frame = frame_of_services(assessment, assessment_manifest(task, inputs, assessment))
    return _begin(task, assessment, doubt_maps(assessment.place.store, frame, workspace))


def _begin(task: Task, assessment: Assessment, drawings: Mapping[Path, Drawing]) -> MapsBegun:
    runner = drawing_runner(task, assessment.place.runner)
    drawn, names = runner.beside(_draw, list(drawings.values())), [path.name for path in drawings]
    return lambda: dict(zip(names, drawn(), strict=True))


def frame_of_services(assessment: Assessment, manifest: Mapping[str, Any]) -> MapFrame:
    """What all maps of an assessment share; a manifest of its zoning tells the same."""
    place, aoi, inputs = assessment.place, manifest["aoi"], manifest["inputs"]
    note = outputs.resolution_note(
        f"{aoi['cell_m']:g} m", crs_words(place.grid.epsg), manifest["profile"], inputs
    )
    return outputs.frame_of(place, manifest, note)


def write_maps_and_report(
    assessment: Assessment,
    figures: Sequence[Mapping[str, Any]],
    manifest: dict[str, Any],
    workspace: Path,
    *,
    ready: ServicesShown,
    statistics: Mapping[str, Any] | None = None,
    places: Sequence[Mapping[str, Any]] = (),
) -> list[OutputFile]:
    """Write the report that holds the pictures that were drawn.

    A language without font is left out with a warning in the manifest: boxes are no map.

    Args:
        assessment: The services.
        figures: Figures of every service, as `service_figures` makes them.
        manifest: The manifest; warnings are added.
        workspace: For the files.
        ready: All pictures there are, in their order.
        statistics: The statistics document of a zoning; None for an assessment without zones.
        places: Statistics of the districts, of an assessment without zones.
    """
    if font_families("zh") is None:
        manifest["warnings"].append(missing_font_warning().document())
    store, frame = assessment.place.store, frame_of_services(assessment, manifest)
    zoned = _zone_sheets(frame, store, statistics, workspace)
    sheets = dict([*zoned, *_ratio_sheets(frame, store, workspace)])
    maps = [(path, caption) for path, (caption, _) in sheets.items() if ready.drawn[path.name]]
    small = [path for path in map(workspace.joinpath, ready.drawn) if path not in sheets]
    content = content_of(manifest, figures, assessment.assembled.graph, statistics, places)
    drawn = [(path, Label("", "")) for path in small]
    page = ReportPage(TEMPLATE, frame.place, content, manifest, drawn)
    files = outputs.write_report(workspace, page, maps)
    return sorted(files, key=lambda file: file.media_type != "image/png")


Sheet = tuple[Path, tuple[Label, Drawing]]
"""A map that fills a page: where it comes, with its caption and how it is drawn."""


def _zone_sheets(
    frame: MapFrame, store: ScratchStore, statistics: Mapping[str, Any] | None, folder: Path
) -> Iterator[Sheet]:
    """The zones in each language, where there are any."""
    if statistics is None:
        return
    shares = {zone["class_value"]: zone["share_percent"] for zone in statistics["zones"]}
    for lang in LANGUAGES:
        path = folder / f"map_{lang}.png"
        yield path, (ZONES.title, partial(_draw_zones, path, store, shares, frame, lang))


def _ratio_sheets(frame: MapFrame, store: ScratchStore, folder: Path) -> Iterator[Sheet]:
    """The comprehensive ratio in each language."""
    for lang in LANGUAGES:
        path = folder / f"ratio_map_{lang}.png"
        yield path, (style_of("ratio").title, partial(_draw_ratio, path, store, frame, lang))


def _draw_zones(
    path: Path, store: ScratchStore, shares: dict[int, float], frame: MapFrame, lang: Lang
) -> bool:
    codes = outputs.class_overview(store, "zones", outputs.SHEET_CELLS)
    return draw_zone_map(path, codes, shares, frame, lang)


def _draw_ratio(path: Path, store: ScratchStore, frame: MapFrame, lang: Lang) -> bool:
    ratio = outputs.overview(store, "ratio", outputs.SHEET_CELLS).astype(np.float64)
    return draw_ramp_map(path, ratio, "ratio", frame, lang)


def _draw(drawing: Drawing) -> bool:
    return drawing() is not False


def content_of(
    manifest: Mapping[str, Any],
    figures: Sequence[Mapping[str, Any]],
    graph: LayerGraph,
    statistics: Mapping[str, Any] | None = None,
    places: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """What the report shows besides its pictures, which are told apart by their names.

    Args:
        manifest: The manifest.
        figures: Figures of every service, as `assess_ecoservices.service_figures` makes them.
        graph: The layers it was calculated by.
        statistics: The statistics document of a zoning; None for an assessment without zones.
        places: Statistics of the districts, of an assessment without zones.
    """
    labelled = [{**one, "label": label_of(one["code"])} for one in figures]
    measured = [one for one in labelled if one["compared"] == "amounts"]
    return {
        "title": ASSESSMENT_TITLE if statistics is None else ZONING_TITLE,
        "profile": label_of(manifest["profile"]),
        "statistics": statistics,
        "places": places,
        "figures": labelled,
        "measured": len(measured),
        "lacks": {
            service: [(name, lack_title(name)) for name in next(iter(lacks.values()))]
            for service, lacks in manifest.get("not_measured", {}).items()
        },
        "worst": max(measured, key=lambda one: one["deficit_percent"], default=None),
        "parameters": {
            "fill_zero": manifest["parameters"]["fill_zero"],
            **({"seed": given["seed"]} if "seed" in (given := manifest["request"]) else {}),
            **manifest["parameters"]["parameters"],
        },
        "layer_parameters": list(layer_parameters(manifest, graph.title_of)),
        "valid_km2": manifest["aoi"]["valid_cells"] * manifest["aoi"]["cell_m"] ** 2 / 1e6,
        "quadrants": QUADRANTS,
        "coordination": COORDINATION,
        "has_population": _every_zone_has(statistics, "population"),
        "has_cover": _every_zone_has(statistics, "land_cover_percent"),
        "leading_cover": leading_cover,
    }


def layer_parameters(
    manifest: Mapping[str, Any], title_of: Callable[[str], Label]
) -> Iterator[dict[str, Any]]:
    """Every number, way and table of the layers of a run, with labels for their codes."""
    for one in manifest["parameters"]["layers"]:
        source = "" if one["source"] in NO_MORE else one["source"]
        yield {
            **one,
            "layer": title_of(one["layer"]),
            "status_label": STATUSES[one["status"]],
            "source": Label(SOURCES_ZH.get(source, source), source),
        }


def _every_zone_has(statistics: Mapping[str, Any] | None, member: str) -> bool:
    return statistics is not None and all(member in zone for zone in statistics["zones"])


def leading_cover(zone: Mapping[str, Any]) -> list[tuple[Label, float]]:
    """The land-cover classes that hold most of a zone, with their per cent."""
    labels = {str(entry.value): entry.label for entry in LAND_COVER.entries}
    shares = sorted(zone["land_cover_percent"].items(), key=lambda entry: -entry[1])
    return [(labels[code], share) for code, share in shares[:_LEADING]]
