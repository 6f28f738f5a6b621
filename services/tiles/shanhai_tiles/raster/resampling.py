"""Where each pixel of a tile falls in a raster, for any pair of grids.

Only a coarse net of points is projected; between them positions are interpolated, which is exact
to a hundredth of a pixel. Where the grids are parallel, or merely turned against each other, two
lines of positions tell those of all pixels.
"""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from shanhai.science.grid import Window
from shanhai_tiles.grids import DEGREE_M, Bounds, FloatArray, TileGrid, projection

MOST_STEPS = 64
"""Steps of a net along a side; wider tiles are projected pixel by pixel."""
DEGREES_PER_STEP2 = 0.022
"""Width in degrees by the square of the steps at which interpolation is off by 0.01 pixel."""
NORTHERNMOST_COSINE = 0.55
"""Of the latitudes that the Gauss-Krüger grids are for."""
TOLERANCE_PIXELS = 0.01
ROUNDING = 1e-9
"""Cells by which an interpolated position may pass the last point of its net."""
OUTLINE_STEPS = 33
OUTLINE_MARGIN = 1e-3
"""Part of a raster's extent that its outline may bend beyond the points it is known at."""

FRACTION_BITS = 18
"""Of positions as whole numbers: a quarter of a millionth of a cell, in blocks of up to 4096."""

WIDEST_TURNED = 2.0 ** (30 - FRACTION_BITS)

