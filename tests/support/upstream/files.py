"""The files that are reached by address alone: tiles of degrees, world files, VRTs and archives.

Headers are as others have seen and published them; where nobody has, the docstring says so.
"""

import io
import json
import zipfile
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from math import floor
from xml.sax.saxutils import escape

import numpy as np
from pyproj import CRS

from tests.support.upstream import landscape
from tests.support.upstream.grids import corner_name, degree_tiles
from tests.support.upstream.landscape import Array, Field
from tests.support.upstream.regions import DATA, polygon
from tests.support.upstream.tiff import Layout, PaintedTiff, from_degrees

DEM = "copernicus-dem-30m.s3.amazonaws.com"
WORLDCOVER = "esa-worldcover.s3.eu-central-1.amazonaws.com/v200/2021"
CHELSA = "os.unil.cloud.switch.ch/chelsa02/chelsa/global/climatologies"
FORMER_CHELSA = "os.zhdk.cloud.switch.ch/chelsav2/GLOBAL/climatologies/1981-2010"
SOILDB = "s3.opengeohub.org/global-soil"
SOILGRIDS = "files.isric.org/soilgrids/latest/data"
NIGHT = "globalnightlight.s3.amazonaws.com"
WORLDPOP = "data.worldpop.org/GIS/Population/Global_2015_2030/R2025A"
GHSL = (
    "jeodpp.jrc.ec.europa.eu/ftp/jrc-opendata/GHSL/GHS_POP_GLOBE_R2023A/"
    "GHS_POP_E2020_GLOBE_R2023A_54009_100/V1-0/tiles"
)
HOMOLOSINE = "+proj=igh +lat_0=0 +lon_0=0 +datum=WGS84 +units=m +no_defs"
MOLLWEIDE = "ESRI:54009"
NIGHT_MONTHS = [(year, month) for year in (2023, 2024) for month in range(1, 13)]
RENAMED_NIGHT = (2024, 10)
CLOUDED_NIGHT = (2023, 7)
"""A month without any cloud-free night north of 30° N: 0 nights, radiance 0."""
_LEVELS = (2, 4, 8, 16, 32, 64, 128)
_SOIL = {
    "sand": landscape.sand,
    "silt": landscape.silt,
    "clay": landscape.clay,
    "soc": landscape.organic_carbon,
}


@dataclass(frozen=True, slots=True)
class Raster:
    """A GeoTIFF at an address, `HOST/PATH`."""

    address: str
    layout: Layout
    paint: Field

    def open(self) -> PaintedTiff:
        """The bytes of the file."""
        return PaintedTiff(self.layout, self.paint, DATA)


def stored(field: Field, scale: float = 1.0, offset: float = 0.0, absent: float = 0.0) -> Field:
    """Raw numbers for values of `raw * scale + offset`; `absent` where there is none."""

    def raw(lon: Array, lat: Array) -> Array:
        numbers = np.round((field(lon, lat) - offset) / scale)
        return np.where(np.isnan(numbers), absent, numbers)

    return raw


def rasters() -> Iterator[Raster]:
    """All of them."""
    yield from _elevation()
    yield from _worldcover()
    yield from _climate()
    yield from _soildb()
    yield from _soilgrids()
    yield from _night_lights()
    yield from _worldpop()


@cache
def texts() -> dict[str, bytes]:
    """Files that are no rasters, by address."""
    names = [
        {"properties": {"ll_tile": "".join(corner_name(*tile))}, "geometry": _tile_outline(*tile)}
        for tile in degree_tiles(3)
    ]
    index = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature"} | name for name in names],
    }
    vrts = {f"{SOILGRIDS}/{name}/{layer}.vrt": _vrt(layer) for name, layer in _soilgrids_layers()}
    return vrts | {f"{WORLDCOVER}/esa_worldcover_2021_grid.geojson": json.dumps(index).encode()}


def _tile_outline(west: int, south: int) -> dict[str, object]:
    return polygon((west, south, west + 3, south + 3))


def _elevation() -> Iterator[Raster]:
    """Tiles of 1°; those of the open sea do not exist. As in a real tile of this name."""
    for west, south in degree_tiles(1):
        edges = np.linspace(0, 1, 400)
        if np.all(landscape.sea(west + edges[None, :], south + edges[:, None])):
            continue
        layout = Layout(
            "EPSG:4326",
            (west - 0.5 / 3600, south + 1 + 0.5 / 3600),
            (1 / 3600, 1 / 3600),
            *(3600, 3600, "float32", 1024),
            overviews=(2, 4, 8),
            predictor=3,
            tags={"AREA_OR_POINT": "Point"},
        )
        name = elevation_name(west, south)
        yield Raster(f"{DEM}/{name}/{name}.tif", layout, landscape.elevation)


