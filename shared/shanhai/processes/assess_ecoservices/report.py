"""Maps and the report of an assessment, and of a zoning where there is one."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from shanhai.cartography import COORDINATION, LAND_COVER, QUADRANTS, ZONES, style_of
from shanhai.processes.assess_ecoservices.assessed import Assessment, compared_by
from shanhai.processes.assess_ecoservices.manifest import lack_title
from shanhai.processes.assess_ecoservices.pictures import (
    Drawing,
    doubt_maps,
    matching_maps,
    service_maps,
)
from shanhai.processes.kit import outputs
from shanhai.processes.kit.task import OutputFile
from shanhai.raster.cog import Run
from shanhai.raster.store import ScratchStore
from shanhai.reporting.furniture import crs_words
from shanhai.reporting.map_decorations import font_families, missing_font_warning
from shanhai.reporting.maps import MapFrame, draw_ramp_map, draw_zone_map
from shanhai.reporting.pages import ReportPage, told
from shanhai.science.ecoservices.computation import CLASS_UNITS
from shanhai.science.ecoservices.matching_layers import DEMAND_MEAN, SUPPLY_MEAN
from shanhai.vocabulary import LANGUAGES, Label, Lang, label_of

_PICTURES = "pictures"
TEMPLATE = "assessment_report.html.j2"
_LEADING = 2

GRADES = {
    "stable": Label("稳定", "stable"),
    "weak": Label("较弱", "weak"),
    "not_stable": Label("不稳定", "not stable"),
}
"""What is said of a zone that comes back in resampling more or less."""

ZONING_TITLE = Label("生态保护修复分区报告", "ecological protection and restoration zones")
ASSESSMENT_TITLE = Label("生态系统服务评估报告", "assessment of ecosystem services")

_INDEX_LIMIT = Label(
    "指数法使用 0–1 的相对指数，区域之间、年份之间不可直接比较。",
    "The index methods use relative indices of 0–1; regions and years cannot be compared directly.",
)
_ZONE_LIMITS = (
    Label(
        "五类分区是规划决定，聚类诊断只作描述，不用于选择类别数。",
        "Five zones are a planning decision; the cluster diagnostics describe, they do not choose.",
    ),
    Label(
        "面积以栅格像元为准；矢量边界经过拓扑化简。",
        "Areas are those of the raster cells; polygon borders are simplified together.",
    ),
)
_LIMITS = (
    Label(
        "公式与默认参数来自文献与工程经验，并非任何已发布规划的复现。",
        "Formulas and defaults come from the literature and engineering practice; this is no "
        "reproduction of any published plan.",
    ),
    Label(
        "海域不参与陆域服务评估。",
        "The sea takes no part in the assessment of terrestrial services.",
    ),
)


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


def write_maps_and_report(
    assessment: Assessment,
    figures: Sequence[Mapping[str, Any]],
    manifest: dict[str, Any],
    workspace: Path,
    *,
    statistics: Mapping[str, Any] | None = None,
    places: Sequence[Mapping[str, Any]] = (),
    run: Run = map,
) -> list[OutputFile]:
    """Draw what the installed fonts allow, and the report that holds it.

    A language without font is left out with a warning in the manifest: boxes are no map.

    Args:
        assessment: The services.
        figures: Figures of every service, as `service_figures` makes them.
        manifest: The manifest; warnings are added.
        workspace: For the files.
        statistics: The statistics document of a zoning; None for an assessment without zones.
        places: Statistics of the districts, of an assessment without zones.
        run: Goes over the pictures, wherever; the same bytes everywhere.
    """
    if font_families("zh") is None:
        manifest["warnings"].append(missing_font_warning().document())
    place, aoi, inputs = assessment.place, manifest["aoi"], manifest["inputs"]
    note = outputs.resolution_note(
        f"{aoi['cell_m']:g} m", crs_words(place.grid.epsg), manifest["profile"], inputs
    )
    frame = outputs.frame_of(place, manifest, note)
    (workspace / _PICTURES).mkdir()
    sheets = _sheets(frame, place.store, statistics, workspace)
    small = _service_pictures(assessment, figures, frame, workspace / _PICTURES)
    drawings = [*(drawing for _, drawing in sheets.values()), *small.values()]
    done = dict(zip([*sheets, *small], run(_draw, drawings), strict=True))
    maps = [(path, caption) for path, (caption, _) in sheets.items() if done[path]]
    drawn = [(path, Label("", "")) for path in small]
    content = content_of(manifest, figures, statistics, places)
    page = ReportPage(TEMPLATE, frame.place, content, manifest, drawn)
    files = outputs.write_report(workspace, page, maps)
    shutil.rmtree(workspace / _PICTURES)
    return sorted(files, key=lambda file: file.kind == "document")


def _service_pictures(
    assessment: Assessment,
    figures: Sequence[Mapping[str, Any]],
    frame: MapFrame,
    folder: Path,
) -> dict[Path, Drawing]:
    """Small maps; the page has captions of its own for them."""
    return {
        **service_maps(assessment, frame, folder),
        **matching_maps(assessment, figures, frame, folder),
        **doubt_maps(assessment.place.store, frame, folder),
    }


def _sheets(
    frame: MapFrame, store: ScratchStore, statistics: Mapping[str, Any] | None, workspace: Path
) -> dict[Path, tuple[Label, Drawing]]:
    """Maps that fill a page, with their captions, in each language: the zones, and the ratio."""
    sheets: dict[Path, tuple[Label, Drawing]] = {}
    if statistics is not None:
        shares = {zone["class_value"]: zone["share_percent"] for zone in statistics["zones"]}
        for lang in LANGUAGES:
            path = workspace / f"map_{lang}.png"
            sheets[path] = (ZONES.title, partial(_draw_zones, path, store, shares, frame, lang))
    for lang in LANGUAGES:
        path = workspace / f"ratio_map_{lang}.png"
        sheets[path] = (style_of("ratio").title, partial(_draw_ratio, path, store, frame, lang))
    return sheets


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
    statistics: Mapping[str, Any] | None = None,
    places: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """What the report shows besides its pictures, which are told apart by their names.

    Args:
        manifest: The manifest.
        figures: Figures of every service, as `assess_ecoservices.service_figures` makes them.
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
        "parameters": list(parameter_rows(manifest)),
        "valid_km2": manifest["aoi"]["valid_cells"] * manifest["aoi"]["cell_m"] ** 2 / 1e6,
        "limits": limits_of(manifest["profile"], zoned=statistics is not None),
        "grades": GRADES,
        "quadrants": QUADRANTS,
        "coordination": COORDINATION,
        "has_population": _every_zone_has(statistics, "population"),
        "has_cover": _every_zone_has(statistics, "land_cover_percent"),
        "leading_cover": leading_cover,
    }


