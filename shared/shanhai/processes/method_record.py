"""How a zoning was computed: the numbers of the method and the form each derived layer took."""

from collections.abc import Mapping
from typing import Any

from shanhai.jobs.contracts import DelineateZonesInputs
from shanhai.processes.derivation import RELIEF_RADIUS_M
from shanhai.raster.themes import MONTHS
from shanhai.raster.warp import Source
from shanhai.science.ecoservices import ECOSERVICES
from shanhai.science.ecoservices.recreation import ACCESS_CUTOFF_M, WATER_CUTOFF_M
from shanhai.science.landcover import CROP_COEFFICIENT, NATURALNESS
from shanhai.science.normalise import LIMIT_PROBABILITIES
from shanhai.science.vegetation import SOIL_PROBABILITY, VEGETATION_PROBABILITY


def derived_forms(sources: Mapping[str, Source]) -> dict[str, str]:
    """Which of its forms each derived layer took; the forms differ by tens of percent."""

    def first(*themes: str) -> str:
        return next((theme for theme in themes if theme in sources), "none")

    rain = "monthly" if sources["rainfall"].facts.bands == MONTHS else "annual"
    return {
        "erosivity": f"{rain} rain (Zhang and Fu 2003)",
        "evapotranspiration": _evapotranspiration(sources),
        "exposure": first("population", "night_lights"),
        "settlements": first("roads", "land_cover", "night_lights"),
        "naturalness": first("land_cover", "ndvi"),
        "sea": first("land_cover"),
    }


def _evapotranspiration(sources: Mapping[str, Source]) -> str:
    if "evapotranspiration" in sources:
        return "given"
    reference = "reference_et" if "reference_et" in sources else "Thornthwaite 1948"
    return f"Kc × {reference}" if "land_cover" in sources else reference


def parameters_of(inputs: DelineateZonesInputs) -> dict[str, Any]:
    """Every number of the method, as this run used it, with its status."""
    services = [
        {
            "service": spec.id,
            "name": parameter.name,
            "value": inputs.parameters.beta
            if parameter.name == "light_share"
            else parameter.default,
            "unit": parameter.unit,
            "source": parameter.source,
            "status": parameter.status.value,
        }
        for spec in ECOSERVICES
        for parameter in spec.parameters
    ]
    return {
        "cell_m": inputs.cell_m,
        "fill_zero": inputs.fill_zero,
        "zoning": inputs.parameters.model_dump(),
        "services": services,
        "reach": {
            "water_cutoff_m": WATER_CUTOFF_M,
            "access_cutoff_m": ACCESS_CUTOFF_M,
            "relief_radius_m": RELIEF_RADIUS_M,
            "status": "E",
        },
        "normalization_quantiles": list(LIMIT_PROBABILITIES),
        "vegetation_quantiles": [SOIL_PROBABILITY, VEGETATION_PROBABILITY],
        "land_cover": {
            "naturalness": {cover.name.lower(): value for cover, value in NATURALNESS.items()},
            "crop_coefficient": {
                cover.name.lower(): value for cover, value in CROP_COEFFICIENT.items()
            },
            "status": "E",
        },
    }
