"""What a raster of each theme must be: bands, unit, range, and how it may be resampled."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from shanhai.raster.warp import RasterQuantity
from shanhai.science.ecoservices.inputs import INPUTS
from shanhai.science.evaluation.degradation import LEAST_YEARS
from shanhai.vocabulary import Label, label_of

MONTHS = 12
MOST_YEARS = 60
"""Bands a yearly series may have."""


@dataclass(frozen=True, slots=True)
class Plausible:
    """Where the mean of a layer is expected, and what is usually wrong when it is elsewhere.

    Attributes:
        low, high: The expectation, in the theme's unit.
        hint: What is usually wrong.
        bands: Bands that are looked at.
        by_year: Whether the bands are months that make a year together.
    """

    low: float
    high: float
    hint: Label
    bands: slice = field(default_factory=lambda: slice(None))
    by_year: bool = False


@dataclass(frozen=True, slots=True)
class ThemeRule:
    """The rule of one theme.

    Attributes:
        theme: Code of the theme.
        unit: Unit of the stored values.
        ranges: Hard limits by the number of bands; these numbers of bands are accepted.
        quantity: How it is resampled.
        plausible: Softer expectations, which only warn.
    """

    theme: str
    unit: str
    ranges: Mapping[int, tuple[float, float]]
    quantity: RasterQuantity = RasterQuantity.INTENSIVE
    plausible: tuple[Plausible, ...] = ()

    @property
    def label(self) -> Label:
        """Name of the theme."""
        return label_of(self.theme)

    @property
    def runs(self) -> list[tuple[str, tuple[float, float]]]:
        """Accepted numbers of bands with their limits, neighbours of equal limits together."""
        found: list[tuple[int, int, tuple[float, float]]] = []
        for bands, limits in sorted(self.ranges.items()):
            if found and found[-1][1:] == (bands - 1, limits):
                found[-1] = (found[-1][0], bands, limits)
            else:
                found.append((bands, bands, limits))
        return [
            (f"{first}" if first == last else f"{first}–{last}", limits)
            for first, last, limits in found
        ]

    @property
    def categorical(self) -> bool:
        """Whether values are classes, stored as uint8 with 0 as nodata."""
        return self.quantity in {RasterQuantity.CATEGORICAL, RasterQuantity.PRESENCE}


_QUANTITIES = {
    "dem": RasterQuantity.SURFACE,
    "land_cover": RasterQuantity.CATEGORICAL,
    "roads": RasterQuantity.PRESENCE,
    "main_roads": RasterQuantity.PRESENCE,
    "protected_areas": RasterQuantity.PRESENCE,
    "hydrologic_group": RasterQuantity.CATEGORICAL,
    "vegetation_type": RasterQuantity.CATEGORICAL,
    "population": RasterQuantity.EXTENSIVE,
}

_ANNUAL_RANGES: Mapping[str, tuple[float, float]] = {
    "rainfall": (0.0, 12_000.0),
    "temperature": (-60.0, 60.0),
}
"""Themes that come by month or as one annual band."""

_PLAUSIBLE: Mapping[str, tuple[Plausible, ...]] = {
    "rainfall": (
        Plausible(
            200.0,
            8000.0,
            Label(
                "单位是否为 cm 或 m，或为月均值？（极干旱区可忽略）",
                "is it in cm or m, or the mean of a month? (fine in a desert)",
            ),
            by_year=True,
        ),
    ),
    "npp": (
        Plausible(
            10.0,
            3000.0,
            Label("单位是否为 kgC/m² 或带比例系数？", "is it in kgC/m² or stored with a scale?"),
        ),
    ),
    "ndvi": (
        Plausible(-0.3, 1.0, Label("是否带比例系数 0.0001？", "stored with the scale 0.0001?")),
    ),
    "temperature": (Plausible(-30.0, 45.0, Label("单位是否为开尔文？", "is it in kelvin?")),),
    "soil": (
        Plausible(
            0.0,
            6.0,
            Label("有机碳单位是否为 g/kg？", "is organic carbon in g/kg?"),
            slice(3, 4),
        ),
    ),
    "population": (
        Plausible(0.0, 50_000.0, Label("单位是否为人/km²？", "is it persons per km²?")),
    ),
    "evapotranspiration": (
        Plausible(20.0, 2000.0, Label("是否带比例系数 0.1？", "stored with the scale 0.1?")),
    ),
    "reference_et": (Plausible(200.0, 3000.0, Label("单位是否为 mm/d？", "is it in mm a day?")),),
    "soil_depth": (Plausible(150.0, 5000.0, Label("单位是否为 cm？", "is it in cm?")),),
    "soil_erodibility": (
        Plausible(
            0.002,
            0.08,
            Label("是否缺少系数 0.1317？", "is the factor 0.1317 to SI units missing?"),
        ),
    ),
    "rain_erosivity": (
        Plausible(50.0, 20_000.0, Label("单位是否为 MJ·mm/(ha·h·a)？", "in MJ·mm/(ha·h·yr)?")),
    ),
    "lst": (Plausible(-20.0, 65.0, Label("单位是否为开尔文？", "is it in kelvin?")),),
    "summer_temperature": (Plausible(5.0, 48.0, Label("单位是否为开尔文？", "is it in kelvin?")),),
}


def _rule_of(theme: str, unit: str, bands: int, limits: tuple[float, float]) -> ThemeRule:
    ranges = {bands: limits}
    if theme in _ANNUAL_RANGES:
        ranges = {1: _ANNUAL_RANGES[theme], MONTHS: limits}
    return ThemeRule(
        theme,
        unit,
        MappingProxyType(ranges),
        _QUANTITIES.get(theme, RasterQuantity.INTENSIVE),
        _PLAUSIBLE.get(theme, ()),
    )


def _series_rule(theme: str, unit: str, limits: tuple[float, float]) -> ThemeRule:
    """A raster with one band a year."""
    return ThemeRule(theme, unit, dict.fromkeys(range(LEAST_YEARS, MOST_YEARS + 1), limits))


def _class_rule(theme: str, highest: int) -> ThemeRule:
    return ThemeRule(theme, "class", {1: (0.0, float(highest))}, RasterQuantity.CATEGORICAL)


_EVALUATION_RULES = (
    ThemeRule("lai", "m2/m2", {1: (0.0, 12.0)}),
    ThemeRule("gpp", "gC/m2/yr", {1: (0.0, 8000.0)}),
    ThemeRule("carbonate", "%", {1: (0.0, 100.0)}),
    _class_rule("eco_region", 255),
    _class_rule("erosion_intensity", 6),
    _class_rule("rocky_desertification", 6),
    _series_rule("ndvi_series", "1", (-1.0, 1.0)),
    _series_rule("npp_series", "gC/m2/yr", (0.0, 4000.0)),
    _series_rule("eqi_series", "1", (0.0, 100.0)),
)
"""What the evaluations of a district plan read besides."""

THEME_RULES: Mapping[str, ThemeRule] = MappingProxyType(
    {one.theme: _rule_of(one.theme, one.unit, one.bands, one.valid_range) for one in INPUTS}
    | {"rain_intensity": _rule_of("rain_intensity", "mm/h", 1, (0.0, 500.0))}
    | {one.theme: one for one in _EVALUATION_RULES}
)


Conversion = tuple[float, float]
"""Multiplier, and what is added after it."""

PLAIN: Conversion = (1.0, 0.0)

CONVERSIONS: Mapping[tuple[str, str], Conversion] = {
    **{(one.theme, "K"): (1.0, -273.15) for one in INPUTS if one.unit == "Cel"},
    **{(one.theme, "kelvin"): (1.0, -273.15) for one in INPUTS if one.unit == "Cel"},
    **{(theme, "cm"): (10.0, 0.0) for theme in ("soil_depth", "rainfall")},
    **{(theme, "m"): (1000.0, 0.0) for theme in ("soil_depth", "rainfall")},
    **{(theme, "%"): (0.01, 0.0) for theme in ("available_water", "impervious")},
    ("travel_time", "s"): (1 / 60, 0.0),
    ("travel_time", "h"): (60.0, 0.0),
    **{(f"carbon_density_{at}", "kgC/m2"): (10.0, 0.0) for at in ("start", "end")},
    **{("npp", unit): (1000.0, 0.0) for unit in ("kgC/m2", "kgC/m2/yr")},
    ("npp", "tC/ha/yr"): (100.0, 0.0),
    ("dem", "cm"): (0.01, 0.0),
    **{("dem", unit): (0.3048, 0.0) for unit in ("[ft_i]", "ft", "foot", "feet")},
    ("dem", "US survey foot"): (1200 / 3937, 0.0),
}
"""By theme and unit."""

_OWN_UNITS: Mapping[str, tuple[str, ...]] = {
    "m": ("metre", "meter", "metres", "meters", "米"),
    "mm": ("kg/m2", "mm/month", "mm/yr", "millimeter", "millimetre", "毫米"),
    "mm/yr": ("mm", "kg/m2", "kg/m2/yr", "毫米"),
    "Cel": ("°C", "C", "degC", "celsius", "degree_celsius", "degrees celsius", "摄氏度"),
    "persons/cell": ("persons", "people", "人", "人/像元", "people/cell", "persons per cell"),
    "1": ("", "-", "none", "unitless", "dimensionless", "fraction", "m3/m3"),
    "m2/m2": ("1",),
    "%": ("percent",),
    "min": ("minute", "minutes"),
    "tC/ha": ("MgC/ha",),
    "gC/m2/yr": ("gC/m2",),
    "10^4 CNY/km2": ("万元/km2",),
    "t.ha.h/(ha.MJ.mm)": ("t.h/(MJ.mm)", "t.ha.h/ha/MJ/mm"),
    "MJ.mm/(ha.h.yr)": ("MJ.mm/ha/h/yr",),
    "nW/cm2/sr": ("nW/(cm2.sr)", "DN", "luminance 0-255"),
}
"""Other spellings of the units of themes. Night lights count by their pattern, also in steps."""


def conversion(theme: str, unit: str) -> Conversion | None:
    """How values of `unit` become the theme's; None for a unit nobody knows for it."""
    own = THEME_RULES[theme].unit
    spelling = _spelling(unit)
    if spelling in map(_spelling, (own, *_OWN_UNITS.get(own, ()))):
        return PLAIN
    known = {_spelling(name): how for (of, name), how in CONVERSIONS.items() if of == theme}
    return known.get(spelling)


def _spelling(unit: str) -> str:
    """A unit without what is written in many ways: powers, products, the year, spaces, case."""
    plain = unicodedata.normalize("NFKC", unit).replace("\u2212", "-").lower()
    plain = re.sub(r"\b(?:a|y|year)\b", "yr", plain)
    plain = re.sub(
        r"[\s.·*/]*\b([a-z]+)-([1-3])\b", lambda at: f"/{at[1]}{at[2]}".rstrip("1"), plain
    )
    return re.sub(r"[\s.·*^]", "", plain)
