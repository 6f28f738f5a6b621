"""Coordinates of many cells: exact on a sparse lattice, interpolated between.

The lattice is anchored at the first cell of the raster and not of the window, so a cell gets the
same coordinates, to the last bit, whatever window it is asked in. GDAL's own approximation is
anchored at the window, and its results differ from window to window.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from shanhai.raster.crs import transformer
from shanhai.raster.geotiff import Transform
from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.grid import Window

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
