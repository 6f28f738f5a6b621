"""The network before and after edits, link by link; only what they reach is made anew."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from shanhai.errors import Fault, InvalidInput
from shanhai.processes.build_network import linkages
from shanhai.processes.build_network.context import Scene
from shanhai.processes.build_network.corridors import source_code
from shanhai.processes.build_network.metrics import Metrics, measure_network
from shanhai.processes.build_network.named_corridors import Title, official_names
from shanhai.processes.build_network.resistance import (
    GROUND,
    RESISTANCE,
    Recipe,
    find_recipe,
    write_surface,
    write_window,
)
from shanhai.processes.build_network.source_flags import (
    BarredSource,
    leave_out_barred,
    source_flags,
)
from shanhai.processes.build_network.sources import (
    Habitat,
    find_pattern,
    find_sources,
    find_sources_by,
    write_importance,
)
from shanhai.processes.kit.geometry import swath_outline
from shanhai.processes.kit.task import Progress
from shanhai.processes.run_scenario.edits import Edited
from shanhai.raster.store import ScratchStore
from shanhai.raster.warp import RasterSource
from shanhai.science.corridors import incremental_links
from shanhai.science.corridors.cost_kernels import Labels
from shanhai.science.corridors.links import Network, SourceLink
from shanhai.science.corridors.pairs import Pair
from shanhai.science.corridors.resistance_factors import reach_m
from shanhai.science.corridors.resistance_tables import ResistanceTable
from shanhai.science.corridors.sources import Sources
from shanhai.science.distance import halo_cells
from shanhai.science.flags import ResultFlag
from shanhai.science.grid import FloatArray, Grid, Window


@dataclass(frozen=True, slots=True)
class State:
    """The network of a region at one time.

    Attributes:
        scene: Where.
        sources: Its nodes.
        network: Its links.
        metrics: What it is as a whole.
        conduct: How well each link conducts.
        flags: What a reader must know of the sources.
    """

    scene: Scene
    sources: Sources
    network: Network
    metrics: Metrics
    conduct: Mapping[Pair, linkages.Conduct]
    flags: Sequence[ResultFlag]


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
    matching: incremental_links.Matching
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
    habitat = find_sources(scene, pattern)
    progress(26, "resistance")
    recipe = find_recipe(scene)
    record["resistance"] = write_surface(scene, recipe)
    progress(34, "edits")
    after = _habitat_after(edited, habitat, complete=complete)
    both = (habitat.sources, after.sources)
    windows = _resistance_after(scene, edited, recipe, both, complete=complete)
    habitat, barred = leave_out_barred(scene, habitat)
    after, barred_after = leave_out_barred(edited.scene, after)
    sources, new_sources = habitat.sources, after.sources
    progress(46, "paths")
    settings = linkages.link_settings(scene.parameters.links)
    surfaces = (scene.whole(RESISTANCE), edited.scene.whole(RESISTANCE))
    labels = (_passable(sources, surfaces[0]), _passable(new_sources, surfaces[1]))
    matching = incremental_links.match_sources(*labels)
    notes = incremental_links.LinkNotes(
        incremental_links.changed_ground(surfaces, labels, matching, settings), settings.keep_bytes
    )
    network, notes = linkages.find_links(scene, sources, partial(linkages.take_notes, notes, None))
    progress(60, "paths_after")
    former = incremental_links.FormerLinks(notes, matching, settings)
    search = partial(linkages.take_notes, None, None if complete else former)
    new_network, _ = linkages.find_links(edited.scene, new_sources, search)
    progress(68, "current")
    conduct = linkages.conduct_of(scene, sources, network)
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
    states = (
        _state(scene, habitat, barred, network, conduct),
        _state(edited.scene, after, barred_after, new_network, new_conduct),
    )
    return Rehearsal(*states, matching, kept, record)


def _state(
    scene: Scene,
    habitat: Habitat,
    barred: Sequence[BarredSource],
    network: Network,
    conduct: Mapping[Pair, linkages.Conduct],
) -> State:
    sources, flags = habitat.sources, source_flags(scene, habitat, barred)
    metrics = measure_network(scene, sources, network)
    return State(scene, sources, network, metrics, conduct, flags)


def _habitat_after(edited: Edited, habitat: Habitat, *, complete: bool) -> Habitat:
    """The habitat after the edits by the settings before; that before where no cover is edited."""
    if not edited.covers and not complete:
        return habitat
    try:
        found = find_pattern(edited.scene, habitat.pattern.quantile)
        return find_sources_by(edited.scene, found, habitat.parameters)
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


def _kept(former: incremental_links.FormerLinks, network: Network) -> dict[Pair, Pair]:
    found = {link.pair: former.kept(link.pair) for link in network.links}
    return {pair: before for pair, before in found.items() if before is not None}


def _conduct(
    scene: Scene,
    sources: Sources,
    network: Network,
    kept: Mapping[Pair, Pair],
    former: Mapping[Pair, linkages.Conduct],
) -> dict[Pair, linkages.Conduct]:
    """How well all links conduct, computed for those that were not taken over."""
    anew = replace(network, links=tuple(one for one in network.links if one.pair not in kept))
    found = linkages.conduct_of(scene, sources, anew)
    return {
        link.pair: former[kept[link.pair]] if link.pair in kept else found[link.pair]
        for link in network.links
    }


def _passable(sources: Sources, resistance: FloatArray) -> Labels:
    """Numbers of the sources, barriers among their cells left out."""
    labels: Labels = np.where(np.isfinite(resistance), sources.patches.labels, 0)
    return labels


Change = Literal["opened", "closed", "merged", "split", "cheaper", "dearer", "same"]
CHANGES: tuple[Change, ...] = (
    *("opened", "closed", "merged", "split", "cheaper", "dearer", "same"),
)

_ROUNDING = 1e-9
"""Share of a cost by which another one counts as the same."""


@dataclass(frozen=True, slots=True)
class Sides:
    """A link before and after the edits; one of them may be missing.

    A link is `merged` that ends because a source of it became one with another, `split` that is
    there because a source fell apart; `opened` and `closed` are the others on one side only.

    Attributes:
        code: Of the link: `c…` as before, `n…` of a new one.
        change: What became of it.
        sources: Codes of its two sources.
        before: As it is.
        after: As it will be.
        title: The official name that it bears where it is, or will be.
    """

    code: str
    change: Change
    sources: tuple[str, str]
    before: SourceLink | None
    after: SourceLink | None
    title: Title | None = None

    @property
    def link(self) -> SourceLink:
        """As it will be, or as it is where it ends."""
        found = self.after or self.before
        if found is None:
            raise ValueError(f"link {self.code} is in neither network")
        return found


def codes_after(rehearsal: Rehearsal) -> dict[int, str]:
    """Codes of the sources after the edits: those before that they continue, or new ones."""
    found: dict[int, str] = {}
    new = 0
    for number in rehearsal.after.network.numbers:
        former = rehearsal.matching.before_of.get(number)
        new += former is None
        found[number] = f"n{new:03}" if former is None else source_code(former)
    return found


def compare_links(rehearsal: Rehearsal) -> list[Sides]:
    """All links of either network: those before by their pairs, then new ones by theirs."""
    before = {link.pair: link for link in rehearsal.before.network.links}
    after = {_pair_before(link.pair, rehearsal): link for link in rehearsal.after.network.links}
    labels = tuple(one.sources.patches.labels for one in (rehearsal.before, rehearsal.after))
    to_after, to_before = homes(*labels), homes(*reversed(labels))
    told = codes_after(rehearsal)
    names, new_names = names_in(rehearsal.before), names_in(rehearsal.after)
    linked_after = {link.pair for link in after.values()}
    rows = []
    for number, (pair, link) in enumerate(before.items(), start=1):
        found = after.get(pair)
        if found:
            change = _change(link, found)
        else:
            change = "merged" if _lasts(pair, to_after, linked_after) else "closed"
        ends = (source_code(pair[0]), source_code(pair[1]))
        rows.append(Sides(f"c{number:03}", change, ends, link, found, names.get(pair)))
    fresh = [one for pair, one in after.items() if pair not in before]
    for number, link in enumerate(sorted(fresh, key=lambda one: one.pair), start=1):
        change = "split" if _lasts(link.pair, to_before, before) else "opened"
        ends = (told[link.pair[0]], told[link.pair[1]])
        title = new_names.get(link.pair)
        rows.append(Sides(f"n{number:03}", change, ends, None, link, title))
    return rows


def names_in(state: State) -> dict[Pair, Title]:
    """Official names of the links of a network."""
    grid = state.scene.grid
    swaths = {link.pair: swath_outline(link.swath, grid) for link in state.network.links}
    return official_names(state.scene, swaths)


def homes(labels: Labels, others: Labels) -> dict[int, int]:
    """The number in `others` that holds most of each number's cells; none where none does."""
    both = (labels > 0) & (others > 0)
    pairs, cells = np.unique(np.stack([labels[both], others[both]]), axis=1, return_counts=True)
    found: dict[int, int] = {}
    for place in np.argsort(-cells, kind="stable"):
        found.setdefault(int(pairs[0, place]), int(pairs[1, place]))
    return found


def _pair_before(pair: Pair, rehearsal: Rehearsal) -> Pair:
    """The pair by the numbers before; of a new source the number is negative."""
    known = rehearsal.matching.before_of
    one, other = sorted(known.get(number, -number) for number in pair)
    return one, other


def _change(before: SourceLink, after: SourceLink) -> Change:
    if after.path.cost < before.path.cost * (1 - _ROUNDING):
        return "cheaper"
    return "dearer" if after.path.cost > before.path.cost * (1 + _ROUNDING) else "same"


def _lasts(pair: Pair, home: Mapping[int, int], linked: Collection[Pair]) -> bool:
    """Whether what holds the two sources of a link is one source, or linked as well."""
    one, other = home.get(pair[0]), home.get(pair[1])
    if one is None or other is None:
        return False
    return one == other or (min(one, other), max(one, other)) in linked
