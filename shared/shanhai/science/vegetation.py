"""Vegetation cover from the vegetation index, and vegetation types finer than land cover."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.arrays import ClassArray, FloatArray
from shanhai.science.normalisation import NormalisationLimits, normalise

SOIL_PROBABILITY = 0.05
"""Quantile of land cells without water that stands for bare soil; status E."""

VEGETATION_PROBABILITY = 0.95
"""Quantile of land cells without water that stands for full cover; status E."""


def vegetation_cover(ndvi: FloatArray, soil: float, vegetation: float) -> FloatArray:
    """Fractional vegetation cover of the dimidiate pixel model.

    `clip((NDVI − soil)/(vegetation − soil), 0, 1)`.

    Args:
        ndvi: Vegetation index, −1…1.
        soil: Index of bare soil.
        vegetation: Index of full cover.

    Returns:
        0–1; 0 everywhere when `vegetation` ≤ `soil`, NaN stays NaN.

    Source: Gutman and Ignatov 1998.
    """
    return normalise(ndvi, NormalisationLimits(soil, vegetation))


class VegetationType(IntEnum):
    """Codes of a vegetation map; 0 where it says nothing."""

    EVERGREEN_BROADLEAF_FOREST = 1
    EVERGREEN_NEEDLELEAF_FOREST = 2
    MIXED_FOREST = 3
    DECIDUOUS_BROADLEAF_FOREST = 4
    DECIDUOUS_NEEDLELEAF_FOREST = 5
    OPEN_WOODLAND = 6
    EVERGREEN_SHRUB = 7
    DECIDUOUS_SHRUB = 8
    NEEDLELEAF_SHRUB = 9
    OPEN_SHRUB = 10
    MEADOW = 11
    STEPPE = 12
    TUSSOCK = 13
    SPARSE_GRASS = 14
    WETLAND = 15


GUIDELINE_RUNOFF: Mapping[VegetationType, float] = MappingProxyType(
    {
        VegetationType.EVERGREEN_BROADLEAF_FOREST: 0.0267,
        VegetationType.EVERGREEN_NEEDLELEAF_FOREST: 0.0302,
        VegetationType.MIXED_FOREST: 0.0229,
        VegetationType.DECIDUOUS_BROADLEAF_FOREST: 0.0133,
        VegetationType.DECIDUOUS_NEEDLELEAF_FOREST: 0.0088,
        VegetationType.OPEN_WOODLAND: 0.1920,
        VegetationType.EVERGREEN_SHRUB: 0.0426,
        VegetationType.DECIDUOUS_SHRUB: 0.0417,
        VegetationType.NEEDLELEAF_SHRUB: 0.0417,
        VegetationType.OPEN_SHRUB: 0.1920,
        VegetationType.MEADOW: 0.0820,
        VegetationType.STEPPE: 0.0478,
        VegetationType.TUSSOCK: 0.0937,
        VegetationType.SPARSE_GRASS: 0.1827,
        VegetationType.WETLAND: 0.0,
    }
)
"""Share of the rain that runs off (Ecological Protection Red-line Delineation Guideline 2017).

The guideline gives nothing for cropland, built-up and bare land."""


def refine(
    by_class: FloatArray, vegetation_type: ClassArray, table: Mapping[VegetationType, float]
) -> FloatArray:
    """A parameter by land cover, replaced where the vegetation type is known.

    Args:
        by_class: Value of the land-cover class; NaN is nodata and stays it.
        vegetation_type: Codes of `VegetationType`; 0 leaves the value of the class.
        table: Value by type.

    Raises:
        InvalidInput: a code is none of `VegetationType`, or the table has no row for it.
    """
    counts = np.bincount(vegetation_type.ravel())
    unknown = [code for code in np.flatnonzero(counts).tolist() if code and code not in table]
    if unknown:
        listing = ", ".join(f"{code} ({counts[code]} cells)" for code in unknown)
        raise InvalidInput(
            f"vegetation_type holds codes without a value: {listing}; codes are 0 and "
            f"{min(table)}–{max(table)}",
            message_zh=f"植被类型代码无对应数值：{listing}；"
            f"代码须为 0 或 {min(table)}–{max(table)}",
        )
    values = np.zeros(max(counts.size, len(VegetationType) + 1))
    for kind, value in table.items():
        values[kind] = value
    refined = np.where(vegetation_type == 0, by_class, values[vegetation_type])
    return np.where(np.isnan(by_class), np.nan, refined)
