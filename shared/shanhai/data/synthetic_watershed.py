"""A synthetic watershed from the mountains to the sea, with all themes and a network's inputs.

Made in code from a seed, at any size; tests and benchmarks compute on it. Mountains lie in the
north, a river runs south to two towns, and the sea lies beyond them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage
from shapely import Polygon, box
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from shanhai.processes.catalogue import CONTRACTS
from shanhai.processes.kit.resolution import checksum_of
from shanhai.processes.kit.task import AreaTask, DatasetTask, DistrictTask, RegionTask, Task
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from shanhai.science.grid import BoolArray, ClassArray, FloatArray, Grid
from shanhai.science.landcover import LandCover
from shanhai.storage.artifacts import sha256_of
from shanhai.vocabulary import label_of

EPSG = 4548
WEST, NORTH = 520_000.0, 2_750_000.0
CODE = "watershed"
MONTHLY_RAIN = np.array([40, 80, 110, 150, 200, 230, 160, 220, 140, 50, 35, 30], dtype=float)
MONTHLY_TEMPERATURE = np.array(
    [12, 12.5, 15, 19, 23, 26, 28.5, 28, 26.5, 23, 19, 14.5], dtype=float
)


@dataclass(frozen=True, slots=True)
class Watershed:
    """The files of a watershed.

    Attributes:
        grid: Grid of the rasters; the region lies a few cells inside it.
        region: Region and districts in longitude and latitude.
        rasters: GeoTIFF by theme.
        region_file: The region as GeoJSON.
    """

    grid: Grid
    region: RegionTask
    rasters: Mapping[str, Path]
    region_file: Path

    def task(
        self,
        inputs: Mapping[str, Any] | None = None,
        *,
        process: str = "delineate-zones",
        processes: int = 1,
        without: tuple[str, ...] = (),
    ) -> Task:
        """A task on these files, of the main job and at the rasters' own cell unless told so."""
        datasets = {
            theme: _dataset(theme, path)
            for theme, path in self.rasters.items()
            if theme not in without
        }
        return CONTRACTS[process].task(
            process=process,
            inputs={"region": CODE, "cell_m": self.grid.cell_m, **(inputs or {})},
            region=self.region,
            datasets=datasets,
            files={datasets[theme].uri: str(self.rasters[theme]) for theme in datasets},
            processes=processes,
        )


def build_watershed(
    folder: Path,
    *,
    cells: int = 96,
    cell_m: float = 100.0,
    seed: int = 7,
    biophysical: bool = False,
) -> Watershed:
    """Write the watershed's rasters and region into `folder`.

    Args:
        folder: Made when missing.
        cells: Rows and columns of the rasters.
        cell_m: Side of a cell, m.
        seed: Of all that is random.
        biophysical: Whether to write, besides what the index profile reads, what the methods in
            physical units need.
    """
    folder.mkdir(parents=True, exist_ok=True)
    grid = Grid(EPSG, WEST, NORTH, cell_m, cells, cells)
    rng = np.random.default_rng(seed)
    layers = _layers(grid, rng)
    if biophysical:
        layers |= _biophysical_layers(layers, grid, rng)
    rasters = {}
    for theme, bands in sorted(layers.items()):
        rasters[theme] = folder / f"{theme}.tif"
        write_geotiff(
            rasters[theme],
            bands,
            transform=grid.transform,
            crs=f"EPSG:{EPSG}",
            nodata=0 if bands.dtype == np.uint8 else -9999.0,
        )
    region = _region(grid)
    region_file = folder / "region.geojson"
    region_file.write_text(json.dumps(_collection(region)), encoding="utf-8")
    return Watershed(grid, region, rasters, region_file)


