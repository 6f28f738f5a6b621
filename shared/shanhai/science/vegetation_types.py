"""Vegetation types finer than land cover, where a local map of them exists."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.arrays import ClassArray, FloatArray


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
