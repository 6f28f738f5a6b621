"""The network as a whole: its indices, and how far they rest on the resistances."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from shanhai.processes.build_network.context import Scene
from shanhai.processes.build_network.linkages import link_settings
from shanhai.processes.build_network.resistance import GROUND, RESISTANCE
from shanhai.processes.kit.task import Progress
from shanhai.science.corridors.connectivity import (
    PatchGraph,
    dispersal_graph,
    link_graph,
    link_importance,
)
from shanhai.science.corridors.corridor_profile import course_of
from shanhai.science.corridors.links import Network, SourceLink, link_sources
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
from shanhai.science.corridors.resistance_factors import SENSITIVITY_EXPONENTS, power
from shanhai.science.corridors.sources import Sources
from shanhai.science.grid import FloatArray


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


_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Contrast:
    """The network under another power of the resistance.

    Attributes:
        exponent: The power.
        links: How many links it has.
        shared: How many of these the network itself has as well.
        stays: By link, the share of its path that stays in the corridor; None where the other
            network has no such link.
        share: Of the length of all paths of the network, what stays; a link that is gone has 0.
    """

    exponent: float
    links: int
    shared: int
    stays: Mapping[Pair, float | None]
    share: float

    def document(self) -> dict[str, Any]:
        """For the statistics."""
        return {
            "exponent": self.exponent,
            "links": self.links,
            "shared_links": self.shared,
            "path_share_in_corridor": round(self.share, _DIGITS),
        }


def find_contrasts(
    scene: Scene, sources: Sources, network: Network, progress: Progress
) -> list[Contrast]:
    """The network again for R^0.5 and R², where it was asked for; nothing else changes."""
    if not scene.parameters.links.sensitivity:
        return []
    progress(74, "single_changes")
    return [
        scene.place.once(partial(_contrast, scene, sources, network, exponent))
        for exponent in SENSITIVITY_EXPONENTS
        if exponent != 1.0
    ]


def _contrast(scene: Scene, sources: Sources, network: Network, exponent: float) -> Contrast:
    other = link_sources(
        power(scene.whole(RESISTANCE), exponent),
        sources.patches.labels,
        scene.spacing,
        link_settings(scene.parameters.links),
    )
    paths = {link.pair: link for link in other.links}
    stays = {
        link.pair: _share_inside(scene, link, paths[link.pair]) if link.pair in paths else None
        for link in network.links
    }
    lengths = np.array([link.path.length_m for link in network.links])
    kept = np.array([stays[link.pair] or 0.0 for link in network.links])
    whole = float(lengths.sum())
    return Contrast(
        exponent,
        len(other.links),
        len(paths.keys() & stays.keys()),
        stays,
        float((lengths * kept).sum()) / whole if whole else 0.0,
    )


def _share_inside(scene: Scene, link: SourceLink, other: SourceLink) -> float:
    """Share of the other path that lies in the corridor of a link."""
    inside = np.zeros(scene.grid.shape, dtype=bool)
    inside[link.swath.slices] = link.swath.inside
    return course_of(other.path.cells, scene.spacing).share_in(inside)
