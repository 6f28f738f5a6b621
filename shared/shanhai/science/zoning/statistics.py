"""Numbers of the zones, for the whole area and by district."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shanhai.science.arrays import BoolArray, ClassArray, FloatArray, IntArray
from shanhai.science.zoning.patches import label_patches

_PROBABILITIES = (0.1, 0.5, 0.9)


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


@dataclass(frozen=True, slots=True)
class ZoneLayers:
    """What the statistics are taken of; all arrays share one grid.

    Attributes:
        ratio: Comprehensive ratio.
        ratios: Ratio by service.
        others: Further layers by name, such as normalised supply and demand.
    """

    ratio: FloatArray
    ratios: Mapping[str, FloatArray]
    others: Mapping[str, FloatArray]


def zone_statistics(
    codes: ClassArray,
    layers: ZoneLayers,
    cell_area_ha: float,
    districts: NDArray[np.integer] | None = None,
) -> list[ZoneSummary]:
    """Summaries of every zone and, with districts, of every zone in every district.

    Args:
        codes: Zone codes, 0 nodata. Cells of the zones sum up to the valid cells exactly.
        layers: Comprehensive ratio, ratios of the services, other layers.
        cell_area_ha: Area of a cell, ha.
        districts: District numbers from 1, 0 outside every district.

    Returns:
        First the zones of the whole area, then by district; zones without cells are left out.
    """
    everywhere = np.ones(codes.shape, dtype=np.uint8)
    summaries = [_summarise(part, None, layers, cell_area_ha) for part in _parts(codes, everywhere)]
    if districts is not None:
        summaries += [
            _summarise(part, part.group, layers, cell_area_ha) for part in _parts(codes, districts)
        ]
    return summaries


@dataclass(frozen=True, slots=True)
class _Part:
    """The cells of one zone in one group, as positions in the flattened raster."""

    zone: int
    group: int
    cells: IntArray
    patch_sizes: IntArray
    share: float


def _parts(codes: ClassArray, groups: NDArray[np.integer]) -> Iterator[_Part]:
    """Split the raster once by group and zone, so that no part scans the whole of it again."""
    keys = np.where((codes > 0) & (groups > 0), groups.astype(np.int64) * 256 + codes, 0)
    patches, count = label_patches(keys)
    sizes = np.bincount(patches.ravel(), minlength=count + 1)
    order = np.argsort(keys, axis=None, kind="stable")
    values, starts = np.unique(keys.ravel()[order], return_index=True)
    totals = np.bincount((keys >> 8).ravel())
    for key, cells in zip(values, np.split(order, starts[1:]), strict=True):
        group, zone = divmod(int(key), 256)
        if key != 0:
            own = np.unique(patches.ravel()[cells])
            yield _Part(zone, group, cells, sizes[own], float(len(cells) / totals[group]))


def _summarise(
    part: _Part, district: int | None, layers: ZoneLayers, cell_area_ha: float
) -> ZoneSummary:
    ratio = layers.ratio.ravel()[part.cells]
    valid = int(np.count_nonzero(~np.isnan(ratio)))
    spreads = _spreads(layers.ratios, part.cells)
    return ZoneSummary(
        zone=part.zone,
        district=district,
        cells=len(part.cells),
        area_ha=len(part.cells) * cell_area_ha,
        share=part.share,
        ratio=spread_of(ratio),
        layers=spreads | _spreads(layers.others, part.cells),
        deficit_share=float(np.count_nonzero(ratio < 0) / valid) if valid else float("nan"),
        patches=len(part.patch_sizes),
        largest_patch_ha=float(part.patch_sizes.max() * cell_area_ha),
        dominant_deficit=_dominant_deficit({n: spreads[n].mean for n in spreads}),
    )


def _spreads(layers: Mapping[str, FloatArray], cells: IntArray) -> dict[str, Spread]:
    spreads = {name: spread_of(layer.ravel()[cells]) for name, layer in layers.items()}
    return {name: spread for name, spread in spreads.items() if not np.isnan(spread.mean)}


def spread_of(values: FloatArray) -> Spread:
    """Mean, median, 10th and 90th percentile (linear) of the valid values; all NaN without one."""
    known: BoolArray = ~np.isnan(values)
    valid = values[known]
    if valid.size == 0:
        return Spread(float("nan"), float("nan"), float("nan"), float("nan"))
    p10, median, p90 = np.quantile(valid, _PROBABILITIES)
    return Spread(float(valid.mean()), float(median), float(p10), float(p90))


def _dominant_deficit(means: Mapping[str, float]) -> str | None:
    if not means:
        return None
    lowest = min(means, key=lambda service: means[service])
    return lowest if means[lowest] < 0 else None