def elevation_name(west: int, south: int) -> str:
    """The name of a tile of GLO-30 by its south-west corner."""
    north, east = corner_name(west, south)
    return f"Copernicus_DSM_COG_10_{north}_00_{east}_00_DEM"


def worldcover_layout(west: int, south: int) -> Layout:
    """A tile of 3° of ESA WorldCover."""
    return Layout(
        "EPSG:4326",
        (west, south + 3),
        (1 / 12000, 1 / 12000),
        *(36000, 36000, "uint8", 1024),
        nodata=0,
        overviews=_LEVELS[:6],
        squeeze=8,
    )


def _worldcover() -> Iterator[Raster]:
    for west, south in degree_tiles(3):
        name = f"ESA_WorldCover_10m_2021_v200_{''.join(corner_name(west, south))}_Map.tif"
        yield Raster(f"{WORLDCOVER}/map/{name}", worldcover_layout(west, south), landscape.cover)


def _climate() -> Iterator[Raster]:
    """CHELSA 2.1: the edges lie half a second off the degrees; temperature is in kelvin."""
    for variable, field, unit in (
        ("pr", landscape.rainfall, "kg m-2 month-1"),
        ("tas", landscape.temperature, "K"),
    ):
        layout = Layout(
            "EPSG:4326",
            (-180.0001388889, 83.9998611111),
            (1 / 120, 1 / 120),
            *(43200, 20880, "uint16", 512),
            nodata=65535,
            overviews=_LEVELS,
            compress="lzw",
            scale=0.1,
            unit=unit,
        )
        zero = -273.15 if variable == "tas" else 0.0
        for month in range(1, 13):
            name = f"CHELSA_{variable}_{month:02d}_1981-2010_V.2.1.tif"
            paint = stored(partial(field, month=month), 0.1, zero)
            yield Raster(f"{CHELSA}/{variable}/1981-2010/{name}", layout, paint)
            yield Raster(f"{FORMER_CHELSA}/{variable}/{name}", _former(layout), paint)
    name = "CHELSA_npp_1981-2010_V.2.1.tif"
    growth = Layout(
        "EPSG:4326", (-180.0001388889, 83.9998611111), (1 / 120, 1 / 120), *_CHELSA_FORM
    )
    yield Raster(f"{FORMER_CHELSA}/bio/{name}", growth, stored(_potential, 0.1, absent=65535))


_CHELSA_FORM = (43200, 20880, "uint16", 512)


def _former(layout: Layout) -> Layout:
    """The former host: rows instead of tiles, a nodata no cell can hold, degrees by an offset."""
    offset = -273.15 if layout.unit == "K" else 0.0
    return replace(
        layout,
        nodata=None,
        overviews=(),
        unit=None,
        offset=offset,
        compress="deflate",
        strips=True,
        block=1,
    )


def _potential(lon: Array, lat: Array) -> Array:
    """What the climate lets grow, gC/m² a year."""
    return np.asarray(900 + 20 * np.sin(2 * np.pi * lon) + 0 * lat)


def _on_land(field: Field, lon: Array, lat: Array) -> Array:
    return np.where(landscape.cover(lon, lat) == landscape.WATER, np.nan, field(lon, lat))


def _soildb() -> Iterator[Raster]:
    """World files of 30 m. Extent, block and nodata were not seen."""

    def layout(dtype: str, nodata: int) -> Layout:
        return Layout(
            "EPSG:4326",
            (-180, 76),
            (0.00025, 0.00025),
            *(1_440_000, 528_000, dtype, 1024),
            nodata=nodata,
            overviews=(*_LEVELS, 256, 512),
        )

    period = "m_30m_b0cm..30cm_20200101_20221231_g_epsg.4326"
    for name in _SOIL.keys() - {"soc"}:
        path = f"global_soil_props_v20250523/{name}.tot_iso.11277.2020.wpct_{period}_v20250523.tif"
        paint = stored(partial(_on_land, _SOIL[name]), absent=255)
        yield Raster(f"{SOILDB}/{path}", layout("uint8", 255), paint)
    path = f"global_soil_props_v20250204_mosaics/oc_iso.10694.1995.wpml_{period}_v20250204.tif"
    paint = stored(partial(_on_land, landscape.organic_carbon), 0.1, absent=65535)
    yield Raster(f"{SOILDB}/{path}", layout("uint16", 65535), paint)


