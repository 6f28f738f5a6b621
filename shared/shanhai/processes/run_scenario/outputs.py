"""Rasters, tables and features of a scenario."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from shapely.geometry import mapping

from shanhai.processes.build_network.linkages import EXCESS
from shanhai.processes.build_network.resistance import RESISTANCE
from shanhai.processes.kit.feature_files import write_features
from shanhai.processes.kit.geometry import as_multi, path_line, swath_outline, to_lon_lat
from shanhai.processes.kit.outputs import Layer, write_document, write_table
from shanhai.processes.kit.region import Place
from shanhai.processes.kit.task import OutputFile
from shanhai.processes.run_scenario.balance import RATIO_HEAD, ZONE_HEAD, rows_of
from shanhai.processes.run_scenario.before_after import Rehearsal
from shanhai.processes.run_scenario.comparison import (
    LINK_HEAD,
    TABLE_HEAD,
    link_row,
    link_rows,
    table_rows,
)
from shanhai.processes.run_scenario.corridor_matching import Sides
from shanhai.processes.run_scenario.edits import Edited
from shanhai.processes.run_scenario.reassessment import Reassessed
from shanhai.processes.run_scenario.result import Rezoned
from shanhai.raster.store import ScratchStore
from shanhai.science.ecoservices.matching_layers import RATIO
from shanhai.science.grid import Window
from shanhai.vocabulary import Label

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


def write_ratio_changes(reassessed: Reassessed, place: Place) -> list[Layer]:
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


def write_zone_changes(rezoned: Rezoned, store: ScratchStore) -> list[Layer]:
    """Write the zones after, and those before and after of each cell that changes."""
    before, after = rezoned.codes
    changed = np.where(before == after, np.uint8(0), before * np.uint8(TENS) + after)
    for name, codes in ((ZONES_AFTER, after), (ZONES_CHANGE, changed)):
        store.create_classes(name)
        store.write_classes(name, store.whole, codes)
    return [(ZONES_AFTER, None), (ZONES_CHANGE, None)]


def _write_change(
    before: ScratchStore, after: ScratchStore, changes: Sequence[tuple[str, str]], window: Window
) -> None:
    after.write(RATIO_AFTER, window, after.read_stored(RATIO, window))
    for layer, change in changes:
        after.write(change, window, after.read(layer, window) - before.read(layer, window))


Table = tuple[str, Label, Sequence[str], Iterable[Sequence[Any]]]
"""Name, title, head and rows."""


def write_figures(workspace: Path, document: dict[str, Any]) -> list[OutputFile]:
    """The comparison as JSON, and its tables: those of what is compared."""
    tables: list[Table] = [
        ("table", Label("对比表", "Comparison as a table"), TABLE_HEAD, table_rows(document))
    ]
    if "links" in document:
        title = Label("廊道对比表", "Corridors compared")
        tables.append(("corridors_table", title, LINK_HEAD, link_rows(document)))
    if "ratios" in document:
        title = Label("供需比对比表", "Ratios compared")
        tables.append(("ratio_table", title, RATIO_HEAD, rows_of(RATIO_HEAD, document["ratios"])))
    if "zones" in document:
        title = Label("分区转移表", "Zones compared")
        tables.append(("zones_table", title, ZONE_HEAD, rows_of(ZONE_HEAD, document["zones"])))
    return [
        write_document(workspace, "statistics", Label("对比统计", "Comparison"), document),
        *(write_table(workspace, *one) for one in tables),
    ]


def write_links(workspace: Path, rehearsal: Rehearsal, links: Sequence[Sides]) -> list[OutputFile]:
    """Corridors of either network, as they will be where they last."""
    return [
        write_features(
            workspace,
            "corridor_lines",
            "corridor_lines.geojson",
            Label("廊道", "Corridors"),
            [_link(one, rehearsal) for one in links],
        )
    ]


def write_edits(workspace: Path, edited: Edited) -> list[OutputFile]:
    """The edits as they were laid."""
    return [
        write_features(
            workspace,
            "edits",
            "edits.geojson",
            Label("编辑", "Edits"),
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
    line = path_line(link.path.cells, state.sources.patches.labels, grid)
    footprint = as_multi(to_lon_lat(swath_outline(link.swath, grid), grid))
    return {
        "type": "Feature",
        "id": sides.code,
        "geometry": mapping(as_multi(to_lon_lat(line, grid))),
        "properties": {**link_row(sides, rehearsal), "footprint": mapping(footprint)},
    }
