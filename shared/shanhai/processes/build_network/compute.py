"""Build the ecological network of a region: sources, corridors, nodes; features, maps, page."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from shanhai.cartography import ClassStyle, style_of
from shanhai.errors import InvalidInput
from shanhai.processes.build_network import linkages, result
from shanhai.processes.build_network.context import COVER, Scene
from shanhai.processes.build_network.contract import (
    BUILD_NETWORK,
    OMNIDIRECTIONAL_RASTERS,
    OPTIONAL_THEMES,
    RASTERS,
    BuildNetworkInputs,
)
from shanhai.processes.build_network.corridors import NetworkCorridor, tell_corridors
from shanhai.processes.build_network.metrics import find_contrasts, measure_network
from shanhai.processes.build_network.named_corridors import (
    NAMED_HEAD,
    hold_against_plan,
    named_rows,
)
from shanhai.processes.build_network.nodes import Node, tell_nodes
from shanhai.processes.build_network.omnidirectional import (
    CUMULATIVE,
    NORMALISED,
    find_flow,
    window_settings,
)
from shanhai.processes.build_network.requirements import network_faults
from shanhai.processes.build_network.resistance import RESISTANCE, find_recipe, write_surface
from shanhai.processes.build_network.source_flags import leave_out_barred
from shanhai.processes.build_network.sources import (
    PATTERN,
    find_pattern,
    find_sources,
    write_importance,
)
from shanhai.processes.kit import outputs
from shanhai.processes.kit.geometry import patch_outlines, path_line, swath_outline
from shanhai.processes.kit.manifest import finished, resumed_runner
from shanhai.processes.kit.output_files import LINKS_FILE, NODES_FILE, write_features
from shanhai.processes.kit.region import SCRATCH, build_place, open_sources
from shanhai.processes.kit.task import Outcome, OutputFile, Progress, Task
from shanhai.reporting.maps import MapFrame, draw_class_map, draw_ramp_map
from shanhai.reporting.pages import Picture, ReportPage
from shanhai.reporting.plan_maps import NETWORK_TITLE, NetworkDrawing, draw_network_map
from shanhai.science.corridors.pairs import Pair
from shanhai.science.corridors.patches import Patches
from shanhai.vocabulary import LANGUAGES, Label, Lang


def write_links(workspace: Path, corridors: Sequence[NetworkCorridor]) -> OutputFile:
    """Corridors as lines, each with its footprint as a member `footprint`."""
    features = [
        _feature(
            one.code, one.line, {**result.corridor_row(one), "footprint": mapping(one.footprint)}
        )
        for one in corridors
    ]
    return write_features(workspace, BUILD_NETWORK.output("corridor_lines"), LINKS_FILE, features)


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
    return write_features(workspace, BUILD_NETWORK.output("corridor_nodes"), NODES_FILE, features)


def _feature(code: str, geometry: BaseGeometry, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "id": code, "geometry": mapping(geometry), "properties": properties}


TEMPLATE = "network_report.html.j2"
_MAPS = Label("生态网络图", "Map")
_SHARES = Label("类型（占生境）", "Class (share of habitat)")
_CURRENT_ENDS = (Label("电流集中", "concentrated"), Label("电流分散", "spread out"))
_NORMALISED_ENDS = (Label("通道集中", "channelled"), Label("受阻", "impeded"))
_RESISTANCE_ENDS = (Label("难以通行", "hard to cross"), Label("易于通行", "easy to cross"))


def write_maps_and_report(
    built: result.Built, statistics: Mapping[str, Any], manifest: Mapping[str, Any], workspace: Path
) -> list[OutputFile]:
    """Draw the network, its pattern, resistance and current, and write the page with them.

    The maps of the network are outputs of their own as well.
    """
    place = built.scene.place
    frame = outputs.frame_of(place, manifest)
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
    return outputs.write_report(workspace, page, leading, _MAPS)


def _layers(
    built: result.Built, statistics: Mapping[str, Any], frame: MapFrame, lang: Lang, workspace: Path
) -> list[Picture]:
    store, drawn = built.scene.store, list[Picture]()
    style = style_of(PATTERN)
    if isinstance(style, ClassStyle):
        path, codes = workspace / f"{PATTERN}.{lang}.png", outputs.thinned_classes(store, PATTERN)
        if draw_class_map(path, codes, style, _shares(statistics), _SHARES, frame, lang):
            drawn.append((path, style.title))
    ramps = {RESISTANCE: _RESISTANCE_ENDS, linkages.CURRENT: _CURRENT_ENDS}
    if built.flow is not None:
        ramps |= {CUMULATIVE: _CURRENT_ENDS, NORMALISED: _NORMALISED_ENDS}
    for layer, ends in ramps.items():
        path = workspace / f"{layer}.{lang}.png"
        if draw_ramp_map(path, outputs.thinned(store, layer), layer, frame, lang, ends):
            drawn.append((path, style_of(layer).title))
    return drawn


def _shares(statistics: Mapping[str, Any]) -> dict[int, float]:
    whole = sum(one["cells"] for one in statistics["pattern"]) or 1
    return {one["value"]: 100 * one["cells"] / whole for one in statistics["pattern"]}


def _drawing(built: result.Built) -> NetworkDrawing:
    grid, labels = built.scene.grid, built.habitat.sources.patches.labels
    sources = patch_outlines(labels, built.habitat.sources.patches.count, grid)
    links = built.network.links
    return NetworkDrawing(
        resistance=outputs.thinned(built.scene.store, RESISTANCE),
        sources=list(zip(sources, built.habitat.sources.level.tolist(), strict=True)),
        swaths=[swath_outline(link.swath, grid) for link in links],
        lines=[
            (path_line(link.path.cells, labels, grid), built.metrics.classes[link.pair] == "main")
            for link in links
        ],
        pinch_points=_outlines(built, built.pinch.spots.patches),
        barriers=_outlines(built, built.obstacles.spots.patches),
    )


def _outlines(built: result.Built, patches: Patches) -> list[BaseGeometry]:
    return patch_outlines(patches.labels, int(np.max(patches.labels)), built.scene.grid)


def compute(task: Task, workspace: Path, progress: Progress) -> Outcome:
    """Compute with files only; the workspace holds every result afterwards."""
    inputs = BuildNetworkInputs.model_validate(task.inputs)
    require_layers(task, inputs)
    with resumed_runner(task, workspace, progress) as (runner, progress):
        progress(0, "prepare")
        supplies = [theme for theme in task.datasets if theme.startswith("supply.")]
        sources = open_sources(task, {COVER, *OPTIONAL_THEMES, *supplies})
        place = build_place(task, inputs, workspace / SCRATCH, sources, runner)
        built = build(Scene(place, inputs, task), progress)
        files, statistics = _write(built, workspace, progress)
    flags = result.network_flags(built)
    manifest = result.build_manifest(task, built, flags)
    progress(92, "maps")
    files += write_maps_and_report(built, statistics, manifest, workspace)
    return finished(
        workspace,
        files,
        manifest,
        {
            "status": statistics["status"],
            "indices": statistics["network"],
            "totals": statistics["totals"],
        },
        progress,
    )


def build(scene: Scene, progress: Progress) -> result.Built:
    """Every step from the services to the places of the network."""
    record: dict[str, Any] = {"importance": None}
    window_settings(scene)  # refuses what cannot be solved before all else is computed
    if scene.inputs.needs_supplies:
        progress(5, "importance")
        record["importance"] = write_importance(scene)
    progress(15, "pattern")
    pattern = find_pattern(scene)
    progress(25, "sources")
    habitat = find_sources(scene, pattern)
    progress(32, "resistance")
    record["resistance"] = write_surface(scene, find_recipe(scene))
    habitat, barred = leave_out_barred(scene, habitat)
    pattern, sources = habitat.pattern, habitat.sources
    progress(42, "paths")
    scan = linkages.prepare_scan(scene, sources)
    network, scores = linkages.find_links(scene, sources, partial(linkages.look_for_barriers, scan))
    progress(55, "current")
    conduct = linkages.conduct_of(scene, sources, network)
    progress(60, "pinch_points")
    pinch = linkages.find_currents(scene, sources, network)
    progress(70, "barriers")
    obstacles = linkages.find_obstacles(scene, scores)
    contrasts = find_contrasts(scene, sources, network, progress)
    flow = find_flow(scene, progress)
    progress(78, "metrics")
    metrics = measure_network(scene, sources, network)
    against_plan = hold_against_plan(scene, sources, network)
    corridors = tell_corridors(scene, sources, network, metrics, conduct, contrasts, against_plan)
    nodes = tell_nodes(scene, pattern, sources, network, metrics, corridors, pinch, obstacles)
    return result.Built(
        scene=scene,
        habitat=habitat,
        barred=barred,
        network=network,
        metrics=metrics,
        pinch=pinch,
        obstacles=obstacles,
        flow=flow,
        corridors=corridors,
        against_plan=against_plan,
        nodes=nodes,
        contrasts=contrasts,
        record=record,
    )


def require_layers(task: Task, inputs: BuildNetworkInputs) -> None:
    """Refuse a network whose inputs are missing; all that is missing is named."""
    faults = network_faults(inputs, task.datasets)
    if faults:
        raise InvalidInput.of(faults)


def _write(
    built: result.Built, workspace: Path, progress: Progress
) -> tuple[list[OutputFile], dict[str, Any]]:
    statistics = result.statistics_document(
        built.scene,
        built.habitat.pattern,
        built.network,
        built.metrics,
        built.corridors,
        built.nodes,
    )
    statistics["sensitivity"] = [one.document() for one in built.contrasts]
    codes = {one.link.pair: one.code for one in built.corridors}
    statistics["named_corridors"] = built.against_plan.document(codes)
    rasters = dict(RASTERS)
    if built.flow is not None:
        statistics["omnidirectional"] = built.flow.document(built.scene.grid)
        rasters |= OMNIDIRECTIONAL_RASTERS
    progress(85, "rasters")
    return [
        *outputs.begin_rasters(built.scene.place, list(rasters.items()), workspace)(),
        write_links(workspace, built.corridors),
        write_nodes(workspace, built.nodes),
        *_write_named(workspace, built, statistics["named_corridors"], codes),
        outputs.write_document(workspace, BUILD_NETWORK.output("statistics"), statistics),
        outputs.write_table(
            workspace,
            BUILD_NETWORK.output("table"),
            (*result.TABLE_HEAD, *result.MATCH_HEAD),
            result.table_rows(statistics),
        ),
    ], statistics


def _write_named(
    workspace: Path, built: result.Built, document: Mapping[str, Any], codes: Mapping[Pair, str]
) -> list[OutputFile]:
    """Named corridors with what follows them, as lines and as a table."""
    lines, table = map(BUILD_NETWORK.output, ("named_corridors", "named_table"))
    features = list(built.against_plan.features(codes))
    return [
        write_features(workspace, lines, "named_corridors.geojson", features),
        outputs.write_table(workspace, table, NAMED_HEAD, named_rows(document)),
    ]
