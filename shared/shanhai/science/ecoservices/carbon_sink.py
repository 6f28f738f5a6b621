"""Carbon sink: fixation by vegetation against emission by people."""

from shanhai.science.arrays import FloatArray
from shanhai.science.ecoservices.spec import EcoserviceSpec, ParameterSpec, Status

LIGHT_SHARE = 0.6


def index_supply(*, npp_n: FloatArray) -> FloatArray:
    """Supply index `N(NPP)`, 0–1; NaN stays NaN. A capacity, not a net sink; status E."""
    return npp_n.copy()


def index_demand(
    *, night_lights_n: FloatArray, exposure: FloatArray, light_share: float = LIGHT_SHARE
) -> FloatArray:
    """Demand index `β·N(ln(1 + NTL)) + (1 − β)·E`.

    Args:
        night_lights_n: Normalised ln(1 + night lights), 0–1.
        exposure: Exposure of people, 0–1.
        light_share: β, share of emissions that follow the lights, 0–1.

    Returns:
        0–1; NaN where any input is NaN. Status E.
    """
    return light_share * night_lights_n + (1 - light_share) * exposure


SPEC = EcoserviceSpec(
    id="carbon_sink",
    supply_quantities=("npp_n",),
    demand_quantities=("night_lights_n", "exposure"),
    parameters=(
        ParameterSpec(
            "light_share",
            LIGHT_SHARE,
            "1",
            (0.0, 1.0),
            "engineering default, the biophysical β",
            Status.ENGINEERING,
        ),
    ),
    index_supply=index_supply,
    index_demand=index_demand,
)
