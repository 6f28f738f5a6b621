"""Soil retention: erosion that vegetation avoids."""

import numpy as np

from shanhai.science.arrays import BoolArray, FloatArray
from shanhai.science.ecoservices.spec import EcoserviceSpec


def _zero_on(mask: BoolArray | None, values: FloatArray) -> FloatArray:
    """Zero where water or built-up land has no soil to lose; NaN stays NaN."""
    return values if mask is None else np.where(mask & ~np.isnan(values), 0.0, values)


def index_supply(
    *,
    npp_n: FloatArray,
    erodibility_n: FloatArray,
    slope_n: FloatArray,
    water_or_built_up: BoolArray | None = None,
) -> FloatArray:
    """Supply index `N(NPP)·(1 − N(K))·(1 − N(slope))`.

    Args:
        npp_n: Normalised net primary productivity, 0–1.
        erodibility_n: Normalised soil erodibility, 0–1.
        slope_n: Normalised slope, 0–1.
        water_or_built_up: Cells whose supply is 0.

    Returns:
        0–1; NaN where any input is NaN.

    Source: Ecological Protection Red-line Delineation Guideline 2017.
    """
    return _zero_on(water_or_built_up, npp_n * (1 - erodibility_n) * (1 - slope_n))


def index_demand(
    *,
    erosivity_n: FloatArray,
    slope_n: FloatArray,
    vegetation_cover: FloatArray,
    water_or_built_up: BoolArray | None = None,
) -> FloatArray:
    """Demand index `N(R)·N(slope)·(1 − FVC)`.

    Args:
        erosivity_n: Normalised rainfall erosivity, 0–1.
        slope_n: Normalised slope, 0–1.
        vegetation_cover: Fractional vegetation cover, 0–1.
        water_or_built_up: Cells whose demand is 0.

    Returns:
        0–1; NaN where any input is NaN. Status E.
    """
    return _zero_on(water_or_built_up, erosivity_n * slope_n * (1 - vegetation_cover))


SPEC = EcoserviceSpec(
    id="soil_retention",
    supply_quantities=("npp_n", "erodibility_n", "slope_n"),
    demand_quantities=("erosivity_n", "slope_n", "vegetation_cover"),
    optional_quantities=("water_or_built_up",),
    index_supply=index_supply,
    index_demand=index_demand,
)