Index = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class RasterFrame:
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
        return self.index(*projection(self.crs).transform(lon, lat))

    def index(self, easting: FloatArray, northing: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Fractional columns and rows of points of its own system; NaN for what is infinite."""
        a, b, c, d, e, f = self.transform
        determinant = a * e - b * d
        ends = ~(np.isfinite(easting) & np.isfinite(northing))
        x = np.where(ends, np.nan, easting) - c
        y = np.where(ends, np.nan, northing) - f
        return (e * x - b * y) / determinant, (a * y - d * x) / determinant

    def points(self, columns: FloatArray, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """x and y of fractional columns and rows, in its own system."""
        a, b, c, d, e, f = self.transform
        return a * columns + b * rows + c, d * columns + e * rows + f

    @property
    def lonlat_bounds(self) -> Bounds:
        """West, south, east, north in degrees."""
        return _lonlat_bounds(self)


@lru_cache(maxsize=256)
def _lonlat_bounds(frame: RasterFrame) -> Bounds:
    corners = np.array([[0, 0], [frame.width, 0], [0, frame.height], [frame.width, frame.height]])
    xs, ys = frame.points(corners[:, 0], corners[:, 1])
    west, south, east, north = projection(frame.crs).transform_bounds(
        float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max()), direction="INVERSE"
    )
    return (west, south, east, north)


@lru_cache(maxsize=64)
def metres_per_unit(crs: str) -> float | None:
    """Metres of one unit of a projected system; None for degrees."""
    system = CRS(crs)
    return system.axis_info[0].unit_conversion_factor if system.is_projected else None


@dataclass(frozen=True, slots=True)
class TilePart:
    """A rectangle of pixels of a tile."""

    top: int
    left: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Its rows and columns in the tile."""
        rows = slice(self.top, self.top + self.height)
        return rows, slice(self.left, self.left + self.width)


def part_over(grid: TileGrid, bounds: Bounds, size: int, frame: RasterFrame) -> TilePart | None:
    """The pixels of a tile that may show something of a raster; None where none does."""
    box = footprint(frame, grid)
    if box is None:
        return TilePart(0, 0, size, size)
    west, south, east, north = bounds
    left, right = _span((box[0] - west) / (east - west), (box[2] - west) / (east - west), size)
    top, bottom = _span(
        (north - box[3]) / (north - south), (north - box[1]) / (north - south), size
    )
    return (
        TilePart(top, left, bottom - top, right - left) if left < right and top < bottom else None
    )


def _span(first: float, last: float, size: int) -> tuple[int, int]:
    """The pixels between two places along a side, as shares of it; empty where both lie outside."""
    start = min(max(first, 0.0), 1.0) * size
    end = min(max(last, 0.0), 1.0) * size
    return math.floor(start), math.ceil(end)


@lru_cache(maxsize=256)
def footprint(frame: RasterFrame, grid: TileGrid) -> Bounds | None:
    """The box of a grid around a raster; None where the grid does not know all of its outline."""
    steps = np.linspace(0.0, 1.0, OUTLINE_STEPS)
    none, all_ = np.zeros_like(steps), np.ones_like(steps)
    columns = np.concatenate([steps, steps, none, all_]) * frame.width
    rows = np.concatenate([none, all_, steps, steps]) * frame.height
    points = frame.points(columns, rows)
    if _same_system(frame, grid):
        x, y = points
    else:
        x, y = grid.from_lonlat(*projection(frame.crs).transform(*points, direction="INVERSE"))
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return None
    west, south, east, north = x.min(), y.min(), x.max(), y.max()
    wider, higher = OUTLINE_MARGIN * (east - west), OUTLINE_MARGIN * (north - south)
    return (
        float(west - wider),
        float(south - higher),
        float(east + wider),
        float(north + higher),
    )


def _same_system(frame: RasterFrame, grid: TileGrid) -> bool:
    """Whether coordinates of the grid are coordinates of the raster."""
    if grid.kind == "mercator":
        return frame.crs == "EPSG:3857"
    return frame.crs == f"EPSG:{grid.srid}"


@dataclass(frozen=True)
class SampleGrid:
    """Fractional columns and rows in a raster of evenly spaced points of a part of a tile.

    The first point is the centre of the part's first pixel and the last that of its last one.
    """

    part: TilePart
    columns: FloatArray
    rows: FloatArray

    @cached_property
    def complete(self) -> bool:
        """Whether every point is on the map."""
        return bool(np.isfinite(self.columns).all() and np.isfinite(self.rows).all())

    @cached_property
    def cells_per_pixel(self) -> float:
        """How many cells of the raster lie along the side of a pixel; 0 where nothing is known."""
        steps = self.columns.shape[1] - 1
        if steps < 1:
            return 0.0
        scale: float = steps / (self.part.width - 1)
        if not self.complete:
            return scale * _median(np.hypot(np.diff(self.columns), np.diff(self.rows)))
        row, column = len(self.columns) // 2, steps // 2
        across, down = (
            float(positions[row, column + 1] - positions[row, column])
            for positions in (self.columns, self.rows)
        )
        return scale * math.hypot(across, down)

    def scaled(self, across: float, down: float) -> "SampleGrid":
        """The same places in a raster with so many columns and rows for one of this."""
        if across == down == 1.0:
            return self
        return SampleGrid(self.part, self.columns * across, self.rows * down)

    def window(self, height: int, width: int) -> Window | None:
        """The cells, of a raster of this shape, that the pixels fall in; None where none does."""
        known = self.columns, self.rows
        if not self.complete:
            inside = np.isfinite(self.columns) & np.isfinite(self.rows)
            known = self.columns[inside], self.rows[inside]
        if known[0].size == 0:
            return None
        left, right = _cells_between(known[0], width)
        top, bottom = _cells_between(known[1], height)
        if left >= right or top >= bottom:
            return None
        return Window(top, left, bottom - top, right - left)

    def leaves(self, window: Window) -> bool:
        """Whether a pixel may fall beside a window that holds those that fall in the raster."""
        return (
            not self.complete
            or self.rows.min() < window.row
            or self.columns.min() < window.col
            or self.rows.max() + ROUNDING >= window.row + window.height
            or self.columns.max() + ROUNDING >= window.col + window.width
        )


def _median(found: FloatArray) -> float:
    known = found[np.isfinite(found)]
    return float(np.median(known)) if known.size else 0.0


def _cells_between(positions: FloatArray, count: int) -> tuple[int, int]:
    """First cell and the one after the last that positions on a side fall in."""
    first, last = float(positions.min()), float(positions.max())
    return max(0, math.floor(first)), min(count, math.floor(last + ROUNDING) + 1)


def sample_grid_over(
    grid: TileGrid, bounds: Bounds, size: int, part: TilePart, frame: RasterFrame
) -> SampleGrid:
    """The net of a part of a tile, as coarse as interpolation allows."""
    steps = _steps(grid, bounds, size, part)
    net = _project(grid, bounds, size, part, frame, steps)
    whole = steps is None or net.complete
    return net if whole else _project(grid, bounds, size, part, frame, None)


def _steps(grid: TileGrid, bounds: Bounds, size: int, part: TilePart) -> int | None:
    """Steps along a side of the net; None for a point in every pixel."""
    west, _, east, _ = bounds
    unit = {"degrees": 1.0, "mercator": DEGREE_M, "gauss_kruger": DEGREE_M * NORTHERNMOST_COSINE}
    degrees = (east - west) / size * max(part.width, part.height) / unit[grid.kind]
    steps = 2
    while steps <= MOST_STEPS and degrees > DEGREES_PER_STEP2 * steps**2:
        steps *= 2
    return steps if steps <= MOST_STEPS and steps < min(part.width, part.height) else None


def _project(
    grid: TileGrid, bounds: Bounds, size: int, part: TilePart, frame: RasterFrame, steps: int | None
) -> SampleGrid:
    west, south, east, north = bounds
    across, down = _places(part.width, steps), _places(part.height, steps)
    x, y = np.broadcast_arrays(
        west + (part.left + across)[None, :] / size * (east - west),
        north - (part.top + down)[:, None] / size * (north - south),
    )
    located = (
        frame.index(x, y) if _same_system(frame, grid) else frame.locate(*grid.to_lonlat(x, y))
    )
    return SampleGrid(part, *located)


def index_of(net: SampleGrid, window: Window, *, framed: bool) -> tuple[Index, Index]:
    """Rows and columns of all pixels in the block of a window.

    Both can be broadcast to the part's shape. A block that is `framed` has a cell more on every
    side, in which the pixels beside the window fall; without, there must be none.
    """
    tolerance = TOLERANCE_PIXELS * max(net.cells_per_pixel, ROUNDING)
    rows = _spread(net.rows - (window.row - framed), net.part, tolerance, along=0)
    columns = _spread(net.columns - (window.col - framed), net.part, tolerance, along=1)
    if framed:
        np.clip(rows, 0, window.height + 1, out=rows)
        np.clip(columns, 0, window.width + 1, out=columns)
    return rows, columns


def _spread(nodes: FloatArray, part: TilePart, tolerance: float, along: int) -> Index:
    """Cells of all pixels, or of one line of them where the others are the same."""
    shape = (part.height, part.width)
    if nodes.shape == shape:
        # Nowhere is a place before the first.
        return np.floor(np.nan_to_num(nodes, nan=-1.0)).astype(np.int32)
    first = nodes[:, :1] if along == 0 else nodes[:1, :]
    if np.abs(nodes - first).max() <= tolerance:
        line = np.floor(_weights(nodes.shape[along], shape[along]) @ first.ravel())
        return line.astype(np.int32)[:, None] if along == 0 else line.astype(np.int32)[None, :]
    down, across = _weights(nodes.shape[0], part.height), _weights(nodes.shape[1], part.width)
    turned = nodes[:, :1] + nodes[:1, :] - nodes[0, 0]
    if np.abs(nodes - turned).max() <= tolerance and np.abs(nodes).max() < WIDEST_TURNED:
        # In whole numbers the sum of two lines is several times faster.
        spread = _fixed(down @ nodes[:, :1]) + _fixed(across @ (nodes[0] - nodes[0, 0]))
        spread >>= FRACTION_BITS
        return spread
    return np.floor((down @ nodes @ across.T).astype(np.float32)).astype(np.int32)


def _fixed(positions: FloatArray) -> Index:
    return np.rint(positions * (1 << FRACTION_BITS)).astype(np.int32)


@lru_cache(maxsize=256)
def _places(pixels: int, steps: int | None) -> FloatArray:
    """Evenly spaced places from the first pixel's centre to the last one's."""
    return np.linspace(0.5, pixels - 0.5, pixels if steps is None else steps + 1)


@lru_cache(maxsize=256)
def _weights(nodes: int, pixels: int) -> FloatArray:
    """The matrix that interpolates linearly from the net's nodes to all pixels of a side."""
    position = np.linspace(0, nodes - 1, pixels)
    left = np.minimum(position.astype(int), nodes - 2)
    weights = np.zeros((pixels, nodes))
    pixel = np.arange(pixels)
    weights[pixel, left] = 1 - (position - left)
    weights[pixel, left + 1] = position - left
    return weights