def _layers(grid: Grid, rng: np.random.Generator) -> dict[str, Any]:
    rows, cols = np.mgrid[0 : grid.height, 0 : grid.width]
    south, east = rows / (grid.height - 1), cols / (grid.width - 1)
    elevation = _elevation(south, east, grid, rng)
    river = (np.abs(east - 0.5 - 0.08 * np.sin(5 * south)) < 0.6 / grid.width) & (south > 0.25)
    town = _town(south, east)
    cover = _land_cover(elevation, town, river, rng)
    green = np.select([cover == 0, cover == LandCover.BUILT_UP, river], [0.0, 0.2, 0.05], 0.65)
    ndvi = np.clip(green + elevation / 3000 + _noise(grid, rng, 0.06), -0.1, 0.92)
    return {
        "dem": elevation,
        "land_cover": cover,
        "ndvi": ndvi,
        "npp": np.clip(900 * ndvi + _noise(grid, rng, 60), 5, 1500),
        "night_lights": 60 * town + np.abs(_noise(grid, rng, 0.3)),
        "population": 45 * town * grid.cell_area_ha * (cover != 0),
        "rainfall": MONTHLY_RAIN[:, None, None] * (1 + elevation / 2500),
        "temperature": MONTHLY_TEMPERATURE[:, None, None] - 0.006 * np.maximum(elevation, 0),
        "soil": _soil(elevation),
    }