_SG_WEST, _SG_NORTH, _SG_TILE = -19949750.0, 8361000.0, 450
_SG_SIZE = (159246, 58034)


def _soilgrids_layers() -> Iterator[tuple[str, str]]:
    for name in _SOIL:
        for depth in ("0-5cm", "5-15cm", "15-30cm"):
            yield name, f"{name}_{depth}_mean"


@cache
def _soilgrids_tiles() -> list[tuple[int, int]]:
    """Column and row of the tiles of 450 pixels that touch the data."""
    tiles = set()
    step = _SG_TILE * 250
    for box in DATA:
        bounds = from_degrees(HOMOLOSINE).transform_bounds(*box, densify_pts=21)
        for column in range(*_span(bounds[0] - _SG_WEST, bounds[2] - _SG_WEST, step)):
            for row in range(*_span(_SG_NORTH - bounds[3], _SG_NORTH - bounds[1], step)):
                tiles.add((column, row))
    return sorted(tiles)


def _span(first: float, last: float, step: float) -> tuple[int, int]:
    return floor(first / step), floor(last / step) + 1


def _soilgrids_path(layer: str, column: int, row: int) -> str:
    cell = f"tileSG-{row // 4:03d}-{column // 4:03d}"
    return f"{layer}/{cell}/{cell}_{row % 4 + 1}-{column % 4 + 1}.tif"


def _soilgrids() -> Iterator[Raster]:
    for name, layer in _soilgrids_layers():
        paint = stored(partial(_on_soil, _SOIL[name]), 0.1, absent=-32768)
        for column, row in _soilgrids_tiles():
            layout = Layout(
                HOMOLOSINE,
                (_SG_WEST + column * _SG_TILE * 250, _SG_NORTH - row * _SG_TILE * 250),
                (250, 250),
                *(_SG_TILE, _SG_TILE, "int16", 9),
                nodata=-32768,
                strips=True,
            )
            yield Raster(f"{SOILGRIDS}/{name}/{_soilgrids_path(layer, column, row)}", layout, paint)


def _on_soil(field: Field, lon: Array, lat: Array) -> Array:
    """SoilGrids has no value in water and under towns."""
    bare = np.isin(landscape.cover(lon, lat), (landscape.WATER, landscape.BUILT))
    return np.where(bare, np.nan, field(lon, lat))


def _vrt(layer: str) -> bytes:
    """The layer as a VRT over the tiles that touch the data, of some 20 000 in the real one."""
    sources = "".join(
        f"""
    <ComplexSource>
      <SourceFilename relativeToVRT="1">./{_soilgrids_path(layer, column, row)}</SourceFilename>
      <SourceBand>1</SourceBand>
      <SourceProperties RasterXSize="450" RasterYSize="450" DataType="Int16" \
BlockXSize="450" BlockYSize="9" />
      <SrcRect xOff="0" yOff="0" xSize="450" ySize="450" />
      <DstRect xOff="{column * _SG_TILE}" yOff="{row * _SG_TILE}" xSize="450" ySize="450" />
      <NODATA>-32768</NODATA>
    </ComplexSource>"""
        for column, row in _soilgrids_tiles()
    )
    width, height = _SG_SIZE
    return f"""<VRTDataset rasterXSize="{width}" rasterYSize="{height}">
  <SRS>{escape(CRS.from_user_input(HOMOLOSINE).to_wkt("WKT1_GDAL"))}</SRS>
  <GeoTransform>{_SG_WEST}, 250, 0, {_SG_NORTH}, 0, -250</GeoTransform>
  <Metadata><MDI key="Code_version">v2.0.0</MDI></Metadata>
  <VRTRasterBand dataType="Int16" band="1">
    <NoDataValue>-32768</NoDataValue>{sources}
  </VRTRasterBand>
</VRTDataset>
""".encode()


def night_name(year: int, month: int, band: str) -> str:
    """The key of a monthly composite; one month of 2024 is spelt otherwise."""
    stray = "ecmslcfg" if (year, month) == RENAMED_NIGHT else "ecm-slcorr"
    days = f"{year}{month:02d}01-{year}{month:02d}{monthrange(year, month)[1]}"
    stem = f"DNB_npp_{days}_global_{stray}_v10_ops.{band}.tif"
    return f"composites/npp_{year}{month:02d}_ops/{stem}"


