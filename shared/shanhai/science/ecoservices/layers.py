"""The quantities that services share, from what is read to what their formulas take.

Where a name is declared more than once, the first whose needs can be met is taken: a measured layer
before an estimate. Which one it was is recorded with the result.
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

import numpy as np

from shanhai.science.climate import (
    erosivity_annual,
    erosivity_monthly,
    potential_evapotranspiration,
)
from shanhai.science.distance import distance_m
from shanhai.science.ecoservices import method
from shanhai.science.ecoservices.least_spans import LEAST_SPANS
from shanhai.science.ecoservices.recreation import ACCESS_CUTOFF_M, WATER_CUTOFF_M
from shanhai.science.grid import SQUARE_METRES_PER_HECTARE, BoolArray, ClassArray, FloatArray
from shanhai.science.landcover import (
    CROP_COEFFICIENT,
    NATURALNESS,
    SOIL_PROBABILITY,
    VEGETATION_PROBABILITY,
    LandCover,
    class_values,
    is_built_up,
    is_water,
    vegetation_cover,
)
from shanhai.science.normalisation import (
    LIMIT_PROBABILITIES,
    LeastSpan,
    NormalisationLimits,
    log1p_positive,
    normalise,
    settled,
)
from shanhai.science.rusle import erodibility, soil_infiltration, texture_class
from shanhai.science.terrain import aspect_length, relief, slope_degrees
from shanhai.vocabulary import Label

RELIEF_RADIUS_M = 500.0
"""Half of the window of 1 km in which relief is measured."""

LIT_PROBABILITY = 0.75
"""Without roads and land cover, cells lit brighter than this quantile stand for settlements."""

FIXED_SOIL, FIXED_VEGETATION = 0.05, 0.90
"""Vegetation index of bare soil and of full cover where it is not taken from the area."""

_MONTHS = 12
_NEIGHBOUR_M = 1e-3
"""Reach of what looks at the eight neighbours: the next cell, however small."""


def normalised(values: FloatArray, low: float, high: float, least: LeastSpan) -> FloatArray:
    """`clip((x − low)/(high − low), 0, 1)`; NaN stays NaN.

    Args:
        values: Any unit.
        low, high: Limits, in the unit of `values`.
        least: The layer counts as constant and is 0 everywhere where they are closer.
    """
    return normalise(values, settled(NormalisationLimits(low, high), least))


def limits_of(name: str) -> tuple[method.Statistic, method.Statistic]:
    """The numbers `low` and `high` a layer is normalised between."""
    low, high = LIMIT_PROBABILITIES
    return method.Statistic("low", name, "quantile", low), method.Statistic(
        "high", name, "quantile", high
    )


class _Normalise:
    """Normalises the one layer it is given, under whatever name; picklable."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *, low: float, high: float, **layer: FloatArray) -> FloatArray:
        return normalised(layer[self.name], low, high, LEAST_SPANS[self.name])


def normalised_quantity(name: str, of: str, zh: str, en: str) -> method.Quantity:
    """A layer between its own percentile limits."""
    return method.Quantity(
        name=name,
        unit="1",
        label=Label(f"归一化{zh}", f"normalised {en}"),
        function=_Normalise(of),
        needs=(of,),
        statistics=limits_of(of),
        source="limits at the 0.5th and 99.5th percentile of the valid cells",
    )


def _dry(*, land_cover: ClassArray) -> BoolArray:
    return ~is_water(land_cover)


def _cover(*, ndvi: FloatArray, soil: float, vegetation: float, cover_limits: str) -> FloatArray:
    limits = settled(NormalisationLimits(soil, vegetation), LEAST_SPANS["ndvi"])
    # One and the same vegetation everywhere is no bare soil: what it covers the fixed limits tell.
    if cover_limits == "fixed" or limits.high <= limits.low:
        return vegetation_cover(ndvi, FIXED_SOIL, FIXED_VEGETATION)
    return vegetation_cover(ndvi, soil, vegetation)


COVER_LIMITS = method.OptionSpec(
    name="cover_limits",
    default="quantiles",
    choices={
        "quantiles": Label("区域 5% 与 95% 分位数", "5th and 95th percentile of the area"),
        "fixed": Label("固定 0.05 与 0.90", "fixed at 0.05 and 0.90"),
    },
    source="engineering default",
)


