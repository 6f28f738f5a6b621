"""The network of a region before and after edits; after them only what they reach is made anew."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from shanhai.errors import Fault, InvalidInput
from shanhai.processes.build_network.context import Scene
from shanhai.processes.build_network.currents import Conduct, conduct_of
from shanhai.processes.build_network.importance import write_importance
from shanhai.processes.build_network.linkages import find_links, link_settings, take_notes
from shanhai.processes.build_network.metrics import Metrics, measure_network
from shanhai.processes.build_network.resistance import (
    GROUND,
    RESISTANCE,
    Recipe,
    find_recipe,
    write_surface,
    write_window,
)
from shanhai.processes.build_network.sources import HabitatPattern, find_pattern, find_sources
from shanhai.processes.kit.process import Progress
from shanhai.processes.run_scenario.edits import Edited
from shanhai.raster.store import ScratchStore
from shanhai.raster.warp import RasterSource
from shanhai.science.arrays import FloatArray
from shanhai.science.corridors.cost_kernels import Labels
from shanhai.science.corridors.incremental_links import (
    FormerLinks,
    LinkNotes,
    Matching,
    changed_ground,
    match_sources,
)
from shanhai.science.corridors.links import Network
from shanhai.science.corridors.pairs import Pair
from shanhai.science.corridors.resistance_factors import reach_m
from shanhai.science.corridors.resistance_tables import ResistanceTable
from shanhai.science.corridors.sources import Sources
from shanhai.science.distance import halo_cells
from shanhai.science.grid import Grid, Window


@dataclass(frozen=True, slots=True)
class State:
    """The network of a region at one time.

    Attributes:
        scene: Where.
        pattern: Of the habitat.
        sources: Its nodes.
        network: Its links.
        metrics: What it is as a whole.
        conduct: How well each link conducts.
    """

    scene: Scene
    pattern: HabitatPattern
    sources: Sources
    network: Network
    metrics: Metrics
    conduct: Mapping[Pair, Conduct]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A scenario as it was worked out.

    Attributes:
        before: The network as it is.
        after: The network after the edits.
        matching: Which source after them is which one before.
        kept: Links after the edits that were taken over, with their pairs before.
        record: How importance and resistance were made, and what was made anew.
    """

    before: State
    after: State
    matching: Matching
    kept: Mapping[Pair, Pair]
    record: Mapping[str, Any]


def rehearse(
    scene: Scene, edited: Edited, progress: Progress, *, complete: bool = False
) -> Rehearsal:
    """Find the network before and after the edits.

    Args:
        scene: The region as it is; its importance, pattern and resistance are written here.
        edited: The same after the edits.
        progress: Hears how far it is.
        complete: Make all of it anew, to prove that the rest would have been the same.

    Raises:
        InvalidInput: there is no network before the edits, or none after them.
        LimitExceeded: a step does not fit into memory.
    """
    record: dict[str, Any] = {"importance": None}
    if scene.inputs.needs_supplies:
        progress(5, "importance")
        record["importance"] = write_importance(scene)
    progress(12, "pattern")
    pattern = find_pattern(scene)
    progress(20, "sources")
    sources = find_sources(scene, pattern)
    progress(26, "resistance")
    recipe = find_recipe(scene)
    record["resistance"] = write_surface(scene, recipe)
    progress(34, "edits")
    new_pattern, new_sources = _habitat_after(edited, pattern, sources, complete=complete)
    windows = _resistance_after(scene, edited, recipe, (sources, new_sources), complete=complete)
    progress(46, "paths")
    settings = link_settings(scene.parameters.links)
    surfaces = (scene.whole(RESISTANCE), edited.scene.whole(RESISTANCE))
    labels = (_passable(sources, surfaces[0]), _passable(new_sources, surfaces[1]))
    matching = match_sources(*labels)
    notes = LinkNotes(changed_ground(surfaces, labels, matching, settings), settings.keep_bytes)
    network, notes = find_links(scene, sources, partial(take_notes, notes, None))
    progress(60, "paths_after")
    former = FormerLinks(notes, matching, settings)
    search = partial(take_notes, None, None if complete else former)
    new_network, _ = find_links(edited.scene, new_sources, search)
    progress(68, "current")
    conduct = conduct_of(scene, sources, network)
    kept = {} if complete else _kept(former, new_network)
    new_conduct = _conduct(edited.scene, new_sources, new_network, kept, conduct)
    progress(78, "metrics")
    record["anew"] = {
        "windows": windows[0],
        "windows_in_all": windows[1],
        "pattern_and_sources": edited.covers or complete,
        "links": len(new_network.links) - len(kept),
        "links_in_all": len(new_network.links),
        "searches": new_network.searches,
        "searches_before": network.searches,
    }
    return Rehearsal(
        State(scene, pattern, sources, network, measure_network(scene, sources, network), conduct),
        State(
            edited.scene,
            new_pattern,
            new_sources,
            new_network,
            measure_network(edited.scene, new_sources, new_network),
            new_conduct,
        ),
        matching,
        kept,
        record,
    )


