"""Maps and page of a scenario."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shanhai.cartography import ClassStyle, style_of
from shanhai.processes.build_network.resistance import RESISTANCE
from shanhai.processes.kit.geometry import outline_of, path_line, swath_outline
from shanhai.processes.kit.outputs import write_report_files
from shanhai.processes.kit.report import frame_of, thinned, thinned_classes
from shanhai.processes.kit.task import OutputFile
from shanhai.processes.run_scenario.balance_maps import draw_balance
from shanhai.processes.run_scenario.before_after import Rehearsal
from shanhai.processes.run_scenario.comparison import CHANGE_LABELS
from shanhai.processes.run_scenario.corridor_matching import Sides
from shanhai.processes.run_scenario.edits import Edited
from shanhai.processes.run_scenario.rasters import CHANGE
from shanhai.processes.run_scenario.result import ComparedNetwork, ScenarioComparison
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.reporting.maps import MapFrame, draw_class_map
from shanhai.reporting.pages import Picture, ReportPage
from shanhai.reporting.plan_maps import SCENARIO_TITLE, ScenarioDrawing, draw_scenario_map
from shanhai.vocabulary import Label, Lang

TEMPLATE = "scenario_report.html.j2"
_LANGUAGES: tuple[Lang, ...] = ("zh", "en")
_SHARES = Label("变化（占廊道）", "Change (share of the corridors)")
_MAPS = {
    "map_zh": Label("情景对比图（中文）", "Map (Chinese)"),
    "map_en": Label("情景对比图（英文）", "Map (English)"),
}


def write_report(
    compared: ScenarioComparison,
    document: Mapping[str, Any],
    manifest: Mapping[str, Any],
    workspace: Path,
) -> list[OutputFile]:
    """Draw what changes and write the page; the first maps are outputs of their own as well."""
    place = compared.edited.scene.place
    frame = frame_of(place, manifest)
    pictures, leading = list[Picture](), list[Picture]()
    for lang in _LANGUAGES:
        if compared.network is not None:
            drawing = _drawing(compared.network, compared.edited)
            if draw_scenario_map(path := workspace / f"map_{lang}.png", drawing, frame, lang):
                leading.append((path, SCENARIO_TITLE))
            pictures += _cells(compared.network.rehearsal, frame, lang, workspace)
        if compared.services is not None:
            pictures += draw_balance(compared.services, frame, lang, workspace)
    name = Label(place.area.region.name_zh, place.area.region.name_en)
    content = {**document, "change_labels": CHANGE_LABELS}
    files = write_report_files(
        workspace, ReportPage(TEMPLATE, name, content, manifest, [*leading, *pictures])
    )
    for picture, _ in pictures:
        picture.unlink()
    return [*files, *(_map(path) for path, _ in leading)]


def _map(path: Path) -> OutputFile:
    title = _MAPS[path.stem]
    return OutputFile(
        name=path.stem,
        path=path.name,
        kind="image",
        media_type="image/png",
        title_zh=title.zh,
        title_en=title.en,
    )


def _cells(rehearsal: Rehearsal, frame: MapFrame, lang: Lang, workspace: Path) -> list[Picture]:
    """The map of cells of corridors gained, lost and kept."""
    style, store = style_of(CHANGE), rehearsal.after.scene.store
    if not isinstance(style, ClassStyle):
        raise TypeError(f"{CHANGE} is drawn by classes")
    codes = thinned_classes(store, CHANGE)
    whole = max(int((codes > 0).sum()), 1)
    shares = {
        entry.value: 100 * int((codes == entry.value).sum()) / whole for entry in style.entries
    }
    path = workspace / f"{CHANGE}.{lang}.png"
    drawn = draw_class_map(path, codes, style, shares, _SHARES, frame, lang)
    return [(path, style.title)] if drawn else []


def _drawing(compared: ComparedNetwork, edited: Edited) -> ScenarioDrawing:
    rehearsal, links = compared.rehearsal, compared.links
    after = rehearsal.after
    grid = after.scene.grid
    crs = f"EPSG:{grid.epsg}"
    was, will_be = (one.sources.patches.labels > 0 for one in (rehearsal.before, rehearsal.after))
    return ScenarioDrawing(
        resistance=thinned(after.scene.store, RESISTANCE),
        kept=outline_of(was & will_be, grid),
        gained=outline_of(will_be & ~was, grid),
        lost=outline_of(was & ~will_be, grid),
        swaths=[swath_outline(link.swath, grid) for link in after.network.links],
        lines=[_line(one, rehearsal) for one in links],
        edits=[reproject_geometry(one.geometry, LON_LAT, crs) for one in edited.burnt],
    )


def _line(sides: Sides, rehearsal: Rehearsal) -> tuple[Any, str]:
    state = rehearsal.after if sides.after else rehearsal.before
    labels = state.sources.patches.labels
    return path_line(sides.link.path.cells, labels, state.scene.grid), sides.change
