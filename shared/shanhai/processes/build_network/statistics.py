"""The figures of a network: one document, and its corridors as a table."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from shanhai.processes.build_network.context import Scene
from shanhai.processes.build_network.corridors import NetworkCorridor, source_code
from shanhai.processes.build_network.metrics import Metrics
from shanhai.processes.build_network.nodes import Node
from shanhai.processes.build_network.sources import HabitatPattern
from shanhai.science.corridors.links import Network
from shanhai.science.corridors.mspa.classes import LABELS, Mspa

_DIGITS = 6

PATTERN_CLASSES = (
    *(Mspa.CORE, Mspa.ISLET, Mspa.EDGE, Mspa.PERFORATION),
    *(Mspa.BRIDGE, Mspa.LOOP, Mspa.BRANCH),
)


def statistics_document(
    scene: Scene,
    pattern: HabitatPattern,
    network: Network,
    metrics: Metrics,
    corridors: Sequence[NetworkCorridor],
    nodes: Sequence[Node],
) -> dict[str, Any]:
    """All figures of a network; units stand in the names."""
    return {
        "cell_m": scene.cell_m,
        "land_area_km2": _km2(scene.land_cells, scene),
        "status": "disconnected" if network.disconnected else "connected",
        "network": {name: _rounded(value) for name, value in metrics.indices.items()},
        "pattern": _pattern(scene, pattern),
        "totals": _totals(nodes, corridors),
        "sources": [_row(one) for one in nodes if one.kind == "source"],
        "corridors": [corridor_row(one) for one in corridors],
        "pinch_points": [_row(one) for one in nodes if one.kind == "pinch_point"],
        "barriers": [_row(one) for one in nodes if one.kind == "barrier"],
        "crossings": [_row(one) for one in nodes if one.kind == "crossing"],
        "disconnected_pairs": [
            {
                "source_a": source_code(one),
                "source_b": source_code(other),
                "status": "disconnected",
            }
            for one, other in network.disconnected
        ],
        "dropped_pairs": [
            {"source_a": source_code(one), "source_b": source_code(other), "reason": reason}
            for (one, other), reason in sorted(network.dropped.items())
        ],
    }


def corridor_row(corridor: NetworkCorridor) -> dict[str, Any]:
    """A corridor as the document and the files tell it."""
    return {
        "code": corridor.code,
        "name_zh": corridor.title.zh,
        "name_en": corridor.title.en,
        **corridor.document,
    }


def _row(node: Node) -> dict[str, Any]:
    return {"code": node.code, **node.document, "corridors": list(node.corridors)}


def _pattern(scene: Scene, pattern: HabitatPattern) -> list[dict[str, Any]]:
    cells = np.bincount(pattern.codes.ravel(), minlength=Mspa.MISSING + 1)
    return [
        {
            "class": one.name.lower(),
            "value": int(one),
            "name_zh": LABELS[one].zh,
            "name_en": LABELS[one].en,
            "cells": int(cells[one]),
            "area_km2": _km2(int(cells[one]), scene),
        }
        for one in PATTERN_CLASSES
    ]


def _totals(nodes: Sequence[Node], corridors: Sequence[NetworkCorridor]) -> dict[str, Any]:
    def area_km2(kind: str) -> float:
        areas_ha = (float(one.document["area_ha"]) for one in nodes if one.kind == kind)
        return round(sum(areas_ha) / 100, _DIGITS)

    def count(kind: str) -> int:
        return sum(node.kind == kind for node in nodes)

    def length_km(of: str) -> float:
        chosen = (one for one in corridors if one.document["class"] == of)
        return round(sum(one.link.path.length_m for one in chosen) / 1000, _DIGITS)

    return {
        "sources": count("source"),
        "sources_km2": area_km2("source"),
        "corridors": len(corridors),
        "main_km": length_km("main"),
        "branch_km": length_km("branch"),
        "corridors_km2": round(sum(one.document["area_ha"] for one in corridors) / 100, _DIGITS),
        "pinch_points": count("pinch_point"),
        "pinch_points_km2": area_km2("pinch_point"),
        "barriers": count("barrier"),
        "barriers_km2": area_km2("barrier"),
        "stepping_stones": count("stepping_stone"),
        "junctions": count("junction"),
        "saddles": count("saddle"),
        "crossings": count("crossing"),
    }


TABLE_HEAD = (
    *("code", "name_zh", "name_en", "class", "source_a", "source_b", "length_m", "euclid_m"),
    *("lcd_cost_m", "mean_resistance", "gravity", "in_mst", "is_bridge", "r_eff_ohm", "area_ha"),
    *("width_mean_m", "width_min_m", "current_width_mean_m", "current_width_min_m"),
    *("recommended_reach_m", "red_line_share", "n_breakpoints"),
    *("dpc_link_percent", "betweenness", "current_flow"),
)


def table_rows(statistics: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """One row for each corridor."""
    for one in statistics["corridors"]:
        yield tuple(one[name] for name in TABLE_HEAD)


def _km2(cells: int, scene: Scene) -> float:
    return round(cells * scene.grid.cell_area_ha / 100, _DIGITS)


def _rounded(value: float | None) -> float | None:
    return value if value is None or isinstance(value, int) else round(value, _DIGITS)
