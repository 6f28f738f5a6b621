"""Pinch points, where current has no other way through a corridor, and flows of links' swaths."""

import itertools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.corridors.candidates import overlap
from shanhai.science.corridors.circuit.modes import all_to_one, pairwise
from shanhai.science.corridors.circuit.solver import (
    DEFAULT_SETTINGS,
    CircuitSettings,
    SolveReport,
    require_square,
)
from shanhai.science.corridors.cost_distance import (
    BARRIER,
    cost_distance,
    require_resistance,
    require_shape,
)
from shanhai.science.corridors.links import Network, SourceLink, cell_size_m
from shanhai.science.corridors.spacing import Spacing
from shanhai.science.corridors.spots import ALIKE, SpotRule, Spots, find_spots, top_class
from shanhai.science.corridors.swaths import connected_to, measure_width, trim
from shanhai.science.grid import BoolArray, FloatArray, IntArray, Window

OTHER_POWERS = (0.5, 2.0)
"""Of the resistance, under which a robust pinch point stays in the top class."""

CARRIED_SHARE = 0.9
"""Of the current of a cross-section, by which the width of a corridor is told."""

_MOSTLY = 0.5


@dataclass(frozen=True, slots=True)
class PinchPoints:
    """The narrows of the corridors.

    Attributes:
        current: Sum of the currents of the runs, A; NaN outside corridors and sources.
        spots: Patches of the top class, with their highest and mean current, A.
        robust_share: Part of each that stays in the top class under other powers of the resistance.
        robust: Whether that is at least half.
        reports: How each power was solved, that of the resistance itself first.
    """

    current: FloatArray
    spots: Spots
    robust_share: FloatArray
    robust: BoolArray
    reports: tuple[SolveReport, ...]


def pinch_points(
    resistance: NDArray[np.floating | np.integer],
    sources: NDArray[np.integer],
    corridors: BoolArray,
    spacing: Spacing,
    rule: SpotRule | None = None,
    settings: CircuitSettings = DEFAULT_SETTINGS,
) -> PinchPoints:
    """Send current from all sources to each in turn, within the corridors only.

    Free to spread over the whole map, current would leave the corridors and no narrow would show.
    Three runs are made, for the resistance and its powers of 0.5 and 2.

    Args:
        resistance: Dimensionless, above 0; NaN and infinite are barriers.
        sources: Number of the source of each cell, from 1; 0 is none.
        corridors: Cells of the swaths.
        spacing: Square cells in metres.
        rule: Defaults of the method unless given.
        settings: Of the circuit.

    Raises:
        InvalidInput: the input is refused, as by `all_to_one`.
        LimitExceeded: it cannot be done within the memory.

    Source: McRae et al. (2008); Linkage Mapper's Pinchpoint Mapper (McRae 2012).
    """
    cell_m = require_square(spacing)
    rule = rule or SpotRule()
    checked = require_resistance(resistance)
    require_shape("corridors", corridors.shape, (checked.shape[0], checked.shape[1]))
    checked[~(corridors | (sources > 0))] = BARRIER
    looked_at = corridors & (sources == 0)
    runs = (
        all_to_one(checked**power, sources, spacing, settings) for power in (1.0, *OTHER_POWERS)
    )
    currents, reports = zip(*((run.maps.cumulative, run.report) for run in runs), strict=True)
    inside = [np.where(looked_at, current, np.nan) for current in currents]
    spots = find_spots(inside[0], cell_m, rule)
    stays = np.ones(checked.shape, dtype=bool)
    for current in inside[1:]:
        stays &= current >= top_class(current, rule)
    share = spots.patches.share(stays)
    return PinchPoints(
        current=currents[0],
        spots=spots,
        robust_share=share,
        robust=share >= _MOSTLY,
        reports=reports,
    )


@dataclass(frozen=True, slots=True)
class CurrentWidth:
    """How wide the part of a corridor is that carries most of the current.

    Attributes:
        width_m: By section from one source to the other, m.
        mean_m: Mean of the sections.
        narrowest_m: Least of the sections.
    """

    width_m: FloatArray
    mean_m: float
    narrowest_m: float


