"""Landscape aesthetics and recreation: attractive places within reach of people."""

import numpy as np

from shanhai.science.arrays import FloatArray
from shanhai.science.ecoservices.spec import EcoserviceSpec, ParameterSpec, Status

WATER_DECAY_M = 500.0
WATER_CUTOFF_M = 5_000.0
"""Beyond this distance water adds nothing (e⁻¹⁰), so windows need a halo of 5 km only."""

ACCESS_DECAY_M = 2_000.0
ACCESS_CUTOFF_M = 10_000.0
"""Beyond this distance a place counts as out of reach."""

_DECAY_RANGE_M = (50.0, 20_000.0)


def index_supply(
    *,
    naturalness: FloatArray,
    water_distance_m: FloatArray,
    relief_n: FloatArray,
    access_distance_m: FloatArray,
    protected: FloatArray | None = None,
    water_decay_m: float = WATER_DECAY_M,
    access_decay_m: float = ACCESS_DECAY_M,
) -> FloatArray:
    """Supply index: potential times accessibility.

    `(0.5·Nat + 0.2·exp(−d_water/500) + 0.15·N(relief) + 0.15·Prot)·exp(−d_access/2000)`.

    Args:
        naturalness: Naturalness of the cell, 0–1.
        water_distance_m: Distance to water, m; infinite beyond `WATER_CUTOFF_M`.
        relief_n: Normalised range of elevation, 0–1.
        access_distance_m: Distance to a road or built-up cell, m; infinite when out of reach,
            which makes the index 0 and not nodata.
        protected: 1 in parks, reserves and scenic areas, else 0; 0 everywhere when not given.
        water_decay_m: Distance at which the pull of water falls to 1/e, m.
        access_decay_m: Distance at which accessibility falls to 1/e, m.

    Returns:
        0–1; NaN where any given input is NaN.

    Source: form after ESTIMAP (Paracchini et al. 2014), weights status E.
    """
    potential = (
        0.5 * naturalness
        + 0.2 * np.exp(-water_distance_m / water_decay_m)
        + 0.15 * relief_n
        + 0.15 * (0.0 if protected is None else protected)
    )
    return np.asarray(potential * np.exp(-access_distance_m / access_decay_m))


def index_demand(*, exposure: FloatArray, night_lights_n: FloatArray) -> FloatArray:
    """Demand index `0.5·E + 0.5·N(ln(1 + NTL))`.

    Args:
        exposure: Exposure of people, 0–1.
        night_lights_n: Normalised ln(1 + night lights), 0–1.

    Returns:
        0–1; NaN where any input is NaN. Status E.
    """
    return 0.5 * exposure + 0.5 * night_lights_n


SPEC = EcoserviceSpec(
    id="recreation",
    supply_quantities=("naturalness", "water_distance_m", "relief_n", "access_distance_m"),
    demand_quantities=("exposure", "night_lights_n"),
    optional_quantities=("protected",),
    parameters=(
        ParameterSpec(
            "water_decay_m",
            WATER_DECAY_M,
            "m",
            _DECAY_RANGE_M,
            "engineering default",
            Status.ENGINEERING,
        ),
        ParameterSpec(
            "access_decay_m",
            ACCESS_DECAY_M,
            "m",
            _DECAY_RANGE_M,
            "engineering default",
            Status.ENGINEERING,
        ),
    ),
    index_supply=index_supply,
    index_demand=index_demand,
)
