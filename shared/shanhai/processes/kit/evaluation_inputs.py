"""What evaluations and accounts of a region's ecosystems read."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from shanhai.processes.kit.contract import PlaceInputs
from shanhai.validation import Code

EvaluationTheme = Literal[
    "dem",
    "rainfall",
    "temperature",
    "soil",
    "npp",
    "ndvi",
    "land_cover",
    "population",
    "evapotranspiration",
    "reference_et",
    "soil_erodibility",
    "rain_erosivity",
    "hydrologic_group",
    "impervious",
    "lai",
    "gpp",
    "carbonate",
    "eco_region",
    "erosion_intensity",
    "rocky_desertification",
    "ndvi_series",
    "npp_series",
    "eqi_series",
]
"""Dataset themes the evaluations and the account read."""


Alternatives = tuple[EvaluationTheme, ...]
"""Themes of which one is needed."""


SERVICE_NEEDS: Mapping[str, tuple[Alternatives, ...]] = {
    "water_conservation": (
        ("rainfall",),
        ("evapotranspiration", "reference_et"),
        ("land_cover",),
    ),
    "soil_retention": (
        ("rain_erosivity", "rainfall"),
        ("soil_erodibility", "soil"),
        ("dem",),
        ("ndvi",),
        ("land_cover",),
    ),
    "biodiversity": (("npp",), ("rainfall",), ("temperature",), ("dem",)),
    "carbon_sink": (("npp",), ("temperature",), ("rainfall",)),
}
"""What the supply of a service is computed from, where it is not given."""


class EvaluatedPlaceInputs(PlaceInputs):
    """Where an evaluation takes place, and what it reads."""

    datasets: dict[EvaluationTheme, Code] = Field(
        default_factory=dict, description="Dataset per theme; default: the newest / 数据集"
    )
