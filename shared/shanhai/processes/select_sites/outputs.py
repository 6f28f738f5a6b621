"""Files of a selection besides the report: tables, sites and units as GeoJSON."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shapely.geometry import mapping

from shanhai.processes.kit.feature_collections import write_features
from shanhai.processes.kit.geometry import as_multi, to_lon_lat
from shanhai.processes.kit.outputs import write_document, write_table
from shanhai.processes.kit.task import OutputFile
from shanhai.processes.select_sites.result import Chosen
from shanhai.processes.select_sites.statistics import table_head, table_rows, unit_row
from shanhai.vocabulary import Label

SITES_FILE = "sites.geojson"


def write_files(workspace: Path, chosen: Chosen, statistics: Mapping[str, Any]) -> list[OutputFile]:
    """Every document and table; those of the priority where there is one."""
    return [
        write_document(workspace, "statistics", Label("选址统计", "Statistics"), statistics),
        write_table(
            workspace,
            "table",
            Label("地块表", "Sites as a table"),
            table_head(chosen),
            table_rows(chosen, statistics),
        ),
        _write_sites(workspace, chosen, statistics),
        write_table(
            workspace,
            "payments",
            Label("资金分配", "Payments"),
            ("fund", "site", "amount"),
            _payment_rows(statistics),
        ),
        write_table(
            workspace,
            "pareto",
            Label("成本—效益前沿", "Front of cost and gain"),
            ("cost", "gain", "gap", "status", "sites"),
            ([*one.values()] for one in statistics["pareto"]),
        ),
        *_write_units(workspace, chosen),
    ]


def _write_sites(workspace: Path, chosen: Chosen, statistics: Mapping[str, Any]) -> OutputFile:
    grid = chosen.siting.grid
    features = [
        {
            "type": "Feature",
            "id": row["code"],
            "geometry": mapping(as_multi(to_lon_lat(one.geometry, grid))),
            "properties": row,
        }
        for one, row in zip(chosen.candidates, statistics["sites"], strict=True)
    ]
    return write_features(workspace, "sites", SITES_FILE, Label("地块", "Sites"), features)


def _payment_rows(statistics: Mapping[str, Any]) -> Iterator[tuple[str, str, float]]:
    for one in statistics["sites"]:
        for fund, amount in one["funds"].items():
            yield fund, one["code"], amount


def _write_units(workspace: Path, chosen: Chosen) -> list[OutputFile]:
    priority = chosen.priority
    if priority is None:
        return []
    rows = [unit_row(chosen, place) for place in range(len(priority.numbers))]
    outline, grid = chosen.siting.place.area.outline, chosen.siting.grid
    names = priority.found.names
    features = [
        {
            "type": "Feature",
            "id": row["code"],
            "geometry": mapping(as_multi(to_lon_lat(priority.shape(place, outline), grid))),
            "properties": row,
        }
        for place, row in enumerate(rows)
    ]
    return [
        write_table(
            workspace,
            "priority_table",
            Label("优先级表", "Priority as a table"),
            [
                *("code", "name_zh", "name_en", "land_ha", "score", "level"),
                *(f"{what}_{name}" for name in names for what in ("value", "share")),
            ],
            (_unit_row(row, names) for row in rows),
        ),
        write_features(
            workspace,
            "priority_units",
            "priority_units.geojson",
            Label("优先级单元", "Units"),
            features,
        ),
    ]


def _unit_row(row: Mapping[str, Any], names: tuple[str, ...]) -> list[Any]:
    parts = [row["components"].get(name) for name in names]
    return [
        *(row[name] for name in ("code", "name_zh", "name_en", "land_ha", "score", "level")),
        *(
            0.0 if part is None and name not in row["unknown"] else part and part[what]
            for name, part in zip(names, parts, strict=True)
            for what in ("value", "share")
        ),
    ]
