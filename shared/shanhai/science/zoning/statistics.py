"""Numbers of the zones, for the whole area and by district."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shanhai.science.arrays import BoolArray, ClassArray, IntArray
from shanhai.science.zoning.patches import label_patches

_PROBABILITIES = (0.1, 0.5, 0.9)
_SHORT_KEYS = 1 << 16


@dataclass(frozen=True, slots=True)
class Spread:
    """Distribution of a layer over the cells of a zone; NaN cells are left out."""

    mean: float
    median: float
    p10: float
    p90: float


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
    """

    zone: int
    district: int | None
    cells: int
    area_ha: float
    share: float
    ratio: Spread
    layers: dict[str, Spread]
    deficit_share: float
    patches: int
    largest_patch_ha: float
    dominant_deficit: str | None
    totals: dict[str, float]
    composition: dict[str, dict[int, float]]


Layer = Callable[[], NDArray[np.floating]]
"""Reads a layer when its turn comes, so that only one at a time is held in memory."""

ClassLayer = Callable[[], ClassArray]
"""Reads a layer of classes, 0 nodata, when its turn comes."""


@dataclass(frozen=True, slots=True)
class ZoneLayers:
    """What the statistics are taken of; all arrays share one grid.

    Attributes:
        ratio: Comprehensive ratio.
        ratios: Ratio by service.
        others: Further layers by name, such as normalised supply and demand.
        totals: Quantities per cell to be added up, such as persons; NaN counts nothing.
        classes: Layers of classes whose shares are wanted.
    """

    ratio: Layer
    ratios: Mapping[str, Layer]
    others: Mapping[str, Layer]
    totals: Mapping[str, Layer] = field(default_factory=dict)
    classes: Mapping[str, ClassLayer] = field(default_factory=dict)


def zone_statistics(
    codes: ClassArray,
    layers: ZoneLayers,
    cell_area_ha: float,
    districts: NDArray[np.integer] | None = None,
) -> list[ZoneSummary]:
    """Summaries of every zone and, with districts, of every zone in every district.

    Args:
        codes: Zone codes, 0 nodata. Cells of the zones sum up to the valid cells exactly.
        layers: What the summaries are of.
        cell_area_ha: Area of a cell, ha.
        districts: District numbers from 1, 0 outside every district.

    Returns:
        First the zones of the whole area, then by district; zones without cells are left out.
    """
    order, parts = _split(codes, districts)
    ratio = layers.ratio().ravel()[order]
    deficits = [_deficit_share(ratio[part.cells]) for part in parts]
    overall = [spread_of(ratio[part.cells]) for part in parts]
    services = _spreads(layers.ratios, order, parts)
    others = _spreads(layers.others, order, parts)
    totals = _totals(layers.totals, order, parts)
    compositions = _compositions(layers.classes, order, parts)
    return [
        ZoneSummary(
            zone=part.zone,
            district=part.district,
            cells=part.count,
            area_ha=part.count * cell_area_ha,
            share=part.share,
            ratio=overall[number],
            layers=services[number] | others[number],
            deficit_share=deficits[number],
            patches=len(part.patch_sizes),
            largest_patch_ha=float(part.patch_sizes.max() * cell_area_ha),
            dominant_deficit=_dominant_deficit(services[number]),
            totals=totals[number],
            composition=compositions[number],
        )
        for number, part in enumerate(parts)
    ]


@dataclass(frozen=True, slots=True)
class _Part:
    """One zone, everywhere or in one district: a stretch of the sorted cells.

    Attributes:
        zone: Zone code.
        district: District number; None for everywhere.
        cells: The stretch.
        share: Part of the district's, or of all, valid cells.
        patch_sizes: Cells of each patch.
    """

    zone: int
    district: int | None
    cells: slice
    share: float
    patch_sizes: IntArray

    @property
    def count(self) -> int:
        """Number of cells."""
        return int(self.cells.stop - self.cells.start)


def _split(
    codes: ClassArray, districts: NDArray[np.integer] | None
) -> tuple[IntArray, list[_Part]]:
    """Positions of the cells sorted by zone and district, and the parts as stretches of them."""
    numbers = np.zeros_like(codes) if districts is None else districts
    width = int(numbers.max(initial=0)) + 1
    keys = np.where(codes > 0, codes.astype(np.int64) * width + numbers, 0)
    counts = np.bincount(keys.ravel(), minlength=width * (int(codes.max(initial=0)) + 1))
    edges = np.concatenate([[0], np.cumsum(counts)])
    parts = list(_zones_everywhere(codes, edges[::width]))
    if districts is not None:
        parts += _zones_by_district(np.where(numbers > 0, keys, 0), edges, width)
    # NumPy sorts sixteen bits by counting, several times faster than it compares.
    sortable = keys.astype(np.uint16) if len(counts) <= _SHORT_KEYS else keys
    return np.argsort(sortable, axis=None, kind="stable"), parts


