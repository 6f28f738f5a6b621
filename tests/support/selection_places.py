"""Places on the synthetic watershed that sites are selected from: a network drawn by hand."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely import box
from shapely.geometry.base import BaseGeometry

from shanhai.data.synthetic_watershed import EPSG, Watershed
from shanhai.processes.kit.resolution import checksum_of
from shanhai.processes.kit.task import DatasetTask, Task
from shanhai.processes.select_sites.place_lookup import link_task, node_task
from shanhai.processes.select_sites.task import PlaceTask, SelectionTask
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.geotiff import write_geotiff
from shanhai.storage.artifacts import sha256_of

BASE: Mapping[str, Any] = {
    "phases": [{"start_year": 2026, "end_year": 2030}],
    "cost_per_ha": {"barrier": 1000, "pinch_point": 500, "problem": 800, "priority_unit": 100},
    "budget": 50_000,
}
"""Inputs that all selections of tests share."""

SCORE_NORTH, SCORE_SOUTH = 4.0, 2.0
SAVED_SHARE = 0.5
"""Part of the cost of its corridor that restoring the northern barrier saves."""


def square(watershed: Watershed, row: int, col: int, size: int) -> BaseGeometry:
    """A square of cells in the CRS of the rasters."""
    grid = watershed.grid
    west, north = grid.west + col * grid.cell_m, grid.north - row * grid.cell_m
    side = size * grid.cell_m
    return box(west, north - side, west + side, north)


def located(shape: BaseGeometry) -> dict[str, Any]:
    """A shape of the rasters as GeoJSON in longitude and latitude."""
    moved = reproject_geometry(shape, f"EPSG:{EPSG}", LON_LAT)
    geometry: dict[str, Any] = json.loads(shapely.to_geojson(moved))
    return geometry


def selection_of(watershed: Watershed) -> SelectionTask:
    """Two sources, the corridor between them with two barriers and two pinch points, a problem.

    The southern pinch point overlaps the southern barrier.
    """
    barrier: dict[str, Any] = {"gaining_corridors": ["c001"], "radius_mean_m": 100.0}
    places = [
        _node(watershed, "s001", "source", (8, 20, 8), None, {"area_ha": 64.0}),
        _node(watershed, "s002", "source", (40, 20, 8), None, {"area_ha": 64.0}),
        _node(
            watershed,
            "b001",
            "barrier",
            (22, 20, 2),
            SCORE_NORTH,
            {**barrier, "score_cost_per_m": SAVED_SHARE * 10_000 / 200},
        ),
        _node(
            watershed,
            "b002",
            "barrier",
            (30, 20, 4),
            SCORE_SOUTH,
            {**barrier, "score_cost_per_m": 5.0},
        ),
        _node(watershed, "p001", "pinch_point", (26, 20, 2), 0.5, {}),
        _node(watershed, "p002", "pinch_point", (32, 20, 4), 1.0, {}),
    ]
    link = {
        "source_a": "s001",
        "source_b": "s002",
        "length_m": 2400.0,
        "lcd_cost_m": 10_000.0,
        "dpc_link_percent": 12.0,
    }
    geometry = located(square(watershed, 20, 30, 4))
    problem = PlaceTask(
        kind="problem",
        code="erosion.1",
        name_zh="水土流失",
        name_en="Erosion",
        checksum=checksum_of(geometry),
        geometry=geometry,
        severity="high",
    )
    return SelectionTask(
        network="watershed.network-1", places=[*places, problem], links=[link_task("c001", link)]
    )


def _node(
    watershed: Watershed,
    code: str,
    kind: str,
    where: tuple[int, int, int],
    score: float | None,
    quality: Mapping[str, Any],
) -> PlaceTask:
    geometry = located(square(watershed, *where))
    row = {"kind": kind, "score": score, "quality": quality}
    return node_task(f"watershed.network-1.{code}", row, geometry)


def write_ratio(watershed: Watershed, folder: Path) -> Path:
    """A comprehensive ratio: a deficit of 0.5 in the west half, a surplus in the east."""
    path, grid = folder / "ratio.tif", watershed.grid
    ratio = np.where(np.arange(grid.width) < grid.width // 2, -0.5, 0.5)
    write_geotiff(
        path,
        np.broadcast_to(ratio, grid.shape).copy(),
        transform=grid.transform,
        crs=f"EPSG:{EPSG}",
        nodata=-9999.0,
    )
    return path


def selection_task(
    watershed: Watershed,
    inputs: Mapping[str, Any] | None = None,
    *,
    ratio: Path | None = None,
    processes: int = 1,
) -> Task:
    """A task on the watershed's land with the places of `selection_of`."""
    others = tuple(theme for theme in watershed.rasters if theme != "land_cover")
    task = watershed.task(
        {**BASE, **(inputs or {})}, process="select-sites", processes=processes, without=others
    )
    if ratio is not None:
        task.datasets["ratio"] = DatasetTask(
            id=0,
            code="ratio",
            theme="ratio",
            uri="ratio.tif",
            checksum=sha256_of(ratio),
            name_zh="综合供需比",
            name_en="Comprehensive ratio",
        )
        task.files["ratio.tif"] = str(ratio)
    return task.model_copy(update={"selection": selection_of(watershed)})
