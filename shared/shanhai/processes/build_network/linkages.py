"""The links between sources: paths and corridors, current through them, barriers on the way."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.processes.build_network.context import Scene, memory_left, require_room
from shanhai.processes.build_network.contract import LinkChoice
from shanhai.processes.build_network.resistance import RESISTANCE
from shanhai.processes.kit.task import pointing_at
from shanhai.science.corridors.barriers import (
    BarrierScan,
    BarrierScores,
    BarrierSettings,
    memory_needed,
)
from shanhai.science.corridors.circuit.solver import CircuitSettings
from shanhai.science.corridors.cost_kernels import Labels
from shanhai.science.corridors.incremental_links import FormerLinks, LinkNotes
from shanhai.science.corridors.links import Network, SourceLink, link_sources, network_memory_needed
from shanhai.science.corridors.pairs import GIB, LinkSettings, Pair
from shanhai.science.corridors.pinch_points import (
    CARRIED_SHARE,
    PinchPoints,
    link_flow,
    narrow_to_current,
    pinch_points,
)
from shanhai.science.corridors.sources import Sources
from shanhai.science.corridors.spacing import MetricCells
from shanhai.science.corridors.spots import SpotRule, Spots, find_spots
from shanhai.science.corridors.swaths import SwathRule
from shanhai.science.grid import BoolArray, FloatArray
from shanhai.vocabulary import Label

CURRENT = "current"
"""Layer of the current through corridors, between the sources, A."""


def find_currents(scene: Scene, sources: Sources, network: Network) -> PinchPoints:
    """Send current through the corridors; between the sources it is kept as the layer `current`.

    Raises:
        LimitExceeded: the circuit of the corridors does not fit into memory.
    """
    choice = scene.parameters.circuit
    with within_memory(scene):
        found = scene.place.once(
            partial(
                pinch_points,
                scene.whole(RESISTANCE),
                sources.patches.labels,
                inside_any(network, scene.grid.shape),
                scene.spacing,
                SpotRule(min_area_ha=choice.least_pinch_ha),
                circuit_settings(scene),
            )
        )
    scene.store.create(CURRENT)
    # A source is one node, and all that ends in it would outshine the corridors.
    between = np.where(sources.patches.labels > 0, np.nan, found.current)
    scene.store.write(CURRENT, scene.store.whole, between.astype(np.float32))
    return found


@contextmanager
def within_memory(scene: Scene) -> Iterator[None]:
    """Let the errors of a circuit point into the inputs."""
    try:
        yield
    except LimitExceeded as error:
        raise LimitExceeded(
            f"{error.message} (cells of {scene.cell_m:g} m)",
            message_zh=f"{error.message_zh}（像元 {scene.cell_m:g} m）",
            pointer="/inputs/cell_m",
        ) from error
    except InvalidInput:
        with pointing_at("/inputs/parameters"):
            raise


def inside_any(network: Network, shape: tuple[int, int]) -> BoolArray:
    """Cells of any corridor."""
    inside = np.zeros(shape, dtype=bool)
    for link in network.links:
        inside[link.swath.slices] |= link.swath.inside
    return inside


@dataclass(frozen=True, slots=True)
class Conduct:
    """How well a corridor conducts between its two sources.

    Attributes:
        r_eff_ohm: Effective resistance; None where the circuit has no way.
        width_mean_m: Mean width of the part that carries nine tenths of the current, m.
        width_min_m: Its narrowest width, m.
    """

    r_eff_ohm: float | None
    width_mean_m: float | None
    width_min_m: float | None


def conduct_of(scene: Scene, sources: Sources, network: Network) -> dict[Pair, Conduct]:
    """What flows through each corridor alone, 1 A from one of its sources to the other."""
    resistance, labels = scene.whole(RESISTANCE), sources.patches.labels
    settings = circuit_settings(scene)
    found = {}
    for link in network.links:
        flow = partial(_flow, resistance, labels, link, scene.spacing, settings)
        with within_memory(scene):
            found[link.pair] = scene.place.once(flow)
    return found


def _flow(
    resistance: FloatArray,
    labels: Labels,
    link: SourceLink,
    spacing: MetricCells,
    settings: CircuitSettings,
) -> Conduct:
    flow = link_flow(resistance, labels, link, spacing, settings)
    ohm, width = flow.effective_resistance, flow.width
    return Conduct(
        ohm if np.isfinite(ohm) else None,
        width.mean_m if width else None,
        width.narrowest_m if width else None,
    )


def circuit_settings(scene: Scene) -> CircuitSettings:
    """What was asked for, within the memory that is left."""
    choice = scene.parameters.circuit
    return CircuitSettings(
        neighbours=choice.neighbours,
        joining=choice.joining,
        method=None if choice.solver == "auto" else choice.solver,
        memory_limit=memory_left(),
        run=scene.place.runner.run,
    )


EXCESS = "corridors"
"""Layer of the least excess over all links, cost-weighted metres."""

_STEP = Label("累积阻力与廊道", "least-cost ways")
_KEPT_AT_LEAST = 64 * 2**20
_KEPT_SHARE = 4


Seen = TypeVar("Seen")
Noted = TypeVar("Noted", LinkNotes, None)
Search = Callable[[FloatArray, Labels, MetricCells, LinkSettings], tuple[Network, Seen]]
"""Finds the links on a resistance, and returns with them what it saw on the way."""


def find_links(scene: Scene, sources: Sources, search: Search[Seen]) -> tuple[Network, Seen]:
    """Link the sources; the excess of the corridors is kept as the layer `corridors`.

    Args:
        scene: Where.
        sources: What is linked.
        search: `look_for_barriers` or `take_notes`, with what it looks with.

    Raises:
        LimitExceeded: it does not fit into memory.
        InvalidInput: a source lies on barriers only.
    """
    settings = link_settings(scene.parameters.links)
    needed = network_memory_needed(scene.grid.shape, sources.patches.count, settings)
    require_room(scene, _STEP, needed)
    resistance = scene.whole(RESISTANCE)
    found = partial(search, resistance, sources.patches.labels, scene.spacing, settings)
    with pointing_at("/inputs/datasets"):
        network, seen = scene.place.once(found)
    if scene.parameters.links.swath == "current":
        network = _narrowed(scene, sources, network, resistance)
    scene.store.create(EXCESS)
    scene.store.write(EXCESS, scene.store.whole, network.corridors.astype(np.float32))
    return network, seen


def look_for_barriers(
    scan: BarrierScan,
    resistance: FloatArray,
    labels: Labels,
    spacing: MetricCells,
    settings: LinkSettings,
) -> tuple[Network, BarrierScores]:
    """The links, and the scores of the barriers on the ways between their sources."""
    network = link_sources(resistance, labels, spacing, settings, scan.visit)
    return network, scan.scores


def take_notes(
    notes: Noted,
    former: FormerLinks | None,
    resistance: FloatArray,
    labels: Labels,
    spacing: MetricCells,
    settings: LinkSettings,
) -> tuple[Network, Noted]:
    """The links, and the notes for those after a change.

    Args:
        notes: Taken on the way, if there are any to be taken.
        former: The links before a change, of which those it does not reach are taken over.
        resistance: Of the land.
        labels: Number of the source of each cell.
        spacing: Size of the cells.
        settings: What was asked for.
    """
    network = link_sources(resistance, labels, spacing, settings, notes=notes, former=former)
    return network, notes


def _narrowed(scene: Scene, sources: Sources, network: Network, resistance: FloatArray) -> Network:
    """The network with corridors as wide as the current through them."""
    with within_memory(scene):
        return scene.place.once(
            partial(
                narrow_to_current,
                network,
                resistance,
                sources.patches.labels,
                scene.spacing,
                scene.parameters.links.swath_value or CARRIED_SHARE,
                circuit_settings(scene),
            )
        )


def link_settings(choice: LinkChoice) -> LinkSettings:
    """What was asked for, with as much memory for costs as there is to spare."""
    return LinkSettings(
        mode=choice.mode,
        nearest=choice.nearest,
        max_cost=choice.max_cost or math.inf,
        max_euclid_m=choice.max_euclid_m or math.inf,
        drop_crossing=choice.drop_crossing,
        swath=_swath_rule(choice),
        neighbours=choice.neighbours,
        forbid_corner_cutting=choice.forbid_corner_cutting,
        keep_bytes=kept_bytes(),
    )


def _swath_rule(choice: LinkChoice) -> SwathRule:
    """What is asked for; the current is looked at where a way costs little more than the least."""
    usual = SwathRule()
    if choice.swath == "current":
        return usual
    return SwathRule(choice.swath, choice.swath_value or usual.value)


def kept_bytes() -> int:
    """Bytes of costs held at once: with fewer the same results take longer."""
    return min(GIB, max(_KEPT_AT_LEAST, memory_left() // _KEPT_SHARE))


BARRIERS = "barriers"
"""Layer of the score: cost saved for each metre restored."""

_SCAN = Label("障碍点识别", "barriers")
_LEAST_CELLS = 2


@dataclass(frozen=True, slots=True)
class Obstacles:
    """Barriers of the network.

    Attributes:
        scores: By cell.
        spots: Patches of the top class.
        radii_m: That were looked at.
    """

    scores: BarrierScores
    spots: Spots
    radii_m: tuple[float, ...]


def prepare_scan(scene: Scene, sources: Sources) -> BarrierScan:
    """What looks for barriers while the links are found.

    Raises:
        LimitExceeded: it does not fit into memory.
    """
    choice = scene.parameters.circuit
    require_room(scene, _SCAN, memory_needed(scene.grid.shape))
    return BarrierScan(
        sources.patches.labels,
        scene.spacing,
        BarrierSettings(radii(choice.barrier_radii_m, scene.cell_m), choice.barrier_joining),
    )


def find_obstacles(scene: Scene, scores: BarrierScores) -> Obstacles:
    """The barriers by their scores over all links; the score is kept as the layer `barriers`."""
    choice = scene.parameters.circuit
    # Neither the sea nor anything beyond the region can be restored.
    scores.score[~scene.known] = np.nan
    scene.store.create(BARRIERS)
    scene.store.write(BARRIERS, scene.store.whole, scores.score.astype(np.float32))
    spots = find_spots(scores.score, scene.cell_m, SpotRule(min_area_ha=choice.least_barrier_ha))
    return Obstacles(scores, spots, radii(choice.barrier_radii_m, scene.cell_m))


def radii(asked: list[float] | None, cell_m: float) -> tuple[float, ...]:
    """The radii asked for; else those of 60, 120 and 240 m that hold two cells, or two cells."""
    if asked:
        return tuple(sorted(asked))
    usual = BarrierSettings().radii_m
    return tuple(one for one in usual if one >= _LEAST_CELLS * cell_m) or (_LEAST_CELLS * cell_m,)
