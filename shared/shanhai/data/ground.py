"""The analysis grid of a demonstration region and what lies on each of its cells."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon

from shanhai.data.regions import CELL_M, MARGIN_M, DemoRegion
from shanhai.science.arrays import BoolArray, FloatArray
from shanhai.science.grid import Grid, analysis_grid

_GEOGRAPHIC = "EPSG:4326"


@dataclass(frozen=True, slots=True)
class Ground:
    """A grid, the position of its cell centres, and masks of one value per cell.

    `land` includes `water`, the fresh water; what is not land is sea. `unit` is 0 outside the
    region, else one more than the unit's place in the region's list.
    """

    grid: Grid
    longitude: FloatArray
    latitude: FloatArray
    land: BoolArray
    water: BoolArray
    unit: NDArray[np.uint8]

    @property
    def dry_land(self) -> BoolArray:
        """Land that is not fresh water."""
        return self.land & ~self.water


def demo_grid(region: DemoRegion, outlines: Sequence[MultiPolygon]) -> Grid:
    """The grid of 100 m cells over the region's units and 2 km around them."""
    to_metric = pyproj.Transformer.from_crs(_GEOGRAPHIC, region.grid_crs, always_xy=True)
    coordinates = np.concatenate([shapely.get_coordinates(outline) for outline in outlines])
    easting, northing = to_metric.transform(coordinates[:, 0], coordinates[:, 1])
    bounds = (
        float(easting.min()) - MARGIN_M,
        float(northing.min()) - MARGIN_M,
        float(easting.max()) + MARGIN_M,
        float(northing.max()) + MARGIN_M,
    )
    return analysis_grid(bounds, region.metric_epsg, CELL_M)


def survey_ground(
    grid: Grid, outlines: Sequence[MultiPolygon], dry: MultiPolygon, fresh: MultiPolygon
) -> Ground:
    """Find the unit, land and fresh water under every cell centre of `grid`.

    Args:
        grid: The analysis grid.
        outlines: The units, WGS 84; where two overlap the first one counts.
        dry: Dry land, WGS 84.
        fresh: Inland water, WGS 84; what is neither is sea.
    """
    longitude, latitude = cell_centres(grid)
    unit = np.zeros(grid.shape, dtype=np.uint8)
    for number, outline in enumerate(outlines, start=1):
        unit[(unit == 0) & _inside(outline, longitude, latitude)] = number
    water = _inside(fresh, longitude, latitude)
    land = water | _inside(dry, longitude, latitude)
    return Ground(grid, longitude, latitude, land, water, unit)


def cell_centres(grid: Grid) -> tuple[FloatArray, FloatArray]:
    """Longitude and latitude of every cell centre, WGS 84 degrees."""
    west, _, _, north = grid.bounds
    easting = west + (np.arange(grid.width) + 0.5) * grid.cell_m
    northing = north - (np.arange(grid.height) + 0.5) * grid.cell_m
    to_degrees = pyproj.Transformer.from_crs(f"EPSG:{grid.epsg}", _GEOGRAPHIC, always_xy=True)
    longitude, latitude = to_degrees.transform(*np.meshgrid(easting, northing))
    return np.asarray(longitude), np.asarray(latitude)


def _inside(shape: MultiPolygon, longitude: FloatArray, latitude: FloatArray) -> BoolArray:
    shapely.prepare(shape)
    return np.asarray(shapely.contains_xy(shape, longitude, latitude))