def current_width(
    current: FloatArray,
    position: FloatArray,
    length_m: float,
    cell_m: float,
    share: float = CARRIED_SHARE,
) -> CurrentWidth | None:
    """Width of the fewest cells that carry a share of the current of each cross-section.

    A corridor is cut across into sections of at least three cells; the area of those cells over
    the length of a section is its width there.

    Args:
        current: Of the pair within its swath, A.
        position: Where a cell lies between the two sources, 0–1, as `between_sources` gives it;
            NaN outside the swath and in sources.
        length_m: Of the least-cost path, m.
        cell_m: Side of a cell, m.
        share: Of the current, above 0 and at most 1.

    Returns:
        None when no cell lies between the sources.
    """
    known, section, count = _sections(current, position, length_m, cell_m)
    if not known.any():
        return None
    cells, _ = _fewest(current[known], section, count, share)
    width_m = cells[cells > 0].astype(np.float64) * (cell_m**2 / (length_m / count))
    return CurrentWidth(width_m, float(width_m.mean()), float(width_m.min()))


def carrying_cells(
    current: FloatArray,
    position: FloatArray,
    length_m: float,
    cell_m: float,
    share: float = CARRIED_SHARE,
) -> BoolArray:
    """The fewest cells that carry a share of the current of each cross-section.

    Cells that carry as much as the weakest of them belong to them too, so that what lies alike on
    both sides of a path is treated alike. Arguments are those of `current_width`.

    Returns:
        False in sources, outside the swath, and everywhere when no cell lies between the sources.
    """
    known, section, count = _sections(current, position, length_m, cell_m)
    carrying = np.zeros(current.shape, dtype=bool)
    if known.any():
        _, least = _fewest(current[known], section, count, share)
        carrying[known] = current[known] >= least[section] * (1 - ALIKE)
    return carrying


def between_sources(from_one: FloatArray, from_other: FloatArray) -> FloatArray:
    """Share of the way from one source to the other that lies behind a cell, 0–1, by cost.

    Args:
        from_one: Cost accumulated from one source, cost-weighted metres.
        from_other: The same from the other.

    Returns:
        NaN where either is unknown or both are 0.
    """
    whole = from_one + from_other
    known = np.isfinite(whole) & (whole > 0)
    found: FloatArray = np.full(whole.shape, np.nan)
    np.divide(from_one, whole, out=found, where=known)
    return found


def _sections(
    current: FloatArray, position: FloatArray, length_m: float, cell_m: float
) -> tuple[BoolArray, IntArray, int]:
    """Cells through which current flows, the cross-section of each of them, and how many it has."""
    known = np.asarray(~np.isnan(position) & (current > 0))
    count = max(int(length_m / (3 * cell_m)), 1)
    section = np.minimum((position[known] * count).astype(np.int64), count - 1)
    return known, section, count


def _fewest(
    current: FloatArray, section: IntArray, count: int, share: float
) -> tuple[IntArray, FloatArray]:
    """How many cells of each section, strongest first, carry a share of its current; the weakest.

    An empty section has no cell, and no weakest current but +∞.
    """
    order = np.lexsort((-current, section))
    found, least = np.zeros(count, dtype=np.int64), np.full(count, np.inf)
    starts = np.searchsorted(section[order], np.arange(count + 1))
    for number, (start, end) in enumerate(itertools.pairwise(starts.tolist())):
        if end > start:
            carried = np.cumsum(current[order[start:end]])
            wanted = share * carried[-1] * (1 - 1e-12)
            found[number] = np.searchsorted(carried, wanted) + 1
            least[number] = current[order[start + found[number] - 1]]
    return found, least


@dataclass(frozen=True, slots=True)
class LinkFlow:
    """1 A from one source of a link to the other, within its swath.

    Attributes:
        effective_resistance: Ohm; at most the least-cost distance in cell lengths.
        current: A, in the window of the swath; NaN outside swath and sources.
        carrying: Cells of that window which carry most of it in each cross-section, between the
            sources.
        width: Of the fewest such cells; None between sources that touch.
        report: How it was solved.
    """

    effective_resistance: float
    current: FloatArray
    carrying: BoolArray
    width: CurrentWidth | None
    report: SolveReport


