"""Units a user's raster may come in, and the way to the theme's own."""

from collections.abc import Mapping
from types import MappingProxyType

Conversion = tuple[float, float]
"""Multiplier, and what is added after it."""

CONVERSIONS: Mapping[tuple[str, str], Conversion] = MappingProxyType(
    {
        ("temperature", "k"): (1.0, -273.15),
        ("temperature", "kelvin"): (1.0, -273.15),
        **{
            (theme, unit): (1.0, -273.15)
            for theme in ("temperature_max", "temperature_min", "summer_temperature", "lst")
            for unit in ("k", "kelvin")
        },
        ("soil_depth", "cm"): (10.0, 0.0),
        ("soil_depth", "m"): (1000.0, 0.0),
        ("available_water", "%"): (0.01, 0.0),
        ("impervious", "%"): (0.01, 0.0),
        ("travel_time", "s"): (1 / 60, 0.0),
        ("travel_time", "h"): (60.0, 0.0),
        ("carbon_density_start", "kgc/m2"): (10.0, 0.0),
        ("carbon_density_end", "kgc/m2"): (10.0, 0.0),
        ("npp", "kgc/m2/yr"): (1000.0, 0.0),
        ("npp", "kgc/m2/a"): (1000.0, 0.0),
        ("npp", "tc/ha/yr"): (100.0, 0.0),
        ("rainfall", "cm"): (10.0, 0.0),
        ("rainfall", "m"): (1000.0, 0.0),
        ("dem", "cm"): (0.01, 0.0),
        ("dem", "[ft_i]"): (0.3048, 0.0),
        ("dem", "ft"): (0.3048, 0.0),
    }
)
"""By theme and unit, the unit in lower case without spaces."""


def conversion(theme: str, unit: str | None) -> Conversion | None:
    """How values of `unit` become the theme's; None where the unit asks for nothing."""
    if unit is None:
        return None
    spelling = unit.strip().lower().replace("²", "2").replace(" ", "")
    return CONVERSIONS.get((theme, spelling))