def _cover_quantity(where: str | None) -> method.Quantity:
    return method.Quantity(
        name="vegetation_cover",
        unit="1",
        label=Label("植被覆盖度", "Fractional vegetation cover"),
        function=_cover,
        needs=("ndvi",),
        options=(COVER_LIMITS,),
        statistics=(
            method.Statistic("soil", "ndvi", "quantile", SOIL_PROBABILITY, where),
            method.Statistic("vegetation", "ndvi", "quantile", VEGETATION_PROBABILITY, where),
        ),
        source="Gutman and Ignatov 1998; limits are engineering defaults",
    )


def _given(**layer: FloatArray) -> FloatArray:
    """The one layer it is given, under whatever name."""
    (values,) = layer.values()
    return values


def _relief(*, dem: FloatArray, cell_m: float) -> FloatArray:
    return relief(dem, max(1, round(RELIEF_RADIUS_M / cell_m)))


def _log(**layer: FloatArray) -> FloatArray:
    return log1p_positive(_given(**layer))


def _density(*, population: FloatArray, cell_m: float) -> FloatArray:
    return population / (cell_m**2 / SQUARE_METRES_PER_HECTARE)


def _monthly_erosivity(*, rainfall_monthly: FloatArray) -> FloatArray:
    return erosivity_monthly(rainfall_monthly)


def _annual_erosivity(*, rainfall: FloatArray) -> FloatArray:
    return erosivity_annual(rainfall)


def _infiltration(*, sand: FloatArray, silt: FloatArray, clay: FloatArray) -> FloatArray:
    return soil_infiltration(texture_class(sand, silt, clay))


def _thornthwaite(*, temperature_monthly: FloatArray, latitude: FloatArray) -> FloatArray:
    return potential_evapotranspiration(temperature_monthly, latitude)


def _thornthwaite_annual(*, temperature: FloatArray, latitude: FloatArray) -> FloatArray:
    return potential_evapotranspiration(
        np.repeat(temperature[np.newaxis], _MONTHS, axis=0), latitude
    )


def _crop_evaporation(
    *,
    reference_et_estimate: FloatArray,
    land_cover: ClassArray,
    crop_coefficient: dict[LandCover, float],
) -> FloatArray:
    return reference_et_estimate * class_values(land_cover, crop_coefficient)


def _naturalness(*, land_cover: ClassArray, naturalness: dict[LandCover, float]) -> FloatArray:
    return class_values(land_cover, naturalness)


def _water_distance(*, land_cover: ClassArray, sea: BoolArray, cell_m: float) -> FloatArray:
    return distance_m(sea | is_water(land_cover), cell_m, WATER_CUTOFF_M)


def _low_distance(*, dem: FloatArray, cell_m: float) -> FloatArray:
    low: BoolArray = dem <= 0
    return distance_m(low, cell_m, WATER_CUTOFF_M)


def _road_distance(*, roads: FloatArray, cell_m: float) -> FloatArray:
    there: BoolArray = roads == 1
    return distance_m(there, cell_m, ACCESS_CUTOFF_M)


def _town_distance(*, land_cover: ClassArray, cell_m: float) -> FloatArray:
    return distance_m(is_built_up(land_cover), cell_m, ACCESS_CUTOFF_M)


def _lit_distance(*, night_lights_log: FloatArray, lit_from: float, cell_m: float) -> FloatArray:
    # Where hardly anything shines the quantile is 0, and the dark is no settlement.
    lit: BoolArray = (night_lights_log >= lit_from) & (night_lights_log > 0)
    return distance_m(lit, cell_m, ACCESS_CUTOFF_M)


def _water_or_built_up(*, land_cover: ClassArray) -> BoolArray:
    return is_built_up(land_cover) | is_water(land_cover)


def is_class(*, land_cover: ClassArray, code: int) -> BoolArray:
    """Whether a cell is of the class."""
    return np.asarray(land_cover == code)


CLASS_MASKS: Mapping[LandCover, method.Quantity] = MappingProxyType(
    {
        cover: method.Quantity(
            name=f"cover_{cover.name.lower()}",
            unit="bool",
            label=Label(f"地类 {int(cover)}", f"land cover {int(cover)}"),
            function=partial(is_class, code=int(cover)),
            needs=("land_cover",),
        )
        for cover in LandCover
    }
)
"""Where each class is."""

