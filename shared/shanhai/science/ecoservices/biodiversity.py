"""Biodiversity maintenance: conditions for life against human disturbance."""

import numpy as np

from shanhai.science.arrays import FloatArray
from shanhai.science.ecoservices.spec import EcoserviceSpec


def index_supply(
    *,
    npp_n: FloatArray,
    rainfall_n: FloatArray,
    temperature_n: FloatArray,
    elevation_n: FloatArray,
) -> FloatArray:
    """Raw supply `N(NPP)·N(P)·N(T)·(1 − N(z))`, which the caller normalises once more.

    Args:
        npp_n: Normalised net primary productivity, 0–1.
        rainfall_n: Normalised annual rain, 0–1.
        temperature_n: Normalised annual mean temperature, 0–1.
        elevation_n: Normalised elevation, 0–1.

    Returns:
        0–1, not yet spread over the range; NaN where any input is NaN.

    Source: Ecological Protection Red-line Delineation Guideline 2017.
    """
    return npp_n * rainfall_n * temperature_n * (1 - elevation_n)


def index_demand(
    *, night_lights_n: FloatArray, exposure: FloatArray, built_up: FloatArray | None = None
) -> FloatArray:
    """Human disturbance `[N(ln(1 + NTL)) + E + b]/3`, or the mean of the terms there are.

    Args:
        night_lights_n: Normalised ln(1 + night lights), 0–1.
        exposure: Exposure of people, 0–1.
        built_up: Built-up fraction of the cell, 0–1; left out of the mean without land cover.

    Returns:
        0–1; NaN where any given input is NaN. Status E.
    """
    terms = (night_lights_n, exposure) if built_up is None else (night_lights_n, exposure, built_up)
    return np.asarray(sum(terms) / len(terms))


SPEC = EcoserviceSpec(
    id="biodiversity",
    supply_quantities=("npp_n", "rainfall_n", "temperature_n", "elevation_n"),
    demand_quantities=("night_lights_n", "exposure"),
    optional_quantities=("built_up",),
    index_supply=index_supply,
    index_demand=index_demand,
    renormalise_supply=True,
)
