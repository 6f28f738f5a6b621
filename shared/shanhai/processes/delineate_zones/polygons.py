"""Zoning units that are polygons, such as towns: means over them and the raster of their zones."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import shape

from shanhai.errors import InvalidInput
from shanhai.processes.delineate_zones.units import WINDOW_CELLS, LayerMeans, Tabled
from shanhai.processes.kit.task import DistrictTask
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.vectorise import number_areas
from shanhai.raster.windows import WindowRunner
from shanhai.science.arrays import BoolArray, ClassArray, FloatArray
from shanhai.science.grid import Grid, Window
from shanhai.science.uncertainty.bootstrap import LEAST_BLOCK_M
from shanhai.science.zoning.contiguity import label_contiguity
from shanhai.science.zoning.delineation import Layout
from shanhai.science.zoning.units import (
    PolygonSums,
    UnitTable,
    join_sums,
    polygon_codes,
    polygon_points,
    polygon_sums,
    rasterise_polygons,
    select_polygons,
)

MOST_POLYGONS = 65_535


@dataclass(frozen=True, slots=True)
class PolygonCut:
    """Polygons, as a raster of their numbers.

    Attributes:
        grid: The analysis grid.
        numbers: Number of the polygon in each cell, from 1; 0 is none.
        count: Number of polygons.
    """

    grid: Grid
    numbers: NDArray[np.uint16]
    count: int

    @property
    def unit_m(self) -> float | None:
        """Polygons have no common side."""
        return None

    def table(self, means: LayerMeans, runner: WindowRunner) -> Tabled:
        """Means over the polygons."""
        windows = list(self.grid.windows(WINDOW_CELLS))
        items = [(window, self.numbers[window.slices]) for window in windows]
        sums = join_sums(runner.run(partial(_sum_up, means, self.count), items))
        points = polygon_points(sums)
        layout = Layout(
            lambda units: label_contiguity(self.numbers, units, points[units.index]),
            lambda units: points[units.index],
        )
        return TabledPolygons(select_polygons(sums), layout, self, points)


@dataclass(frozen=True, slots=True)
class TabledPolygons:
    """Polygons with their means.

    Attributes:
        units: Polygons that take part.
        layout: How they lie to one another.
        cut: The polygons.
        points: Column and row of the middle of every polygon, in cells.
    """

    units: UnitTable
    layout: Layout
    cut: PolygonCut
    points: FloatArray

    def codes(self, zones: ClassArray, valid: BoolArray) -> ClassArray:
        """The raster of the polygons' zones."""
        every = polygon_codes(zones, self.units, self.points)
        return rasterise_polygons(every, self.cut.numbers, valid)

    def points_m(self) -> FloatArray:
        """Middles of the polygons, m."""
        return np.asarray(self.cut.grid.cell_m * self.points[self.units.index])

    def block_m(self, ratio: FloatArray) -> float:
        """The least: polygons lie on no lattice a correlogram could be taken of."""
        return LEAST_BLOCK_M


def polygon_cut(units: Sequence[DistrictTask], grid: Grid) -> PolygonCut:
    """The regions of a task as units; where they overlap the first one keeps the cell.

    Raises:
        InvalidInput: there are fewer than two, or more than numbers.
    """
    if not 2 <= len(units) <= MOST_POLYGONS:
        raise InvalidInput(
            f"units are polygons and {len(units)} were given; there must be 2 to {MOST_POLYGONS}",
            message_zh=f"以多边形为分区单元时须有 2 至 {MOST_POLYGONS} 个，现有 {len(units)} 个",
            pointer="/inputs/parameters/unit_regions",
        )
    crs = f"EPSG:{grid.epsg}"
    shapes = [reproject_geometry(shape(one.geometry), LON_LAT, crs) for one in units]
    return PolygonCut(grid, number_areas(shapes, grid), len(units))


def _sum_up(means: LayerMeans, count: int, item: tuple[Window, NDArray[np.uint16]]) -> PolygonSums:
    window, numbers = item
    return polygon_sums(means.read(window), numbers, count, window.row, window.col)