def link_flow(
    resistance: NDArray[np.floating | np.integer],
    sources: NDArray[np.integer],
    link: SourceLink,
    spacing: Spacing,
    settings: CircuitSettings = DEFAULT_SETTINGS,
    share: float = CARRIED_SHARE,
) -> LinkFlow:
    """Send current through the swath of a link, in the window of the swath alone.

    Args:
        resistance: Of the whole raster, as the link was found in.
        sources: Number of the source of each cell.
        link: From `link_sources` with the neighbours of the settings or fewer.
        spacing: Square cells in metres.
        settings: Of the circuit.
        share: Of the current of a cross-section that is most of it, above 0 and at most 1.

    Raises:
        InvalidInput: the input is refused, as by `pairwise`.
        LimitExceeded: it cannot be done within the memory.
    """
    cell_m = require_square(spacing)
    height, width = link.swath.inside.shape
    swath = Window(link.swath.row, link.swath.col, height, width)
    # Cells of a source beside the window are reached from it as well.
    around = overlap(
        Window(swath.row - 1, swath.col - 1, height + 2, width + 2), Window(0, 0, *sources.shape)
    )
    here, own = around.slices, swath.slices_within(around)
    ends = np.where(np.isin(sources[here], link.pair), sources[here], 0)
    inside = ends > 0
    inside[own] |= link.swath.inside
    ground = np.where(inside, require_resistance(resistance[here]), BARRIER)
    found = pairwise(ground, ends, spacing, settings)
    costs = [
        cost_distance(ground, ends == number, spacing, neighbours=settings.neighbours).cost
        for number in link.pair
    ]
    position = between_sources(costs[0], costs[1])
    position[ends > 0] = np.nan
    current, length_m = found.maps.cumulative, link.path.length_m
    return LinkFlow(
        effective_resistance=float(found.resistance[0, 1]),
        current=current[own],
        carrying=carrying_cells(current, position, length_m, cell_m, share)[own],
        width=current_width(current, position, length_m, cell_m, share),
        report=found.report,
    )


def narrow_to_current(
    network: Network,
    resistance: NDArray[np.floating | np.integer],
    sources: NDArray[np.integer],
    spacing: Spacing,
    share: float = CARRIED_SHARE,
    settings: CircuitSettings = DEFAULT_SETTINGS,
) -> Network:
    """Cut the swath of each link down to its path and the cells that carry most of its current.

    1 A flows from one source of a link to the other, within its swath; of each cross-section the
    fewest cells stay that carry the share. What is not connected with the path is left out. A link
    between sources that touch, or through which the circuit has no way, stays as it is.

    Args:
        network: From `link_sources`, with swaths in which the current is looked at.
        resistance: Of the whole raster, as the links were found in.
        sources: Number of the source of each cell.
        spacing: Square cells in metres.
        share: Of the current of each cross-section, above 0 and at most 1.
        settings: Of the circuit.

    Returns:
        The network with narrower swaths and their widths; the raster of the excess is kept within
        the swaths.

    Raises:
        InvalidInput: the share is none, or the input is refused, as by `link_flow`.
        LimitExceeded: it cannot be done within the memory.
    """
    if not 0 < share <= 1:
        raise InvalidInput(
            f"the share of the current is {share}; it must be above 0 and at most 1",
            message_zh=f"电流占比为 {share}，须大于 0 且不超过 1",
            pointer="/share",
        )
    links = tuple(
        _narrowed(link, resistance, sources, spacing, share, settings) for link in network.links
    )
    inside = np.zeros(network.corridors.shape, dtype=bool)
    for link in links:
        inside[link.swath.slices] |= link.swath.inside
    corridors = np.where(inside, network.corridors, np.nan)
    return replace(network, links=links, corridors=corridors)


def _narrowed(
    link: SourceLink,
    resistance: NDArray[np.floating | np.integer],
    sources: NDArray[np.integer],
    spacing: Spacing,
    share: float,
    settings: CircuitSettings,
) -> SourceLink:
    carrying = link_flow(resistance, sources, link, spacing, settings, share).carrying
    if not carrying.any():
        return link
    own = np.isin(sources[link.swath.slices], link.pair)
    inside = carrying | (link.swath.inside & own)
    path = link.path.cells - np.array([link.swath.row, link.swath.col])
    inside[path[:, 0], path[:, 1]] = True
    swath = trim(link.swath.row, link.swath.col, connected_to(inside, path))
    width = measure_width(
        swath,
        np.isin(sources[swath.slices], link.pair),
        link.path.cells,
        link.path.length_m,
        cell_size_m(spacing, link.path.cells),
    )
    return replace(link, swath=swath, width=width)
