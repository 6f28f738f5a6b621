"""The links between sources: their paths and their corridors."""

import math

import numpy as np

from shanhai.jobs.network_contracts import LinkChoice
from shanhai.processes.networking.currents import circuit_settings, within_memory
from shanhai.processes.networking.memory import memory_left, require_room
from shanhai.processes.networking.scene import Scene
from shanhai.processes.networking.surface import RESISTANCE
from shanhai.processes.pointers import pointing_at
from shanhai.science.corridors.current_swaths import narrow_to_current
from shanhai.science.corridors.former import Former, Notes
from shanhai.science.corridors.link_settings import GIB, LinkSettings
from shanhai.science.corridors.links import Network, Visit, link_sources, network_memory_needed
from shanhai.science.corridors.pinch import CARRIED_SHARE
from shanhai.science.corridors.sources import Sources
from shanhai.science.corridors.swath import SwathRule
from shanhai.vocabulary import Label

EXCESS = "corridors"
"""Layer of the least excess over all links, cost-weighted metres."""

_STEP = Label("累积阻力与廊道", "least-cost ways")
_KEPT_AT_LEAST = 64 * 2**20
_KEPT_SHARE = 4


def find_links(
    scene: Scene,
    sources: Sources,
    visit: Visit | None = None,
    notes: Notes | None = None,
    former: Former | None = None,
) -> Network:
    """Link the sources; the excess of the corridors is kept as the layer `corridors`.

    Args:
        scene: Where.
        sources: What is linked.
        visit: Sees the costs from both sources of each link.
        notes: Taken for the links after a change.
        former: The links before a change, of which those it does not reach are taken over.

    Raises:
        LimitExceeded: it does not fit into memory.
        InvalidInput: a source lies on barriers only.
    """
    settings = link_settings(scene.parameters.links)
    needed = network_memory_needed(scene.grid.shape, sources.patches.count, settings)
    require_room(scene, _STEP, needed)
    resistance = scene.whole(RESISTANCE)
    with pointing_at("/inputs/datasets"):
        network = link_sources(
            resistance,
            sources.patches.labels,
            scene.spacing,
            settings,
            visit,
            notes,
            former,
        )
    if scene.parameters.links.swath == "current":
        with within_memory(scene):
            network = narrow_to_current(
                network,
                resistance,
                sources.patches.labels,
                scene.spacing,
                scene.parameters.links.swath_value or CARRIED_SHARE,
                circuit_settings(scene),
            )
    scene.store.create(EXCESS)
    scene.store.write(EXCESS, scene.store.whole, network.corridors.astype(np.float32))
    return network


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
