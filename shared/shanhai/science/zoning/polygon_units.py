"""Zoning units that are polygons: catchments, towns, hexagons, as a raster of their numbers."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from shanhai.errors import InvalidInput
from shanhai.science.arrays import BoolArray, ClassArray, FloatArray, IntArray
from shanhai.science.zoning.units import MIN_VALID_SHARE, UnitTable

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


def rasterise_polygons(every: ClassArray, numbers: Numbers, valid: BoolArray) -> ClassArray:
    """The analysis raster of the polygons' codes; 0 where `valid` is False.

    Valid cells outside all polygons get the code of the nearest cell inside one.
    """
    table = np.concatenate([np.zeros(1, dtype=np.uint8), every])
    raster: ClassArray = table[numbers]
    if (valid & (raster == 0)).any():
        nearest = ndimage.distance_transform_edt(
            raster == 0, return_distances=False, return_indices=True
        )
        raster = raster[tuple(nearest)]
    return np.where(valid, raster, np.uint8(0))
