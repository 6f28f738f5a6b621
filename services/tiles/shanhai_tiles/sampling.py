"""Where each pixel of a tile falls in a raster, for any pair of grids.

Only a coarse net of points is projected; between them positions are interpolated, which is exact
to a hundredth of a pixel on tiles a few degrees wide and several hundred times cheaper.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from pyproj import CRS

from shanhai_tiles.grids import Bounds, FloatArray, TileGrid
from shanhai_tiles.projections import projection

NET = 17
WIDEST_INTERPOLATED_DEGREES = 8.0


@dataclass(frozen=True, slots=True)
class Frame:
    """How a raster lies on the ground.

    Attributes:
        crs: Its coordinate reference system, as an authority code or WKT.
        transform: Coefficients a, b, c, d, e, f from column, row to x, y.
        width: Columns.
        height: Rows.
    """

    crs: str
    transform: tuple[float, float, float, float, float, float]
    width: int
    height: int

    def locate(self, lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Fractional columns and rows of points in degrees; NaN where the projection ends."""
        easting, northing = projection(self.crs).transform(lon, lat)
        a, b, c, d, e, f = self.transform
        determinant = a * e - b * d
        ends = ~(np.isfinite(easting) & np.isfinite(northing))
        x = np.where(ends, np.nan, easting) - c
        y = np.where(ends, np.nan, northing) - f
        return (e * x - b * y) / determinant, (a * y - d * x) / determinant

    @property
    def lonlat_bounds(self) -> Bounds:
        """West, south, east, north in degrees."""
        a, b, c, d, e, f = self.transform
        corners = [(0, 0), (self.width, 0), (0, self.height), (self.width, self.height)]
        xs = [a * column + b * row + c for column, row in corners]
        ys = [d * column + e * row + f for column, row in corners]
        west, south, east, north = projection(self.crs).transform_bounds(
            min(xs), min(ys), max(xs), max(ys), direction="INVERSE"
        )
        return (west, south, east, north)


@lru_cache(maxsize=64)
def metres_per_unit(crs: str) -> float | None:
    """Metres of one unit of a projected system; None for degrees."""
    system = CRS(crs)
    return system.axis_info[0].unit_conversion_factor if system.is_projected else None


def tile_positions(
    grid: TileGrid, bounds: Bounds, size: int, frame: Frame
) -> tuple[FloatArray, FloatArray]:
    """Fractional raster columns and rows of the centres of a tile's pixels, `size` by `size`."""
    west, _, east, _ = grid.lonlat_bounds(bounds)
    nodes = NET if east - west <= WIDEST_INTERPOLATED_DEGREES else size
    columns, rows = frame.locate(*_net(grid, bounds, size, nodes))
    if nodes == size:
        return columns, rows
    weights = _weights(size)
    return weights @ columns @ weights.T, weights @ rows @ weights.T


def _net(grid: TileGrid, bounds: Bounds, size: int, nodes: int) -> tuple[FloatArray, FloatArray]:
    """Degrees of `nodes` by `nodes` points from the first pixel's centre to the last one's."""
    west, south, east, north = bounds
    steps = np.linspace(0.5, size - 0.5, nodes) / size
    x, y = np.meshgrid(west + steps * (east - west), north - steps * (north - south))
    return grid.to_lonlat(x, y)


@lru_cache(maxsize=8)
def _weights(size: int) -> FloatArray:
    """The matrix that interpolates linearly from the net's nodes to all pixels of a side."""
    position = np.linspace(0, NET - 1, size)
    left = np.minimum(position.astype(int), NET - 2)
    weights = np.zeros((size, NET))
    pixel = np.arange(size)
    weights[pixel, left] = 1 - (position - left)
    weights[pixel, left + 1] = position - left
    return weights
