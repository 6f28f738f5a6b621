"""What a network is when it is done: manifest, figures, and what a reader must know."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shanhai.processes.build_network.context import Scene
from shanhai.processes.build_network.corridors import NetworkCorridor, source_code
from shanhai.processes.build_network.linkages import Obstacles
from shanhai.processes.build_network.metrics import Contrast, Metrics
from shanhai.processes.build_network.named_corridors import AgainstPlan, Title
from shanhai.processes.build_network.nodes import Node
from shanhai.processes.build_network.omnidirectional import OmnidirectionalFlow
from shanhai.processes.build_network.source_flags import BarredSource, relaxed, source_flags
from shanhai.processes.build_network.sources import Habitat, HabitatPattern
from shanhai.processes.kit import manifest
from shanhai.processes.kit.task import Task, left_out_flags
from shanhai.science.corridors.circuit.solver import SolveReport
from shanhai.science.corridors.links import Network
from shanhai.science.corridors.mspa.pattern import LABELS, Mspa
from shanhai.science.corridors.pairs import components
from shanhai.science.corridors.pinch_points import PinchPoints
from shanhai.science.flags import ResultFlag
from shanhai.vocabulary import Label


@dataclass(frozen=True, slots=True)
class Built:
    """A network, and how it was found.

    Attributes:
        scene: Where.
        habitat: Its sources, and how they were found.
        barred: Sources that were left out, on barriers only.
        network: Its links.
        metrics: What it is as a whole.
        pinch: Currents and pinch points.
        obstacles: Barriers.
        flow: Current from everywhere to everywhere, where it was asked for.
        corridors: Links as they are told.
        against_plan: Links held against the corridors that have names.
        nodes: Places as they are told.
        contrasts: The same under other powers of the resistance, where it was asked for.
        record: How importance and resistance were made.
    """

    scene: Scene
    habitat: Habitat
    barred: Sequence[BarredSource]
    network: Network
    metrics: Metrics
    pinch: PinchPoints
    obstacles: Obstacles
    flow: OmnidirectionalFlow | None
    corridors: Sequence[NetworkCorridor]
    against_plan: AgainstPlan
    nodes: Sequence[Node]
    contrasts: Sequence[Contrast]
    record: Mapping[str, Any]


_FACTORS = {
    "slope": Label("坡度", "slope"),
    "roads": Label("距道路", "distance to roads"),
    "water": Label("距水体", "distance to water"),
}


def network_flags(built: Built) -> list[ResultFlag]:
    """What was relaxed or left out, parts that no way joins, what the sources themselves remark."""
    network, surface = built.network, built.record["resistance"]
    found = [ResultFlag(one.code, one.label) for one in built.habitat.sources.remarks]
    found += source_flags(built.scene, built.habitat, built.barred)
    if network.disconnected:
        found.append(_disconnected(network))
    if surface["left_out"]:
        found.append(_left_out(surface["left_out"]))
    if not network.links:
        found.append(_NO_CORRIDOR)
    elif built.scene.inputs.names and not any(
        one.document["has_official_name"] for one in built.corridors
    ):
        found.append(_NO_NAME)
    if built.against_plan.not_drawn:
        found.append(_not_drawn(built.against_plan.not_drawn))
    return [*found, *left_out_flags(built.scene.task)]


def _disconnected(network: Network) -> ResultFlag:
    parts = components(network.numbers, _joined(network))
    told = "; ".join(", ".join(source_code(number) for number in part) for part in parts)
    pairs = len(network.disconnected)
    return ResultFlag.of(
        "disconnected",
        f"有 {pairs} 对源地之间没有可通行的路径，网络分为 {len(parts)} 部分：{told}",
        f"no way leads between {pairs} pairs of sources; the network is in {len(parts)} parts: "
        f"{told}",
    )


def _joined(network: Network) -> list[tuple[int, int]]:
    """Pairs that ways lead between, linked or not."""
    apart = set(network.disconnected)
    numbers = network.numbers
    return [
        (one, other)
        for place, one in enumerate(numbers)
        for other in numbers[place + 1 :]
        if (one, other) not in apart
    ]


def _left_out(factors: Sequence[str]) -> ResultFlag:
    named = [_FACTORS[name] for name in factors]
    return ResultFlag.of(
        "factors_left_out",
        f"阻力面缺少因子：{'、'.join(one.zh for one in named)}；其权重由其余因子按比例分担",
        f"the resistance lacks {', '.join(one.en for one in named)}; the other factors share "
        "the weight in proportion",
    )


def _not_drawn(titles: Sequence[Title]) -> ResultFlag:
    zh, en = "、".join(one.zh for one in titles), ", ".join(one.en for one in titles)
    return ResultFlag.of(
        "named_corridors_not_drawn",
        f"有名称而未绘出几何的规划廊道 {len(titles)} 条，未作对照：{zh}",
        f"{len(titles)} named corridors are not drawn, and nothing was held against them: {en}",
    )


_NO_CORRIDOR = ResultFlag.of(
    "no_corridor",
    "没有任何两个源地相连，未得到廊道",
    "no two sources are joined: there is no corridor",
)
_NO_NAME = ResultFlag.of(
    "no_name_matched",
    "没有廊道与给出的名称相符（重叠须达一半）",
    "no corridor overlaps one of the names by half",
)


def build_manifest(task: Task, built: Built, flags: Sequence[ResultFlag]) -> dict[str, Any]:
    """The manifest; only `job_id` and `created_utc` differ between equal runs."""
    return manifest.build_manifest(
        task,
        built.scene.place,
        parameters=built.scene.parameters.model_dump(mode="json"),
        control_areas=manifest.areas_record(task),
        network={
            **built.record,
            "pattern": built.habitat.pattern.record(),
            "sources": {
                "found": built.habitat.sources.patches.count,
                "dropped": built.habitat.sources.dropped,
                "relaxed": relaxed(built.scene, built.habitat),
                "barred": [one.label.en for one in built.barred],
            },
            "links": {
                "found": len(built.network.links),
                "dropped": len(built.network.dropped),
                "disconnected_pairs": len(built.network.disconnected),
                "searches": built.network.searches,
            },
            "circuit": [_solution(one) for one in built.pinch.reports],
            "barrier_radii_m": list(built.obstacles.radii_m),
            **_omnidirectional(built),
        },
        warnings=[flag.document() for flag in flags],
    )


def _omnidirectional(built: Built) -> dict[str, Any]:
    """How current was sent from everywhere to everywhere, where it was."""
    if built.flow is None:
        return {}
    asked = built.scene.inputs.model_dump(mode="json", include={"omnidirectional"})
    found = built.flow.document(built.scene.grid)
    own = {**asked["omnidirectional"], **found, "circuit": _solution(built.flow.report)}
    return {"omnidirectional": own}


def _solution(report: SolveReport) -> dict[str, Any]:
    """How a circuit was solved. The residual is rounding, and told as its order of size only."""
    return {
        "methods": list(report.methods),
        "solutions": report.solutions,
        "nodes": report.nodes,
        "residual": f"{report.residual:.0e}",
    }


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
            {"source_a": source_code(one), "source_b": source_code(other), "status": "disconnected"}
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
MATCH_HEAD = ("matched_zh", "matched_en", "matched_share", "matched_distance_m")
_MATCH = ("name_zh", "name_en", "share_of_corridor", "mean_distance_m")


def table_rows(statistics: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """One row for each corridor."""
    for one in statistics["corridors"]:
        match = one["matched"] or {}
        yield (*(one[name] for name in TABLE_HEAD), *(match.get(name) for name in _MATCH))


def _km2(cells: int, scene: Scene) -> float:
    return round(cells * scene.grid.cell_area_ha / 100, _DIGITS)


def _rounded(value: float | None) -> float | None:
    return value if value is None or isinstance(value, int) else round(value, _DIGITS)
