"""The synthetic watershed with the supplies and lines that an ecological network is built from."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from shapely import box
from shapely.geometry import mapping

from shanhai.data.synthetic_watershed import EPSG, Watershed, build_watershed
from shanhai.processes.kit.control_areas import checksum_of
from shanhai.processes.kit.task import AreaTask, DatasetTask, Task
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from shanhai.science.landcover import LandCover
from shanhai.storage.artifacts import sha256_of

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
