"""What is relaxed, step by step, where the settings asked for leave fewer than two sources."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from shanhai.science.corridors.patches import division_depth
from shanhai.science.corridors.source_parameters import (
    NO_EVIDENCE,
    SourceEvidence,
    SourceParameters,
)
from shanhai.science.corridors.sources import Sources, choose_sources, find_patches
from shanhai.science.grid import SQUARE_METRES_PER_HECTARE, BoolArray

PC_SHARE = 0.99
"""Of PC, that the kept patches hold where dPC keeps fewer than two; status E."""

MOST_OF_LAND = 0.5
"""Share of the land from which a patch is divided when settings are relaxed; status E."""

LEAST_AREAS_HA = (1000.0, 500.0, 200.0, 100.0, 50.0, 20.0, 10.0, 5.0, 2.0)
"""Areas to which the least one of a source is lowered; gravity needs more than 1 ha."""


@dataclass(frozen=True, slots=True)
class RelaxedSources:
    """Sources, with the parameters they were found by.

    Attributes:
        sources: At least two.
        parameters: As asked for, or what they were relaxed to.
    """

    sources: Sources
    parameters: SourceParameters


def relax_sources(
    core: BoolArray,
    cell_m: float,
    parameters: SourceParameters,
    evidence: SourceEvidence = NO_EVIDENCE,
    area_cells: int | None = None,
) -> RelaxedSources | None:
    """Sources as asked for, or else by settings that are relaxed until there are two.

    Where fewer than two are found, in this order: patches are kept by their share of PC instead of
    by dPC (`pc_share`, or `PC_SHARE` without it); near cores are no longer joined; the largest
    patch, where it is the only one or holds more than `MOST_OF_LAND`, is divided into the cores
    that erosion leaves of it, at the depth of `division_depth`; the least area is lowered to each
    of `LEAST_AREAS_HA`.

    Args:
        core: Core cells.
        cell_m: Side of a cell, m.
        parameters: As asked for.
        evidence: Importance, quality, red line.
        area_cells: Cells of the land; all cells without it.

    Returns:
        None where no step leaves two: the core is one patch that erosion does not divide.

    Raises:
        InvalidInput: there are more patches than can be compared, or a patch has no quality.
    """
    for step in _steps(core, cell_m, parameters, area_cells or core.size):
        patches = find_patches(core, cell_m, step)
        if patches.count < 2:
            continue
        found = choose_sources(core, patches, cell_m, step, evidence, area_cells)
        if found.patches.count >= 2:
            return RelaxedSources(found, step)
    return None


def _steps(
    core: BoolArray, cell_m: float, asked: SourceParameters, land: int
) -> Iterator[SourceParameters]:
    """Parameters as asked for, then from the least relaxed on."""
    yield asked
    for step in _relaxed(asked):
        yield _divided(core, cell_m, step, land)


def _relaxed(asked: SourceParameters) -> Iterator[SourceParameters]:
    """Parameters from the least relaxed on, the largest patch left whole."""
    share = replace(asked, pc_share=asked.pc_share or PC_SHARE)
    if asked.merge_gap_m:
        yield share
    apart = replace(share, merge_gap_m=0.0)
    yield apart
    for area_ha in LEAST_AREAS_HA:
        if area_ha < asked.min_area_ha:
            yield replace(apart, min_area_ha=area_ha)


def _divided(
    core: BoolArray, cell_m: float, parameters: SourceParameters, land: int
) -> SourceParameters:
    """The parameters with the depth that divides the largest patch, where it has to be divided."""
    patches = find_patches(core, cell_m, parameters)
    if not patches.count or parameters.merge_gap_m:
        return parameters
    land_ha = land * cell_m**2 / SQUARE_METRES_PER_HECTARE
    if patches.count > 1 and patches.area_ha[0] <= MOST_OF_LAND * land_ha:
        return parameters
    largest = patches.labels == 1
    rows, cols = (np.flatnonzero(largest.any(axis=axis)) for axis in (1, 0))
    box = largest[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    depth = division_depth(box, cell_m, parameters.min_area_ha)
    return replace(parameters, erosion_cells=depth)


def relaxed_settings(
    asked: SourceParameters, used: SourceParameters
) -> dict[str, tuple[float, float]]:
    """What differs between two sets of parameters, by its name: as asked for, and as used."""
    pairs = {one.name: (getattr(asked, one.name), getattr(used, one.name)) for one in fields(asked)}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
