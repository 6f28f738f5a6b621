"""The places of a network: sources, stepping stones, pinch points, barriers, junctions, breaks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from shapely import Point
from shapely.geometry.base import BaseGeometry

from shanhai.processes.build_network.context import Scene
from shanhai.processes.build_network.corridors import (
    NetworkCorridor,
    main_road_cells,
    shares_percent,
    source_code,
)
from shanhai.processes.build_network.linkages import Obstacles
from shanhai.processes.build_network.metrics import Metrics
from shanhai.processes.build_network.resistance import LIGHTS
from shanhai.processes.build_network.sources import HabitatPattern
from shanhai.processes.kit.geometry import as_multi, patch_outlines, point_at, to_lon_lat
from shanhai.processes.kit.layers import layer_limits
from shanhai.processes.kit.task import PROTECTED
from shanhai.science.corridors.corridor_profile import saddles
from shanhai.science.corridors.links import Network
from shanhai.science.corridors.patches import Patches, core_patches
from shanhai.science.corridors.paths import merge_paths
from shanhai.science.corridors.pinch_points import PinchPoints
from shanhai.science.corridors.sources import Sources
from shanhai.science.corridors.spots import cut_by_kind, links_of, stepping_stones
from shanhai.science.grid import FloatArray
from shanhai.science.landcover import LandCover
from shanhai.science.normalisation import normalise
from shanhai.science.selection import priority

_DIGITS = 6
_ROAD = 255
"""Kind of ground beside the codes of land cover."""


@dataclass(frozen=True, slots=True)
class Node:
    """A place of the network.

    Attributes:
        code: Within this network.
        kind: As the vocabulary names it.
        point: On it, in longitude and latitude.
        corridors: Codes of the corridors it lies in.
        score: By which those of its kind are compared, if by anything.
        document: What is known of it, units in the names.
        footprint: MultiPolygon in longitude and latitude, where it has an extent.
    """

    code: str
    kind: str
    point: BaseGeometry
    corridors: Sequence[str]
    score: float | None
    document: dict[str, Any]
    footprint: BaseGeometry | None = None


def tell_nodes(
    scene: Scene,
    pattern: HabitatPattern,
    sources: Sources,
    network: Network,
    metrics: Metrics,
    corridors: Sequence[NetworkCorridor],
    pinch: PinchPoints,
    obstacles: Obstacles,
) -> list[Node]:
    """All places, kind by kind."""
    return [
        *_sources(scene, sources, metrics, corridors),
        *_stones(scene, pattern, sources, corridors),
        *_pinch_points(scene, pinch, corridors),
        *_barriers(scene, obstacles, corridors),
        *_junctions(scene, sources, corridors),
        *_saddles(scene, network, corridors),
        *_crossings(scene, corridors),
    ]


def _sources(
    scene: Scene, sources: Sources, metrics: Metrics, corridors: Sequence[NetworkCorridor]
) -> list[Node]:
    outlines = patch_outlines(sources.patches.labels, sources.patches.count, scene.grid)
    found = []
    for place, outline in enumerate(outlines):
        number = place + 1
        document = {
            "level": int(sources.level[place]),
            "area_ha": _rounded(sources.patches.area_ha[place]),
            "importance": _rounded(sources.importance[place]),
            "dpc_percent": _rounded(sources.dpc.total[place]),
            "dpc_intra_percent": _rounded(sources.dpc.intra[place]),
            "dpc_flux_percent": _rounded(sources.dpc.flux[place]),
            "dpc_connector_percent": _rounded(sources.dpc.connector[place]),
            "diic_percent": _rounded(sources.diic[place]),
            "dpc_percent_by_d50_m": {
                f"{d50:g}": _rounded(values[place]) for d50, values in sources.dpc_by_d50.items()
            },
            "red_line_share": _rounded(sources.red_line_share[place]),
            "betweenness": _rounded(metrics.betweenness.nodes[number]),
            "current_flow": _rounded(metrics.current_flow.nodes[number]),
        }
        own = [one.code for one in corridors if number in one.link.pair]
        shape = as_multi(to_lon_lat(outline, scene.grid))
        score = _rounded(sources.dpc.total[place])
        point = shape.representative_point()
        found.append(Node(source_code(number), "source", point, own, score, document, shape))
    return found


def _stones(
    scene: Scene, pattern: HabitatPattern, sources: Sources, corridors: Sequence[NetworkCorridor]
) -> list[Node]:
    """Habitat within corridors that is too small for a source."""
    # What erosion took of a divided source is no habitat on its own.
    apart = (sources.patches.labels == 0) & ~sources.eroded
    habitat = (pattern.core & apart) | pattern.islets
    patches = core_patches(habitat, scene.cell_m, 0.0).labels
    met: dict[int, list[str]] = {}
    stones = {}
    for one in corridors:
        inside = np.zeros(patches.shape, dtype=bool)
        inside[one.link.swath.slices] = one.link.swath.inside
        for stone in stepping_stones(patches, inside, scene.grid.cell_area_ha):
            stones[stone.patch] = stone
            met.setdefault(stone.patch, []).append(one.code)
    return [
        Node(
            f"t{number:03}",
            "stepping_stone",
            point_at(stone.row, stone.col, scene.grid),
            met[patch],
            _rounded(stone.area_ha),
            {"area_ha": _rounded(stone.area_ha)},
        )
        for number, (patch, stone) in enumerate(sorted(stones.items()), start=1)
    ]


def _pinch_points(
    scene: Scene, pinch: PinchPoints, corridors: Sequence[NetworkCorridor]
) -> list[Node]:
    spots = pinch.spots
    protected = _protected(scene, spots.patches)
    pressure = _pressure(scene, spots.patches)
    # Scarce current matters most where nothing protects the ground yet and people press upon it.
    scores = priority.pinch_scores(
        spots.highest, np.nan_to_num(protected, nan=0.0), np.nan_to_num(pressure, nan=0.0)
    )
    levels = _levels(scores)
    documents = [
        {
            "area_ha": _rounded(spots.patches.area_ha[place]),
            "current_max_a": _rounded(spots.highest[place]),
            "current_mean_a": _rounded(spots.mean[place]),
            "class_from_a": _rounded(spots.threshold),
            "robust": bool(pinch.robust[place]),
            "robust_share": _rounded(pinch.robust_share[place]),
            "protected_share": _rounded(protected[place]),
            "human_pressure": _rounded(pressure[place]),
            "composition_percent": _composition(scene, spots.patches, place),
            "priority": levels[place],
        }
        for place in range(spots.patches.count)
    ]
    return _spots(scene, spots.patches, "p", "pinch_point", scores, documents, corridors)


def _barriers(
    scene: Scene, obstacles: Obstacles, corridors: Sequence[NetworkCorridor]
) -> list[Node]:
    spots, scores = obstacles.spots, obstacles.scores
    patches = spots.patches
    dpc = {one.code: one.document["dpc_link_percent"] for one in corridors}
    gaining = _gaining(patches, corridors)
    importance = np.array([max(dpc[code] for code in codes) for codes in gaining])
    most = max(dpc.values(), default=0.0)
    worth = priority.barrier_scores(spots.highest, importance, most)
    weight = importance / most if most > 0 else importance * 0.0
    levels = _levels(worth)
    percent, radius = patches.mean(scores.percent), patches.mean(scores.radius_m)
    fragments = _fragments(scene, patches)
    documents = [
        {
            "area_ha": _rounded(patches.area_ha[place]),
            "score_cost_per_m": _rounded(spots.highest[place]),
            "score_mean_cost_per_m": _rounded(spots.mean[place]),
            "score_percent_per_m": _rounded(percent[place]),
            "radius_mean_m": _rounded(radius[place]),
            "gaining_corridors": gaining[place],
            "link_weight": _rounded(weight[place]),
            "barrier_type": _leading(scene, patches, place),
            "fragments": fragments[place],
            "composition_percent": _composition(scene, patches, place),
            "priority": levels[place],
        }
        for place in range(patches.count)
    ]
    return _spots(scene, patches, "b", "barrier", worth, documents, corridors)


def _spots(
    scene: Scene,
    patches: Patches,
    letter: str,
    kind: str,
    scores: FloatArray,
    documents: Sequence[dict[str, Any]],
    corridors: Sequence[NetworkCorridor],
) -> list[Node]:
    outlines = [
        as_multi(to_lon_lat(outline, scene.grid))
        for outline in patch_outlines(patches.labels, patches.count, scene.grid)
    ]
    of = _codes_by_patch(patches, corridors)
    return [
        Node(
            f"{letter}{place + 1:03}",
            kind,
            outline.representative_point(),
            of[place],
            _rounded(scores[place]),
            documents[place],
            outline,
        )
        for place, outline in enumerate(outlines)
    ]


def _codes_by_patch(patches: Patches, corridors: Sequence[NetworkCorridor]) -> list[list[str]]:
    code = {one.link.pair: one.code for one in corridors}
    swaths = {one.link.pair: one.link.swath for one in corridors}
    return [[code[pair] for pair in pairs] for pairs in links_of(patches, swaths)]


def _gaining(patches: Patches, corridors: Sequence[NetworkCorridor]) -> list[list[str]]:
    """The corridors each patch lies in; the nearest, where it would open a way beside them."""
    of = _codes_by_patch(patches, corridors)
    return [
        codes or [_nearest(np.argwhere(patches.labels == place + 1).mean(axis=0), corridors)]
        for place, codes in enumerate(of)
    ]


def _nearest(middle: FloatArray, corridors: Sequence[NetworkCorridor]) -> str:
    """Code of the corridor whose path comes nearest to a cell."""
    away = [((one.link.path.cells - middle) ** 2).sum(axis=1).min() for one in corridors]
    return corridors[int(np.argmin(away))].code


def _junctions(scene: Scene, sources: Sources, corridors: Sequence[NetworkCorridor]) -> list[Node]:
    """Where paths of different pairs meet outside the sources."""
    merged = merge_paths(one.link.path.cells for one in corridors)
    labels = sources.patches.labels
    found: list[Node] = []
    for row, col in merged.junctions.tolist():
        if labels[row, col] > 0:
            continue
        met = [one.code for one in corridors if _touches(one, row, col)]
        code = f"j{len(found) + 1:03}"
        found.append(Node(code, "junction", point_at(row, col, scene.grid), met, None, {}))
    return found


def _touches(corridor: NetworkCorridor, row: int, col: int) -> bool:
    return bool((corridor.link.path.cells == (row, col)).all(axis=1).any())


def _saddles(scene: Scene, network: Network, corridors: Sequence[NetworkCorridor]) -> list[Node]:
    """Where a path goes from the zone of one source to that of another, one node a cell."""
    met: dict[tuple[int, int], list[str]] = {}
    for one in corridors:
        cells = saddles(one.link.path.cells, network.zones.numbers, network.zones.cost)
        for row, col in cells.tolist():
            met.setdefault((row, col), []).append(one.code)
    return [
        Node(
            f"d{number:03}",
            "saddle",
            point_at(row, col, scene.grid),
            codes,
            None,
            {"cost_m": _rounded(network.zones.cost[row, col])},
        )
        for number, ((row, col), codes) in enumerate(sorted(met.items()), start=1)
    ]


def _crossings(scene: Scene, corridors: Sequence[NetworkCorridor]) -> list[Node]:
    places = [(one, break_) for one in corridors for break_ in one.breaks]
    return [
        Node(
            f"x{number:03}",
            "crossing",
            to_lon_lat(Point(break_.x, break_.y), scene.grid),
            [one.code],
            None if break_.severity is None else float(break_.severity),
            {
                "reason": break_.reason,
                "length_m": _rounded(break_.length_m),
                "severity": break_.severity,
                "road_class": break_.road_class,
                "crossings": break_.crossings,
            },
        )
        for number, (one, break_) in enumerate(places, start=1)
    ]


def _fragments(scene: Scene, patches: Patches) -> list[list[dict[str, Any]]]:
    """What each patch consists of, road or land cover, one piece after the other."""
    roads = main_road_cells(scene)
    kinds = scene.cover if roads is None else np.where(roads, np.uint8(_ROAD), scene.cover)
    cut = cut_by_kind(patches, kinds, scene.cell_m)
    found: list[list[dict[str, Any]]] = [[] for _ in range(patches.count)]
    pieces = zip(cut.spot.tolist(), cut.kind.tolist(), cut.area_ha.tolist(), strict=True)
    for spot, kind, area_ha in pieces:
        name = "road" if kind == _ROAD else LandCover(kind).name.lower()
        found[spot - 1].append({"kind": name, "area_ha": _rounded(area_ha)})
    return found


def _levels(scores: FloatArray) -> list[priority.Level]:
    """Level of each spot by its score."""
    return [priority.LEVELS[number - 1] for number in priority.priority_levels(scores).tolist()]


def _protected(scene: Scene, patches: Patches) -> FloatArray:
    masks = scene.in_lines(PROTECTED)
    if not masks:
        return np.full(patches.count, np.nan)
    return patches.share(np.logical_or.reduce(masks))


def _pressure(scene: Scene, patches: Patches) -> FloatArray:
    """Mean night light of each patch between its percentile limits, 0–1; NaN where unknown."""
    if not scene.store.has(LIGHTS):
        return np.full(patches.count, np.nan)
    limits = layer_limits(scene.place, [LIGHTS], [LIGHTS])[LIGHTS]
    return patches.mean(normalise(scene.whole(LIGHTS), limits))


def _composition(scene: Scene, patches: Patches, place: int) -> dict[str, float]:
    return shares_percent(scene.cover[patches.labels == place + 1])


def _leading(scene: Scene, patches: Patches, place: int) -> str | None:
    """The land cover most of it has."""
    codes = scene.cover[patches.labels == place + 1]
    counts = np.bincount(codes, minlength=len(LandCover) + 1)
    counts[0] = 0
    return LandCover(int(counts.argmax())).name.lower() if counts.any() else None


def _rounded(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else round(float(value), _DIGITS)
