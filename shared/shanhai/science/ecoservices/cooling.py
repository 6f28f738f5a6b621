"""Cooling: relief from heat by vegetation and evaporation."""

from shanhai.science.arrays import FloatArray
from shanhai.science.ecoservices.spec import EcoserviceSpec


def index_supply(*, vegetation_cover: FloatArray, evapotranspiration_n: FloatArray) -> FloatArray:
    """Raw supply `0.5·FVC + 0.5·N(ET)`, which the caller normalises once more.

    Args:
        vegetation_cover: Fractional vegetation cover, 0–1.
        evapotranspiration_n: Normalised evapotranspiration, actual or Kc·ET0, 0–1.

    Returns:
        0–1, not yet spread over the range; NaN where any input is NaN. Status E.
    """
    return 0.5 * vegetation_cover + 0.5 * evapotranspiration_n


def index_demand(*, temperature_n: FloatArray, night_lights_n: FloatArray) -> FloatArray:
    """Demand index `N(T)·N(ln(1 + NTL))`.

    Args:
        temperature_n: Normalised air temperature, 0–1.
        night_lights_n: Normalised ln(1 + night lights), 0–1.

    Returns:
        0–1; NaN where any input is NaN. Status E.
    """
    return temperature_n * night_lights_n


SPEC = EcoserviceSpec(
    id="cooling",
    supply_quantities=("vegetation_cover", "evapotranspiration_n"),
    demand_quantities=("temperature_n", "night_lights_n"),
    index_supply=index_supply,
    index_demand=index_demand,
    renormalise_supply=True,
)
