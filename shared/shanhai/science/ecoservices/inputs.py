"""The dataset themes of the index profile and the quantities derived from them."""

from shanhai.science.ecoservices.spec import InputSpec, QuantitySpec
from shanhai.vocabulary import label_of

INPUTS: tuple[InputSpec, ...] = (
    InputSpec("dem", "m", (-500.0, 9000.0), label_of("dem")),
    InputSpec("rainfall", "mm", (0.0, 4000.0), label_of("rainfall"), bands=12),
    InputSpec("temperature", "Cel", (-60.0, 60.0), label_of("temperature"), bands=12),
    InputSpec("soil", "%", (0.0, 100.0), label_of("soil"), bands=4),
    InputSpec("npp", "gC/m2/yr", (0.0, 4000.0), label_of("npp")),
    InputSpec("ndvi", "1", (-1.0, 1.0), label_of("ndvi")),
    InputSpec("night_lights", "nW/cm2/sr", (-1.0, 5000.0), label_of("night_lights")),
    InputSpec("land_cover", "class", (0.0, 11.0), label_of("land_cover"), required=False),
    InputSpec("population", "persons/cell", (0.0, 1e6), label_of("population"), required=False),
    InputSpec("evapotranspiration", "mm/yr", (0.0, 3000.0), label_of("evapotranspiration"), False),
    InputSpec("reference_et", "mm/yr", (0.0, 4000.0), label_of("reference_et"), False),
    InputSpec("roads", "class", (0.0, 1.0), label_of("roads"), required=False),
    InputSpec("protected_areas", "class", (0.0, 1.0), label_of("protected_areas"), required=False),
)
"""Soil holds sand, silt, clay and organic carbon in % of mass; rain and temperature by month."""

QUANTITIES: tuple[QuantitySpec, ...] = (
    QuantitySpec("npp_n", "1", "normalised net primary productivity", (("npp",),)),
    QuantitySpec("rainfall_n", "1", "normalised annual rain", (("rainfall",),)),
    QuantitySpec("temperature_n", "1", "normalised annual mean temperature", (("temperature",),)),
    QuantitySpec("elevation_n", "1", "normalised elevation", (("dem",),)),
    QuantitySpec("slope_n", "1", "normalised slope", (("dem",),)),
    QuantitySpec("relief_n", "1", "normalised range of elevation in a 1 km window", (("dem",),)),
    QuantitySpec("erodibility_n", "1", "normalised soil erodibility K", (("soil",),)),
    QuantitySpec("erosivity_n", "1", "normalised rainfall erosivity R", (("rainfall",),)),
    QuantitySpec("night_lights_n", "1", "normalised ln(1 + night lights)", (("night_lights",),)),
    QuantitySpec(
        "exposure",
        "1",
        "normalised ln(1 + persons/ha), or ln(1 + night lights) without population",
        (("population", "night_lights"),),
    ),
    QuantitySpec("vegetation_cover", "1", "fractional vegetation cover", (("ndvi",),)),
    QuantitySpec("infiltration", "1", "infiltration score of the soil texture", (("soil",),)),
    QuantitySpec(
        "evapotranspiration_n",
        "1",
        "normalised actual evapotranspiration, or Kc times reference evapotranspiration",
        (("evapotranspiration", "reference_et", "temperature"),),
    ),
    QuantitySpec(
        "naturalness",
        "1",
        "naturalness of the land cover, or vegetation cover without land cover",
        (("land_cover", "ndvi"),),
    ),
    QuantitySpec(
        "water_distance_m",
        "m",
        "distance to inland water or sea, infinite beyond 5 km",
        (("land_cover", "dem"),),
    ),
    QuantitySpec(
        "access_distance_m",
        "m",
        "distance to the nearest road, else built-up cell, infinite beyond 10 km",
        (("roads", "land_cover", "night_lights"),),
    ),
    QuantitySpec("built_up", "1", "built-up fraction of the cell", (("land_cover",),)),
    QuantitySpec("protected", "1", "1 in protected areas, else 0", (("protected_areas",),)),
    QuantitySpec(
        "water_or_built_up", "bool", "cell is inland water or built-up", (("land_cover",),)
    ),
)
"""Everything a service function takes by keyword."""
