"""The factors of a resistance surface, their weighted sum, and its corrections."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.corridors.resistance_tables import (
    FACTORS,
    HIGHEST,
    LOWEST,
    ROADS,
    Bands,
    ResistanceTable,
)
from shanhai.science.distance import distance_m
from shanhai.science.grid import BoolArray, ClassArray, FloatArray
from shanhai.science.landcover import NODATA, LandCover, class_values

CLASS_NAMES: Mapping[int, str] = {int(cover): cover.name.lower() for cover in LandCover}
"""Name in a table of every internal class of land cover."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """The sum of the factors.

    Attributes:
        resistance: `R_base = Σ w_f·r_f`, ≥ 1; NaN where a factor is.
        weights: Used, of the factors there were; their sum is 1.
        left_out: Factors without input, whose weight the others share in proportion.
    """

    resistance: FloatArray
    weights: Mapping[str, float]
    left_out: tuple[str, ...]


def land_cover_resistance(land_cover: ClassArray, table: ResistanceTable) -> FloatArray:
    """Resistance of the class of internal land cover; NaN for the sea and nodata.

    Raises:
        InvalidInput: a class that occurs is not in the table.
    """
    rows = {
        cover: table.land_cover[name]
        for cover in LandCover
        if (name := CLASS_NAMES[cover]) in table.land_cover
    }
    return class_values(land_cover, rows)


def road_resistance(
    roads: Mapping[str, BoolArray],
    table: ResistanceTable,
    cell_m: float,
    structures: BoolArray | None = None,
) -> FloatArray:
    """Resistance by the distance to roads; where kinds differ, the highest.

    With a halo of `halo_cells(reach_m(table), cell_m)` a window gives the bytes of the whole.

    Args:
        roads: Cells that a road of a kind (`main`, `minor`) touches.
        table: The table.
        cell_m: Side of a cell, m.
        structures: Cells where the road runs in a tunnel or on a viaduct of more than 100 m: there
            it is no road to what lives on the ground.

    Returns:
        Resistance, never NaN.

    Raises:
        InvalidInput: there is no kind, or one the table does not know.
    """
    unknown = sorted(set(roads) - set(ROADS))
    if unknown or not roads:
        kinds = sorted(roads) or ["none"]
        raise InvalidInput(
            f"kinds of roads are {', '.join(kinds)}; known are {', '.join(ROADS)}",
            message_zh=f"道路类别为 {'、'.join(kinds)}，可用：{'、'.join(ROADS)}",
            pointer="/roads",
        )
    layers = [
        _by_distance(mask if structures is None else mask & ~structures, table.roads[kind], cell_m)
        for kind, mask in roads.items()
    ]
    return np.asarray(np.maximum.reduce(layers))


def water_resistance(water: BoolArray, table: ResistanceTable, cell_m: float) -> FloatArray:
    """Resistance by the distance to water; halo as for `road_resistance`; never NaN."""
    return _by_distance(water, table.water, cell_m)


def reach_m(table: ResistanceTable) -> float:
    """Distance beyond which no road and no water is felt, m."""
    return max(bands.edges[-1] for bands in (*table.roads.values(), table.water))


def _by_distance(mask: BoolArray, bands: Bands, cell_m: float) -> FloatArray:
    return bands.of(distance_m(mask, cell_m, bands.edges[-1]))


def weigh(factors: Mapping[str, FloatArray], table: ResistanceTable) -> Weighed:
    """Weighted sum of the factors there are.

    Args:
        factors: Resistance by factor: some of `land_cover`, `slope`, `roads`, `water`.
        table: Gives the weights.

    Raises:
        InvalidInput: a factor is unknown, or those that are given weigh nothing.
    """
    unknown = sorted(set(factors) - set(FACTORS))
    if unknown:
        raise InvalidInput(
            f"unknown factors of resistance: {', '.join(unknown)}; known are {', '.join(FACTORS)}",
            message_zh=f"未知阻力因子：{'、'.join(unknown)}；可用：{'、'.join(FACTORS)}",
            pointer="/factors",
        )
    weights = _shared(factors, table)
    total = np.zeros(next(iter(factors.values())).shape)
    for name, weight in weights.items():
        total += weight * factors[name]
    left_out = tuple(name for name in FACTORS if name not in factors and table.weights[name] > 0)
    return Weighed(total, weights, left_out)


def _shared(factors: Mapping[str, FloatArray], table: ResistanceTable) -> dict[str, float]:
    given = {name: table.weights[name] for name in FACTORS if name in factors}
    whole = sum(given.values())
    if whole <= 0:
        raise InvalidInput(
            f"the factors {', '.join(given) or 'none'} weigh {whole:g}; "
            "at least one with a weight above 0 is needed",
            message_zh=f"因子 {'、'.join(given) or '无'} 的权重合计为 {whole:g}，"
            "至少须有一个权重大于 0 的因子",
            pointer="/factors",
        )
    return {name: weight / whole for name, weight in given.items()}


FACTOR_RANGE = (0.2, 5.0)
"""Least and most by which night lights change a resistance."""

DARK = 1e-6
"""Mean light of a class, nW/cm²/sr, up to which its cells are not told apart (ε)."""

SENSITIVITY_EXPONENTS = (0.5, 1.0, 2.0)
"""Powers of the resistance that a sensitivity run compares."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Cells whose resistance is settled whatever the factors say.

    Attributes:
        sources: Resistance 1, but nodata stays nodata.
        barriers: Nothing crosses them, not even in a source.
        crossings: Wildlife crossings: resistance 1, also through a barrier or over nodata.
    """

    sources: BoolArray | None = None
    barriers: BoolArray | None = None
    crossings: BoolArray | None = None


NO_MARKS = Marks()


def mean_lights(night_lights: FloatArray, land_cover: ClassArray) -> dict[int, float]:
    """Mean night light of every class that occurs, negative values as 0, NaN left out.

    Returns:
        By code, in the unit of the lights; 0 for a class without a known cell.
    """
    known = ~np.isnan(night_lights) & (land_cover != NODATA)
    codes = land_cover[known]
    sums = np.bincount(codes, weights=np.maximum(night_lights[known], 0.0), minlength=256)
    counts = np.bincount(codes, minlength=256)
    present = np.flatnonzero(np.bincount(land_cover.ravel(), minlength=256))
    return {int(code): float(sums[code] / max(counts[code], 1)) for code in present}


def light_factor(
    night_lights: FloatArray, land_cover: ClassArray, means: Mapping[int, float]
) -> FloatArray:
    """By how much the light of a cell raises or lowers the resistance of its class.

    `clip(NL/mean(NL of the class), 0.2, 5)`; 1 where the light is unknown, where the class is dark
    (mean ≤ ε) or has no mean.

    Args:
        night_lights: nW/cm²/sr; negative counts as 0.
        land_cover: Class of each cell.
        means: Mean light by class over the whole area, from `mean_lights`.

    Source: the nighttime-light correction of resistance common in Chinese studies, status E; the
    safeguards are ours.
    """
    scale = np.full(256, np.nan)
    for code, mean in means.items():
        scale[code] = 1.0 / mean if mean > DARK else np.nan
    factor = np.clip(np.maximum(night_lights, 0.0) * scale[land_cover], *FACTOR_RANGE)
    return np.where(np.isnan(factor), 1.0, factor)


def vegetation_adjusted_lights(night_lights: FloatArray, ndvi: FloatArray) -> FloatArray:
    """Light less the part that vegetation stands for, `NL·(1 − max(NDVI, 0))`.

    It takes the place of the light in the correction, where lamps outshine the parks beside them.

    Args:
        night_lights: nW/cm²/sr; negative counts as 0.
        ndvi: −1…1.

    Returns:
        In the unit of the lights; NaN where an input is.

    Source: Zhang, Schaaf and Seto 2013 (VANUI).
    """
    return np.maximum(night_lights, 0.0) * (1.0 - np.clip(ndvi, 0.0, 1.0))


def finish(resistance: FloatArray, marks: Marks = NO_MARKS) -> FloatArray:
    """Clip to 1 to 1000 and settle sources, barriers and crossings, in this order.

    Args:
        resistance: Above 0; NaN is nodata. A light factor has been multiplied in already.
        marks: Cells to settle.

    Returns:
        1–1000; NaN for nodata and barriers, also where a source lies on them.

    Raises:
        InvalidInput: a mask is of another shape.
    """
    finished = np.clip(resistance, LOWEST, HIGHEST)
    known = ~np.isnan(finished)
    for name, value in (("sources", LOWEST), ("barriers", np.nan), ("crossings", LOWEST)):
        mask: BoolArray | None = getattr(marks, name)
        if mask is not None:
            _require_shape(name, mask, finished)
            finished[mask & known if name == "sources" else mask] = value
    return finished


def _require_shape(name: str, mask: BoolArray, resistance: FloatArray) -> None:
    if mask.shape != resistance.shape:
        raise InvalidInput(
            f"{name} has the shape {mask.shape} and the resistance {resistance.shape}; "
            "they must be equal",
            message_zh=f"{name} 的形状为 {mask.shape}，阻力面为 {resistance.shape}，两者须相同",
            pointer=f"/{name}",
        )


def power(resistance: FloatArray, exponent: float) -> FloatArray:
    """`R^exponent`, for a sensitivity run: the order of cells stays, their contrast changes.

    Raises:
        InvalidInput: the exponent is not above 0.
    """
    if not exponent > 0:
        raise InvalidInput(
            f"exponent is {exponent}; it must be above 0",
            message_zh=f"指数 exponent 为 {exponent}，须大于 0",
            pointer="/exponent",
        )
    return np.asarray(resistance**exponent)
