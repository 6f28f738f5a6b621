"""Cells of a raster: which lie within polygons, and how large they are."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.transform import Affine
from shapely.geometry.base import BaseGeometry

from shanhai.raster.crs import LON_LAT, parse_crs, transformer
from shanhai.raster.geotiff import Transform
from shanhai.raster.inspect import RasterFacts
from shanhai.science.grid import BoolArray, FloatArray, Grid, Window


def number_areas(geometries: Sequence[BaseGeometry], grid: Grid) -> NDArray[np.unsignedinteger]:
    """The number, from 1, of the geometry each cell centre lies in; 0 outside all.

    Where geometries overlap the first one keeps the cell. A byte a cell for up to 255.
    """
    numbered = [(geometry, number) for number, geometry in enumerate(geometries, start=1)]
    dtype = np.uint8 if len(numbered) <= 255 else np.uint16
    if not numbered:
        return np.zeros(grid.shape, dtype=dtype)
    burnt: NDArray[np.unsignedinteger] = rasterize(
        reversed(numbered), out_shape=grid.shape, transform=Affine(*grid.transform), dtype=dtype
    )
    return burnt


def cells_in_any(geometries: Sequence[BaseGeometry], grid: Grid) -> BoolArray:
    """Cells of a grid whose centre lies in any of some geometries."""
    shapes = [(geometry, 1) for geometry in geometries if not geometry.is_empty]
    if not shapes:
        return np.zeros(grid.shape, dtype=bool)
    burnt = rasterize(shapes, grid.shape, transform=Affine(*grid.transform), dtype="uint8")
    return np.asarray(burnt == 1)


def cells_within(geometry: BaseGeometry, grid: Grid, window: Window) -> BoolArray:
    """Cells of a window whose centre lies in the geometry."""
    west, _, _, north = grid.window_bounds(window)
    placed = (grid.cell_m, 0.0, west, 0.0, -grid.cell_m, north)
    return cells_of_frame(geometry, (window.height, window.width), placed)


def cells_touched(geometry: BaseGeometry, grid: Grid, window: Window) -> BoolArray:
    """Cells of a window that the geometry touches: of a line those it passes through."""
    west, _, _, north = grid.window_bounds(window)
    placed = Affine(grid.cell_m, 0.0, west, 0.0, -grid.cell_m, north)
    shape = (window.height, window.width)
    burnt = rasterize([(geometry, 1)], shape, transform=placed, dtype="uint8", all_touched=True)
    return np.asarray(burnt == 1)


def cells_of(shape: BaseGeometry, grid: Grid) -> tuple[Window, BoolArray] | None:
    """The box around a shape and its cells there, else those it touches; None off the grid."""
    west, south, east, north = shape.bounds
    first_col = max(int(np.floor((west - grid.west) / grid.cell_m)), 0)
    first_row = max(int(np.floor((grid.north - north) / grid.cell_m)), 0)
    end_col = min(int(np.ceil((east - grid.west) / grid.cell_m)), grid.width)
    end_row = min(int(np.ceil((grid.north - south) / grid.cell_m)), grid.height)
    if end_col <= first_col or end_row <= first_row:
        return None
    window = Window(first_row, first_col, end_row - first_row, end_col - first_col)
    inside = cells_within(shape, grid, window)
    return window, inside if inside.any() else cells_touched(shape, grid, window)


def cells_of_frame(
    geometry: BaseGeometry, shape: tuple[int, ...], transform: Sequence[float]
) -> BoolArray:
    """Cells of any north-up raster whose centre lies in the geometry."""
    burnt = rasterize([(geometry, 1)], shape, transform=Affine(*transform), dtype="uint8")
    return np.asarray(burnt == 1)


_SEMI_MAJOR_M = 6_378_137.0
_ECCENTRICITY = math.sqrt(2 / 298.257222101 - (1 / 298.257222101) ** 2)
"""GRS 80, the ellipsoid of CGCS2000; WGS 84 differs by 0.1 mm."""

_LATTICE_M = 10_000.0
"""Spacing at which areas are reckoned; between, a projection's scale bends by less than 1e-6."""
_STEP = 100.0
"""Half the distance, in a projection's unit, over which its derivatives are taken."""


