"""Maps and page of a network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from shapely.geometry.base import BaseGeometry

from shanhai.cartography import ClassStyle, style_of
from shanhai.processes.build_network.currents import CURRENT
from shanhai.processes.build_network.pattern import PATTERN
from shanhai.processes.build_network.resistance import RESISTANCE
from shanhai.processes.build_network.result import Built
from shanhai.processes.kit.geometry import patch_outlines, path_line, swath_outline
from shanhai.processes.kit.outputs import write_report_files
from shanhai.processes.kit.report import frame_of, thinned, thinned_classes
from shanhai.processes.kit.task import OutputFile
from shanhai.reporting.maps import MapFrame, draw_class_map, draw_ramp_map
from shanhai.reporting.pages import Picture, ReportPage
from shanhai.reporting.plan_maps import NETWORK_TITLE, NetworkDrawing, draw_network_map
from shanhai.science.corridors.patches import Patches
from shanhai.vocabulary import Label, Lang

TEMPLATE = "network_report.html.j2"
_LANGUAGES: tuple[Lang, ...] = ("zh", "en")
_SHARES = Label("类型（占生境）", "Class (share of habitat)")
_CURRENT_ENDS = (Label("电流集中", "concentrated"), Label("电流分散", "spread out"))
_RESISTANCE_ENDS = (Label("难以通行", "hard to cross"), Label("易于通行", "easy to cross"))


def write_report(
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
        for lang in _LANGUAGES
        if draw_network_map(path := workspace / f"map_{lang}.png", drawing, frame, lang)
    ]
    others = [
        picture
        for lang in _LANGUAGES
        for picture in _layers(built, statistics, frame, lang, workspace)
    ]
    name = Label(place.area.region.name_zh, place.area.region.name_en)
    page = ReportPage(TEMPLATE, name, statistics, manifest, [*leading, *others])
    files = write_report_files(workspace, page)
    for picture, _ in others:
        picture.unlink()
    return [*files, *(_map(path) for path, _ in leading)]


def _map(path: Path) -> OutputFile:
    named = {"map_zh": Label("生态网络图（中文）", "Map (Chinese)")}
    title = named.get(path.stem, Label("生态网络图（英文）", "Map (English)"))
    return OutputFile(
        name=path.stem,
        path=path.name,
        kind="image",
        media_type="image/png",
        title_zh=title.zh,
        title_en=title.en,
    )


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
    for layer, ends in ((RESISTANCE, _RESISTANCE_ENDS), (CURRENT, _CURRENT_ENDS)):
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
