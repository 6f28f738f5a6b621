"""The network: which sources are linked, along which paths, and the swath around each path."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.corridors import pairs, swaths
from shanhai.science.corridors.candidates import (
    CandidateLink,
    CostField,
    CostFields,
    CostZones,
    SearchGround,
    candidate_costs,
    find_candidates,
    find_zones,
    make_ground,
    overlap,
    reaches,
)
from shanhai.science.corridors.cost_distance import make_surface, require_sources
from shanhai.science.corridors.cost_kernels import Labels
from shanhai.science.corridors.incremental_links import Corridor, FormerLinks, LinkNotes
from shanhai.science.corridors.paths import LeastCostPath
from shanhai.science.corridors.spacing import Spacing
from shanhai.science.grid import FloatArray, IntArray, Window


def swath_of(
    ground: SearchGround,
    rule: swaths.SwathRule,
    one: CostField,
    other: CostField,
    path: LeastCostPath,
) -> tuple[swaths.Swath, FloatArray]:
    """The swath of a link in the smallest window that holds it, and the excess of its cells.

    The excess is what the cheapest way through a cell costs above the least, cost-weighted metres;
    NaN outside the swath and, in one of fixed width, where no way leads or it costs far more.
    """
    cell = cell_size_m(ground.spacing, path.cells)
    if rule.kind == "fixed_width_m":
        window = _around(path.cells, rule.value / 2, cell, ground.surface.shape)
    else:
        window = overlap(one.window, other.window)
    excess = swaths.corridor_excess(one.read(window), other.read(window), path.cost)
    in_window = path.cells - np.array([window.row, window.col])
    if rule.kind == "fixed_width_m":
        shape = (window.height, window.width)
        inside = swaths.within_m(shape, in_window, rule.value / 2, cell)
    else:
        inside = swaths.connected_to(excess <= rule.cutoff(path.cost), in_window)
    excess[~(inside & np.isfinite(excess))] = np.nan
    swath = swaths.trim(window.row, window.col, inside)
    height, width = swath.inside.shape
    kept = Window(swath.row, swath.col, height, width).slices_within(window)
    return swath, excess[kept]


def width_of(
    ground: SearchGround, swath: swaths.Swath, pair: pairs.Pair, path: LeastCostPath
) -> swaths.Width:
    """How wide a swath is between its sources."""
    sources = np.isin(ground.labels[swath.slices], pair)
    cell = cell_size_m(ground.spacing, path.cells)
    return swaths.measure_width(swath, sources, path.cells, path.length_m, cell)


def cell_size_m(spacing: Spacing, cells: IntArray) -> FloatArray:
    """Height and width of a cell, m; of cells in degrees, in the middle row of a path."""
    middle = np.array([cells[:, 0].min() + cells[:, 0].max()]) // 2
    return np.concatenate([spacing.lengths_m(middle, 1, 0), spacing.lengths_m(middle, 0, 1)])


def _around(cells: IntArray, reach_m: float, cell: FloatArray, shape: tuple[int, int]) -> Window:
    """The window of all cells within reach of a path."""
    down, across = (math.ceil(reach_m / side) for side in cell)
    margin = np.array([down, across])
    row, col = np.maximum(cells.min(axis=0) - margin, 0).tolist()
    end_row, end_col = np.minimum(cells.max(axis=0) + margin + 1, shape).tolist()
    return Window(row, col, end_row - row, end_col - col)


Reason = Literal["max_cost", "max_euclid_m", "third_source"]
Visit = Callable[[pairs.Pair, LeastCostPath, CostField, CostField], None]


@dataclass(frozen=True, slots=True)
class SourceLink:
    """A corridor between two sources.

    Attributes:
        pair: Numbers of the sources, the smaller first.
        path: Least-cost path from the first to the second; its cost is the least-cost distance.
        euclid_m: Between the nearest cell centres of the two, m.
        in_tree: Whether it belongs to the cheapest tree of the links.
        is_bridge: Whether it was dropped and brought back to join what was apart.
        crosses: Third sources its path goes through.
        swath: Its cells.
        width: How wide it is.
    """

    pair: pairs.Pair
    path: LeastCostPath
    euclid_m: float
    in_tree: bool
    is_bridge: bool
    crosses: tuple[int, ...]
    swath: swaths.Swath
    width: swaths.Width

    @property
    def cost_per_straight_metre(self) -> float:
        """Least-cost distance over the straight one: the higher, the poorer the link."""
        return self.path.cost / self.euclid_m


@dataclass(frozen=True, slots=True)
class Network:
    """The links of a set of sources.

    Attributes:
        numbers: Of all sources, ascending.
        links: By pair, ascending.
        dropped: Why candidate links were left out, by pair.
        disconnected: Pairs between which no way leads, ascending.
        zones: Which source each cell is nearest to by cost.
        corridors: Least excess over all links, cost-weighted metres; NaN outside their swaths.
        searches: Searches from single sources that were made.
    """

    numbers: tuple[int, ...]
    links: tuple[SourceLink, ...]
    dropped: Mapping[pairs.Pair, Reason]
    disconnected: tuple[pairs.Pair, ...]
    zones: CostZones
    corridors: FloatArray
    searches: int


def network_memory_needed(
    shape: tuple[int, int], sources: int, settings: pairs.LinkSettings
) -> int:
    """Bytes that `link_sources` takes at most, besides its input and the masks of the swaths.

    Eleven rasters of float64 are 88 bytes a cell: the surface, zones and corridors, one search with
    its copy, the two fields of a link and what is made of them; costs held in between come on top.

    Args:
        shape: Rows and columns.
        sources: How many there are.
        settings: Of the run.
    """
    return 90 * shape[0] * shape[1] + 8 * (sources + 1) ** 2 + settings.keep_bytes


def link_sources(
    resistance: NDArray[np.floating | np.integer],
    sources: NDArray[np.integer],
    spacing: Spacing,
    settings: pairs.LinkSettings | None = None,
    visit: Visit | None = None,
    notes: LinkNotes | None = None,
    former: FormerLinks | None = None,
) -> Network:
    """Find the links between sources, their paths and their corridors.

    One search from all sources at once gives their zones and, for those that touch, a way between
    them. Its cost bounds how far the search from each single source must go, so that no window cuts
    a path or a swath. Least-cost distances are from the edge of one source to that of the other.

    Args:
        resistance: Dimensionless, above 0; NaN and infinite are barriers.
        sources: Number of the source of each cell, from 1 without gaps; 0 is none.
        spacing: Size of the cells.
        settings: Defaults of the method unless given.
        visit: Called for each link with its pair, its path and the costs from its two sources, for
            what is computed from them, such as barriers; they are known up to what swaths need.
        notes: Taken for a run after a change of the cells they watch.
        former: A run before a change: links that the change does not reach are taken over, to the
            same bytes, and neither searched for nor visited.

    Raises:
        InvalidInput: as `cost_distance`; there are fewer than two sources, or one of them has no
            passable cell (all such are named).

    Source: zones and nearest others, McRae and Kavanagh (2011), Linkage Mapper; trees, Kruskal
        (1956) and Mehlhorn (1988).
    """
    settings = settings or pairs.LinkSettings()
    surface = make_surface(
        resistance,
        spacing,
        settings.neighbours,
        forbid_corner_cutting=settings.forbid_corner_cutting,
    )
    labels = require_sources(sources, surface)
    numbers = _require_network(sources, labels)
    ground = make_ground(surface, labels, spacing)
    zones = find_zones(ground)
    parts = pairs.components(numbers, zones.touching)
    reached = reaches(settings, zones.touching, parts)
    fields = CostFields(surface, labels, reached, settings.keep_bytes, notes)
    costs = candidate_costs(ground, fields, settings, zones.touching, parts, notes, former)
    candidates = find_candidates(ground, fields, settings, costs, former)
    dropped = _dropped(candidates, settings)
    bridges = _bridges(candidates, dropped) if settings.join_components else ()
    chosen = {
        pair: found for pair, found in candidates.items() if pair not in dropped or pair in bridges
    }
    if notes is not None:
        notes.paths.update({pair: (one.path, one.euclid_m) for pair, one in candidates.items()})
    made = _Corridors(ground, fields, settings, visit, notes, former)
    links, corridors = _links(made, chosen, bridges)
    return Network(
        numbers=numbers,
        links=links,
        dropped={pair: reason for pair, reason in dropped.items() if pair not in chosen},
        disconnected=pairs.separated_pairs(parts),
        zones=zones,
        corridors=corridors,
        searches=fields.searches,
    )


@dataclass(frozen=True, slots=True)
class _Corridors:
    """How the corridors of links are found, or taken over."""

    ground: SearchGround
    fields: CostFields
    settings: pairs.LinkSettings
    visit: Visit | None
    notes: LinkNotes | None
    former: FormerLinks | None

    def of(self, pair: pairs.Pair, path: LeastCostPath) -> Corridor:
        """Swath, widths and excess of a link."""
        found = self.former.corridor(pair) if self.former else None
        if found is None:
            found = self._find(pair, path)
        if self.notes is not None:
            self.notes.keep(pair, found)
        return found

    def _find(self, pair: pairs.Pair, path: LeastCostPath) -> Corridor:
        needed = self.settings.needed(path.cost)
        one, other = (self.fields.get(number, needed) for number in pair)
        swath, excess = swath_of(self.ground, self.settings.swath, one, other, path)
        if self.visit:
            self.visit(pair, path, one, other)
        return swath, width_of(self.ground, swath, pair, path), excess


def _links(
    corridors: _Corridors,
    chosen: Mapping[pairs.Pair, CandidateLink],
    bridges: tuple[pairs.Pair, ...],
) -> tuple[tuple[SourceLink, ...], FloatArray]:
    """The chosen links with their swaths, and the least excess over all of them."""
    tree = set(pairs.spanning_links({pair: found.path.cost for pair, found in chosen.items()}))
    least = np.full(corridors.ground.surface.shape, np.nan)
    links: list[SourceLink] = []
    for pair, found in chosen.items():
        swath, width, excess = corridors.of(pair, found.path)
        here = least[swath.slices]
        np.fmin(here, excess, out=here)
        links.append(
            SourceLink(
                pair=pair,
                path=found.path,
                euclid_m=found.euclid_m,
                in_tree=pair in tree,
                is_bridge=pair in bridges,
                crosses=found.crosses,
                swath=swath,
                width=width,
            )
        )
    return tuple(links), least


def _dropped(
    candidates: Mapping[pairs.Pair, CandidateLink], settings: pairs.LinkSettings
) -> dict[pairs.Pair, Reason]:
    """Candidates that the settings leave out, each with the first reason."""
    dropped: dict[pairs.Pair, Reason] = {}
    for pair, candidate in candidates.items():
        if candidate.path.cost > settings.max_cost:
            dropped[pair] = "max_cost"
        elif candidate.euclid_m > settings.max_euclid_m:
            dropped[pair] = "max_euclid_m"
        elif settings.drop_crossing and candidate.crosses:
            dropped[pair] = "third_source"
    return dropped


def _bridges(
    candidates: Mapping[pairs.Pair, CandidateLink], dropped: Mapping[pairs.Pair, Reason]
) -> tuple[pairs.Pair, ...]:
    """The cheapest dropped links that join what the kept ones leave apart."""
    kept = [pair for pair in candidates if pair not in dropped]
    return pairs.spanning_links({pair: candidates[pair].path.cost for pair in dropped}, kept)


def _require_network(sources: NDArray[np.integer], labels: Labels) -> tuple[int, ...]:
    """The numbers of the sources, ascending."""
    given = np.unique(sources[sources > 0])
    if not np.array_equal(given, np.arange(1, len(given) + 1)):
        raise InvalidInput(
            f"sources have numbers up to {given[-1]}, {len(given)} in all; "
            "they must run from 1 without gaps",
            message_zh=f"源地编号最大为 {given[-1]}，共 {len(given)} 个；编号须从 1 起连续",
            pointer="/sources",
        )
    if len(given) < 2:
        raise InvalidInput(
            f"there are {len(given)} sources; a network needs at least two",
            message_zh=f"源地数为 {len(given)}，网络至少需要两个",
            pointer="/sources",
        )
    lost = np.setdiff1d(given, labels).tolist()
    if lost:
        raise InvalidInput(
            f"sources {lost} lie on barriers only; each needs a passable cell",
            message_zh=f"源地 {lost} 全部位于障碍上；每个源地至少需一个可通行像元",
            pointer="/sources",
        )
    return tuple(given.tolist())
