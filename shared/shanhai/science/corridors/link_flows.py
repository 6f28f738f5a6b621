"""What flows through the swath of one link: its effective resistance, its current, its width."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shanhai.science.arrays import BoolArray, FloatArray
from shanhai.science.corridors.circuit.pairwise import pairwise
from shanhai.science.corridors.circuit.settings import (
    DEFAULT_SETTINGS,
    CircuitSettings,
    require_square,
)
from shanhai.science.corridors.circuit.solve import Report
from shanhai.science.corridors.cost_distance import cost_distance
from shanhai.science.corridors.fields import overlap
from shanhai.science.corridors.links import Link
from shanhai.science.corridors.pinch import (
    CARRIED_SHARE,
    CurrentWidth,
    between_sources,
    carrying_cells,
    current_width,
)
from shanhai.science.corridors.resistance import BARRIER, require_resistance
from shanhai.science.corridors.spacing import Spacing
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
    report: Report


def link_flow(
    resistance: NDArray[np.floating | np.integer],
    sources: NDArray[np.integer],
    link: Link,
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
