"""Indices of a network as a whole, and how much of its traffic each source and link carries."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Literal

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.corridors.natural_breaks import natural_breaks
from shanhai.science.corridors.pairs import Pair, components, rounded, spanning_links
from shanhai.science.grid import FloatArray, IntArray

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


@dataclass(frozen=True, slots=True)
class NetworkIndices:
    """Closure and connection of a network.

    Attributes:
        nodes: V, number of sources.
        links: L, number of links.
        components: Parts that links join, a source without links being one.
        alpha: Share of the independent circuits a planar network could have, (L−V+1)/(2V−5); below
            0 when it is in parts. None for fewer than 3 nodes.
        beta: Links for each node, L/V. None for fewer than 3 nodes.
        gamma: Share of the links a planar network could have, L/(3(V−2)). None likewise.
        cost_ratio: 1 − L/Σ length, length in km. None for fewer than 3 nodes or without links.
        mean_cost: Mean least-cost distance of the links; None without links.
        median_cost: Median of them.
    """

    nodes: int
    links: int
    components: int
    alpha: float | None
    beta: float | None
    gamma: float | None
    cost_ratio: float | None
    mean_cost: float | None
    median_cost: float | None


@dataclass(frozen=True, slots=True)
class Centrality:
    """How much of the traffic between all pairs of sources each source and link carries, 0–1.

    Attributes:
        nodes: By source, without the traffic that begins or ends there.
        links: By link.
    """

    nodes: Mapping[int, float]
    links: Mapping[Pair, float]


def network_indices(
    numbers: Sequence[int], cost_of: Mapping[Pair, float], length_km: Mapping[Pair, float]
) -> NetworkIndices:
    """Alpha, beta, gamma and the cost ratio (Haggett and Chorley 1969), and what is in parts.

    Args:
        numbers: Of all sources.
        cost_of: Least-cost distance by link.
        length_km: Length by link, km.
    """
    nodes, links = len(numbers), len(cost_of)
    whole_km = math.fsum(length_km.values())
    measured = nodes >= 3
    costs = np.array(list(cost_of.values()))
    return NetworkIndices(
        nodes=nodes,
        links=links,
        components=len(components(numbers, cost_of)),
        alpha=(links - nodes + 1) / (2 * nodes - 5) if measured else None,
        beta=links / nodes if measured else None,
        gamma=links / (3 * (nodes - 2)) if measured else None,
        cost_ratio=1 - links / whole_km if measured and whole_km else None,
        mean_cost=float(costs.mean()) if links else None,
        median_cost=float(np.median(costs)) if links else None,
    )


def betweenness(numbers: Sequence[int], cost_of: Mapping[Pair, float]) -> Centrality:
    """Share of the pairs of sources whose cheapest way leads through a source or a link.

    Where several ways cost the same (to twelve digits), each counts its part. The share of a source
    is of the pairs of the others, that of a link is of all pairs.

    Args:
        numbers: Of all sources.
        cost_of: Least-cost distance by link, above 0.

    Source: Freeman (1977); Brandes (2001).
    """
    _require_costs(cost_of)
    beside = _beside(numbers, cost_of)
    through = dict.fromkeys(numbers, 0.0)
    along = dict.fromkeys(cost_of, 0.0)
    for start in numbers:
        _count_from(start, beside, through, along)
    return _shares(through, along, len(numbers))


def current_flow(numbers: Sequence[int], cost_of: Mapping[Pair, float]) -> Centrality:
    """Mean current through a source or a link when each pair of sources sends 1 A in turn.

    Links are resistors of their least-cost distance. A source's own 1 A as an end is left out, and
    pairs between which no links lead send nothing.

    Args:
        numbers: Of all sources.
        cost_of: Least-cost distance by link, above 0.

    Source: Newman (2005); Brandes and Fleischer (2005).
    """
    _require_costs(cost_of)
    through = dict.fromkeys(numbers, 0.0)
    along = dict.fromkeys(cost_of, 0.0)
    for part in components(numbers, cost_of):
        _add_currents(part, cost_of, through, along)
    return _shares(through, along, len(numbers), ordered=False)


def _require_costs(cost_of: Mapping[Pair, float]) -> None:
    for pair, cost in cost_of.items():
        if not (math.isfinite(cost) and cost > 0):
            raise InvalidInput(
                f"the cost of the link {pair} is {cost}; it must be above 0 and finite",
                message_zh=f"连接 {pair} 的成本为 {cost}，须为正的有限数",
                pointer="/cost_of",
            )


def _shares(
    through: Mapping[int, float], along: Mapping[Pair, float], nodes: int, *, ordered: bool = True
) -> Centrality:
    """Sums over pairs as shares of the pairs; ordered pairs are twice as many."""
    times = 2 if ordered else 1
    pairs_of_others = times * (nodes - 1) * (nodes - 2) / 2
    pairs = times * nodes * (nodes - 1) / 2
    return Centrality(
        {node: total / pairs_of_others if nodes > 2 else 0.0 for node, total in through.items()},
        {link: total / pairs for link, total in along.items()},
    )


def _beside(
    numbers: Sequence[int], cost_of: Mapping[Pair, float]
) -> dict[int, list[tuple[int, float]]]:
    beside: dict[int, list[tuple[int, float]]] = {number: [] for number in numbers}
    for (one, other), cost in cost_of.items():
        beside[one].append((other, cost))
        beside[other].append((one, cost))
    return beside


def _count_from(
    start: int,
    beside: Mapping[int, list[tuple[int, float]]],
    through: dict[int, float],
    along: dict[Pair, float],
) -> None:
    """Add the ways from one source to all others."""
    order, ways, before = _cheapest_ways(start, beside)
    carried = dict.fromkeys(order, 0.0)
    for node in reversed(order):
        for former in before[node]:
            part = ways[former] / ways[node] * (1 + carried[node])
            carried[former] += part
            along[min(node, former), max(node, former)] += part
        if node != start:
            through[node] += carried[node]


def _cheapest_ways(
    start: int, beside: Mapping[int, list[tuple[int, float]]]
) -> tuple[list[int], dict[int, int], dict[int, list[int]]]:
    """Nodes by cost, how many cheapest ways lead to each, and the nodes before it on them."""
    cost = {start: 0.0}
    ways = {start: 1}
    before: dict[int, list[int]] = {start: []}
    order: list[int] = []
    waiting = [(0.0, start)]
    done: set[int] = set()
    while waiting:
        here, node = heappop(waiting)
        if node in done:
            continue
        done.add(node)
        order.append(node)
        for other, step in beside[node]:
            # Rounded, so that ways of one cost are seen to be equal however they were summed.
            there = rounded(here + step)
            if there < cost.get(other, math.inf):
                cost[other], ways[other], before[other] = there, ways[node], [node]
                heappush(waiting, (there, other))
            elif there == cost[other] and other not in done:
                ways[other] += ways[node]
                before[other].append(node)
    return order, ways, before


def _add_currents(
    part: tuple[int, ...],
    cost_of: Mapping[Pair, float],
    through: dict[int, float],
    along: dict[Pair, float],
) -> None:
    """Add the currents of all pairs within one part of the network."""
    place = {number: at for at, number in enumerate(part)}
    inside = [pair for pair in cost_of if pair[0] in place]
    if not inside:
        return
    one, other = np.array([[place[i], place[j]] for i, j in inside]).T
    conductance = 1 / np.array([cost_of[pair] for pair in inside])
    potential = _potentials(len(part), one, other, conductance)
    nodes, links = np.zeros(len(part)), np.zeros(len(inside))
    for first in range(len(part)):
        for second in range(first + 1, len(part)):
            volts = potential[:, first] - potential[:, second]
            current = np.abs(conductance * (volts[one] - volts[other]))
            node = np.bincount(one, current, len(part)) + np.bincount(other, current, len(part))
            node[[first, second]] = 0.0
            nodes += node / 2
            links += current
    through.update(zip(part, nodes.tolist(), strict=True))
    along.update(zip(inside, links.tolist(), strict=True))


def _potentials(size: int, one: IntArray, other: IntArray, conductance: FloatArray) -> FloatArray:
    """Inverse of the Laplacian with the first node grounded: column i is 1 A into node i."""
    laplacian = np.zeros((size, size))
    np.add.at(laplacian, (one, one), conductance)
    np.add.at(laplacian, (other, other), conductance)
    np.add.at(laplacian, (one, other), -conductance)
    np.add.at(laplacian, (other, one), -conductance)
    potential = np.zeros((size, size))
    potential[1:, 1:] = np.linalg.inv(laplacian[1:, 1:])
    return potential