def _area_below(latitude_deg: FloatArray) -> FloatArray:
    """Area between the equator and a latitude, per radian of longitude, m²."""
    sine = np.sin(np.radians(latitude_deg))
    e = _ECCENTRICITY
    curved = sine / (1 - (e * sine) ** 2) + np.arctanh(e * sine) / e
    return np.asarray(_SEMI_MAJOR_M**2 * (1 - e**2) / 2 * curved)


def cell_areas_m2(facts: RasterFacts, first_row: int, rows: int) -> FloatArray:
    """Area of one cell in each of `rows` rows from `first_row`, m².

    On the ellipsoid where the system is geographic, in the plane of the projection otherwise.
    """
    a, _, _, _, e, north = facts.transform
    crs = parse_crs(facts.crs or "")
    if not crs.is_geographic:
        factor: float = crs.axis_info[0].unit_conversion_factor
        return np.full(rows, a * -e * factor**2)
    edges = np.clip(north + np.arange(first_row, first_row + rows + 1) * e, -90.0, 90.0)
    below = _area_below(edges)
    return np.asarray((below[:-1] - below[1:]) * math.radians(a))


def true_cell_areas_m2(crs: str, transform: Transform, window: Window) -> FloatArray:
    """Area on the ellipsoid of each cell of a window of a north-up raster, m², rows by columns.

    In degrees exactly; in a projection by its areal scale at the middle of the cell, which is exact
    to 1e-6 for cells up to `_LATTICE_M`: a cell of web mercator at 25° N is 18 % smaller than its
    side says, one of a Gauss-Krüger zone at the zone's edge 0.05 %.

    Args:
        crs: The raster's system, as an authority code or WKT.
        transform: Coefficients a, b, c, d, e, f from column, row to x, y; b and d are 0.
        window: The cells.
    """
    a, _, west, _, e, north = transform
    shape = (window.height, window.width)
    system = parse_crs(crs)
    if system.is_geographic:
        edges = north + np.arange(window.row, window.row + window.height + 1) * e
        below = _area_below(np.clip(edges, -90.0, 90.0))
        areas = np.abs(below[:-1] - below[1:]) * math.radians(abs(a))
        return np.broadcast_to(areas[:, np.newaxis], shape)
    unit_m = system.axis_info[0].unit_conversion_factor
    rows, down = _lattice(window.row, window.height, abs(e) * unit_m)
    columns, across = _lattice(window.col, window.width, abs(a) * unit_m)
    x, y = np.meshgrid(west + columns * a, north + rows * e)
    scale = _true_area_by_map_area(crs, x, y)
    return np.asarray(down @ scale @ across.T) * abs(a * e)


def _lattice(first: int, count: int, cell_m: float) -> tuple[FloatArray, FloatArray]:
    """Places, in cells, between the middles of `count` cells, and each cell's share of each."""
    steps = min(count - 1, math.ceil((count - 1) * cell_m / _LATTICE_M))
    if steps < 1:
        return np.array([first + 0.5]), np.ones((count, 1))
    places = np.linspace(0.0, count - 1.0, steps + 1)
    shares = [np.interp(np.arange(count), places, one) for one in np.eye(steps + 1)]
    return first + 0.5 + places, np.stack(shares, axis=1)


def _true_area_by_map_area(crs: str, x: FloatArray, y: FloatArray) -> FloatArray:
    """Square metres of the ellipsoid for a square unit of a map, at points of it."""
    change = transformer(crs, LON_LAT).transform
    east, east_lat = change(x + _STEP, y)
    west, west_lat = change(x - _STEP, y)
    north_lon, north = change(x, y + _STEP)
    south_lon, south = change(x, y - _STEP)
    turned = (east - west) * (north - south) - (north_lon - south_lon) * (east_lat - west_lat)
    jacobian = np.abs(np.radians(1.0) ** 2 * turned) / (2 * _STEP) ** 2
    _, latitude = change(x, y)
    sine = np.sin(np.radians(latitude))
    curved = 1 - (_ECCENTRICITY * sine) ** 2
    # Radii of the meridian and of the parallel, multiplied.
    radii = _SEMI_MAJOR_M**2 * (1 - _ECCENTRICITY**2) * np.sqrt(1 - sine**2) / curved**2
    return np.asarray(jacobian * radii)
