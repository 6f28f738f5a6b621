"""Rasters, tables, features, maps and page of a scenario."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
from shapely.geometry import mapping

from shanhai.cartography import ClassStyle, style_of
from shanhai.processes.build_network.linkages import EXCESS
from shanhai.processes.build_network.resistance import RESISTANCE
from shanhai.processes.kit import geometry, outputs
from shanhai.processes.kit.output_files import write_features
from shanhai.processes.kit.region import Place, windows_of
from shanhai.processes.kit.task import OutputFile
from shanhai.processes.run_scenario.balance import RATIO_HEAD, ZONE_HEAD, rows_of
from shanhai.processes.run_scenario.before_after import Rehearsal, Sides
from shanhai.processes.run_scenario.comparison import (
    CHANGE_LABELS,
    LINK_HEAD,
    TABLE_HEAD,
    link_row,
    link_rows,
    table_rows,
)
from shanhai.processes.run_scenario.contract import RUN_SCENARIO
from shanhai.processes.run_scenario.edits import Edited
from shanhai.processes.run_scenario.reassessment import Reassessed
from shanhai.processes.run_scenario.result import (
    ComparedNetwork,
    ComparedServices,
    Rezoned,
    ScenarioComparison,
)
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.store import ScratchStore
from shanhai.reporting.maps import MapFrame, draw_class_map, draw_ramp_map
from shanhai.reporting.pages import Picture, ReportPage
from shanhai.reporting.plan_maps import SCENARIO_TITLE, ScenarioDrawing, draw_scenario_map
from shanhai.science.ecoservices.matching_layers import RATIO
from shanhai.science.grid import Window
from shanhai.vocabulary import LANGUAGES, Label, Lang

CHANGE = "corridors_change"
GAINED, LOST, KEPT = 1, 2, 3
"""Classes of `corridors_change`."""


def write_changes(rehearsal: Rehearsal) -> None:
    """Write the layers into the store of the scene after the edits, window by window.

    A change of resistance is unknown where either has a barrier.
    """
    before, after = rehearsal.before.scene.store, rehearsal.after.scene.store
    after.create_classes(CHANGE)
    for layer in ("corridors_before", "corridors_after", "resistance_after", "resistance_change"):
        after.create(layer)
    rehearsal.after.scene.place.each(partial(_write, before, after))


def _write(before: ScratchStore, after: ScratchStore, window: Window) -> None:
    was, will_be = before.read(EXCESS, window), after.read(EXCESS, window)
    resistance = after.read(RESISTANCE, window)
    inside, inside_after = np.isfinite(was), np.isfinite(will_be)
    classes = np.zeros(was.shape, dtype=np.uint8)
    classes[inside_after & ~inside] = GAINED
    classes[inside & ~inside_after] = LOST
    classes[inside & inside_after] = KEPT
    after.write_classes(CHANGE, window, classes)
    after.write("corridors_before", window, was)
    after.write("corridors_after", window, will_be)
    after.write("resistance_after", window, resistance)
    after.write("resistance_change", window, resistance - before.read(RESISTANCE, window))


RATIO_AFTER, RATIO_CHANGE = "ratio_after", "ratio_change"
ZONES_AFTER, ZONES_CHANGE = "zones_after", "zones_change"
TENS = 10
"""A class of `zones_change` is ten times the zone before, and the zone after."""


def write_ratio_changes(reassessed: Reassessed, place: Place) -> list[outputs.Layer]:
    """Write the comprehensive ratio after, and the changes of all ratios that edits can alter."""
    store = reassessed.store
    changes = {RATIO: RATIO_CHANGE} | {
        f"{RATIO}.{service}": f"{RATIO_CHANGE}.{service}" for service in reassessed.altered
    }
    for layer in (RATIO_AFTER, *changes.values()):
        store.create(layer)
    run = partial(_write_change, reassessed.assessment.place.store, store, list(changes.items()))
    place.each(run)
    return [(name, "1") for name in (RATIO_AFTER, *changes.values())]


def write_zone_changes(rezoned: Rezoned, store: ScratchStore) -> list[outputs.Layer]:
    """Write the zones after, and those before and after of each cell that changes."""
    for name in (ZONES_AFTER, ZONES_CHANGE):
        store.create_classes(name)
    for window in windows_of(store.grid):
        before, after = rezoned.codes(window)
        changed = np.where(before == after, np.uint8(0), before * np.uint8(TENS) + after)
        store.write_classes(ZONES_AFTER, window, after)
        store.write_classes(ZONES_CHANGE, window, changed)
    return [(ZONES_AFTER, None), (ZONES_CHANGE, None)]


def _write_change(
    before: ScratchStore, after: ScratchStore, changes: Sequence[tuple[str, str]], window: Window
) -> None:
    after.write(RATIO_AFTER, window, after.read_stored(RATIO, window))
    for layer, change in changes:
        after.write(change, window, after.read(layer, window) - before.read(layer, window))


def write_figures(workspace: Path, document: dict[str, Any]) -> list[OutputFile]:
    """The comparison as JSON, and its tables: those of what is compared."""
    tables: list[tuple[str, Sequence[str], Iterable[Sequence[Any]]]] = [
        ("table", TABLE_HEAD, table_rows(document))
    ]
    if "links" in document:
        tables.append(("corridors_table", LINK_HEAD, link_rows(document)))
    if "ratios" in document:
        tables.append(("ratio_table", RATIO_HEAD, rows_of(RATIO_HEAD, document["ratios"])))
    if "zones" in document:
        tables.append(("zones_table", ZONE_HEAD, rows_of(ZONE_HEAD, document["zones"])))
    output = RUN_SCENARIO.output
    return [
        outputs.write_document(workspace, output("statistics"), document),
        *(outputs.write_table(workspace, output(name), head, rows) for name, head, rows in tables),
    ]


def write_links(workspace: Path, rehearsal: Rehearsal, links: Sequence[Sides]) -> list[OutputFile]:
    """Corridors of either network, as they will be where they last."""
    lines = [_link(one, rehearsal) for one in links]
    output = RUN_SCENARIO.output("corridor_lines")
    return [write_features(workspace, output, "corridor_lines.geojson", lines)]


def write_edits(workspace: Path, edited: Edited) -> list[OutputFile]:
    """The edits as they were laid."""
    return [
        write_features(
            workspace,
            RUN_SCENARIO.output("edits"),
            "edits.geojson",
            [
                {
                    "type": "Feature",
                    "geometry": mapping(one.geometry),
                    "properties": {
                        **one.edit.model_dump(exclude={"geometry"}, exclude_none=True),
                        "cells": one.cells,
                    },
                }
                for one in edited.burnt
            ],
        )
    ]


def _link(sides: Sides, rehearsal: Rehearsal) -> dict[str, Any]:
    state = rehearsal.after if sides.after else rehearsal.before
    link, grid = sides.link, state.scene.grid
    line = geometry.path_line(link.path.cells, state.sources.patches.labels, grid)
    footprint = geometry.as_multi(
        geometry.to_lon_lat(geometry.swath_outline(link.swath, grid), grid)
    )
    return {
        "type": "Feature",
        "id": sides.code,
        "geometry": mapping(geometry.as_multi(geometry.to_lon_lat(line, grid))),
        "properties": {**link_row(sides, rehearsal), "footprint": mapping(footprint)},
    }


_ENDS = (
    Label("供给相对需求上升", "supply gains on demand"),
    Label("供给相对需求下降", "supply falls behind demand"),
)
_LEGEND_LETTERS = 30
_RATIO_SHARES = Label("变化（占变化面积）", "Change (share of what changes)")


def draw_balance(
    compared: ComparedServices, frame: MapFrame, lang: Lang, workspace: Path
) -> list[Picture]:
    """The change of the comprehensive ratio and, where they are compared, of the zones."""
    store = compared.reassessed.store
    path = workspace / f"{RATIO_CHANGE}.{lang}.png"
    values = outputs.thinned(store, RATIO_CHANGE)
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
    found = outputs.thinned_classes(store, ZONES_CHANGE)
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
    frame = outputs.frame_of(place, manifest)
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
    return outputs.write_report(workspace, page, leading, _MAPS)


def _cells(rehearsal: Rehearsal, frame: MapFrame, lang: Lang, workspace: Path) -> list[Picture]:
    """The map of cells of corridors gained, lost and kept."""
    style, store = style_of(CHANGE), rehearsal.after.scene.store
    if not isinstance(style, ClassStyle):
        raise TypeError(f"{CHANGE} is drawn by classes")
    codes = outputs.thinned_classes(store, CHANGE)
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
        resistance=outputs.thinned(after.scene.store, RESISTANCE),
        kept=geometry.outline_of(was & will_be, grid),
        gained=geometry.outline_of(will_be & ~was, grid),
        lost=geometry.outline_of(was & ~will_be, grid),
        swaths=[geometry.swath_outline(link.swath, grid) for link in after.network.links],
        lines=[_line(one, rehearsal) for one in links],
        edits=[reproject_geometry(one.geometry, LON_LAT, crs) for one in edited.burnt],
    )


def _line(sides: Sides, rehearsal: Rehearsal) -> tuple[Any, str]:
    state = rehearsal.after if sides.after else rehearsal.before
    labels = state.sources.patches.labels
    return geometry.path_line(sides.link.path.cells, labels, state.scene.grid), sides.change
