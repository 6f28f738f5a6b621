"""Numbers of the zones, for the whole area and by district, from layers read strip by strip."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shanhai.science.grid import ClassArray, FloatArray, IntArray
from shanhai.science.hydrology.tiles import Run
from shanhai.science.zoning import cells_by_zone

Taking = Callable[[Any, cells_by_zone.KeyedCells, list[slice]], Any]
"""Takes something of a layer for every part."""


@dataclass(frozen=True, slots=True)
class ZoneSummary:
    """One zone, in one district or everywhere.

    Attributes:
        zone: Zone code, 1–5.
        district: District number; None for the whole area.
        cells: Number of cells.
        area_ha: Area of the raster, ha.
        share: Part of the valid land (of the district or everywhere), 0–1.
        ratio: Spread of the comprehensive ratio.
        layers: Spread of every other layer; those without a valid cell are left out.
        deficit_share: Part of the zone with a negative comprehensive ratio, 0–1.
        patches: Number of 4-connected patches, cut at the district border.
        largest_patch_ha: Area of the largest of them, ha.
        dominant_deficit: Service with the lowest negative mean ratio; None without deficit.
        totals: Sum of every layer that is added up.
        composition: By class layer the part of its known cells each class holds, 0–1; classes that
            do not occur are left out.
        overlaps_ha: Area of the zone within every mask, such as the red line, ha.
    """

    zone: int
    district: int | None
    cells: int
    area_ha: float
    share: float
    ratio: cells_by_zone.Spread
    layers: dict[str, cells_by_zone.Spread]
    deficit_share: float
    patches: int
    largest_patch_ha: float
    dominant_deficit: str | None
    totals: dict[str, float]
    composition: dict[str, dict[int, float]]
    overlaps_ha: dict[str, float]


@dataclass(frozen=True, slots=True)
class ZoneLayers:
    """What the statistics are taken of; all arrays share one grid.

    Attributes:
        ratio: Comprehensive ratio.
        ratios: Ratio by service.
        others: Further layers by name, such as normalised supply and demand.
        totals: Quantities per cell to be added up, such as persons; NaN counts nothing.
        classes: Layers of classes whose shares are wanted.
        masks: Places whose overlap with the zones is wanted.
    """

    ratio: cells_by_zone.Layer
    ratios: Mapping[str, cells_by_zone.Layer]
    others: Mapping[str, cells_by_zone.Layer]
    totals: Mapping[str, cells_by_zone.Layer] = field(default_factory=dict)
    classes: Mapping[str, cells_by_zone.ClassLayer] = field(default_factory=dict)
    masks: Mapping[str, cells_by_zone.ClassLayer] = field(default_factory=dict)


def zone_statistics(
    codes: ClassArray,
    layers: ZoneLayers,
    cell_area_ha: float,
    districts: NDArray[np.integer] | None = None,
    *,
    run: Run = map,
    keep: cells_by_zone.Keep = cells_by_zone.keep_here,
) -> list[ZoneSummary]:
    """Summaries of every zone and, with districts, of every zone in every district.

    Args:
        codes: Zone codes, 0 nodata. Cells of the zones sum up to the valid cells exactly.
        layers: What the summaries are of.
        cell_area_ha: Area of a cell, ha.
        districts: District numbers from 1, 0 outside every district.
        run: Maps a picklable function over the layers, results in order.
        keep: Keeps the zone and district of each cell where the processes of `run` can read them.

    Returns:
        First the zones of the whole area, then by district; zones without cells are left out.
    """
    keyed, parts = cells_by_zone.number_cells(codes, districts, keep)
    taken = iter(run(partial(_take, keyed, [part.keys for part in parts]), _readings(layers)))
    ratio = next(taken)
    services, others, totals, classes, masks = (
        {name: next(taken) for name in names}
        for names in (layers.ratios, layers.others, layers.totals, layers.classes, layers.masks)
    )
    return [
        ZoneSummary(
            zone=part.zone,
            district=part.district,
            cells=part.cells,
            area_ha=part.cells * cell_area_ha,
            share=part.share,
            ratio=ratio.spreads[number],
            layers=_known(services, number) | _known(others, number),
            deficit_share=ratio.negative_share[number],
            patches=len(part.patch_sizes),
            largest_patch_ha=float(part.patch_sizes.max() * cell_area_ha),
            dominant_deficit=_dominant_deficit(_known(services, number)),
            totals={name: sums[number] for name, sums in totals.items()},
            composition={name: class_shares(counts[number]) for name, counts in classes.items()},
            overlaps_ha={
                name: float(counts[number][1:].sum() * cell_area_ha)
                for name, counts in masks.items()
            },
        )
        for number, part in enumerate(parts)
    ]


def _readings(layers: ZoneLayers) -> list[tuple[Taking, Any]]:
    """What is taken of every layer, in the order of `ZoneLayers`."""
    kinds: list[tuple[Taking, Mapping[str, Any]]] = [
        (cells_by_zone.LayerReading.of, {"ratio": layers.ratio}),
        (cells_by_zone.LayerReading.of, layers.ratios),
        (cells_by_zone.LayerReading.of, layers.others),
        (cells_by_zone.sums_of, layers.totals),
        (cells_by_zone.class_counts_of, layers.classes),
        (cells_by_zone.class_counts_of, layers.masks),
    ]
    return [(taking, layer) for taking, some in kinds for layer in some.values()]


def _take(keyed: cells_by_zone.KeyedCells, parts: list[slice], item: tuple[Taking, Any]) -> Any:
    taking, layer = item
    return taking(layer, keyed, parts)


def feature_profiles(
    matrix: FloatArray, zones: ClassArray, cells: IntArray
) -> dict[int, FloatArray]:
    """Mean of the standardised features of every zone, weighted by area.

    Args:
        matrix: One row per unit, one column per feature, as clustered.
        zones: Zone of every unit, 1–5.
        cells: Valid cells of every unit, its weight.
    """
    return {
        int(zone): np.average(matrix[zones == zone], axis=0, weights=cells[zones == zone])
        for zone in np.unique(zones)
    }


def class_shares(counts: IntArray) -> dict[int, float]:
    """The part each class holds of the cells that have one, by code; empty where none has."""
    known = int(counts[1:].sum())
    return {int(code): float(counts[code] / known) for code in np.flatnonzero(counts) if code}


def _known(
    readings: Mapping[str, cells_by_zone.LayerReading], number: int
) -> dict[str, cells_by_zone.Spread]:
    """Spreads of a part, of the layers that have a valid cell there."""
    found = {name: reading.spreads[number] for name, reading in readings.items()}
    return {name: spread for name, spread in found.items() if not np.isnan(spread.mean)}


def _dominant_deficit(spreads: Mapping[str, cells_by_zone.Spread]) -> str | None:
    if not spreads:
        return None
    lowest = min(spreads, key=lambda service: spreads[service].mean)
    return lowest if spreads[lowest].mean < 0 else None
