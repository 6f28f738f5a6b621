"""How strongly two sources attract one another, and which links are main ones."""

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.corridors.natural_breaks import natural_breaks
from shanhai.science.corridors.pairs import Pair, spanning_links

LinkClass = Literal["main", "branch"]

CLASSES = 3
FEWEST_FOR_BREAKS = 10
"""Links from which natural breaks are sought; of fewer the upper third is taken."""


def gravity(
    area_ha: FloatArray, resistance: FloatArray, pairs: IntArray, cost: FloatArray
) -> FloatArray:
    """Interaction of linked sources, `L_max²·ln S_i·ln S_j / (L_ij²·P_i·P_j)`.

    Args:
        area_ha: S of each source, ha, above 1: the logarithm makes the unit matter.
        resistance: P, mean resistance of each source, above 0.
        pairs: Places of the two sources of each link, from 0, shape (n, 2).
        cost: L, least-cost distance of each link, above 0, any one unit.

    Returns:
        One value for each link, above 0.

    Raises:
        InvalidInput: an area, a resistance or a distance is out of its range (the first is named).

    Source: Kong et al. (2010), Urban green space network development for biodiversity
        conservation, Landscape and Urban Planning 95.
    """
    _require_above("area_ha", area_ha, 1.0)
    _require_above("resistance", resistance, 0.0)
    _require_above("cost", cost, 0.0)
    if not len(cost):
        return np.empty(0)
    mass = np.log(area_ha) / resistance
    attraction: FloatArray = (cost.max() / cost) ** 2 * mass[pairs[:, 0]] * mass[pairs[:, 1]]
    return attraction


def link_classes(
    gravity_of: Mapping[Pair, float], cost_of: Mapping[Pair, float]
) -> dict[Pair, LinkClass]:
    """Main links and branches.

    A link is a main one when it belongs to the cheapest tree, or when its gravity lies in the upper
    of three natural classes; of fewer than ten links, in the upper third by rank.

    Args:
        gravity_of: By link.
        cost_of: Least-cost distance by link, of the same links.
    """
    if not gravity_of:
        return {}
    tree = set(spanning_links(cost_of))
    least = _upper_break(np.array(list(gravity_of.values())))
    return {
        pair: "main" if pair in tree or value >= least else "branch"
        for pair, value in gravity_of.items()
    }


def _upper_break(values: FloatArray) -> float:
    if len(values) < FEWEST_FOR_BREAKS:
        upper = math.ceil(len(values) / CLASSES)
        return float(np.sort(values)[-upper])
    breaks = natural_breaks(values, CLASSES)
    return float(breaks[-1]) if breaks.size else math.inf


def _require_above(name: str, values: FloatArray, least: float) -> None:
    wrong = np.flatnonzero(~(np.isfinite(values) & (values > least)))
    if wrong.size:
        raise InvalidInput(
            f"{name} is {values[wrong[0]]:g} at place {wrong[0]}; it must be above {least:g}",
            message_zh=f"第 {wrong[0]} 个 {name} 为 {values[wrong[0]]:g}，须大于 {least:g}",
            pointer=f"/{name}/{wrong[0]}",
        )
