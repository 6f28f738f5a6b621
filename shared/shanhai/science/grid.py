"""The analysis grid of a run, the windows it is worked through, and the types of its arrays."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput

FloatArray = NDArray[np.float64]
"""Quantities; NaN marks nodata."""

BoolArray = NDArray[np.bool_]
"""Masks; True marks what the name says."""

ClassArray = NDArray[np.uint8]
"""Class rasters; 0 marks nodata."""

IntArray = NDArray[np.int64]
"""Labels, positions and counts."""


SQUARE_METRES_PER_HECTARE = 10_000.0

# Bounds that already lie on the lattice may miss it by float noise; a millionth of a cell is
# far above that noise (1e-10 at eastings of 500 km) and far below anything visible.
_LATTICE_TOLERANCE = 1e-6


def _require_cell(cell_m: float) -> None:
    if not (math.isfinite(cell_m) and cell_m > 0):
        raise InvalidInput(
            f"cell_m is {cell_m}; it must be a positive number of metres",
            message_zh=f"像元边长 cell_m 为 {cell_m}，必须是正的米数",
            pointer="/cell_m",
        )


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of cells: first row and column, and extent."""

    row: int
    col: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices of the window in an array of the whole grid."""
        return (slice(self.row, self.row + self.height), slice(self.col, self.col + self.width))

    def expanded(self, halo: int, grid: "Grid | Window") -> "Window":
        """The window grown by `halo` cells on every side, cut at the edge of `grid`."""
        row, col = max(0, self.row - halo), max(0, self.col - halo)
        end_row = min(grid.height, self.row + self.height + halo)
        end_col = min(grid.width, self.col + self.width + halo)
        return Window(row, col, end_row - row, end_col - col)

    def slices_within(self, outer: "Window") -> tuple[slice, slice]:
        """Row and column slices of this window in an array that holds `outer`."""
        return Window(self.row - outer.row, self.col - outer.col, self.height, self.width).slices


@dataclass(frozen=True, slots=True)
class Grid:
    """A north-up grid of square cells in a projected CRS.

    Attributes:
        epsg: Code of the projected CRS, whose unit is the metre.
        west: Easting of the western edge, m.
        north: Northing of the northern edge, m.
        cell_m: Side of a cell, m.
        width: Number of columns.
        height: Number of rows.
    """

    epsg: int
    west: float
    north: float
    cell_m: float
    width: int
    height: int

    def __post_init__(self) -> None:
        """Refuse a grid without extent."""
        _require_cell(self.cell_m)
        if self.width < 1 or self.height < 1:
            raise InvalidInput(
                f"the grid has {self.width} columns and {self.height} rows; "
                "it needs at least one of each",
                message_zh=f"格网为 {self.width} 列 × {self.height} 行，至少各需一",
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, as NumPy wants them."""
        return (self.height, self.width)

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """Coefficients a, b, c, d, e, f of the affine map from column, row to x, y."""
        return (self.cell_m, 0.0, self.west, 0.0, -self.cell_m, self.north)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north edge, m."""
        return (
            self.west,
            self.north - self.height * self.cell_m,
            self.west + self.width * self.cell_m,
            self.north,
        )

    @property
    def cell_area_m2(self) -> float:
        """Area of one cell, m²."""
        return self.cell_m**2

    @property
    def cell_area_ha(self) -> float:
        """Area of one cell, ha."""
        return self.cell_area_m2 / SQUARE_METRES_PER_HECTARE

    def window_bounds(self, window: Window) -> tuple[float, float, float, float]:
        """West, south, east and north edge of `window`, m."""
        west = self.west + window.col * self.cell_m
        north = self.north - window.row * self.cell_m
        return (west, north - window.height * self.cell_m, west + window.width * self.cell_m, north)

    def windows(self, size: int, unit: int | None = None) -> Iterator[Window]:
        """Windows of at most `size` × `size` cells that cover the grid once, row by row.

        Args:
            size: Side of a window at most, cells.
            unit: Makes windows about as high as one another, in multiples of it, so that processes
                that share them end together.
        """
        if size < 1:
            raise InvalidInput(f"window size is {size}; it must be at least one cell")
        height = size
        if unit is not None:
            height = min(size, unit * -(-self.height // (unit * -(-self.height // size))))
        for row in range(0, self.height, height):
            for col in range(0, self.width, size):
                rows, columns = min(height, self.height - row), min(size, self.width - col)
                yield Window(row, col, rows, columns)


def analysis_grid(bounds_m: tuple[float, float, float, float], epsg: int, cell_m: float) -> Grid:
    """The smallest grid on the lattice of `cell_m` that covers `bounds_m`.

    Edges are multiples of the cell size, so grids of one CRS and cell size always align.

    Args:
        bounds_m: West, south, east and north in the projected CRS, m.
        epsg: Code of the projected CRS.
        cell_m: Side of a cell, m.

    Raises:
        InvalidInput: the bounds are not finite or enclose nothing, or the cell is not positive.
    """
    west, south, east, north = bounds_m
    if not all(map(math.isfinite, bounds_m)) or east <= west or north <= south:
        raise InvalidInput(
            f"bounds {bounds_m} enclose no area; west < east and south < north are required",
            message_zh=f"范围 {bounds_m} 不构成面积，须满足 西 < 东、南 < 北",
        )
    _require_cell(cell_m)
    first_col = math.floor(west / cell_m + _LATTICE_TOLERANCE)
    last_col = math.ceil(east / cell_m - _LATTICE_TOLERANCE)
    first_row = math.floor(south / cell_m + _LATTICE_TOLERANCE)
    last_row = math.ceil(north / cell_m - _LATTICE_TOLERANCE)
    return Grid(
        epsg=epsg,
        west=first_col * cell_m,
        north=last_row * cell_m,
        cell_m=cell_m,
        width=last_col - first_col,
        height=last_row - first_row,
    )