def _zones_everywhere(codes: ClassArray, edges: IntArray) -> Iterator[_Part]:
    sizes = _patch_sizes(codes)
    for zone in sorted(sizes):
        cells = slice(int(edges[zone]), int(edges[zone + 1]))
        share = (cells.stop - cells.start) / (edges[-1] - edges[1])
        yield _Part(zone, None, cells, float(share), sizes[zone])


def _zones_by_district(keys: IntArray, edges: IntArray, width: int) -> Iterator[_Part]:
    sizes = _patch_sizes(keys)
    land = np.zeros(width, dtype=np.int64)
    for key, own in sizes.items():
        land[key % width] += own.sum()
    for key in sorted(sizes, key=lambda key: (key % width, key)):
        zone, district = divmod(key, width)
        cells = slice(int(edges[key]), int(edges[key + 1]))
        share = (cells.stop - cells.start) / land[district]
        yield _Part(zone, district, cells, float(share), sizes[key])


def _patch_sizes(keys: NDArray[np.integer]) -> dict[int, IntArray]:
    """Cells of every patch by key; 0 is left out."""
    patches, count = label_patches(keys)
    sizes = np.bincount(patches.ravel(), minlength=count + 1)
    key_of = np.zeros(count + 1, dtype=np.int64)
    key_of[patches.ravel()] = keys.ravel()
    return {int(key): sizes[key_of == key] for key in np.unique(key_of[1:])}


def _spreads(
    layers: Mapping[str, Layer], order: IntArray, parts: list[_Part]
) -> list[dict[str, Spread]]:
    """By part the spread of every layer that has a valid cell there, one layer at a time."""
    found: list[dict[str, Spread]] = [{} for _ in parts]
    for name, layer in layers.items():
        values = layer().ravel()[order]
        for spreads, part in zip(found, parts, strict=True):
            spread = spread_of(values[part.cells])
            if not np.isnan(spread.mean):
                spreads[name] = spread
    return found


def _totals(
    layers: Mapping[str, Layer], order: IntArray, parts: list[_Part]
) -> list[dict[str, float]]:
    """By part the sum of every layer."""
    found: list[dict[str, float]] = [{} for _ in parts]
    for name, layer in layers.items():
        values = layer().ravel()[order]
        for totals, part in zip(found, parts, strict=True):
            totals[name] = float(np.nansum(values[part.cells], dtype=np.float64))
    return found


def _compositions(
    layers: Mapping[str, ClassLayer], order: IntArray, parts: list[_Part]
) -> list[dict[str, dict[int, float]]]:
    """By part the shares of the classes of every layer."""
    found: list[dict[str, dict[int, float]]] = [{} for _ in parts]
    for name, layer in layers.items():
        codes = layer().ravel()[order]
        for shares, part in zip(found, parts, strict=True):
            shares[name] = class_shares(codes[part.cells])
    return found


def class_shares(codes: ClassArray) -> dict[int, float]:
    """The part each class holds of the cells that have one, by code; empty where none has."""
    counts = np.bincount(codes.ravel())
    counts[:1] = 0
    known = int(counts.sum())
    return {int(code): float(counts[code] / known) for code in np.flatnonzero(counts)}


def _deficit_share(ratio: NDArray[np.floating]) -> float:
    valid = int(np.count_nonzero(~np.isnan(ratio)))
    return float(np.count_nonzero(ratio < 0) / valid) if valid else float("nan")


def spread_of(values: NDArray[np.floating]) -> Spread:
    """Mean, median, 10th and 90th percentile (linear) of the valid values; all NaN without one."""
    known: BoolArray = ~np.isnan(values)
    valid = values[known].astype(np.float64)
    if valid.size == 0:
        return Spread(float("nan"), float("nan"), float("nan"), float("nan"))
    mean = float(valid.mean())
    p10, median, p90 = np.quantile(valid, _PROBABILITIES, overwrite_input=True)
    return Spread(mean, float(median), float(p10), float(p90))


def _dominant_deficit(spreads: Mapping[str, Spread]) -> str | None:
    if not spreads:
        return None
    lowest = min(spreads, key=lambda service: spreads[service].mean)
    return lowest if spreads[lowest].mean < 0 else None