def _night_lights() -> Iterator[Raster]:
    """World files of 15 seconds; whether they have a nodata tag was not seen."""

    def layout(dtype: str) -> Layout:
        return Layout(
            "EPSG:4326",
            (-180 - 0.5 / 240, 75 + 0.5 / 240),
            (1 / 240, 1 / 240),
            *(86401, 33601, dtype, 512),
            overviews=_LEVELS,
        )

    for moment in NIGHT_MONTHS:
        clouded = moment == CLOUDED_NIGHT
        radiance = Raster(
            f"{NIGHT}/{night_name(*moment, 'avg_rade9')}",
            layout("float32"),
            partial(_clouded, landscape.lights) if clouded else landscape.lights,
        )
        nights = Raster(
            f"{NIGHT}/{night_name(*moment, 'n_cf')}",
            layout("uint16"),
            partial(_clouded, _nights) if clouded else _nights,
        )
        yield from (radiance, nights)


def _nights(lon: Array, lat: Array) -> Array:
    return 9 + 0 * lon * lat


def _clouded(field: Field, lon: Array, lat: Array) -> Array:
    return np.where(lat > 30, 0, field(lon, lat))


WORLDPOP_YEARS = range(2015, 2031)


def worldpop_path(year: int) -> str:
    """The file of China in a year, below `WORLDPOP`."""
    return f"{year}/CHN/v1/100m/constrained/chn_pop_{year}_CN_100m_R2025A_v1.tif"


def _worldpop() -> Iterator[Raster]:
    """One file for the country; the extent was not seen."""
    layout = Layout(
        "EPSG:4326",
        (73.5, 53.6),
        (1 / 1200, 1 / 1200),
        *(73_600, 42_600, "float32", 512),
        nodata=-99999,
        compress="lzw",
        tags={"TIFFTAG_COPYRIGHT": "CC-BY-4.0"},
    )
    for year in WORLDPOP_YEARS:
        yield Raster(f"{WORLDPOP}/{worldpop_path(year)}", layout, _settled)
    yield Raster(viirs_path(2023), layout, landscape.lights)


def viirs_path(year: int) -> str:
    """Annual night lights of China as WorldPop resampled them."""
    host = "data.worldpop.org/GIS/Covariates/Global_2015_2030/CHN/VIIRS/v1/nvf"
    return f"{host}/chn_viirs_nvf_{year}_100m_v1.tif"


def _settled(lon: Array, lat: Array) -> Array:
    persons = landscape.people(lon, lat)
    return np.where(np.isnan(persons), -99999, persons)


GHS_TILES = ((6, 28), (6, 30))
"""Row and column of the tiles of 1000 km that touch the data."""


def ghs_raster(row: int, column: int) -> Raster:
    """The file in an archive of GHS-POP: Mollweide, persons in a cell of 1 ha, 0 if unsettled."""
    layout = Layout(
        MOLLWEIDE,
        (-18_041_000 + (column - 1) * 1e6, 9_000_000 - (row - 1) * 1e6),
        (100, 100),
        *(10_000, 10_000, "float64", 256),
        nodata=-200,
        compress="lzw",
    )
    name = f"GHS_POP_E2020_GLOBE_R2023A_54009_100_V1_0_R{row}_C{column}"
    return Raster(f"{GHSL}/{name}.zip", layout, _per_hectare)


def _per_hectare(lon: Array, lat: Array) -> Array:
    cell_m2 = (111_195 / 1200) ** 2 * np.cos(np.radians(lat))
    return np.nan_to_num(landscape.people(lon, lat)) * 10_000 / cell_m2


def ghs_archive(raster: Raster) -> bytes:
    """The archive: the raster and two papers."""
    name = raster.address.rsplit("/", 1)[-1].removesuffix(".zip")
    content, file = io.BytesIO(), raster.open()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open(f"{name}.tif", "w") as member:
            for piece in file.pieces(0, file.size):
                member.write(piece)
        archive.writestr("GHSL_Data_Package_2023.pdf", b"%PDF-1.4\n")
        archive.writestr("GHS_POP_GLOBE_R2023A_input_metadata.xlsx", b"PK")
    return content.getvalue()
