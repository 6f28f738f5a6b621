"""Items of the STAC catalogues: their properties and assets, and the files behind the assets."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any

import numpy as np

from tests.support.upstream import files, landscape
from tests.support.upstream.files import Raster, stored
from tests.support.upstream.grids import (
    MODIS_NORTH,
    MODIS_TILE_M,
    MODIS_WEST,
    SINUSOIDAL,
    Square,
    band_zones,
    corner_name,
    degree_tiles,
    modis_tiles,
    squares,
)
from tests.support.upstream.landscape import Array, Box
from tests.support.upstream.regions import polygon
from tests.support.upstream.tiff import Layout, from_degrees

COG = "image/tiff; application=geotiff; profile=cloud-optimized"
CLOUD_COVER = (5.2, 62.0, 20.4, 85.1, 10.9, 40.3, 25.0, 8.8, 90.7, 15.5, 28.6, 3.1)
"""Percent of clouds of the twelve acquisitions of a year."""
YEARS = (2023, 2024)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of an item, what is said of its band, and the href if that is not https."""

    raster: Raster
    band: dict[str, Any]
    href: str | None = None

    def document(self) -> dict[str, Any]:
        """As in the item."""
        layout = self.raster.layout
        (west, north), (step_x, step_y) = layout.origin, layout.pixel
        return {
            "href": self.href or f"https://{self.raster.address}",
            "type": COG,
            "roles": ["data"],
            "proj:shape": [layout.height, layout.width],
            "proj:transform": [step_x, 0, west, 0, -step_y, north],
            "raster:bands": [self.band],
        }


@dataclass(frozen=True, slots=True)
class Scene:
    """An item of a collection."""

    collection: str
    name: str
    box: Box
    properties: dict[str, Any]
    assets: dict[str, Asset] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As a search gives it."""
        return {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": self.name,
            "collection": self.collection,
            "bbox": [round(degrees, 6) for degrees in self.box],
            "geometry": polygon(self.box),
            "properties": self.properties,
            "assets": {key: asset.document() for key, asset in self.assets.items()},
            "links": [],
        }


@cache
def scenes() -> tuple[Scene, ...]:
    """All items of all catalogues."""
    return (
        *_elevation(),
        *_nasadem(),
        *_worldcover(),
        *_annual_cover(),
        *_worldpop(),
        *_sentinel("sentinel-2-c1-l2a"),
        *_sentinel("sentinel-2-l2a"),
        *_landsat(),
        *_modis_ndvi(),
        *_productivity(),
        *_viirs_ndvi(),
    )


def _span(year: int, first: int = 1, days: int = 0) -> dict[str, Any]:
    """A period as MODIS and the annual products have it: no `datetime`."""
    start = datetime(year, 1, 1, tzinfo=UTC) + timedelta(first - 1)
    end = start + timedelta(days) if days else datetime(year + 1, 1, 1, tzinfo=UTC)
    last = end - timedelta(seconds=1)
    return {
        "datetime": None,
        "start_datetime": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "end_datetime": f"{last:%Y-%m-%dT%H:%M:%SZ}",
    }


def _outline(layout: Layout) -> Box:
    """The box in degrees of a file."""
    left, top = layout.origin
    right, bottom = layout.transform @ (layout.width, layout.height)
    west, south, east, north = from_degrees(layout.crs).transform_bounds(
        left, bottom, right, top, densify_pts=21, direction="INVERSE"
    )
    return west, south, east, north


def _elevation() -> Iterator[Scene]:
    known = {raster.address: raster for raster in files.rasters()}
    for west, south in degree_tiles(1):
        name = files.elevation_name(west, south)
        raster = known.get(f"{files.DEM}/{name}/{name}.tif")
        if raster is not None:
            href = f"s3://copernicus-dem-30m/{name}/{name}.tif"
            asset = Asset(raster, {"data_type": "float32", "unit": "meter"}, href)
            properties = {"datetime": "2021-04-22T00:00:00Z", "gsd": 30, "proj:epsg": 4326}
            yield Scene(
                "cop-dem-glo-30", name, _outline(raster.layout), properties, {"data": asset}
            )


def _nasadem() -> Iterator[Scene]:
    """Tiles of 1° of the shuttle's mission; name, layout and nodata from memory."""
    for west, south in degree_tiles(1):
        name = f"NASADEM_HGT_n{south:02d}e{west:03d}"
        address = f"nasademeuwest.blob.core.windows.net/nasadem-cog/v001/{name}.tif"
        layout = Layout(
            "EPSG:4326",
            (west - 0.5 / 3600, south + 1 + 0.5 / 3600),
            (1 / 3600, 1 / 3600),
            *(3601, 3601, "int16", 512),
            nodata=-32768,
            overviews=(2, 4, 8),
        )
        asset = Asset(Raster(address, layout, files.stored(landscape.elevation)), {"unit": "meter"})
        properties = {"datetime": "2000-02-20T00:00:00Z", "proj:epsg": 4326}
        yield Scene("nasadem", name, _outline(layout), properties, {"elevation": asset})