def _habitat_after(
    edited: Edited, pattern: HabitatPattern, sources: Sources, *, complete: bool
) -> tuple[HabitatPattern, Sources]:
    """Pattern and sources after the edits; those before where no land cover is edited."""
    if not edited.covers and not complete:
        return pattern, sources
    try:
        found = find_pattern(edited.scene)
        return found, find_sources(edited.scene, found)
    except InvalidInput as error:
        message = f"after the edits there is no network: {error.message}"
        message_zh = f"编辑之后无法构成网络：{error.message_zh}"
        fault = Fault("/inputs/edits", message, message_zh)
        raise InvalidInput(message, message_zh=message_zh, faults=[fault]) from error


def _resistance_after(
    scene: Scene,
    edited: Edited,
    recipe: Recipe,
    sources: tuple[Sources, Sources],
    *,
    complete: bool,
) -> tuple[int, int]:
    """Write the resistance after the edits; returns the windows made anew, and all of them.

    The light that the classes have on the mean is that before the edits: otherwise one edit would
    change all land of its class by a hair.
    """
    after, place = edited.scene, edited.scene.place
    stale = _stale_windows(edited, recipe.table, sources) if not complete else None
    chosen = frozenset(place.windows()) if stale is None else stale
    for layer in (RESISTANCE, GROUND):
        after.store.create(layer)
    renew = partial(_renew, scene.store, after.store, after.grid, place.sources, recipe, chosen)
    return len(chosen), len(place.each(renew))


def _stale_windows(
    edited: Edited, table: ResistanceTable, sources: tuple[Sources, Sources]
) -> frozenset[Window]:
    """Windows in which an edit is felt, or other cells are sources than before."""
    place = edited.scene.place
    halo = halo_cells(reach_m(table), place.grid.cell_m)
    moved = (sources[0].patches.labels > 0) != (sources[1].patches.labels > 0)
    return frozenset(
        window
        for window in place.windows()
        if edited.touched[window.expanded(halo, place.grid).slices].any()
        or moved[window.slices].any()
    )


def _renew(
    before: ScratchStore,
    after: ScratchStore,
    grid: Grid,
    sources: Mapping[str, RasterSource],
    recipe: Recipe,
    stale: frozenset[Window],
    window: Window,
) -> None:
    """Make a window of the resistance anew, or take it over."""
    if window in stale:
        write_window(after, grid, sources, recipe, window)
        return
    for layer in (RESISTANCE, GROUND):
        after.write(layer, window, before.read_stored(layer, window))


def _kept(former: FormerLinks, network: Network) -> dict[Pair, Pair]:
    found = {link.pair: former.kept(link.pair) for link in network.links}
    return {pair: before for pair, before in found.items() if before is not None}


def _conduct(
    scene: Scene,
    sources: Sources,
    network: Network,
    kept: Mapping[Pair, Pair],
    former: Mapping[Pair, Conduct],
) -> dict[Pair, Conduct]:
    """How well all links conduct, computed for those that were not taken over."""
    anew = replace(network, links=tuple(one for one in network.links if one.pair not in kept))
    found = conduct_of(scene, sources, anew)
    return {
        link.pair: former[kept[link.pair]] if link.pair in kept else found[link.pair]
        for link in network.links
    }


def _passable(sources: Sources, resistance: FloatArray) -> Labels:
    """Numbers of the sources, barriers among their cells left out."""
    labels: Labels = np.where(np.isfinite(resistance), sources.patches.labels, 0)
    return labels
