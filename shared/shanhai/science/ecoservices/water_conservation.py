"""Water conservation: how much rain the land keeps."""

from shanhai.science.arrays import FloatArray
from shanhai.science.ecoservices.spec import EcoserviceSpec


def index_supply(
    *, npp_n: FloatArray, infiltration: FloatArray, rainfall_n: FloatArray, slope_n: FloatArray
) -> FloatArray:
    """Supply index `N(NPP)·F_sic·N(P)·(1 − N(slope))`.

    Args:
        npp_n: Normalised net primary productivity, 0–1.
        infiltration: Soil infiltration score, 0–1.
        rainfall_n: Normalised annual rain, 0–1.
        slope_n: Normalised slope, 0–1.

    Returns:
        0–1; NaN where any input is NaN.

    Source: Ecological Protection Red-line Delineation Guideline 2017.
    """
    return npp_n * infiltration * rainfall_n * (1 - slope_n)


def index_demand(*, night_lights_n: FloatArray) -> FloatArray:
    """Demand index `N(ln(1 + NTL))`, 0–1; NaN stays NaN. Status E."""
    return night_lights_n.copy()


SPEC = EcoserviceSpec(
    id="water_conservation",
    supply_quantities=("npp_n", "infiltration", "rainfall_n", "slope_n"),
    demand_quantities=("night_lights_n",),
    index_supply=index_supply,
    index_demand=index_demand,
)
