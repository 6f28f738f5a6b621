"""A large watershed out of a small one: its rasters laid side by side, every second mirrored."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shapely import affinity
from shapely.geometry import mapping, shape

from shanhai.data.synthetic_watershed import Watershed
from shanhai.processes.kit.task import DistrictTask, RegionTask
from shanhai.raster.cog import BLOCK, CogFrame, write_cog
from shanhai.raster.crs import reproject_geometry
from shanhai.raster.geotiff import read_geotiff
from shanhai.science.grid import Grid, Window

LON_LAT = "EPSG:4490"


def enlarge(small: Watershed, folder: Path, times: int) -> Watershed:
    """Write a watershed of `times` as many cells along each side; mirroring leaves no seams."""
    folder.mkdir(parents=True, exist_ok=True)
    grid = replace(small.grid, width=small.grid.width * times, height=small.grid.height * times)
    rasters = {}
    for theme, path in small.rasters.items():
        rasters[theme] = folder / path.name
        _tile(path, rasters[theme], grid)
    return Watershed(grid, _enlarged(small.region, small.grid, times), rasters, small.region_file)


def _tile(path: Path, out: Path, grid: Grid) -> None:
    found = read_geotiff(path).values
    categorical = path.stem == "land_cover"
    frame = CogFrame.of_grid(grid, bands=len(found), categorical=categorical)
    values = np.nan_to_num(found).astype(np.uint8) if categorical else found.astype(np.float32)
    write_cog(out, frame, _blocks(values, grid))


def _blocks(values: NDArray[Any], grid: Grid) -> Iterator[tuple[Window, NDArray[Any]]]:
    height, width = values.shape[1:]
    for window in grid.windows(BLOCK):
        rows = _mirrored(np.arange(window.row, window.row + window.height), height)
        cols = _mirrored(np.arange(window.col, window.col + window.width), width)
        yield window, values[:, rows[:, np.newaxis], cols]


def _mirrored(places: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    turn = places % (2 * length)
    return np.where(turn < length, turn, 2 * length - 1 - turn)


def _enlarged(region: RegionTask, grid: Grid, times: int) -> RegionTask:
    def larger(one: dict[str, Any]) -> dict[str, Any]:
        crs = f"EPSG:{grid.epsg}"
        flat = reproject_geometry(shape(one), LON_LAT, crs)
        grown = affinity.scale(flat, times, times, origin=(grid.west, grid.north))
        return dict(mapping(reproject_geometry(grown, crs, LON_LAT)))

    districts = [
        DistrictTask(**{**one.model_dump(), "geometry": larger(one.geometry)})
        for one in region.districts
    ]
    return region.model_copy(update={"geometry": larger(region.geometry), "districts": districts})