def _worldcover() -> Iterator[Scene]:
    for year, version, code in ((2020, "1.0.0", "v100"), (2021, "2.0.0", "v200")):
        for west, south in degree_tiles(3):
            tile = "".join(corner_name(west, south))
            name = f"ESA_WorldCover_10m_{year}_{code}_{tile}"
            host = "ai4edataeuwest.blob.core.windows.net/esa-worldcover"
            address = f"{host}/{code}/{year}/map/{name}_Map.tif"
            raster = Raster(address, files.worldcover_layout(west, south), landscape.cover)
            properties = _span(year) | {
                "esa_worldcover:product_version": version,
                "esa_worldcover:product_tile": tile,
                "proj:epsg": 4326,
            }
            band = {"nodata": 0, "data_type": "uint8", "spatial_resolution": 10}
            box = (west, south, west + 3, south + 3)
            yield Scene("esa-worldcover", name, box, properties, {"map": Asset(raster, band)})


ANNUAL_CLASSES = {10: 2, 20: 11, 30: 11, 40: 5, 50: 7, 60: 8, 80: 1, 90: 4, 95: 4}
"""Classes of WorldCover in the legend of io-lulc."""


def annual_class(lon: Array, lat: Array) -> Array:
    """The class of io-lulc-annual-v02."""
    return landscape.recode(landscape.cover(lon, lat), {**ANNUAL_CLASSES})


