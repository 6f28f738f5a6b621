"""Corridors that a plan has named: which of the computed ones they are."""

from collections.abc import Mapping

import shapely
from shapely.geometry.base import BaseGeometry

LEAST_OVERLAP = 0.5
"""Share of the smaller of two swaths that both must cover to be one corridor."""


def match_names(
    swaths: Mapping[tuple[int, int], BaseGeometry],
    named: Mapping[str, BaseGeometry],
    least_overlap: float = LEAST_OVERLAP,
) -> dict[tuple[int, int], str]:
    """Official names of computed corridors, by link.

    Pairs of largest overlap are matched first, each corridor and each name at most once; of equal
    overlaps the lower link, then the name first in order.

    Args:
        swaths: Footprint of each link, m.
        named: Footprint of each named corridor, m.
        least_overlap: Common area over that of the smaller footprint, 0–1.
    """
    candidates = sorted(
        (-share, link, name)
        for link, swath in swaths.items()
        for name, footprint in named.items()
        if (share := _overlap(swath, footprint)) >= least_overlap
    )
    found: dict[tuple[int, int], str] = {}
    for _, link, name in candidates:
        if link not in found and name not in found.values():
            found[link] = name
    return dict(sorted(found.items()))


def _overlap(one: BaseGeometry, other: BaseGeometry) -> float:
    smaller = min(shapely.area(one), shapely.area(other))
    return float(shapely.area(shapely.intersection(one, other)) / smaller) if smaller else 0.0