def _biophysical_layers(
    layers: Mapping[str, Any], grid: Grid, rng: np.random.Generator
) -> dict[str, Any]:
    """Water, soil, heat, sealing and roads that go with the layers of the index profile."""
    elevation, cover, ndvi = layers["dem"], layers["land_cover"], layers["ndvi"]
    town = layers["night_lights"] / 60
    groups = np.select([elevation > 300, elevation > 120, elevation > 40], [2, 3, 1], 4)
    rows, cols = np.mgrid[0 : grid.height, 0 : grid.width]
    streets = (rows % 23 == 7) | (cols % 29 == 11)
    return {
        "evapotranspiration": np.clip(480 + 420 * ndvi + _noise(grid, rng, 15), 100, 1200),
        "reference_et": 1180 - 0.25 * np.maximum(elevation, 0) + _noise(grid, rng, 10),
        "soil_depth": np.clip(1400 - elevation + _noise(grid, rng, 80), 200, 2000),
        "available_water": np.clip(0.14 + _noise(grid, rng, 0.01), 0.05, 0.3),
        "hydrologic_group": np.where(cover == 0, 0, groups).astype(np.uint8),
        "impervious": np.clip(town, 0, 1),
        "summer_temperature": 33.5 - 0.006 * np.maximum(elevation, 0) + 1.5 * town,
        "lst": 36 - 9 * ndvi - 0.004 * np.maximum(elevation, 0) + 5 * town,
        "roads": (streets & (cover != 0)).astype(np.uint8),
        "main_roads": ((cols == grid.width // 2) & (cover != 0)).astype(np.uint8),
        "protected_areas": (elevation > 450).astype(np.uint8),
        "travel_time": np.clip(elevation / 12, 0, 90),
        "gdp": 30_000 * town,
        "carbon_density_start": 60 + 90 * ndvi,
        "carbon_density_end": 62 + 93 * ndvi,
    }


def _noise(grid: Grid, rng: np.random.Generator, spread: float) -> FloatArray:
    """Smooth noise of unit-free shape and given standard deviation."""
    smooth = ndimage.gaussian_filter(rng.standard_normal(grid.shape), 2.0, mode="reflect")
    return np.asarray(spread * smooth / smooth.std())


def _elevation(
    south: FloatArray, east: FloatArray, grid: Grid, rng: np.random.Generator
) -> FloatArray:
    valley = 1 - 0.45 * np.exp(-(((east - 0.5) / 0.12) ** 2))
    slope = 950 * np.clip(0.86 - south, 0, None) ** 1.4 * valley
    shore = np.where(south > 0.86, -15.0, 3.0)
    return np.asarray(slope + shore + _noise(grid, rng, 25) * np.clip(0.8 - south, 0, None))


def _town(south: FloatArray, east: FloatArray) -> FloatArray:
    """Density of settlement, 0–1, around two towns at the mouth of the river."""
    port = np.exp(-(((south - 0.76) / 0.09) ** 2) - ((east - 0.55) / 0.13) ** 2)
    market = 0.7 * np.exp(-(((south - 0.58) / 0.05) ** 2) - ((east - 0.3) / 0.07) ** 2)
    return np.asarray(np.maximum(port, market))


def _land_cover(
    elevation: FloatArray, town: FloatArray, river: BoolArray, rng: np.random.Generator
) -> ClassArray:
    rough = ndimage.gaussian_filter(rng.standard_normal(elevation.shape), 1.5)
    cover = np.full(elevation.shape, LandCover.CROPLAND, dtype=np.uint8)
    cover[rough > 0.12] = LandCover.GRASSLAND
    cover[elevation + 400 * rough > 160] = LandCover.FOREST
    cover[town > 0.45] = LandCover.BUILT_UP
    cover[river] = LandCover.WATER
    cover[elevation < -5] = 0
    return cover


def _soil(elevation: FloatArray) -> FloatArray:
    """Sandier with height: sand, silt, clay and organic carbon, % of mass."""
    height = np.clip(elevation / 600, 0, 1)
    sand, clay = 30 + 35 * height, 32 - 18 * height
    return np.stack([sand, 100 - sand - clay, clay, 0.8 + 1.6 * height])


def _region(grid: Grid) -> RegionTask:
    """An irregular outline a few cells inside the rasters, cut into three districts."""
    west, south, east, north = grid.bounds
    pad, width, height = 3.3 * grid.cell_m, east - west, north - south
    outline = Polygon(
        [
            (west + pad, south + pad),
            (west + pad, north - 0.2 * height),
            (west + 0.2 * width, north - pad),
            (west + 0.7 * width, north - 1.7 * pad),
            (east - pad, north - 0.3 * height),
            (east - 1.4 * pad, south + pad),
        ]
    )
    middle, split = south + 0.5 * height, west + 0.48 * width
    parts = {
        "upper": ("上游区", "Upper", box(west, middle, east, north)),
        "left": ("左岸区", "Left bank", box(split, south, east, middle)),
        "right": ("右岸区", "Right bank", box(west, south, split, middle)),
    }
    return RegionTask(
        code=CODE,
        name_zh="山海流域",
        name_en="Mountain-to-sea watershed",
        epsg=EPSG,
        geometry=_lon_lat(outline),
        districts=[
            DistrictTask(
                code=f"{CODE}.{code}",
                name_zh=zh,
                name_en=en,
                geometry=_lon_lat(part.intersection(outline)),
            )
            for code, (zh, en, part) in parts.items()
        ],
    )


def _lon_lat(geometry: BaseGeometry) -> dict[str, Any]:
    return dict(mapping(reproject_geometry(geometry, f"EPSG:{EPSG}", LON_LAT)))


def _collection(region: RegionTask) -> dict[str, Any]:
    def feature(one: RegionTask | DistrictTask, parent: str | None) -> dict[str, Any]:
        names = {"code": one.code, "name_zh": one.name_zh, "name_en": one.name_en}
        properties = {**names, "parent": parent, "metric_epsg": region.epsg}
        return {"type": "Feature", "geometry": one.geometry, "properties": properties}

    features = [feature(region, None), *(feature(one, region.code) for one in region.districts)]
    return {"type": "FeatureCollection", "features": features}


def _dataset(theme: str, path: Path) -> DatasetTask:
    label = label_of(theme)
    return DatasetTask(
        id=0,
        code=f"{CODE}.{theme}",
        theme=theme,
        uri=f"{theme}.tif",
        checksum=sha256_of(path),
        native_resolution_m=100.0,
        source="made in code",
        licence="CC0-1.0",
        name_zh=label.zh,
        name_en=label.en,
    )


SERVICES = ("biodiversity", "water_conservation")
WOODS = ((0.22, 0.25, 0.11), (0.20, 0.70, 0.10), (0.52, 0.18, 0.08), (0.55, 0.80, 0.09))
"""Middle and radius of each wood, in parts of the raster, from the north-west."""
GROVE = (0.38, 0.47, 0.04)
"""A wood too small for a source, between the others."""
TOWN_ROWS = (0.36, 0.40)
"""A street of houses across the land, in parts of the raster."""
EASY: Mapping[str, Any] = {
    "sources": {"min_area_ha": 30, "dpc_min_percent": 0.2, "quantile": 0.3},
    "links": {"swath_value": 0.1},
}
"""Parameters under which a small watershed has several sources."""


def build_linked_watershed(folder: Path, *, cells: int = 64) -> Watershed:
    """Write the watershed with roads and reserves, four woods, and the supply of two services.

    One supply follows the height of the land, the other its green. A street of houses parts the
    two woods in the north from those in the south.
    """
    watershed = build_watershed(folder, cells=cells, biophysical=True)
    _plant(watershed)
    height, green = (
        np.asarray(read_geotiff(watershed.rasters[theme]).values[0]) for theme in ("dem", "ndvi")
    )
    rasters = dict(watershed.rasters)
    for service, values in zip(SERVICES, (green, np.maximum(height, 0.0)), strict=True):
        theme = f"supply.{service}"
        rasters[theme] = folder / f"{theme}.tif"
        write_geotiff(
            rasters[theme],
            values,
            transform=watershed.grid.transform,
            crs=f"EPSG:{EPSG}",
            nodata=-9999.0,
        )
    return replace(watershed, rasters=rasters)


def _plant(watershed: Watershed) -> None:
    """Fields all over the land, with the woods, the grove and the street."""
    path, grid = watershed.rasters["land_cover"], watershed.grid
    former = np.nan_to_num(read_geotiff(path).values[0]).astype(np.uint8)
    rows, cols = np.mgrid[0 : grid.height, 0 : grid.width]
    south, east = rows / (grid.height - 1), cols / (grid.width - 1)
    cover = np.where(former == LandCover.WATER, LandCover.WATER, LandCover.CROPLAND)
    cover[(south > TOWN_ROWS[0]) & (south < TOWN_ROWS[1])] = LandCover.BUILT_UP
    for down, across, radius in (*WOODS, GROVE):
        cover[np.hypot(south - down, east - across) < radius] = LandCover.FOREST
    cover[former == 0] = 0
    write_geotiff(
        path,
        cover.astype(np.uint8),
        transform=grid.transform,
        crs=f"EPSG:{EPSG}",
        nodata=0,
    )


def network_task(
    watershed: Watershed,
    inputs: Mapping[str, Any] | None = None,
    *,
    processes: int = 1,
    without: tuple[str, ...] = (),
) -> Task:
    """A task on the watershed's files, with its red line."""
    given = {theme: watershed.rasters[theme] for theme in watershed.rasters}
    supplies = {theme: path for theme, path in given.items() if theme.startswith("supply.")}
    plain = replace(
        watershed, rasters={theme: path for theme, path in given.items() if theme not in supplies}
    )
    task = plain.task(
        {"parameters": EASY, **(inputs or {})},
        process="build-network",
        processes=processes,
        without=without,
    )
    for theme, path in supplies.items():
        if theme not in without:
            task.datasets[theme] = _supply(theme, path)
            task.files[f"{theme}.tif"] = str(path)
    return task.model_copy(update={"areas": [red_line(watershed)]})


def red_line(watershed: Watershed) -> AreaTask:
    """A red line around the north-western mountains."""
    west, _, _, north = watershed.grid.bounds
    side = watershed.grid.cell_m * watershed.grid.width / 3
    geometry = dict(
        mapping(
            reproject_geometry(box(west, north - side, west + side, north), f"EPSG:{EPSG}", LON_LAT)
        )
    )
    return AreaTask(
        kind="red_line",
        code="line.1",
        name_zh="生态保护红线",
        name_en="Red line",
        checksum=checksum_of(geometry),
        geometry=geometry,
    )


def _supply(theme: str, path: Path) -> DatasetTask:
    return DatasetTask(
        id=0,
        code=theme,
        theme=theme,
        uri=f"{theme}.tif",
        checksum=sha256_of(path),
        name_zh="供给",
        name_en="Supply",
    )
