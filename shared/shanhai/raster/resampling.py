"""Values of a raster at given positions, cells gathered into others, coordinates of many cells.

Coordinates are exact on a sparse lattice and interpolated between. The lattice is anchored at the
first cell of the raster and not of the window, so a cell gets the same coordinates, to the last
bit, whatever window it is asked in. GDAL's own approximation is anchored at the window, and its
results differ from window to window.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from shanhai.raster.crs import transformer
from shanhai.raster.geotiff import Transform
from shanhai.science.grid import BoolArray, FloatArray, IntArray, Window

# Over two kilometres a Gauss-Krüger zone bends away from its chord by less than 0.1 m.
_SPACING_M = 2_000.0
_MOST_CELLS = 16

Points = tuple[FloatArray, FloatArray]


@dataclass(frozen=True, slots=True)
class CellCentres:
    """The cell centres of a north-up raster, seen in another system.

    Attributes:
        transform: Coefficients of the raster, in `crs`.
        cell_m: Side of its cells, m, about.
        crs: System of the raster.
        target: System in which coordinates are wanted.
    """

    transform: Transform
    cell_m: float
    crs: str
    target: str

    def within(self, window: Window) -> Points:
        """Eastings and northings (or longitudes and latitudes) of the cells of `window`."""
        step = max(1, min(_MOST_CELLS, math.floor(_SPACING_M / self.cell_m)))
        rows, row_share = _nodes(window.row, window.height, step)
        cols, col_share = _nodes(window.col, window.width, step)
        x, y = self._exact(rows, cols)
        return (
            _between(x, rows, cols, row_share, col_share),
            _between(y, rows, cols, row_share, col_share),
        )

    def _exact(self, rows: "_Nodes", cols: "_Nodes") -> Points:
        a, _, west, _, e, north = self.transform
        x, y = np.meshgrid(
            west + (cols.positions + 0.5) * a, north + (rows.positions + 0.5) * e, indexing="xy"
        )
        if self.crs == self.target:
            return x, y
        change: Callable[..., Points] = transformer(self.crs, self.target).transform
        return change(x, y)


@dataclass(frozen=True, slots=True)
class _Nodes:
    """Lattice nodes along one axis, and for every cell the node before it."""

    positions: FloatArray
    before: IntArray


def _nodes(first: int, count: int, step: int) -> tuple[_Nodes, FloatArray]:
    """Nodes around `count` cells from `first`, and the share of the way to the next node."""
    cells = np.arange(first, first + count)
    start = first // step
    last = (first + count - 1) // step + 1
    positions = np.arange(start, last + 1, dtype=np.float64) * step
    return _Nodes(positions, cells // step - start), (cells % step) / step


def _between(
    values: FloatArray, rows: _Nodes, cols: _Nodes, row_share: FloatArray, col_share: FloatArray
) -> FloatArray:
    """Bilinear interpolation of node values at the cells."""
    above, below = values[rows.before], values[rows.before + 1]
    lines = above + (below - above) * row_share[:, np.newaxis]
    left, right = lines[:, cols.before], lines[:, cols.before + 1]
    return np.asarray(left + (right - left) * col_share)


# A position so close to a cell's edge belongs to both; float noise must not decide.
_EDGE = 1e-6


def nearest(bands: FloatArray, rows: FloatArray, cols: FloatArray) -> FloatArray:
    """Value of the cell each position lies in.

    Args:
        bands: Band, row, column; NaN is nodata.
        rows: Row positions in cells, 0 at the northern edge of the first row.
        cols: Column positions in cells, 0 at the western edge of the first column.

    Returns:
        Bands first, then the shape of `rows`; NaN outside.
    """
    _, height, width = bands.shape
    row, col = np.floor(rows + _EDGE), np.floor(cols + _EDGE)
    outside = (row < 0) | (row >= height) | (col < 0) | (col >= width)
    row_at = np.where(outside, 0, row).astype(np.int64)
    col_at = np.where(outside, 0, col).astype(np.int64)
    return np.where(outside, np.nan, _at(bands, row_at, col_at))


def bilinear(bands: FloatArray, rows: FloatArray, cols: FloatArray) -> FloatArray:
    """Bilinear interpolation between cell centres, NaN cells left out of the weights.

    A position is valid where valid cells hold at least half of its weight; outside the raster
    everything is NaN. Arguments as in `nearest`.
    """
    _, height, width = bands.shape
    # So told that what is no number lies outside, too.
    outside = ~((rows >= 0) & (rows <= height) & (cols >= 0) & (cols <= width))
    row = np.clip(np.where(outside, 0.5, rows) - 0.5, 0, height - 1)
    col = np.clip(np.where(outside, 0.5, cols) - 0.5, 0, width - 1)
    top, left = np.floor(row).astype(np.int64), np.floor(col).astype(np.int64)
    down, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    low, east = row - top, col - left
    corners = (
        (top, left, (1 - low) * (1 - east)),
        (top, right, (1 - low) * east),
        (down, left, low * (1 - east)),
        (down, right, low * east),
    )
    return np.where(outside, np.nan, _weighted(bands, corners))


def bicubic(bands: FloatArray, rows: FloatArray, cols: FloatArray) -> FloatArray:
    """Cubic convolution over 4 × 4 cells: its gradient has no steps at cell borders.

    Cells beyond the edge repeat the edge. Where a neighbour is NaN the bilinear value stands.
    Arguments as in `nearest`.

    Source: Keys 1981, a = −0.5.
    """
    _, height, width = bands.shape
    linear = bilinear(bands, rows, cols)
    outside = (rows < 0) | (rows > height) | (cols < 0) | (cols > width)
    row = np.where(outside, 0.5, rows) - 0.5
    col = np.where(outside, 0.5, cols) - 0.5
    top, left = np.floor(row).astype(np.int64), np.floor(col).astype(np.int64)
    total = np.zeros_like(linear)
    for down in range(-1, 3):
        at_row = np.clip(top + down, 0, height - 1)
        across = np.zeros_like(linear)
        for right in range(-1, 3):
            at_col = np.clip(left + right, 0, width - 1)
            across += _keys_weight(col - left - right) * _at(bands, at_row, at_col)
        total += _keys_weight(row - top - down) * across
    return np.where(np.isnan(total) | outside, linear, total)


def _keys_weight(distance: FloatArray) -> FloatArray:
    """Weight of a cell at a distance of 0–2 cells."""
    far = np.abs(distance)
    near = (1.5 * far - 2.5) * far**2 + 1
    beyond = ((-0.5 * far + 2.5) * far - 4) * far + 2
    return np.where(far <= 1, near, np.where(far < 2, beyond, 0.0))


def _at(bands: FloatArray, rows: IntArray, cols: IntArray) -> FloatArray:
    """Values of all bands at cell positions; flat indices are several times faster than pairs."""
    flat = bands.reshape(bands.shape[0], -1)
    values: FloatArray = np.take(flat, rows * bands.shape[2] + cols, axis=1)
    return values


def _weighted(
    bands: FloatArray, corners: tuple[tuple[IntArray, IntArray, FloatArray], ...]
) -> FloatArray:
    unknown = np.isnan(bands)
    if not unknown.any():
        return _summed(bands, corners)
    # What is unknown is told cell by cell before it is asked for position by position, which are
    # many more, and once for all bands where it is the same in each, as in months of a year.
    alike = bool((unknown == unknown[0]).all())
    known = (~(unknown[:1] if alike else unknown)).astype(np.float64)
    total, weight = _summed(np.where(unknown, 0.0, bands), corners), _summed(known, corners)
    enough: BoolArray = weight >= 0.5 - _EDGE
    result = np.full(total.shape, np.nan)
    np.divide(total, weight, out=result, where=enough)
    return result


def _summed(
    bands: FloatArray, corners: tuple[tuple[IntArray, IntArray, FloatArray], ...]
) -> FloatArray:
    from shanhai.science.interpolation import sum_weighted  # it loads Numba

    count, _, width = bands.shape
    places = np.stack([(row * width + col).ravel() for row, col, _ in corners])
    shares = np.stack([share.ravel() for _, _, share in corners])
    total = np.empty((count, places.shape[1]))
    sum_weighted(bands.reshape(count, -1), places, shares, total)
    return total.reshape(count, *corners[0][2].shape)


class CellAggregation:
    """Sums and counts of source cells by the target cell their centre lies in."""

    def __init__(self, bands: int, height: int, width: int) -> None:
        self.shape = (bands, height, width)
        self.total = np.zeros((bands, height * width))
        self.count = np.zeros((bands, height * width))
        self.offered = np.zeros(height * width)

    def add(self, values: FloatArray, target: IntArray) -> None:
        """Take source cells in row-major order; `target` is −1 for those outside."""
        inside = target >= 0
        at, size = target[inside], self.offered.size
        self.offered += np.bincount(at, minlength=size)
        for band, layer in enumerate(values):
            kept = layer[inside]
            known = ~np.isnan(kept)
            self.total[band] += np.bincount(at[known], kept[known], minlength=size)
            self.count[band] += np.bincount(at[known], minlength=size)

    def means(self) -> FloatArray:
        """Mean of the valid source cells; NaN where fewer than half of them are valid."""
        enough = (self.count > 0) & (2 * self.count >= self.offered)
        result = np.full(self.total.shape, np.nan)
        np.divide(self.total, self.count, out=result, where=enough)
        return result.reshape(self.shape)

    def sums(self) -> FloatArray:
        """Sum of the valid source cells; NaN where none is valid."""
        return np.where(self.count > 0, self.total, np.nan).reshape(self.shape)


class Ballot:
    """Counts of classes 0–255 by the target cell a source cell's centre lies in."""

    def __init__(self, height: int, width: int) -> None:
        self.shape = (height, width)
        self.votes: dict[int, IntArray] = {}

    def add(self, classes: FloatArray, target: IntArray) -> None:
        """Take source cells; NaN cells and those with target −1 do not vote."""
        taken = (target >= 0) & ~np.isnan(classes)
        values, at = classes[taken].astype(np.int64), target[taken]
        size = self.shape[0] * self.shape[1]
        for code in np.unique(values).tolist():
            counts = np.bincount(at[values == code], minlength=size)
            self.votes[code] = self.votes.get(code, np.zeros(size, dtype=np.int64)) + counts

    def winners(self) -> FloatArray:
        """The class with most votes, of equals the lowest code; NaN without votes."""
        best = np.full(self.shape[0] * self.shape[1], np.nan)
        most = np.zeros(best.size, dtype=np.int64)
        for code in sorted(self.votes):
            ahead = self.votes[code] > most
            best[ahead] = code
            most[ahead] = self.votes[code][ahead]
        return best.reshape(self.shape)

    def share(self, code: int) -> FloatArray:
        """Part of the votes a class has, 0–1; NaN without votes."""
        cast = sum(self.votes.values(), np.zeros(self.shape[0] * self.shape[1], dtype=np.int64))
        own = self.votes.get(code, np.zeros_like(cast))
        result = np.full(cast.shape, np.nan)
        np.divide(own, cast, out=result, where=cast > 0)
        return result.reshape(self.shape)
