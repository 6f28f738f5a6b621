"""The dataset themes the services read, and the layers that are read from them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np

from shanhai.science.climate import MONTHS, annual_mean, annual_total
from shanhai.science.ecoservices.method import InputSpec
from shanhai.science.grid import FloatArray
from shanhai.vocabulary import Label, label_of


def _theme(
    theme: str, unit: str, low: float, high: float, *, bands: int = 1, required: bool = False
) -> InputSpec:
    return InputSpec(theme, unit, (low, high), label_of(theme), required, bands)


INPUTS: tuple[InputSpec, ...] = (
    _theme("dem", "m", -500, 9000, required=True),
    _theme("rainfall", "mm", 0, 4000, bands=12, required=True),
    _theme("temperature", "Cel", -60, 60, bands=12, required=True),
    _theme("soil", "%", 0, 100, bands=4, required=True),
    _theme("npp", "gC/m2/yr", 0, 4000, required=True),
    _theme("ndvi", "1", -1, 1, required=True),
    _theme("night_lights", "nW/cm2/sr", -1, 5000, required=True),
    _theme("land_cover", "class", 0, 11),
    _theme("population", "persons/cell", 0, 1e6),
    _theme("evapotranspiration", "mm/yr", 0, 3000),
    _theme("reference_et", "mm/yr", 0, 4000),
    _theme("roads", "class", 0, 1),
    _theme("protected_areas", "class", 0, 1),
    _theme("main_roads", "class", 0, 1),
    _theme("soil_depth", "mm", 0, 5000),
    _theme("available_water", "1", 0, 0.6),
    _theme("soil_erodibility", "t.ha.h/(ha.MJ.mm)", 0, 0.15),
    _theme("hydrologic_group", "class", 0, 14),
    _theme("rain_erosivity", "MJ.mm/(ha.h.yr)", 0, 50_000),
    _theme("temperature_max", "Cel", -60, 60, bands=12),
    _theme("temperature_min", "Cel", -60, 60, bands=12),
    _theme("summer_temperature", "Cel", -60, 60),
    _theme("lst", "Cel", -30, 80),
    _theme("impervious", "1", 0, 1),
    _theme("travel_time", "min", 0, 100_000),
    _theme("gdp", "10^4 CNY/km2", 0, 1e8),
    _theme("carbon_density_start", "tC/ha", 0, 2000),
    _theme("carbon_density_end", "tC/ha", 0, 2000),
    _theme("vegetation_type", "class", 0, 15),
)
"""Soil holds sand, silt, clay and organic carbon in % of mass; rain and temperature by month."""

Take = Callable[[FloatArray], FloatArray]
"""From the bands of a theme, first axis, to a layer."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A layer that is read and not calculated: the end of every chain of quantities.

    Attributes:
        name: Keyword by which quantities take it.
        theme: Dataset theme it is read from; None for what the grid itself knows.
        unit: Unit of its values.
        label: Name in Chinese and English.
        take: How it follows from the bands of the theme.
        bands: Numbers of bands of the theme it can be read from; any when empty.
        of_class: Land-cover class whose share of the cell it is.
    """

    name: str
    theme: str | None
    unit: str
    label: Label
    take: Take
    bands: tuple[int, ...] = ()
    of_class: int | None = None


def _nth(number: int, bands: FloatArray) -> FloatArray:
    return np.asarray(bands[number])


_FIRST = partial(_nth, 0)


def _months(bands: FloatArray) -> FloatArray:
    return bands


def _yearly_total(bands: FloatArray) -> FloatArray:
    return annual_total(bands) if len(bands) == MONTHS else np.asarray(bands[0])


def _yearly_mean(bands: FloatArray) -> FloatArray:
    return annual_mean(bands) if len(bands) == MONTHS else np.asarray(bands[0])


def _presence(bands: FloatArray) -> FloatArray:
    """Nothing is known to be where nothing was drawn."""
    return np.asarray(np.nan_to_num(bands[0], nan=0.0))


def _not_negative(bands: FloatArray) -> FloatArray:
    return np.asarray(np.maximum(bands[0], 0.0))


def _undrained(bands: FloatArray) -> FloatArray:
    """Dual groups (11–14, as A/D) count as D: drained or not is not known from a map."""
    groups = np.where(bands[0] > 10, 4.0, bands[0])
    return np.where(groups > 0, groups, np.nan)


def _same(theme: str, unit: str) -> Leaf:
    return Leaf(theme, theme, unit, label_of(theme), _FIRST)


def _leaf(name: str, theme: str | None, unit: str, zh: str, en: str, take: Take = _FIRST) -> Leaf:
    return Leaf(name, theme, unit, Label(zh, en), take)


def _monthly(name: str, theme: str, unit: str, zh: str, en: str) -> Leaf:
    return Leaf(name, theme, unit, Label(zh, en), _months, (MONTHS,))


_LEAVES = (
    _same("dem", "m"),
    _same("land_cover", "class"),
    Leaf("sea", "land_cover", "bool", Label("海域", "sea"), _FIRST),
    _same("vegetation_type", "class"),
    Leaf("built_up", "land_cover", "1", Label("建设用地比例", "built-up share"), _FIRST, (), 8),
    Leaf("cropland", "land_cover", "1", Label("耕地比例", "cropland share"), _FIRST, (), 1),
    _leaf("rainfall", "rainfall", "mm/yr", "年降雨量", "annual rain", _yearly_total),
    _monthly("rainfall_monthly", "rainfall", "mm", "逐月降雨量", "monthly rain"),
    _leaf("temperature", "temperature", "Cel", "年均气温", "annual mean temperature", _yearly_mean),
    _monthly("temperature_monthly", "temperature", "Cel", "逐月气温", "monthly temperature"),
    _monthly("temperature_max", "temperature_max", "Cel", "逐月最高气温", "monthly daily maximum"),
    _monthly("temperature_min", "temperature_min", "Cel", "逐月最低气温", "monthly daily minimum"),
    _same("summer_temperature", "Cel"),
    _same("lst", "Cel"),
    _same("evapotranspiration", "mm/yr"),
    _same("reference_et", "mm/yr"),
    _leaf("sand", "soil", "%", "砂粒含量", "sand", partial(_nth, 0)),
    _leaf("silt", "soil", "%", "粉粒含量", "silt", partial(_nth, 1)),
    _leaf("clay", "soil", "%", "黏粒含量", "clay", partial(_nth, 2)),
    _leaf("organic_carbon", "soil", "%", "有机碳含量", "organic carbon", partial(_nth, 3)),
    _same("soil_depth", "mm"),
    _same("available_water", "1"),
    _same("soil_erodibility", "t.ha.h/(ha.MJ.mm)"),
    _leaf("hydrologic_group", "hydrologic_group", "1", "水文土壤组", "soil group", _undrained),
    _same("rain_erosivity", "MJ.mm/(ha.h.yr)"),
    _same("npp", "gC/m2/yr"),
    _same("ndvi", "1"),
    _leaf("night_lights", "night_lights", "nW/cm2/sr", "夜间灯光", "night lights", _not_negative),
    _same("population", "persons/cell"),
    _same("impervious", "1"),
    _leaf("roads", "roads", "1", "道路", "roads", _presence),
    _leaf("main_roads", "main_roads", "1", "主要道路", "main roads", _presence),
    _leaf("protected", "protected_areas", "1", "自然保护地", "protected areas", _presence),
    _leaf("travel_time_min", "travel_time", "min", "出行时间", "travel time"),
    _same("gdp", "10^4 CNY/km2"),
    _same("carbon_density_start", "tC/ha"),
    _same("carbon_density_end", "tC/ha"),
    _leaf("latitude", None, "deg", "纬度", "latitude"),
)

LEAVES: Mapping[str, Leaf] = MappingProxyType({leaf.name: leaf for leaf in _LEAVES})
"""Every layer that is read, by name.

Classes are codes, 0 where they are unknown and, of land cover, in the sea; `sea` tells the two
apart. Everything else is NaN where it is unknown.
"""
