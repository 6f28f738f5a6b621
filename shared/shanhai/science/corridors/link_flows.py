"""The current through the swath of a link: resistance, width, and the cells that carry it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.arrays import BoolArray, FloatArray
from shanhai.science.corridors.circuit.modes import pairwise
from shanhai.science.corridors.circuit.settings import (
    DEFAULT_SETTINGS,
    CircuitSettings,
    require_square,
)
from shanhai.science.corridors.circuit.solver import SolveReport
from shanhai.science.corridors.cost_distance import cost_distance
from shanhai.science.corridors.fields import overlap
from shanhai.science.corridors.link_swaths import cell_size_m
from shanhai.science.corridors.links import Network, SourceLink
from shanhai.science.corridors.pinch_points import (
    CARRIED_SHARE,
    CurrentWidth,
    between_sources,
    carrying_cells,
    current_width,
)
from shanhai.science.corridors.resistance import BARRIER, require_resistance
from shanhai.science.corridors.spacing import Spacing
from shanhai.science.corridors.swaths import connected_to, measure_width, trim
from shanhai.science.grid import Window


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