def limits_of(profile: str, *, zoned: bool) -> list[Label]:
    """What a reader must not conclude from the result."""
    return [
        *([] if profile == "biophysical" else [_INDEX_LIMIT]),
        *(_ZONE_LIMITS if zoned else ()),
        *_LIMITS,
    ]


def parameter_rows(manifest: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Every number, way and table of a run: first those of the whole, then layer by layer."""
    asked, given = manifest["parameters"], manifest["request"]
    whole = {"profile": manifest["profile"], "fill_zero": asked["fill_zero"]}
    if "seed" in given:
        whole["seed"] = given["seed"]
    for name, value in {**whole, **asked["parameters"]}.items():
        yield {
            "layer": "*",
            "name": name,
            "value": told(value),
            "unit": "",
            "status": "",
            "source": "",
        }
    for one in asked["layers"]:
        yield {
            **{name: str(one[name]) for name in ("layer", "name", "unit", "status", "source")},
            "value": told(one["value"]),
        }


def _every_zone_has(statistics: Mapping[str, Any] | None, member: str) -> bool:
    return statistics is not None and all(member in zone for zone in statistics["zones"])


def leading_cover(zone: Mapping[str, Any]) -> list[tuple[Label, float]]:
    """The land-cover classes that hold most of a zone, with their per cent."""
    labels = {str(entry.value): entry.label for entry in LAND_COVER.entries}
    shares = sorted(zone["land_cover_percent"].items(), key=lambda entry: -entry[1])
    return [(labels[code], share) for code, share in shares[:_LEADING]]
