"""Maps and report of a zoning, as output files."""

from pathlib import Path
from typing import Any

from shanhai.cartography import ZONES, style_of
from shanhai.jobs.contracts import OutputFile
from shanhai.processes.study_area import StudyArea
from shanhai.raster.store import ScratchStore
from shanhai.reporting.fonts import font_families, missing_font_warning
from shanhai.reporting.furniture import District
from shanhai.reporting.maps import MapFrame, draw_ramp_map, draw_zone_map
from shanhai.reporting.report import ReportContent, write_report
from shanhai.vocabulary import Label, Lang, label_of

REPORT_FILE = "report.html"
_LANGUAGES: tuple[Lang, ...] = ("zh", "en")
_TITLES = {"map": ZONES.title, "ratio_map": style_of("ratio").title}
_LANGUAGE_NAMES = {"zh": Label("中文", "Chinese"), "en": Label("英文", "English")}


def write_maps_and_report(
    area: StudyArea,
    store: ScratchStore,
    statistics: dict[str, Any],
    manifest: dict[str, Any],
    workspace: Path,
) -> list[OutputFile]:
    """Draw what the installed fonts allow, and the page that holds it.

    A language without font is left out with a warning in the manifest: boxes are no map.
    """
    if font_families("zh") is None:
        manifest["warnings"].append(missing_font_warning().document())
    files = _draw_maps(map_frame(area, manifest), store, statistics, workspace)
    pictures = [(workspace / file.path, Label(file.title_zh, file.title_en)) for file in files]
    place = Label(area.region.name_zh, area.region.name_en)
    content = ReportContent(place, statistics, manifest, pictures, manifest["warnings"])
    write_report(workspace / REPORT_FILE, content)
    return [
        *files,
        OutputFile(
            name="report",
            path=REPORT_FILE,
            kind="document",
            media_type="text/html",
            title_zh="报告",
            title_en="Report",
        ),
    ]


def map_frame(area: StudyArea, manifest: dict[str, Any]) -> MapFrame:
    """What all maps of the study share."""
    inputs = manifest["inputs"]
    crs, cell = manifest["aoi"]["crs"], f"{area.grid.cell_m:g} m"
    districts = [
        District(Label(one.name_zh, one.name_en), geometry)
        for one, geometry in zip(area.district_tasks, area.districts, strict=True)
    ]
    own = District(Label(area.region.name_zh, area.region.name_en), area.outline)
    return MapFrame(
        place=own.name,
        bounds=area.grid.bounds,
        districts=districts or [own],
        note=resolution_note(cell, crs, inputs),
        credits=credit_line(inputs),
        stand_in=any(one["stand_in"] for one in inputs),
    )


def resolution_note(cell: str, crs: str, inputs: list[dict[str, Any]]) -> Label:
    """Cells, the coarsest data behind them, system, profile: fine cells are no fine data."""
    known = [one for one in inputs if one["native_resolution_m"] is not None]
    behind = Label("", "")
    if known:
        coarsest = max(known, key=lambda one: one["native_resolution_m"])
        theme, size = label_of(coarsest["theme"]), _distance(coarsest["native_resolution_m"])
        behind = Label(
            f" · 最粗输入：{theme.zh}，真实分辨率约 {size}",
            f" · coarsest input: {theme.en.lower()}, true resolution about {size}",
        )
    return Label(
        f"像元 {cell}{behind.zh} · {crs} · index 方案",
        f"Cells of {cell}{behind.en} · {crs} · index profile",
    )


def _distance(metres: float) -> str:
    return f"{metres:.0f} m" if metres < 1000 else f"{metres / 1000:.3g} km"


def credit_line(inputs: list[dict[str, Any]]) -> str:
    """The credits licences ask to be shown on pictures, each once; else the sources.

    All sources and licences are in the report; one text may name several, parted by semicolons.
    """
    asked = {part for one in inputs for part in _parts(one["licence"]) if _asks_for_credit(part)}
    sources = {part for one in inputs for part in _parts(one["source"])}
    return "; ".join(sorted(asked or sources)) or "–"


def _parts(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(";") if part.strip()]


def _asks_for_credit(licence: str) -> bool:
    return "©" in licence or "CC BY" in licence


def _draw_maps(
    frame: MapFrame, store: ScratchStore, statistics: dict[str, Any], workspace: Path
) -> list[OutputFile]:
    codes = store.read_classes("zones", store.whole)
    ratio = store.read_all("ratio")
    shares = {zone["class_value"]: zone["share_percent"] for zone in statistics["zones"]}
    files = []
    for kind in _TITLES:
        for lang in _LANGUAGES:
            path = workspace / f"{kind}_{lang}.png"
            drawn = (
                draw_zone_map(path, codes, shares, frame, lang)
                if kind == "map"
                else draw_ramp_map(path, ratio, "ratio", frame, lang)
            )
            if drawn:
                files.append(_picture(kind, lang, path.name))
    return files


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
