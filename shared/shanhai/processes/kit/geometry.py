"""Cells and paths as geometries, in longitude and latitude."""

import numpy as np
import shapely
from shapely import LineString, MultiLineString, MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry

from shanhai.processes.kit.region import part_of
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.science.corridors.cost_kernels import Labels
from shanhai.science.corridors.paths import line_between
from shanhai.science.corridors.swaths import Swath
from shanhai.science.grid import BoolArray, FloatArray, Grid, IntArray, Window
from shanhai.science.zoning.outlines import trace_outlines

_CENTRE = 0.5
_DEGREE_DIGITS = 8
"""A millimetre; fewer digits would let shared borders cross."""


def as_multipolygon(geometry: shapely.Geometry) -> MultiPolygon:
    """The polygons of any geometry, in one multipolygon."""
    parts = shapely.get_parts(shapely.get_parts(geometry))
    return MultiPolygon([part for part in parts if isinstance(part, Polygon)])


def outline_of(inside: BoolArray, grid: Grid, row: int = 0, col: int = 0) -> BaseGeometry:
    """The outline of cells in the CRS of the grid.

    Args:
        inside: Cells of a window.
        grid: Of the whole raster.
        row: First row of the window.
        col: First column of the window.
    """
    height, width = inside.shape
    part = part_of(grid, Window(row, col, height, width))
    traced = trace_outlines(np.ascontiguousarray(inside).view(np.uint8), part)
    return MultiPolygon(list(traced.polygons))


def patch_outlines(labels: Labels, count: int, grid: Grid) -> list[BaseGeometry]:
    """The outline of each patch, by number from 1, in the CRS of the grid."""
    return [_outline_of_number(labels, number, grid) for number in range(1, count + 1)]


def _outline_of_number(labels: Labels, number: int, grid: Grid) -> BaseGeometry:
    own = labels == number
    rows, cols = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
    inside = own[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    return outline_of(inside, grid, int(rows[0]), int(cols[0]))


def swath_outline(swath: Swath, grid: Grid) -> BaseGeometry:
    """The outline of a corridor in the CRS of the grid."""
    return outline_of(swath.inside, grid, swath.row, swath.col)


def path_line(cells: IntArray, labels: Labels, grid: Grid) -> BaseGeometry:
    """The line of a path between its two sources, in the CRS of the grid.

    Of two sources that touch there is no way between: the line from centre to centre stands for it.
    """
    line = LineString(line_between(cells, labels, grid.transform))
    return line if line.length > 0 else LineString(centres(cells, grid))


def centres(cells: IntArray, grid: Grid) -> FloatArray:
    """Easting and northing of the centres of cells, shape (n, 2)."""
    row, col = (cells + _CENTRE).T
    return np.stack([grid.west + col * grid.cell_m, grid.north - row * grid.cell_m], axis=1)


def point_at(row: int, col: int, grid: Grid) -> BaseGeometry:
    """The centre of a cell in longitude and latitude."""
    return to_lon_lat(Point(centres(np.array([[row, col]]), grid)[0]), grid)


def as_multi(geometry: BaseGeometry) -> BaseGeometry:
    """A line or polygon as one of several parts."""
    parts = shapely.get_parts(geometry)
    lines = [part for part in parts if isinstance(part, LineString)]
    if lines:
        return MultiLineString(lines)
    return MultiPolygon([part for part in parts if isinstance(part, Polygon)])


def to_lon_lat(geometry: BaseGeometry, grid: Grid) -> BaseGeometry:
    """A geometry of the grid in longitude and latitude, to a millimetre; valid."""
    moved = reproject_geometry(geometry, f"EPSG:{grid.epsg}", LON_LAT)
    rounded = shapely.transform(moved, lambda points: points.round(_DEGREE_DIGITS))
    if rounded.is_valid:
        return rounded
    # Where two corners of a stair fall together after the projection.
    return shapely.make_valid(rounded, method="structure", keep_collapsed=False)
