"""Files of a scenario: the comparison, its tables, the corridors and the edits as GeoJSON."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from shapely.geometry import mapping

from shanhai.processes.kit.feature_collections import write_features
from shanhai.processes.kit.geometry import as_multi, path_line, swath_outline, to_lon_lat
from shanhai.processes.kit.outputs import write_document, write_table
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
from shanhai.vocabulary import Label

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
