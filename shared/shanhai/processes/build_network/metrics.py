"""The network as a whole: its indices, and what each source and link means to it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from shanhai.processes.build_network.context import Scene
from shanhai.processes.build_network.resistance import GROUND
from shanhai.science.arrays import FloatArray
from shanhai.science.corridors.connectivity import link_importance
from shanhai.science.corridors.connectivity_graph import PatchGraph, dispersal_graph, link_graph
from shanhai.science.corridors.links import Network
from shanhai.science.corridors.network_metrics import (
    Centrality,
    LinkClass,
    betweenness,
    current_flow,
    gravity,
    link_classes,
    network_indices,
)
from shanhai.science.corridors.pairs import Pair
from shanhai.science.corridors.sources import Sources


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a network is, and each of its links in it.

    Attributes:
        indices: α, β, γ, cost ratio, components, costs; PC, IIC and ECA along the links.
        gravity: Of each link.
        classes: Main or branch, of each link.
        betweenness: Of sources and links.
        current_flow: Of sources and links.
        dpc: What closing a link would take from PC, %.
    """

    indices: dict[str, Any]
    gravity: Mapping[Pair, float]
    classes: Mapping[Pair, LinkClass]
    betweenness: Centrality
    current_flow: Centrality
    dpc: Mapping[Pair, float]


def measure_network(scene: Scene, sources: Sources, network: Network) -> Metrics:
    """Measure a network; distances are those along its links, in m."""
    cost_of = {link.pair: link.path.cost for link in network.links}
    length_m = {link.pair: link.path.length_m for link in network.links}
    length_km = {pair: length / 1000 for pair, length in length_m.items()}
    pairs = [link.pair for link in network.links]
    attraction = _gravity(scene, sources, cost_of)
    along = _along(sources, length_m)
    graph = dispersal_graph(sources.patches.area_ha, along, scene.parameters.sources.d50_m)
    places = [(one - 1, other - 1) for one, other in pairs]
    return Metrics(
        indices={
            **asdict(network_indices(network.numbers, cost_of, length_km)),
            "length_km": float(sum(length_km.values())),
            **_connectivity(scene, sources, graph, along),
        },
        gravity=attraction,
        classes=link_classes(attraction, cost_of),
        betweenness=betweenness(network.numbers, cost_of),
        current_flow=current_flow(network.numbers, cost_of),
        dpc=dict(zip(pairs, link_importance(graph, places).tolist(), strict=True)),
    )


def _gravity(scene: Scene, sources: Sources, cost_of: Mapping[Pair, float]) -> dict[Pair, float]:
    pairs = np.array(list(cost_of), dtype=np.int64).reshape(-1, 2) - 1
    ground = sources.patches.mean(scene.whole(GROUND))
    found = gravity(sources.patches.area_ha, ground, pairs, np.array(list(cost_of.values())))
    return dict(zip(cost_of, found.tolist(), strict=True))


def _along(sources: Sources, length_m: Mapping[Pair, float]) -> FloatArray:
    """Lengths of the links between sources, m; infinite where there is none."""
    count = sources.patches.count
    found = np.full((count, count), np.inf)
    np.fill_diagonal(found, 0.0)
    for (one, other), length in length_m.items():
        found[one - 1, other - 1] = found[other - 1, one - 1] = length
    return found


def _connectivity(
    scene: Scene, sources: Sources, graph: PatchGraph, along: FloatArray
) -> dict[str, float]:
    area_ha = scene.land_cells * scene.grid.cell_area_ha
    linked = link_graph(sources.patches.area_ha, along, np.inf)
    return {
        "pc": graph.index(area_ha),
        "iic": linked.index(area_ha),
        "eca_ha": graph.equivalent_area,
        "eca_share_of_sources": graph.equivalent_area / float(sources.patches.area_ha.sum()),
    }
