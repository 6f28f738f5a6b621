"""Corridors as wide as the current in them: the cells that carry most of it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.corridors.circuit.settings import DEFAULT_SETTINGS, CircuitSettings
from shanhai.science.corridors.link_flows import link_flow
from shanhai.science.corridors.link_swaths import cell_size_m
from shanhai.science.corridors.links import Link, Network
from shanhai.science.corridors.pinch import CARRIED_SHARE
from shanhai.science.corridors.spacing import Spacing
from shanhai.science.corridors.swath import connected_to, measure_width, trim


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
    link: Link,
    resistance: NDArray[np.floating | np.integer],
    sources: NDArray[np.integer],
    spacing: Spacing,
    share: float,
    settings: CircuitSettings,
) -> Link:
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
