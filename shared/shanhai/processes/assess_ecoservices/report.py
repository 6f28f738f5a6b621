"""Maps and the report of an assessment, and of a zoning where there is one."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shanhai.cartography import ZONES, style_of
from shanhai.processes.assess_ecoservices.assessed import Assessment
from shanhai.processes.assess_ecoservices.pictures import (
    draw_doubts,
    draw_matching,
    draw_service_maps,
)
from shanhai.processes.kit.map_notes import credit_line, resolution_note
from shanhai.processes.kit.study_area import StudyArea
from shanhai.processes.kit.task import OutputFile
from shanhai.processes.kit.thumbnails import SHEET_CELLS, class_overview, overview
from shanhai.raster.store import ScratchStore
from shanhai.reporting.assessment_report import ReportContent, write_report
from shanhai.reporting.fonts import font_families, missing_font_warning
from shanhai.reporting.map_decorations import DistrictOutline
from shanhai.reporting.maps import MapFrame, draw_ramp_map, draw_zone_map
from shanhai.reporting.pages import can_write_pdf, missing_pdf_warning
from shanhai.vocabulary import Label, Lang

REPORT_FILE = "report.html"


PDF_FILE = "report.pdf"


_PICTURES = "pictures"


_LANGUAGES: tuple[Lang, ...] = ("zh", "en")


_TITLES = {"map": ZONES.title, "ratio_map": style_of("ratio").title}


_LANGUAGE_NAMES = {"zh": Label("中文", "Chinese"), "en": Label("英文", "English")}


def write_maps_and_report(
    assessment: Assessment,
    figures: Sequence[Mapping[str, Any]],
    statistics: dict[str, Any],
    manifest: dict[str, Any],
    workspace: Path,
) -> list[OutputFile]:
    """Draw what the installed fonts allow, and the report that holds it, as HTML and PDF.

    A language without font is left out with a warning in the manifest: boxes are no map.
    """
    frame, store = map_frame(assessment.area, manifest), assessment.stores.own
    _warn_of_missing(manifest)
    files = _draw_maps(frame, store, statistics, workspace)
    pictures = _first_of(files, {"zones": "map", "ratio": "ratio_map"}, workspace)
    drawn = _draw_services(assessment, figures, frame, workspace)
    content = ReportContent(frame.place, manifest, figures, {**pictures, **drawn}, statistics)
    return [*files, *_write_report(content, workspace)]


def write_assessment_report(
    assessment: Assessment,
    figures: Sequence[Mapping[str, Any]],
    places: Sequence[Mapping[str, Any]],
    manifest: dict[str, Any],
    workspace: Path,
) -> list[OutputFile]:
    """The same report of an assessment without zones, with the statistics of its districts."""
    frame, store = map_frame(assessment.area, manifest), assessment.stores.own
    _warn_of_missing(manifest)
    files = list(_draw_ratio(frame, store, workspace))
    pictures = _first_of(files, {"ratio": "ratio_map"}, workspace)
    drawn = _draw_services(assessment, figures, frame, workspace)
    content = ReportContent(frame.place, manifest, figures, {**pictures, **drawn}, places=places)
    return [*files, *_write_report(content, workspace)]


def _warn_of_missing(manifest: dict[str, Any]) -> None:
    """Say what this machine cannot draw or set."""
    if font_families("zh") is None:
        manifest["warnings"].append(missing_font_warning().document())
    if not can_write_pdf():
        manifest["warnings"].append(missing_pdf_warning().document())


def _first_of(
    files: Sequence[OutputFile], wanted: Mapping[str, str], workspace: Path
) -> dict[str, Path]:
    """The maps in Chinese; in English where no font writes Chinese."""
    paths = {file.name: workspace / file.path for file in files}
    found: dict[str, Path] = {}
    for kind, name in wanted.items():
        drawn = [paths[f"{name}_{lang}"] for lang in _LANGUAGES if f"{name}_{lang}" in paths]
        if drawn:
            found[kind] = drawn[0]
    return found


def _draw_services(
    assessment: Assessment,
    figures: Sequence[Mapping[str, Any]],
    frame: MapFrame,
    workspace: Path,
) -> dict[str, Path]:
    folder = workspace / _PICTURES
    folder.mkdir()
    return {
        **draw_service_maps(assessment, frame, folder),
        **draw_matching(assessment, figures, frame, folder),
        **draw_doubts(assessment.stores.own, frame, folder),
    }


def _write_report(content: ReportContent, workspace: Path) -> list[OutputFile]:
    write_report(workspace / REPORT_FILE, workspace / PDF_FILE, content)
    shutil.rmtree(workspace / _PICTURES)
    files = [
        _document("report", REPORT_FILE, "text/html", Label("报告", "Report")),
        _document("report_pdf", PDF_FILE, "application/pdf", Label("报告（PDF）", "Report (PDF)")),
    ]
    return [file for file in files if (workspace / file.path).exists()]


def _document(name: str, path: str, media_type: str, title: Label) -> OutputFile:
    return OutputFile(
        name=name,
        path=path,
        kind="document",
        media_type=media_type,
        title_zh=title.zh,
        title_en=title.en,
    )


def map_frame(area: StudyArea, manifest: dict[str, Any]) -> MapFrame:
    """What all maps of the study share."""
    inputs = manifest["inputs"]
    crs, cell = manifest["aoi"]["crs"], f"{area.grid.cell_m:g} m"
    districts = [
        DistrictOutline(Label(one.name_zh, one.name_en), geometry)
        for one, geometry in zip(area.district_tasks, area.districts, strict=True)
    ]
    own = DistrictOutline(Label(area.region.name_zh, area.region.name_en), area.outline)
    return MapFrame(
        place=own.name,
        bounds=area.grid.bounds,
        districts=districts or [own],
        note=resolution_note(cell, crs, manifest["profile"], inputs),
        credits=credit_line(inputs),
        stand_in=any(one["stand_in"] for one in inputs),
    )


def _draw_maps(
    frame: MapFrame, store: ScratchStore, statistics: dict[str, Any], workspace: Path
) -> list[OutputFile]:
    codes = class_overview(store, "zones", SHEET_CELLS)
    shares = {zone["class_value"]: zone["share_percent"] for zone in statistics["zones"]}
    zones = [
        _picture("map", lang, path.name)
        for lang, path in _paths("map", workspace)
        if draw_zone_map(path, codes, shares, frame, lang)
    ]
    return [*zones, *_draw_ratio(frame, store, workspace)]


def _draw_ratio(frame: MapFrame, store: ScratchStore, workspace: Path) -> Iterator[OutputFile]:
    ratio = overview(store, "ratio", SHEET_CELLS).astype(np.float64)
    for lang, path in _paths("ratio_map", workspace):
        if draw_ramp_map(path, ratio, "ratio", frame, lang):
            yield _picture("ratio_map", lang, path.name)


def _paths(kind: str, workspace: Path) -> list[tuple[Lang, Path]]:
    return [(lang, workspace / f"{kind}_{lang}.png") for lang in _LANGUAGES]


def _picture(kind: str, lang: Lang, path: str) -> OutputFile:
    title, language = _TITLES[kind], _LANGUAGE_NAMES[lang]
    return OutputFile(
        name=f"{kind}_{lang}",
        path=path,
        kind="image",
        media_type="image/png",
        title_zh=f"{title.zh}（{language.zh}）",
        title_en=f"{title.en} ({language.en})",
    )
