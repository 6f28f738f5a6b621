"""Candidate links: costs from single sources, zones of least cost, how far to search, the paths."""

import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from shanhai.science.corridors.cost_distance import Surface, allocate, spread, starts_of
from shanhai.science.corridors.cost_kernels import Labels, Reach, contacts
from shanhai.science.corridors.incremental_links import FormerLinks, LinkNotes
from shanhai.science.corridors.pairs import (
    LinkSettings,
    Pair,
    crossed_sources,
    nearest_pairs,
    spanning_links,
    touching_pairs,
)
from shanhai.science.corridors.paths import LeastCostPath, length_m, trace
from shanhai.science.corridors.spacing import Spacing
from shanhai.science.grid import BoolArray, FloatArray, IntArray, Window


@dataclass(frozen=True, slots=True)
class CostField:
    """Costs from one source in the rectangle it reaches.

    Attributes:
        window: The rectangle.
        padded: Cost-weighted metres with the margin of the surface around the rectangle, two
            dimensions; +∞ beyond the limit.
        limit: Cost up to which they were sought.
    """

    window: Window
    padded: FloatArray
    limit: float

    @property
    def cost(self) -> FloatArray:
        """Without the margin; a view."""
        margin = (self.padded.shape[0] - self.window.height) // 2
        return self.padded[margin:-margin, margin:-margin]

    def read(self, window: Window) -> FloatArray:
        """Costs in a window; +∞ outside the rectangle."""
        costs = np.full((window.height, window.width), np.inf)
        shared = overlap(self.window, window)
        costs[shared.slices_within(window)] = self.cost[shared.slices_within(self.window)]
        return costs


class CostFields:
    """The fields of all sources over one surface.

    Of more than `keep_bytes` the least recently used go. A field that is gone, or is needed
    farther, is computed again and comes out the same. Where `notes` are taken, each search notes
    from which cost on it may meet the cells they watch.
    """

    def __init__(
        self,
        surface: Surface,
        labels: Labels,
        reaches: dict[int, Reach],
        keep_bytes: int,
        notes: LinkNotes | None = None,
    ) -> None:
        self._surface = surface
        self._labels = np.pad(labels, surface.steps.margin).ravel()
        self._starts = {
            number: surface.positions(cells) for number, cells in grouped(labels).items()
        }
        self._reaches = dict(reaches)
        self._keep_bytes = keep_bytes
        self._held: OrderedDict[int, CostField] = OrderedDict()
        self._notes = notes
        self.searches = 0

    def get(self, number: int, limit: float = 0.0) -> CostField:
        """The field of a source, up to at least `limit`."""
        held = self._held.get(number)
        if held is None or held.limit < limit:
            held = self._search(number, limit)
        self._held[number] = held
        self._held.move_to_end(number)
        while len(self._held) > 1 and self._bytes() > self._keep_bytes:
            self._held.popitem(last=False)
        return held

    def _search(self, number: int, limit: float) -> CostField:
        reach = self._reaches[number]
        self._reaches[number] = reach = reach._replace(limit=max(limit, reach.limit))
        self._held.pop(number, None)
        cost, found = spread(self._surface, self._starts[number], reach, self._labels)
        self.searches += 1
        field = _cropped(self._surface, cost, found)
        if self._notes is not None:
            met = field.cost[self._notes.watched[field.window.slices]]
            self._notes.clear[number] = float(met.min(initial=field.limit))
        return field

    def _bytes(self) -> int:
        return sum(field.padded.nbytes for field in self._held.values())


def overlap(one: Window, other: Window) -> Window:
    """The cells of both windows; without extent when there are none."""
    row, col = max(one.row, other.row), max(one.col, other.col)
    height = min(one.row + one.height, other.row + other.height) - row
    width = min(one.col + one.width, other.col + other.width) - col
    return Window(row, col, max(height, 0), max(width, 0))


def grouped(labels: Labels) -> dict[int, IntArray]:
    """Rows and columns of the cells of each number above 0, shape (n, 2), row-major."""
    cells = np.argwhere(labels)
    numbers = labels[cells[:, 0], cells[:, 1]]
    order = np.argsort(numbers, kind="stable")
    different, starts = np.unique(numbers[order], return_index=True)
    # Of no cell at all one empty part would come.
    parts = np.split(cells[order], starts[1:])[: len(different)]
    return dict(zip(different.tolist(), parts, strict=True))


def _cropped(surface: Surface, cost: FloatArray, limit: float) -> CostField:
    """The rectangle of known costs; a copy unless it is the whole raster."""
    margin = surface.steps.margin
    known = np.isfinite(surface.inner(cost))
    rows, cols = np.flatnonzero(known.any(axis=1)), np.flatnonzero(known.any(axis=0))
    window = Window(
        int(rows[0]), int(cols[0]), int(rows[-1] - rows[0]) + 1, int(cols[-1] - cols[0]) + 1
    )
    padded = cost.reshape(-1, surface.steps.width)[
        window.row : window.row + window.height + 2 * margin,
        window.col : window.col + window.width + 2 * margin,
    ]
    return CostField(window, padded if padded.size == cost.size else padded.copy(), limit)


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
    settings: LinkSettings, touching: Mapping[Pair, float], parts: tuple[tuple[int, ...], ...]
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
