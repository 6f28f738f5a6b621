"""Stormwater regulation: storm rain that the land takes up."""

from shanhai.science.arrays import FloatArray
from shanhai.science.ecoservices.spec import EcoserviceSpec


def index_supply(
    *, vegetation_cover: FloatArray, infiltration: FloatArray, slope_n: FloatArray
) -> FloatArray:
    """Supply index `FVC·F_sic·(1 − N(slope))`.

    Args:
        vegetation_cover: Fractional vegetation cover, 0–1.
        infiltration: Soil infiltration score, 0–1.
        slope_n: Normalised slope, 0–1.

    Returns:
        0–1; NaN where any input is NaN. Status E.
    """
    return vegetation_cover * infiltration * (1 - slope_n)


def index_demand(*, rainfall_n: FloatArray, night_lights_n: FloatArray) -> FloatArray:
    """Demand index `N(P)·N(ln(1 + NTL))`.

    Args:
        rainfall_n: Normalised annual rain, 0–1.
        night_lights_n: Normalised ln(1 + night lights), 0–1.

    Returns:
        0–1; NaN where any input is NaN. Status E.
    """
    return rainfall_n * night_lights_n


SPEC = EcoserviceSpec(
    id="stormwater_regulation",
    supply_quantities=("vegetation_cover", "infiltration", "slope_n"),
    demand_quantities=("rainfall_n", "night_lights_n"),
    index_supply=index_supply,
    index_demand=index_demand,
)
