"""Vegetation cover from the vegetation index."""

from shanhai.science.arrays import FloatArray
from shanhai.science.normalise import Limits, normalise

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
    return normalise(ndvi, Limits(soil, vegetation))