_HORN = "Horn 1981"
_LIGHTS = normalised_quantity("night_lights_n", "night_lights_log", "夜间灯光", "night lights")
_EROSIVITY = Label("降雨侵蚀力", "Rainfall erosivity")
_ERODIBILITY = Label("土壤可蚀性", "Soil erodibility")
_EVAPORATION = Label("蒸散发", "Evapotranspiration")
_REFERENCE = Label("参考蒸散发", "Reference evapotranspiration")
_NATURAL = Label("自然度", "Naturalness")
_TO_WATER = Label("距水体距离", "Distance to water")
_TO_ACCESS = Label("距道路或聚落距离", "Distance to a road or settlement")
_EXPOSURE = Label("人口暴露度", "Exposure of people")

CROP_COEFFICIENTS = method.TableSpec(
    "crop_coefficient", CROP_COEFFICIENT, "1", (0.0, 2.0), "within the ranges of FAO-56 and InVEST"
)
NATURALNESS_TABLE = method.TableSpec(
    "naturalness", NATURALNESS, "1", (0.0, 1.0), "engineering default"
)

SHARED: tuple[method.Quantity, ...] = (
    method.Quantity("dry", "bool", Label("非水体", "Not water"), _dry, ("land_cover",)),
    _cover_quantity("dry"),
    _cover_quantity(None),
    method.Quantity(
        "slope",
        "deg",
        Label("坡度", "Slope"),
        slope_degrees,
        ("dem",),
        reach_m=_NEIGHBOUR_M,
        takes_cell=True,
        source=_HORN,
        status=method.ConfirmationStatus.VERIFIED,
    ),
    method.Quantity(
        "aspect_length",
        "1",
        Label("坡向长度", "Contour length by aspect"),
        aspect_length,
        ("dem",),
        reach_m=_NEIGHBOUR_M,
        takes_cell=True,
        source="Desmet and Govers 1996",
        status=method.ConfirmationStatus.VERIFIED,
    ),
    method.Quantity(
        "relief",
        "m",
        Label("地形起伏", "Relief"),
        _relief,
        ("dem",),
        reach_m=RELIEF_RADIUS_M,
        takes_cell=True,
        source="range of elevation in a window of 1 km",
    ),
    normalised_quantity("npp_n", "npp", "净初级生产力", "net primary productivity"),
    normalised_quantity("rainfall_n", "rainfall", "降雨", "annual rain"),
    normalised_quantity("temperature_n", "temperature", "气温", "annual mean temperature"),
    normalised_quantity("elevation_n", "dem", "高程", "elevation"),
    normalised_quantity("slope_n", "slope", "坡度", "slope"),
    normalised_quantity("relief_n", "relief", "地形起伏", "relief"),
    method.Quantity(
        "night_lights_log", "1", Label("夜间灯光", "Night lights"), _log, ("night_lights",)
    ),
    _LIGHTS,
    method.Quantity(
        "population_density",
        "persons/ha",
        Label("人口密度", "Population density"),
        _density,
        ("population",),
        takes_cell=True,
    ),
    method.Quantity(
        "population_log",
        "1",
        Label("人口密度", "Population density"),
        _log,
        ("population_density",),
    ),
    method.Quantity(
        "exposure",
        "1",
        _EXPOSURE,
        _Normalise("population_log"),
        ("population_log",),
        statistics=limits_of("population_log"),
        source="ln(1 + persons/ha), engineering choice",
    ),
    method.Quantity(
        "exposure",
        "1",
        _EXPOSURE,
        _Normalise("night_lights_log"),
        ("night_lights_log",),
        statistics=limits_of("night_lights_log"),
        source="ln(1 + night lights), without population",
    ),
    method.Quantity(
        "erosivity",
        "MJ.mm/(ha.h.yr)",
        _EROSIVITY,
        _given,
        ("rain_erosivity",),
        source="given",
        status=method.ConfirmationStatus.VERIFIED,
    ),
    method.Quantity(
        "erosivity",
        "MJ.mm/(ha.h.yr)",
        _EROSIVITY,
        _monthly_erosivity,
        ("rainfall_monthly",),
        source="monthly rain (Zhang and Fu 2003)",
        status=method.ConfirmationStatus.LITERATURE,
    ),
    method.Quantity(
        "erosivity",
        "MJ.mm/(ha.h.yr)",
        _EROSIVITY,
        _annual_erosivity,
        ("rainfall",),
        source="annual rain (Zhang and Fu 2003)",
        status=method.ConfirmationStatus.LITERATURE,
    ),
    normalised_quantity("erosivity_n", "erosivity", "降雨侵蚀力", "rainfall erosivity R"),
    method.Quantity(
        "erodibility",
        "t.ha.h/(ha.MJ.mm)",
        _ERODIBILITY,
        _given,
        ("soil_erodibility",),
        source="given",
        status=method.ConfirmationStatus.VERIFIED,
    ),
    method.Quantity(
        "erodibility",
        "t.ha.h/(ha.MJ.mm)",
        _ERODIBILITY,
        erodibility,
        ("sand", "silt", "clay", "organic_carbon"),
        source="EPIC (Williams 1990; Zhang et al. 2008)",
        status=method.ConfirmationStatus.LITERATURE,
    ),
    normalised_quantity("erodibility_n", "erodibility", "土壤可蚀性", "soil erodibility K"),
    method.Quantity(
        "infiltration",
        "1",
        Label("土壤入渗", "Soil infiltration"),
        _infiltration,
        ("sand", "silt", "clay"),
        source="Ecological Protection Red-line Delineation Guideline 2017",
        status=method.ConfirmationStatus.LITERATURE,
    ),
    method.Quantity(
        "reference_et_estimate",
        "mm/yr",
        _REFERENCE,
        _given,
        ("reference_et",),
        source="given",
        status=method.ConfirmationStatus.VERIFIED,
    ),
    method.Quantity(
        "reference_et_estimate",
        "mm/yr",
        _REFERENCE,
        _thornthwaite,
        ("temperature_monthly", "latitude"),
        source="Thornthwaite 1948",
        status=method.ConfirmationStatus.LITERATURE,
    ),
    method.Quantity(
        "reference_et_estimate",
        "mm/yr",
        _REFERENCE,
        _thornthwaite_annual,
        ("temperature", "latitude"),
        source="Thornthwaite 1948, from the annual mean",
        status=method.ConfirmationStatus.LITERATURE,
    ),
    method.Quantity(
        "evaporation",
        "mm/yr",
        _EVAPORATION,
        _given,
        ("evapotranspiration",),
        source="given",
        status=method.ConfirmationStatus.VERIFIED,
    ),
    method.Quantity(
        "evaporation",
        "mm/yr",
        _EVAPORATION,
        _crop_evaporation,
        ("reference_et_estimate", "land_cover"),
        tables=(CROP_COEFFICIENTS,),
        source="Kc times reference evapotranspiration",
    ),
    method.Quantity(
        "evaporation",
        "mm/yr",
        _EVAPORATION,
        _given,
        ("reference_et_estimate",),
        source="reference evapotranspiration, without land cover",
    ),
    normalised_quantity("evapotranspiration_n", "evaporation", "蒸散发", "evapotranspiration"),
    method.Quantity(
        "naturalness",
        "1",
        _NATURAL,
        _naturalness,
        ("land_cover",),
        tables=(NATURALNESS_TABLE,),
        source="by land cover, engineering choice",
    ),
    method.Quantity(
        "naturalness",
        "1",
        _NATURAL,
        _given,
        ("vegetation_cover",),
        source="vegetation cover, without land cover",
    ),
    method.Quantity(
        "water_distance_m",
        "m",
        _TO_WATER,
        _water_distance,
        ("land_cover", "sea"),
        reach_m=WATER_CUTOFF_M,
        takes_cell=True,
        source="inland water and sea of the land cover",
    ),
    method.Quantity(
        "water_distance_m",
        "m",
        _TO_WATER,
        _low_distance,
        ("dem",),
        reach_m=WATER_CUTOFF_M,
        takes_cell=True,
        source="ground at or below 0 m, without land cover",
    ),
    method.Quantity(
        "access_distance_m",
        "m",
        _TO_ACCESS,
        _road_distance,
        ("roads",),
        reach_m=ACCESS_CUTOFF_M,
        takes_cell=True,
        source="roads",
    ),
    method.Quantity(
        "access_distance_m",
        "m",
        _TO_ACCESS,
        _town_distance,
        ("land_cover",),
        reach_m=ACCESS_CUTOFF_M,
        takes_cell=True,
        source="built-up land, without roads",
    ),
    method.Quantity(
        "access_distance_m",
        "m",
        _TO_ACCESS,
        _lit_distance,
        ("night_lights_log",),
        statistics=(method.Statistic("lit_from", "night_lights_log", "quantile", LIT_PROBABILITY),),
        reach_m=ACCESS_CUTOFF_M,
        takes_cell=True,
        source="what shines, without roads and land cover",
    ),
    method.Quantity(
        "water_or_built_up",
        "bool",
        Label("水体或建设用地", "Water or built-up"),
        _water_or_built_up,
        ("land_cover",),
    ),
    *CLASS_MASKS.values(),
)
"""Every shared quantity, alternatives of one name in the order in which they are tried."""
