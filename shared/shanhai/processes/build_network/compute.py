"""Build the ecological network of a region: sources, corridors, pinch points and barriers."""

from functools import partial
from pathlib import Path
from typing import Any

from shanhai.errors import InvalidInput
from shanhai.processes.build_network.barriers import find_obstacles, prepare_scan
from shanhai.processes.build_network.context import COVER, Scene
from shanhai.processes.build_network.contract import (
    OMNIDIRECTIONAL_RASTERS,
    OPTIONAL_THEMES,
    RASTERS,
    BuildNetworkInputs,
)
from shanhai.processes.build_network.corridors import tell_corridors
from shanhai.processes.build_network.currents import conduct_of, find_currents
from shanhai.processes.build_network.importance import write_importance
from shanhai.processes.build_network.linkages import find_links, look_for_barriers
from shanhai.processes.build_network.metrics import measure_network
from shanhai.processes.build_network.nodes import tell_nodes
from shanhai.processes.build_network.omnidirectional import find_flow, window_settings
from shanhai.processes.build_network.outputs import write_links, write_maps_and_report, write_nodes
from shanhai.processes.build_network.requirements import network_faults
from shanhai.processes.build_network.resistance import write_resistance
from shanhai.processes.build_network.result import Built, build_manifest, network_flags
from shanhai.processes.build_network.sensitivity import find_contrasts
from shanhai.processes.build_network.sources import find_pattern, find_sources
from shanhai.processes.build_network.statistics import (
    TABLE_HEAD,
    statistics_document,
    table_rows,
)
from shanhai.processes.kit.checkpointing import resumed_runner
from shanhai.processes.kit.manifest import finished
from shanhai.processes.kit.outputs import write_document, write_rasters, write_table
from shanhai.processes.kit.process import Progress
from shanhai.processes.kit.region import SCRATCH, build_place, open_sources
from shanhai.processes.kit.task import Outcome, OutputFile, Task
from shanhai.vocabulary import Label


def compute(task: Task, workspace: Path, progress: Progress) -> Outcome:
    """Compute with files only; the workspace holds every result afterwards."""
    inputs = BuildNetworkInputs.model_validate(task.inputs)
    require_layers(task, inputs)
    with resumed_runner(task, workspace, progress) as (runner, progress):
        progress(0, "prepare")
        sources = open_sources(task, {COVER, *OPTIONAL_THEMES, *_supplies(task)})
        place = build_place(task, inputs, workspace / SCRATCH, sources, runner)
        built = build(Scene(place, inputs, task), progress)
        files, statistics = _write(built, workspace, progress)
    flags = network_flags(
        built.scene, built.sources, built.network, built.corridors, built.record["resistance"]
    )
    manifest = build_manifest(task, built, flags)
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


def build(scene: Scene, progress: Progress) -> Built:
    """Every step from the services to the places of the network."""
    record: dict[str, Any] = {"importance": None}
    window_settings(scene)  # refuses what cannot be solved before all else is computed
    if scene.inputs.needs_supplies:
        progress(5, "importance")
        record["importance"] = write_importance(scene)
    progress(15, "pattern")
    pattern = find_pattern(scene)
    progress(25, "sources")
    sources = find_sources(scene, pattern)
    progress(32, "resistance")
    record["resistance"] = write_resistance(scene)
    progress(42, "paths")
    scan = prepare_scan(scene, sources)
    network, scores = find_links(scene, sources, partial(look_for_barriers, scan))
    progress(55, "current")
    conduct = conduct_of(scene, sources, network)
    progress(60, "pinch_points")
    pinch = find_currents(scene, sources, network)
    progress(70, "barriers")
    obstacles = find_obstacles(scene, scores)
    contrasts = find_contrasts(scene, sources, network, progress)
    flow = find_flow(scene, progress)
    progress(78, "metrics")
    metrics = measure_network(scene, sources, network)
    corridors = tell_corridors(scene, sources, network, metrics, conduct, contrasts)
    nodes = tell_nodes(scene, pattern, sources, network, metrics, corridors, pinch, obstacles)
    return Built(
        scene=scene,
        pattern=pattern,
        sources=sources,
        network=network,
        metrics=metrics,
        pinch=pinch,
        obstacles=obstacles,
        flow=flow,
        corridors=corridors,
        nodes=nodes,
        contrasts=contrasts,
        record=record,
    )


def require_layers(task: Task, inputs: BuildNetworkInputs) -> None:
    """Refuse a network whose inputs are missing; all that is missing is named."""
    faults = network_faults(inputs, task.datasets)
    if faults:
        raise InvalidInput.of(faults)


def _supplies(task: Task) -> list[str]:
    return [theme for theme in task.datasets if theme.startswith("supply.")]


def _write(
    built: Built, workspace: Path, progress: Progress
) -> tuple[list[OutputFile], dict[str, Any]]:
    statistics = statistics_document(
        built.scene, built.pattern, built.network, built.metrics, built.corridors, built.nodes
    )
    statistics["sensitivity"] = [one.document() for one in built.contrasts]
    rasters = dict(RASTERS)
    if built.flow is not None:
        statistics["omnidirectional"] = built.flow.document(built.scene.grid)
        rasters |= OMNIDIRECTIONAL_RASTERS
    progress(85, "rasters")
    return [
        *write_rasters(built.scene.place, list(rasters.items()), workspace),
        write_links(workspace, built.corridors),
        write_nodes(workspace, built.nodes),
        write_document(workspace, "statistics", Label("网络统计", "Statistics"), statistics),
        write_table(
            workspace,
            "table",
            Label("廊道表", "Corridors as a table"),
            TABLE_HEAD,
            table_rows(statistics),
        ),
    ], statistics
