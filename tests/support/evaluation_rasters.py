"""The synthetic watershed with the rasters an evaluation and an account read besides."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from shanhai.data.synthetic_watershed import EPSG, Watershed, build_watershed
from shanhai.processes.kit.task import Task
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from shanhai.science.grid import FloatArray

YEARS = 12
SHRINKING = 0.02
"""What the vegetation index loses each year in the western third."""


def build_evaluated_watershed(folder: Path, *, cells: int = 64) -> Watershed:
    """Write the watershed and, beside it, what evaluations and accounts need.

    Leaf area and productivity follow the vegetation index; carbonate rock lies in the east; the
    yearly series falls in the west, rises in the east and holds noise of its own.
    """
    watershed = build_watershed(folder, cells=cells)
    rng = np.random.default_rng(11)
    rasters = dict(watershed.rasters)
    for theme, bands in _layers(watershed, rng).items():
        if theme in rasters:
            continue
        rasters[theme] = folder / f"{theme}.tif"
        write_geotiff(
            rasters[theme],
            bands,
            transform=watershed.grid.transform,
            crs=f"EPSG:{EPSG}",
            nodata=0 if bands.dtype == np.uint8 else -9999.0,
        )
    return replace(watershed, rasters=rasters)


def evaluation_task(
    watershed: Watershed,
    process: str,
    inputs: Mapping[str, Any],
    *,
    processes: int = 1,
    without: tuple[str, ...] = (),
) -> Task:
    """A task of `process` on the watershed's files."""
    task = watershed.task(inputs, processes=processes, without=without)
    return task.model_copy(update={"process": process})


def _band(watershed: Watershed, theme: str) -> FloatArray:
    return np.asarray(read_geotiff(watershed.rasters[theme]).values[0])


def _layers(watershed: Watershed, rng: np.random.Generator) -> dict[str, Any]:
    ndvi, grid = _band(watershed, "ndvi"), watershed.grid
    rows, cols = np.mgrid[0 : grid.height, 0 : grid.width]
    east, south = cols / (grid.width - 1), rows / (grid.height - 1)
    trend = np.select([east < 1 / 3, east > 2 / 3], [-SHRINKING, SHRINKING], 0.0)
    year = np.arange(YEARS)[:, np.newaxis, np.newaxis]
    noise = rng.normal(scale=0.01, size=(YEARS, *grid.shape))
    return {
        "evapotranspiration": 500 + 300 * np.clip(ndvi, 0, 1),
        "lai": np.clip(6 * ndvi, 0.1, 8),
        "gpp": np.clip(1900 * ndvi + 100, 20, 3000),
        "carbonate": np.where(east > 0.6, 100 * (east - 0.6) / 0.4, 0.0),
        "eco_region": np.where(south < 0.5, 1, 2).astype(np.uint8),
        "erosion_intensity": (1 + np.clip(5 * east, 0, 5)).astype(np.uint8),
        "rocky_desertification": (1 + np.clip(5 * south, 0, 5)).astype(np.uint8),
        "hydrologic_group": (1 + (rows // 7 + cols // 9) % 4).astype(np.uint8),
        "ndvi_series": np.clip(ndvi + trend * year + noise, -0.2, 1.0),
    }
