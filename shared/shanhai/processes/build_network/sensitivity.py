"""How far the corridors rest on the figures of the resistance: the same sources, R^0.5 and R²."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from shanhai.processes.build_network.context import Scene
from shanhai.processes.build_network.linkages import link_settings
from shanhai.processes.build_network.resistance import RESISTANCE
from shanhai.processes.kit.process import Progress
from shanhai.science.corridors.links import Network, SourceLink, link_sources
from shanhai.science.corridors.pairs import Pair
from shanhai.science.corridors.path_profile import course_of
from shanhai.science.corridors.resistance_factors import SENSITIVITY_EXPONENTS, power
from shanhai.science.corridors.sources import Sources

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
