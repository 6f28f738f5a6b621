"""Zoning units: a square fishnet of whole cells, or given polygons, as a raster of numbers."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from shanhai.errors import InvalidInput
from shanhai.science.grid import BoolArray, ClassArray, FloatArray, Grid, IntArray, Window

UNIT_M = 250.0
"""Least side of a unit, m."""

MAX_CELL_UNITS = 2_000_000
"""Most cells of a raster whose cells are themselves the units."""

MIN_VALID_SHARE = 0.5
"""Share of its area that must be valid for a unit to take part in the clustering."""


@dataclass(frozen=True, slots=True)
class Fishnet:
    """Square units of `unit_cells` × `unit_cells` cells, from the north-west corner of `grid`."""

    grid: Grid
    unit_cells: int

    @classmethod
    def over(cls, grid: Grid, unit_m: float = UNIT_M) -> "Fishnet":
        """Units of at least `unit_m`, rounded up to whole cells."""
        return cls(grid, max(1, math.ceil(round(unit_m / grid.cell_m, 9))))

    @classmethod
    def of_cells(cls, grid: Grid) -> "Fishnet":
        """Every cell is a unit.

        Raises:
            InvalidInput: the grid has more than `MAX_CELL_UNITS` cells.
        """
        count = grid.width * grid.height
        if count > MAX_CELL_UNITS:
            raise InvalidInput(
                f"units are cells and the grid has {count} of them, more than {MAX_CELL_UNITS}; "
                "use the fishnet or a larger cell_m",
                message_zh=f"以像元为分区单元时至多 {MAX_CELL_UNITS} 个，本格网有 {count} 个；"
                "请改用格网单元或增大 cell_m",
                pointer="/units",
            )
        return cls(grid, 1)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of units; the last ones may hang over the edge of the grid."""
        return (
            math.ceil(self.grid.height / self.unit_cells),
            math.ceil(self.grid.width / self.unit_cells),
        )

    def window_size(self, at_least: int) -> int:
        """Smallest window size of whole units that is not below `at_least` cells."""
        return self.unit_cells * math.ceil(at_least / self.unit_cells)

    def unit_slices(self, window: Window) -> tuple[slice, slice]:
        """Slices of the unit raster that a window of whole units fills.

        Raises:
            InvalidInput: the window does not begin at the corner of a unit.
        """
        size = self.unit_cells
        if window.row % size or window.col % size:
            raise InvalidInput(
                f"window starts at row {window.row}, column {window.col}; "
                f"both must be multiples of the {size} cells of a unit"
            )
        return (
            slice(window.row // size, math.ceil((window.row + window.height) / size)),
            slice(window.col // size, math.ceil((window.col + window.width) / size)),
        )


@dataclass(frozen=True, slots=True)
class UnitTable:
    """The units that take part in the clustering, in row-major order.

    Attributes:
        means: One row per unit, one column per layer: mean of its valid cells.
        cells: Number of valid cells of each unit, its weight.
        index: Position of each unit in the flattened unit raster.
        shape: Rows and columns of the unit raster.
    """

    means: FloatArray
    cells: IntArray
    index: IntArray
    shape: tuple[int, int]


def aggregate(layers: FloatArray, unit_cells: int) -> tuple[FloatArray, IntArray]:
    """Means over the valid cells of every unit.

    Windows of whole units give the bytes of the whole raster.

    Args:
        layers: Layer, row, column; a cell is valid where no layer is NaN.
        unit_cells: Side of a unit in cells.

    Returns:
        Means by layer, unit row and unit column (NaN without valid cell), and the number of valid
        cells by unit row and column.
    """
    valid: BoolArray = np.logical_not(np.isnan(layers).any(axis=0))
    count = _block_sum(valid[np.newaxis].astype(np.float64), unit_cells)[0]
    total = _block_sum(np.where(valid, layers, 0.0), unit_cells)
    means = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return means, count.astype(np.int64)


def _block_sum(layers: FloatArray, size: int) -> FloatArray:
    """Sums over blocks of `size` × `size` cells, the last ones filled up with zeros.

    Adding slice by slice fixes the order of the terms, which a reduction of NumPy does not.
    """
    depth, height, width = layers.shape
    total = np.zeros((depth, math.ceil(height / size), math.ceil(width / size)))
    for row in range(min(size, height)):
        for col in range(min(size, width)):
            part = layers[:, row::size, col::size]
            total[:, : part.shape[1], : part.shape[2]] += part
    return total


def select_units(means: FloatArray, count: IntArray, unit_cells: int) -> UnitTable:
    """Keep the units of which at least half of the area is valid.

    Args:
        means: Layer, unit row, unit column.
        count: Valid cells by unit row and column.
        unit_cells: Side of a unit in cells.

    Raises:
        InvalidInput: no cell, or no unit, is valid.
    """
    if not count.any():
        raise InvalidInput(
            "the area has no valid cell: nowhere are all required layers present",
            message_zh="区域内没有有效像元：没有一处同时具备全部必需图层",
        )
    chosen = count >= MIN_VALID_SHARE * unit_cells**2
    if not chosen.any():
        raise InvalidInput(
            f"no zoning unit of {unit_cells} × {unit_cells} cells is valid over half its area; "
            "use a smaller unit_m or cell_m, or a larger area",
            message_zh=f"没有一个 {unit_cells} × {unit_cells} 像元的分区单元有效面积过半；"
            "请减小 unit_m 或 cell_m，或扩大区域",
            pointer="/unit_m",
        )
    index = np.flatnonzero(chosen)
    return UnitTable(
        means=np.ascontiguousarray(means[:, chosen].T),
        cells=count[chosen].astype(np.int64),
        index=index.astype(np.int64),
        shape=(count.shape[0], count.shape[1]),
    )


def unit_codes(codes: ClassArray, units: UnitTable) -> ClassArray:
    """The unit raster of codes; units that took no part get the code of the nearest that did.

    Every valid cell so belongs to a zone, even in a coastal unit that is mostly sea.
    """
    flat = np.zeros(units.shape[0] * units.shape[1], dtype=np.uint8)
    flat[units.index] = codes
    return nearest_codes(flat.reshape(units.shape))


def rasterise(unit_raster: ClassArray, unit_cells: int, window: Window) -> ClassArray:
    """The codes of the units in a window of the analysis raster."""
    rows = np.arange(window.row, window.row + window.height) // unit_cells
    cols = np.arange(window.col, window.col + window.width) // unit_cells
    return unit_raster[rows[:, np.newaxis], cols]


Numbers = NDArray[np.integer]
"""Number of the polygon in each cell, from 1 in the order of their ids; 0 is none."""


@dataclass(frozen=True, slots=True)
class PolygonSums:
    """What a window adds to each polygon.

    Attributes:
        totals: Sum of every layer over the valid cells (layer, polygon).
        valid: Valid cells of each polygon.
        cells: All its cells.
        places: Sums of the columns and rows of all its cells.
    """

    totals: FloatArray
    valid: IntArray
    cells: IntArray
    places: FloatArray


def polygon_sums(
    layers: FloatArray, numbers: Numbers, count: int, row: int = 0, col: int = 0
) -> PolygonSums:
    """Sums over the polygons in one window.

    Args:
        layers: Layer, row, column; a cell is valid where no layer is NaN.
        numbers: Polygons of the cells.
        count: Number of polygons, of all windows.
        row: First row of the window in the raster.
        col: First column.
    """
    valid: BoolArray = np.logical_not(np.isnan(layers).any(axis=0)) & (numbers > 0)
    own = numbers[valid] - 1
    totals = [np.bincount(own, layer[valid], minlength=count) for layer in layers]
    rows, cols = np.nonzero(numbers)
    everywhere = numbers[rows, cols] - 1
    return PolygonSums(
        totals=np.stack(totals).astype(np.float64),
        valid=np.bincount(own, minlength=count).astype(np.int64),
        cells=np.bincount(everywhere, minlength=count).astype(np.int64),
        places=np.stack(
            [
                np.bincount(everywhere, place, minlength=count)
                for place in (cols + float(col), rows + float(row))
            ]
        ),
    )


def join_sums(parts: Iterable[PolygonSums]) -> PolygonSums:
    """Sums of all windows; in window order they are the same bytes whoever made them."""
    first, *others = parts
    totals, places = first.totals.copy(), first.places.copy()
    valid, cells = first.valid.copy(), first.cells.copy()
    for part in others:
        totals += part.totals
        valid += part.valid
        cells += part.cells
        places += part.places
    return PolygonSums(totals, valid, cells, places)


def select_polygons(sums: PolygonSums) -> UnitTable:
    """Keep the polygons of which at least half of the area is valid.

    Raises:
        InvalidInput: none is.
    """
    chosen = (sums.valid > 0) & (sums.valid >= MIN_VALID_SHARE * sums.cells)
    if not chosen.any():
        raise InvalidInput(
            f"none of the {len(chosen)} unit polygons is valid over half its area; "
            "choose other units or inputs that cover them",
            message_zh=f"{len(chosen)} 个分区单元多边形无一有效面积过半；请更换单元或输入数据",
            pointer="/units",
        )
    index = np.flatnonzero(chosen).astype(np.int64)
    return UnitTable(
        means=np.ascontiguousarray((sums.totals[:, index] / sums.valid[index]).T),
        cells=sums.valid[index],
        index=index,
        shape=(1, len(chosen)),
    )


def polygon_points(sums: PolygonSums) -> FloatArray:
    """Column and row of the middle of every polygon, in cells; NaN for one without cell."""
    middle: FloatArray = np.full(sums.places.shape, np.nan)
    np.divide(sums.places, sums.cells, out=middle, where=sums.cells > 0)
    return np.ascontiguousarray(middle.T)


def polygon_codes(codes: ClassArray, units: UnitTable, points: FloatArray) -> ClassArray:
    """The code of every polygon; those that took no part get the code of the nearest that did.

    Args:
        codes: Code of every unit.
        units: The units that took part.
        points: Middle of every polygon.
    """
    every = np.zeros(len(points), dtype=np.uint8)
    every[units.index] = codes
    others = np.flatnonzero((every == 0) & ~np.isnan(points[:, 0]))
    if others.size:
        nearest = KDTree(points[units.index]).query(points[others])[1]
        every[others] = codes[nearest]
    return every


def nearest_codes(raster: ClassArray) -> ClassArray:
    """A raster in which cells of code 0 have that of the nearest cell with one."""
    nearest = ndimage.distance_transform_edt(
        raster == 0, return_distances=False, return_indices=True
    )
    return np.asarray(raster[tuple(nearest)])
