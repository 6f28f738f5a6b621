"""Files of a network besides those every evaluation has: features, maps, page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from shanhai.cartography import ClassStyle, style_of
from shanhai.processes.build_network.corridors import NetworkCorridor
from shanhai.processes.build_network.currents import CURRENT
from shanhai.processes.build_network.nodes import Node
from shanhai.processes.build_network.omnidirectional import CUMULATIVE, NORMALISED
from shanhai.processes.build_network.resistance import RESISTANCE
from shanhai.processes.build_network.result import Built
from shanhai.processes.build_network.sources import PATTERN
from shanhai.processes.build_network.statistics import corridor_row
from shanhai.processes.kit.feature_files import LINKS_FILE, NODES_FILE, write_features
from shanhai.processes.kit.geometry import patch_outlines, path_line, swath_outline
from shanhai.processes.kit.maps import frame_of, thinned, thinned_classes
from shanhai.processes.kit.outputs import write_report
from shanhai.processes.kit.task import OutputFile
from shanhai.reporting.maps import MapFrame, draw_class_map, draw_ramp_map
from shanhai.reporting.pages import Picture, ReportPage
from shanhai.reporting.plan_maps import NETWORK_TITLE, NetworkDrawing, draw_network_map
from shanhai.science.corridors.patches import Patches
from shanhai.vocabulary import LANGUAGES, Label, Lang


def write_links(workspace: Path, corridors: Sequence[NetworkCorridor]) -> OutputFile:
    """Corridors as lines, each with its footprint as a member `footprint`."""
    features = [
        _feature(one.code, one.line, {**corridor_row(one), "footprint": mapping(one.footprint)})
        for one in corridors
    ]
    return write_features(
        workspace, "corridor_lines", LINKS_FILE, Label("廊道", "Corridors"), features
    )


def write_nodes(workspace: Path, nodes: Sequence[Node]) -> OutputFile:
    """Sources, pinch points, barriers and the other places as points, each with its footprint."""
    features = [
        _feature(
            one.code,
            one.point,
            {
                "code": one.code,
                "kind": one.kind,
                "score": one.score,
                "corridors": list(one.corridors),
                "footprint": None if one.footprint is None else mapping(one.footprint),
                **one.document,
            },
        )
        for one in nodes
    ]
    return write_features(workspace, "corridor_nodes", NODES_FILE, Label("节点", "Nodes"), features)


def _feature(code: str, geometry: BaseGeometry, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": code,
        "geometry": mapping(geometry),
        "properties": properties,
    }


TEMPLATE = "network_report.html.j2"
_MAPS = Label("生态网络图", "Map")
_SHARES = Label("类型（占生境）", "Class (share of habitat)")
_CURRENT_ENDS = (Label("电流集中", "concentrated"), Label("电流分散", "spread out"))
_NORMALISED_ENDS = (Label("通道集中", "channelled"), Label("受阻", "impeded"))
_RESISTANCE_ENDS = (Label("难以通行", "hard to cross"), Label("易于通行", "easy to cross"))


def write_maps_and_report(
    built: Built, statistics: Mapping[str, Any], manifest: Mapping[str, Any], workspace: Path
) -> list[OutputFile]:
    """Draw the network, its pattern, resistance and current, and write the page with them.

    The maps of the network are outputs of their own as well.
    """
    place = built.scene.place
    frame = frame_of(place, manifest)
    drawing = _drawing(built)
    leading = [
        (path, NETWORK_TITLE)
        for lang in LANGUAGES
        if draw_network_map(path := workspace / f"map_{lang}.png", drawing, frame, lang)
    ]
    others = [
        picture
        for lang in LANGUAGES
        for picture in _layers(built, statistics, frame, lang, workspace)
    ]
    page = ReportPage(TEMPLATE, place.area.name, statistics, manifest, others)
    return write_report(workspace, page, leading, _MAPS)


def _layers(
    built: Built,
    statistics: Mapping[str, Any],
    frame: MapFrame,
    lang: Lang,
    workspace: Path,
) -> list[Picture]:
    store, drawn = built.scene.store, list[Picture]()
    style = style_of(PATTERN)
    if isinstance(style, ClassStyle):
        path, codes = workspace / f"{PATTERN}.{lang}.png", thinned_classes(store, PATTERN)
        if draw_class_map(path, codes, style, _shares(statistics), _SHARES, frame, lang):
            drawn.append((path, style.title))
    ramps = {RESISTANCE: _RESISTANCE_ENDS, CURRENT: _CURRENT_ENDS}
    if built.flow is not None:
        ramps |= {CUMULATIVE: _CURRENT_ENDS, NORMALISED: _NORMALISED_ENDS}
    for layer, ends in ramps.items():
        path = workspace / f"{layer}.{lang}.png"
        if draw_ramp_map(path, thinned(store, layer), layer, frame, lang, ends):
            drawn.append((path, style_of(layer).title))
    return drawn


def _shares(statistics: Mapping[str, Any]) -> dict[int, float]:
    whole = sum(one["cells"] for one in statistics["pattern"]) or 1
    return {one["value"]: 100 * one["cells"] / whole for one in statistics["pattern"]}


def _drawing(built: Built) -> NetworkDrawing:
    grid, labels = built.scene.grid, built.sources.patches.labels
    sources = patch_outlines(labels, built.sources.patches.count, grid)
    links = built.network.links
    return NetworkDrawing(
        resistance=thinned(built.scene.store, RESISTANCE),
        sources=list(zip(sources, built.sources.level.tolist(), strict=True)),
        swaths=[swath_outline(link.swath, grid) for link in links],
        lines=[
            (path_line(link.path.cells, labels, grid), built.metrics.classes[link.pair] == "main")
            for link in links
        ],
        pinch_points=_outlines(built, built.pinch.spots.patches),
        barriers=_outlines(built, built.obstacles.spots.patches),
    )


def _outlines(built: Built, patches: Patches) -> list[BaseGeometry]:
    return patch_outlines(patches.labels, int(np.max(patches.labels)), built.scene.grid)
