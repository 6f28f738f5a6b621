"""From polygons to rasters."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.transform import Affine
from shapely.geometry.base import BaseGeometry

from shanhai.science.arrays import BoolArray
from shanhai.science.grid import Grid, Window


def number_areas(geometries: Sequence[BaseGeometry], grid: Grid) -> NDArray[np.uint16]:
    """The number, from 1, of the geometry each cell centre lies in; 0 outside all.

    Where geometries overlap the first one keeps the cell.
    """
    numbered = [(geometry, number) for number, geometry in enumerate(geometries, start=1)]
    if not numbered:
        return np.zeros(grid.shape, dtype=np.uint16)
    burnt: NDArray[np.uint16] = rasterize(
        reversed(numbered), out_shape=grid.shape, transform=Affine(*grid.transform), dtype="uint16"
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


def cells_of_frame(
    geometry: BaseGeometry, shape: tuple[int, ...], transform: Sequence[float]
) -> BoolArray:
    """Cells of any north-up raster whose centre lies in the geometry."""
    burnt = rasterize([(geometry, 1)], shape, transform=Affine(*transform), dtype="uint8")
    return np.asarray(burnt == 1)
