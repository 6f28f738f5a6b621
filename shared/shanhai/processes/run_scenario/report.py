"""Maps and page of a scenario."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np

from shanhai.cartography import ClassStyle, style_of
from shanhai.processes.build_network.resistance import RESISTANCE
from shanhai.processes.kit.geometry import outline_of, path_line, swath_outline
from shanhai.processes.kit.maps import frame_of, thinned, thinned_classes
from shanhai.processes.kit.outputs import write_report
from shanhai.processes.kit.task import OutputFile
from shanhai.processes.run_scenario.before_after import Rehearsal
from shanhai.processes.run_scenario.comparison import CHANGE_LABELS
from shanhai.processes.run_scenario.corridor_matching import Sides
from shanhai.processes.run_scenario.edits import Edited
from shanhai.processes.run_scenario.outputs import CHANGE, RATIO_CHANGE, ZONES_CHANGE
from shanhai.processes.run_scenario.result import (
    ComparedNetwork,
    ComparedServices,
    ScenarioComparison,
)
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.store import ScratchStore
from shanhai.reporting.maps import MapFrame, draw_class_map, draw_ramp_map
from shanhai.reporting.pages import Picture, ReportPage
from shanhai.reporting.plan_maps import SCENARIO_TITLE, ScenarioDrawing, draw_scenario_map
from shanhai.vocabulary import LANGUAGES, Label, Lang

_ENDS = (Label("趋向供给盈余", "towards surplus"), Label("趋向供给不足", "towards deficit"))
_LEGEND_LETTERS = 30
_RATIO_SHARES = Label("变化（占变化面积）", "Change (share of what changes)")


def draw_balance(
    compared: ComparedServices, frame: MapFrame, lang: Lang, workspace: Path
) -> list[Picture]:
    """The change of the comprehensive ratio and, where they are compared, of the zones."""
    store = compared.reassessed.store
    path = workspace / f"{RATIO_CHANGE}.{lang}.png"
    values = thinned(store, RATIO_CHANGE)
    drawn = draw_ramp_map(path, values, RATIO_CHANGE, frame, lang, _ENDS)
    pictures = [(path, style_of(RATIO_CHANGE).title)] if drawn else []
    if compared.rezoned is not None:
        pictures += _zones(store, frame, lang, workspace)
    return pictures


def _zones(store: ScratchStore, frame: MapFrame, lang: Lang, workspace: Path) -> list[Picture]:
    """Only changes that occur are in the legend; a map without any would be empty."""
    style = style_of(ZONES_CHANGE)
    if not isinstance(style, ClassStyle):
        raise TypeError(f"{ZONES_CHANGE} is drawn by classes")
    found = thinned_classes(store, ZONES_CHANGE)
    there = [entry for entry in style.entries if (found == entry.value).any()]
    if not there:
        return []
    shown, codes, shares = [], np.zeros_like(found), {}
    changed = int((found > 0).sum())
    for number, entry in enumerate(there, start=1):
        cells = found == entry.value
        codes[cells] = number
        shares[number] = 100 * int(cells.sum()) / changed
        shown.append(replace(entry, value=number, label=_on_lines(entry.label)))
    path = workspace / f"{ZONES_CHANGE}.{lang}.png"
    style = replace(style, entries=tuple(shown))
    drawn = draw_class_map(path, codes, style, shares, _RATIO_SHARES, frame, lang)
    return [(path, style.title)] if drawn else []


def _on_lines(label: Label) -> Label:
    """From which zone and to which, below one another: both in one line are wider than a legend."""
    was, arrow, will_be = label.en.partition(" → ")
    en = "\n".join([*wrap(was, _LEGEND_LETTERS), *wrap(f"→ {will_be}", _LEGEND_LETTERS)])
    return Label(label.zh.replace(arrow, "\n→ "), en)


TEMPLATE = "scenario_report.html.j2"
_SHARES = Label("变化（占廊道）", "Change (share of the corridors)")
_MAPS = Label("情景对比图", "Map")


def write_maps_and_report(
    compared: ScenarioComparison,
    document: Mapping[str, Any],
    manifest: Mapping[str, Any],
    workspace: Path,
) -> list[OutputFile]:
    """Draw what changes and write the page; the first maps are outputs of their own as well."""
    place = compared.edited.scene.place
    frame = frame_of(place, manifest)
    pictures, leading = list[Picture](), list[Picture]()
    for lang in LANGUAGES:
        if compared.network is not None:
            drawing = _drawing(compared.network, compared.edited)
            if draw_scenario_map(path := workspace / f"map_{lang}.png", drawing, frame, lang):
                leading.append((path, SCENARIO_TITLE))
            pictures += _cells(compared.network.rehearsal, frame, lang, workspace)
        if compared.services is not None:
            pictures += draw_balance(compared.services, frame, lang, workspace)
    content = {**document, "change_labels": CHANGE_LABELS}
    page = ReportPage(TEMPLATE, place.area.name, content, manifest, pictures)
    return write_report(workspace, page, leading, _MAPS)


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
