"""Candidate links: zones of least cost, how far to search from each source, and the paths."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from shanhai.science.arrays import BoolArray, FloatArray, IntArray
from shanhai.science.corridors.cost_distance import allocate, starts_of
from shanhai.science.corridors.cost_kernels import Labels, Reach
from shanhai.science.corridors.fields import CostField, CostFields, grouped
from shanhai.science.corridors.incremental_links import FormerLinks, LinkNotes
from shanhai.science.corridors.link_settings import LinkSettings
from shanhai.science.corridors.pairs import (
    Pair,
    crossed_sources,
    nearest_pairs,
    spanning_links,
    touching_pairs,
)
from shanhai.science.corridors.paths import LeastCostPath, length_m, trace
from shanhai.science.corridors.spacing import Spacing
from shanhai.science.corridors.surface import Surface, spread
from shanhai.science.corridors.trace_kernels import contacts


@dataclass(frozen=True, slots=True)
class SearchGround:
    """What all steps of a run share.

    Attributes:
        surface: Resistance made ready.
        labels: Number of the source of each passable cell, from 1 without gaps; 0 none.
        edges: Rows and columns of the cells along the edge of each source, row-major.
        spacing: Size of the cells.
    """

    surface: Surface
    labels: Labels
    edges: Mapping[int, IntArray]
    spacing: Spacing


def make_ground(surface: Surface, labels: Labels, spacing: Spacing) -> SearchGround:
    """Find the edges of the sources; ways between two sources join their edges."""
    around = np.pad(labels, 1)
    height, width = labels.shape
    on_edge = np.zeros(labels.shape, dtype=bool)
    for down, across in ((0, 1), (2, 1), (1, 0), (1, 2)):
        on_edge |= around[down : down + height, across : across + width] != labels
    edges = grouped(np.where(on_edge, labels, 0))
    return SearchGround(surface, labels, edges, spacing)


@dataclass(frozen=True, slots=True)
class CostZones:
    """Which source each cell is nearest to by cost.

    Attributes:
        numbers: Of the sources; 0 where no way leads.
        cost: From the nearest source, cost-weighted metres; +∞ where no way leads.
        touching: Pairs whose zones touch, with the cost of a way between them: the least of all
            for every pair that belongs to the cheapest tree (Mehlhorn 1988).
    """

    numbers: Labels
    cost: FloatArray
    touching: Mapping[Pair, float]


@dataclass(frozen=True, slots=True)
class CandidateLink:
    """A link before it is chosen.

    Attributes:
        path: Least-cost path from the lower number to the higher one.
        euclid_m: Between the nearest cell centres of the two sources, m.
        crosses: Third sources the path goes through.
    """

    path: LeastCostPath
    euclid_m: float
    crosses: tuple[int, ...]


def find_zones(ground: SearchGround) -> CostZones:
    """One search from all sources at once."""
    surface = ground.surface
    cost, _ = spread(surface, starts_of(ground.labels, surface))
    zones = ground.labels.copy()
    allocate(surface, cost, zones)
    padded = np.pad(zones, surface.steps.margin).ravel()
    meeting = contacts(cost, surface.resistance, padded, surface.steps, len(ground.edges))
    return CostZones(zones, np.ascontiguousarray(surface.inner(cost)), touching_pairs(meeting))


def reaches(
    settings: LinkSettings,
    touching: Mapping[Pair, float],
    parts: tuple[tuple[int, ...], ...],
) -> dict[int, Reach]:
    """How far the search from each source goes: to its partners, and as far as swaths need.

    Args:
        settings: Of the run.
        touching: From `find_zones`.
        parts: Numbers between which ways lead, part by part.
    """
    size = {number: len(part) for part in parts for number in part}
    if settings.mode == "all_pairs":
        return dict.fromkeys(size, Reach(math.inf))
    pairs = spanning_links(touching) if settings.mode == "mst" else tuple(touching)
    limits = dict.fromkeys(size, 0.0)
    for pair in pairs:
        for number in pair:
            limits[number] = max(limits[number], settings.needed(touching[pair]))
    nearest = settings.nearest if settings.mode == "neighbour" else 0
    swath = settings.swath
    return {
        number: Reach(limit, number, min(nearest, size[number] - 1), swath.stretch, swath.allowance)
        for number, limit in limits.items()
    }


def candidate_costs(
    ground: SearchGround,
    fields: CostFields,
    settings: LinkSettings,
    touching: Mapping[Pair, float],
    parts: tuple[tuple[int, ...], ...],
    notes: LinkNotes | None = None,
    former: FormerLinks | None = None,
) -> dict[Pair, float]:
    """Candidate links, ascending, with a cost that is at least their least-cost distance."""
    if settings.mode == "mst":
        return {pair: touching[pair] for pair in spanning_links(touching)}
    if settings.mode == "all_pairs":
        return {(i, j): math.inf for part in parts for i in part for j in part if i < j}
    others = {n: min(settings.nearest, len(part) - 1) for part in parts for n in part}
    least = _least_costs(ground, fields, others, former)
    if notes is not None:
        notes.least = least
    found = dict(touching)
    for one, other in nearest_pairs(least, settings.nearest):
        cost = min(least[one, other], least[other, one])
        found[one, other] = min(found.get((one, other), math.inf), cost)
    return dict(sorted(found.items()))


def find_candidates(
    ground: SearchGround,
    fields: CostFields,
    settings: LinkSettings,
    costs: Mapping[Pair, float],
    former: FormerLinks | None = None,
) -> dict[Pair, CandidateLink]:
    """The paths of candidate links, in the order of `costs`; those that hold are taken over."""
    found: dict[Pair, CandidateLink] = {}
    by_first: dict[int, list[Pair]] = {}
    for pair in costs:
        kept = former.path(pair) if former else None
        if kept is not None:
            found[pair] = _candidate(ground, pair, *kept)
        else:
            by_first.setdefault(pair[0], []).append(pair)
    for number, pairs in by_first.items():
        farthest = max(costs[pair] for pair in pairs)
        field = fields.get(number, settings.needed(farthest))
        part = ground.surface.part(field.window)
        for pair in pairs:
            path = _path(ground, field, part, pair[1])
            found[pair] = _candidate(ground, pair, path, _euclid_m(ground, pair))
    return {pair: found[pair] for pair in costs}


def _candidate(
    ground: SearchGround, pair: Pair, path: LeastCostPath, euclid_m: float
) -> CandidateLink:
    met = ground.labels[path.cells[:, 0], path.cells[:, 1]]
    return CandidateLink(path, euclid_m, crossed_sources(met, pair))


def _least_costs(
    ground: SearchGround, fields: CostFields, others: Mapping[int, int], former: FormerLinks | None
) -> FloatArray:
    """Least costs from each source (row) to each other, as far as they were sought."""
    size = len(ground.edges) + 1
    least = np.full((size, size), np.inf)
    for number in ground.edges:
        kept = former.row(number, others[number]) if former else None
        if kept is not None:
            least[number, : len(kept)] = kept
            continue
        field = fields.get(number)
        for other, cells in ground.edges.items():
            row, col = (cells - _corner(field))[_inside(field, cells)].T
            least[number, other] = field.cost[row, col].min(initial=np.inf)
    return least


def _path(ground: SearchGround, field: CostField, part: Surface, target: int) -> LeastCostPath:
    """The path to a source that the field reaches."""
    cells = ground.edges[target]
    targets = part.positions((cells - _corner(field))[_inside(field, cells)])
    path = trace(part, field.padded.ravel(), targets) + _corner(field)
    end = path[-1] - _corner(field)
    return LeastCostPath(path, float(field.cost[tuple(end)]), length_m(path, ground.spacing))


def _corner(field: CostField) -> IntArray:
    return np.array([field.window.row, field.window.col])


def _inside(field: CostField, cells: IntArray) -> BoolArray:
    """Which cells lie in the rectangle of a field."""
    window = field.window
    shifted = cells - _corner(field)
    return np.asarray(((shifted >= 0) & (shifted < [window.height, window.width])).all(axis=1))


def _euclid_m(ground: SearchGround, pair: Pair) -> float:
    """Straight distance of the nearest cell centres of two sources, m."""
    one, other = (ground.edges[number] for number in pair)
    places = ground.spacing.positions_m(*np.concatenate([one, other]).T)
    distances, _ = KDTree(places[: len(one)]).query(places[len(one) :])
    return float(np.min(distances))
