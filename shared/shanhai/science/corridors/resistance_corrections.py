"""What changes a resistance surface after its factors: night lights, barriers, crossings."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.arrays import BoolArray, ClassArray, FloatArray
from shanhai.science.corridors.resistance_tables import HIGHEST, LOWEST
from shanhai.science.landcover import NODATA

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
