"""The links between sources: their paths and their corridors."""

import math
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np

from shanhai.processes.build_network.context import Scene
from shanhai.processes.build_network.contract import LinkChoice
from shanhai.processes.build_network.currents import circuit_settings, within_memory
from shanhai.processes.build_network.memory_check import memory_left, require_room
from shanhai.processes.build_network.resistance import RESISTANCE
from shanhai.processes.kit.error_pointers import pointing_at
from shanhai.science.arrays import FloatArray
from shanhai.science.corridors.barriers import BarrierScan, BarrierScores
from shanhai.science.corridors.cost_kernels import Labels
from shanhai.science.corridors.incremental_links import FormerLinks, LinkNotes
from shanhai.science.corridors.link_flows import narrow_to_current
from shanhai.science.corridors.link_settings import GIB, LinkSettings
from shanhai.science.corridors.links import Network, link_sources, network_memory_needed
from shanhai.science.corridors.pinch_points import CARRIED_SHARE
from shanhai.science.corridors.sources import Sources
from shanhai.science.corridors.spacing import MetricCells
from shanhai.science.corridors.swaths import SwathRule
from shanhai.vocabulary import Label

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