def _annual_cover() -> Iterator[Scene]:
    for zone, band, box in band_zones():
        left, bottom, right, top = from_degrees(f"EPSG:326{zone}").transform_bounds(*box)
        west, north = left // 10 * 10, top // 10 * 10
        layout = Layout(
            f"EPSG:326{zone}",
            (west, north),
            (10, 10),
            *(int(right - west) // 10, int(north - bottom) // 10, "uint8", 512),
            nodata=0,
            overviews=(2, 4, 8, 16, 32, 64, 128),
            squeeze=4,
        )
        for year in range(2017, 2024):
            name = f"{zone}{band}_{year}0101-{year + 1}0101"
            address = f"ai4edataeuwest.blob.core.windows.net/io-lulc/io-annual-lulc-v02/{name}.tif"
            asset = Asset(
                Raster(address, layout, annual_class), {"nodata": 0, "data_type": "uint8"}
            )
            properties = _span(year) | {
                "proj:code": f"EPSG:326{zone}",
                "io:tile_id": f"{zone}{band}",
            }
            yield Scene(
                "io-lulc-annual-v02", f"{zone}{band}-{year}", box, properties, {"data": asset}
            )


def _worldpop() -> Iterator[Scene]:
    """The date is that of the release; the year is a property."""
    box = (73.5, 18.1, 134.9, 53.6)
    for raster in files.rasters():
        if raster.address.startswith(files.WORLDPOP):
            name = raster.address.rsplit("/", 1)[-1].removesuffix(".tif")
            properties = {
                "datetime": "2025-01-01T00:00:00Z",
                "year": int(name.split("_")[2]),
                "project": "Population",
                "resolution": "100m",
                "license": "CC-BY-4.0",
            }
            asset = Asset(raster, {"nodata": -99999, "data_type": "float32"})
            yield Scene("CHN", name, box, properties, {"data": asset})


def _sentinel(collection: str) -> Iterator[Scene]:
    for square in squares():
        for year in YEARS:
            for turn, share in enumerate(CLOUD_COVER):
                yield _sentinel_scene(
                    collection, square, datetime(year, turn + 1, 15, tzinfo=UTC), share
                )


def _sentinel_scene(collection: str, square: Square, day: datetime, share: float) -> Scene:
    first = collection == "sentinel-2-c1-l2a"
    platform = "S2A" if day.month % 2 else "S2B"
    path = f"{square.zone}/{square.band}/{square.letters}/{day.year}/{day.month}"
    if first:
        name = f"{platform}_T{square.name}_{day:%Y%m%d}T024101_L2A"
        folder = (
            f"e84-earth-search-sentinel-data.s3.us-west-2.amazonaws.com/{collection}/{path}/{name}"
        )
    else:
        name = f"{platform}_{square.name}_{day:%Y%m%d}_0_L2A"
        folder = f"sentinel-cogs.s3.us-west-2.amazonaws.com/sentinel-s2-l2a-cogs/{path}/{name}"
    # In the older collection the offset is subtracted already, and yet written beside the band.
    offset = -0.1 if first else 0.0
    reflectance = {"nodata": 0, "data_type": "uint16", "spatial_resolution": 10, "scale": 0.0001}
    # Every eighth acquisition of a year ends within the tile; what is east of it is nodata.
    box = _outline(_sentinel_layout(square, 10))
    edge = (box[0] + box[2]) / 2 if day.month == 8 else 180.0
    scene = partial(_seen, day=day.month, share=share, edge=edge)
    assets = {}
    for key, band in (("red", "B04"), ("nir", "B08")):
        paint = stored(partial(scene, key), 0.0001, offset)
        raster = Raster(f"{folder}/{band}.tif", _sentinel_layout(square, 10), paint)
        assets[key] = Asset(raster, reflectance | {"offset": -0.1})
    classes = Raster(
        f"{folder}/SCL.tif", _sentinel_layout(square, 20), stored(partial(scene, "scl"))
    )
    assets["scl"] = Asset(classes, {"nodata": 0, "data_type": "uint8", "spatial_resolution": 20})
    properties = {
        "datetime": f"{day:%Y-%m-%d}T02:41:01.024000Z",
        "platform": f"sentinel-{platform[1:].lower()}",
        "eo:cloud_cover": share,
        "grid:code": f"MGRS-{square.name}",
        "mgrs:utm_zone": square.zone,
        "mgrs:latitude_band": square.band,
        "mgrs:grid_square": square.letters,
        "s2:processing_baseline": "05.09",
        "proj:code" if first else "proj:epsg": square.crs if first else int(square.crs[5:]),
    }
    if not first:
        properties["earthsearch:boa_offset_applied"] = True
    return Scene(collection, name, box, properties, assets)


def _sentinel_layout(square: Square, pixel: int) -> Layout:
    side = 109_800 // pixel
    return Layout(
        square.crs,
        (square.west, square.north),
        (pixel, pixel),
        *(side, side, "uint16" if pixel == 10 else "uint8", 1024),
        nodata=0,
        overviews=(2, 4, 8, 16),
        predictor=2,
    )


CLOUD_RED, CLOUD_NIR = 0.60, 0.65


def _seen(
    kind: str, lon: Array, lat: Array, *, day: int, share: float, edge: float = 180.0
) -> Array:
    """What the satellite saw west of its edge: the surface, or a cloud in front of it.

    Classes are those of the scene classification: 4 plants, 5 bare, 6 water, 9 cloud.
    """
    if kind == "red":
        surface, cloud = landscape.red(lon, lat), CLOUD_RED
    elif kind == "nir":
        surface, cloud = landscape.near_infrared(lon, lat), CLOUD_NIR
    else:
        index = landscape.ndvi(lon, lat)
        surface, cloud = np.select([index < 0, index < 0.3], [6, 5], 4), 9
    shown = np.where(landscape.cloudy(lon, lat, day, share / 100), cloud, surface)
    return np.where(lon > edge, np.nan, shown)


_PATHS = {
    (118, 41): (51, 119.97, 27.43),
    (119, 41): (50, 118.43, 27.43),
    **{
        (127 + path, 38 + row): (48, 107.25 - 1.55 * path - 0.36 * row, 31.75 - 1.44 * row)
        for path in range(3)
        for row in range(3)
    },
}
"""Path and row of Landsat, with UTM zone and the middle of the scene."""


def _landsat() -> Iterator[Scene]:
    for (path, row), (zone, lon, lat) in _PATHS.items():
        x, y = from_degrees(f"EPSG:326{zone}").transform(lon, lat)
        origin = (x // 30 * 30 - 105_015, y // 30 * 30 + 105_015)
        layout = Layout(
            f"EPSG:326{zone}", origin, (30, 30), 7000, 7000, "uint16", 256,
            overviews=(2, 4, 8, 16, 32), predictor=2, nodata=0,
        )  # fmt: skip
        for year in YEARS:
            for turn, share in enumerate(CLOUD_COVER):
                day = datetime(year, turn + 1, 5 + path % 16, tzinfo=UTC)
                yield _landsat_scene(path, row, layout, day, share)


def _landsat_scene(path: int, row: int, layout: Layout, day: datetime, share: float) -> Scene:
    name = f"LC08_L2SP_{path:03d}{row:03d}_{day:%Y%m%d}_02_T1"
    processed = day + timedelta(6)
    folder = (
        "landsateuwest.blob.core.windows.net/landsat-c2/level-2/standard/oli-tirs/"
        f"{day.year}/{path:03d}/{row:03d}/"
        f"LC08_L2SP_{path:03d}{row:03d}_{day:%Y%m%d}_{processed:%Y%m%d}_02_T1"
    )
    stem = folder.rsplit("/", 1)[-1]
    scene = partial(_seen, day=day.month, share=share)
    said = {"scale": 2.75e-05, "offset": -0.2, "nodata": 0, "data_type": "uint16"}
    assets = {
        key: Asset(
            Raster(
                f"{folder}/{stem}_{band}.TIF", layout, stored(partial(scene, kind), 2.75e-05, -0.2)
            ),
            said | {"spatial_resolution": 30},
        )
        for key, band, kind in (("red", "SR_B4", "red"), ("nir08", "SR_B5", "nir"))
    }
    quality = Raster(f"{folder}/{stem}_QA_PIXEL.TIF", layout, partial(_landsat_quality, scene))
    assets["qa_pixel"] = Asset(quality, {"nodata": 1, "data_type": "uint16", "unit": "bit index"})
    properties = {
        "datetime": f"{day:%Y-%m-%d}T02:33:12.000000Z",
        "platform": "landsat-8",
        "eo:cloud_cover": share,
        "landsat:wrs_path": f"{path:03d}",
        "landsat:wrs_row": f"{row:03d}",
        "landsat:collection_category": "T1",
        "proj:epsg": int(layout.crs[5:]),
    }
    return Scene("landsat-c2-l2", name, _outline(layout), properties, assets)


CLEAR_LAND, CLEAR_WATER, CLOUD = 21824, 21952, 22280


def _landsat_quality(scene: Any, lon: Array, lat: Array) -> Array:
    """Bits of `qa_pixel`: 3 cloud, 6 clear, 7 water, and confidences above."""
    classes = scene("scl", lon, lat)
    return np.select([classes == 9, classes == 6], [CLOUD, CLEAR_WATER], CLEAR_LAND)


def _sinusoidal(column: int, row: int, side: int, dtype: str, nodata: float | None) -> Layout:
    pixel = MODIS_TILE_M / side
    return Layout(
        SINUSOIDAL,
        (MODIS_WEST + column * MODIS_TILE_M, MODIS_NORTH - row * MODIS_TILE_M),
        (pixel, pixel),
        *(side, side, dtype, 512),
        nodata=nodata,
        overviews=(2, 4, 8),
        predictor=2,
    )


MODIS_CODES = {50: 32762, 60: 32765, 80: 32766, 90: 32763, 95: 32763}
"""What MOD17A3HGF stores in the place of a value, by class of WorldCover."""


def productivity(lon: Array, lat: Array) -> Array:
    """Raw numbers of `Npp_500m`: 0.0001 kgC/m², or a code."""
    coded = landscape.recode(landscape.cover(lon, lat), {**MODIS_CODES})
    return np.where(np.isnan(coded), np.round(landscape.npp(lon, lat) / 0.0001), coded)


def _productivity() -> Iterator[Scene]:
    """Terra, Aqua and VIIRS.

    VIIRS follows the names and layout of MODIS here: that a catalogue without a login has it, and
    how it is called there, was not seen.
    """
    for prefix, platform, collection, years in (
        ("MOD", "terra", "modis-17A3HGF-061", range(2019, 2025)),
        ("MYD", "aqua", "modis-17A3HGF-061", range(2019, 2025)),
        ("VNP", "suomi-npp", "viirs-17A3HGF-002", range(2019, 2026)),
    ):
        for year in years:
            for column, row in modis_tiles():
                product = f"{prefix}17A3HGF"
                layout = _sinusoidal(column, row, 2400, "int16", 32767)
                band = {"data_type": "int16", "scale": 0.0001, "unit": "kg C/m^2"}
                raster = Raster(
                    _modis_address(product, column, row, year, 1, "Npp_500m"), layout, productivity
                )
                assets = {"Npp_500m": Asset(raster, band | {"spatial_resolution": 500})}
                properties = _span(year) | {"platform": platform} | _modis_tile(column, row)
                name = _modis_name(product, column, row, year, 1)
                yield Scene(collection, name, _outline(layout), properties, assets)


def _modis_name(product: str, column: int, row: int, year: int, day: int) -> str:
    version = "002" if product.startswith("VNP") else "061"
    return f"{product}.A{year}{day:03d}.h{column:02d}v{row:02d}.{version}.{year + 1}021113150"


def _modis_address(product: str, column: int, row: int, year: int, day: int, layer: str) -> str:
    container = "viirs-002-cogs" if product.startswith("VNP") else "modis-061-cogs"
    host = f"modiseuwest.blob.core.windows.net/{container}"
    name = _modis_name(product, column, row, year, day)
    return f"{host}/{product}/{column:02d}/{row:02d}/{year}{day:03d}/{name}_{layer}.tif"


def _modis_tile(column: int, row: int) -> dict[str, int]:
    return {"modis:horizontal-tile": column, "modis:vertical-tile": row}


def _modis_ndvi() -> Iterator[Scene]:
    for prefix, first in (("MOD", 1), ("MYD", 9)):
        yield from _vegetation(f"{prefix}13Q1", "modis-13Q1-061", range(first, 366, 16), 250)


def _viirs_ndvi() -> Iterator[Scene]:
    yield from _vegetation("VNP13A1", "viirs-13A1-002", range(1, 366, 8), 500)


def _vegetation(product: str, collection: str, days: range, metres: int) -> Iterator[Scene]:
    """Composites of 16 days; every third has clouds, which the reliability tells."""
    layer = "250m_16_days" if metres == 250 else "500_m_16_days"
    side = 1_200_000 // metres
    for year in YEARS:
        for turn, day in enumerate(days):
            clouds = partial(landscape.cloudy, day=turn, share=0.4 if turn % 3 == 0 else 0.0)
            for column, row in modis_tiles():
                index = Raster(
                    _modis_address(product, column, row, year, day, f"{layer}_NDVI"),
                    _sinusoidal(column, row, side, "int16", -3000),
                    partial(_composite, clouds),
                )
                quality = Raster(
                    _modis_address(product, column, row, year, day, f"{layer}_pixel_reliability"),
                    _sinusoidal(column, row, side, "int8", -1),
                    partial(_reliability, clouds),
                )
                said = {"spatial_resolution": metres}
                ndvi = said | {"data_type": "int16", "scale": 0.0001, "unit": "NDVI"}
                assets = {
                    f"{layer}_NDVI": Asset(index, ndvi),
                    f"{layer}_pixel_reliability": Asset(quality, said | {"data_type": "int8"}),
                }
                properties = _span(year, day, 16) | _modis_tile(column, row)
                name = _modis_name(product, column, row, year, day)
                yield Scene(collection, name, _outline(index.layout), properties, assets)


def _composite(clouds: Any, lon: Array, lat: Array) -> Array:
    """Raw NDVI; fill in the sea and a tenth of the value under clouds."""
    index = np.round(landscape.ndvi(lon, lat) * 10_000)
    shown = np.where(clouds(lon, lat), index / 10, index)
    return np.where(landscape.sea(lon, lat), -3000, np.maximum(shown, -2000)).round()


def _reliability(clouds: Any, lon: Array, lat: Array) -> Array:
    """0 good, 3 cloudy, -1 fill."""
    return np.where(landscape.sea(lon, lat), -1, np.where(clouds(lon, lat), 3, 0))
