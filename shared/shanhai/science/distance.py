"""Distance to the nearest cell of a mask."""

import math

import numpy as np
from numpy.typing import NDArray

from shanhai.science.grid import BoolArray, FloatArray, IntArray
from shanhai.science.kernels import compiled

NONE = -1
"""Stands for no cell within reach."""


@compiled
def nearest_in_column(mask: BoolArray, reach: int) -> NDArray[np.int32]:
    """Rows to the nearest True cell of the column; `reach + 1` beyond `reach`."""
    height, width = mask.shape
    beyond = reach + 1
    rows = np.empty((height, width), dtype=np.int32)
    for row in range(height):
        for col in range(width):
            above = rows[row - 1, col] + 1 if row else beyond
            rows[row, col] = 0 if mask[row, col] else min(above, beyond)
    for row in range(height - 2, -1, -1):
        for col in range(width):
            rows[row, col] = min(rows[row, col], rows[row + 1, col] + 1)
    return rows


@compiled
def nearest_squared(rows: NDArray[np.int32], reach: int) -> IntArray:
    """Squared cells to the nearest True cell, from `nearest_in_column`.

    Every column stands for a parabola over the row, and the lower envelope of the parabolas is the
    squared distance (Meijster et al. 2000; Felzenszwalb and Huttenlocher 2012).
    """
    height, width = rows.shape
    squared = np.empty((height, width), dtype=np.int64)
    columns = np.empty(width, dtype=np.int64)
    heights = np.empty(width, dtype=np.int64)
    starts = np.empty(width, dtype=np.int64)
    for row in range(height):
        count = _envelope(rows[row], reach, columns, heights, starts)
        _descend(squared[row], count, columns, heights, starts)
    return squared


@compiled
def _envelope(
    rows: NDArray[np.int32], reach: int, columns: IntArray, heights: IntArray, starts: IntArray
) -> int:
    """Parabolas of the envelope from west to east, and the column from which each is the lowest."""
    width = len(rows)
    count = 0
    for col in range(width):
        if rows[col] > reach:
            continue
        height = np.int64(rows[col]) ** 2
        start = np.int64(0)
        while count:
            before = columns[count - 1]
            rise = col * col - before * before + height - heights[count - 1]
            start = rise // (2 * (col - before)) + 1
            if start > starts[count - 1]:
                break
            count -= 1
        if not count:
            start = np.int64(0)
        if start < width:
            columns[count], heights[count], starts[count] = col, height, start
            count += 1
    return count


@compiled
def _descend(
    squared: IntArray, count: int, columns: IntArray, heights: IntArray, starts: IntArray
) -> None:
    """Heights of the envelope, from east to west."""
    at = count - 1
    for col in range(len(squared) - 1, -1, -1):
        if not count:
            squared[col] = NONE
            continue
        while at and starts[at] > col:
            at -= 1
        squared[col] = (col - columns[at]) ** 2 + heights[at]


def halo_cells(distance_m: float, cell_m: float) -> int:
    """Cells a window must be expanded by so that nothing within `distance_m` is missed."""
    return math.ceil(distance_m / cell_m)


def distance_m(mask: BoolArray, cell_m: float, cutoff_m: float = math.inf) -> FloatArray:
    """Euclidean distance between cell centres to the nearest True cell.

    With a halo of `halo_cells(cutoff_m, cell_m)` a window gives the bytes of the whole raster.

    Args:
        mask: True at the cells to measure to.
        cell_m: Side of a cell, m.
        cutoff_m: Distances beyond it become infinite, m.

    Returns:
        Metres, 0 on the mask; infinite beyond the cutoff or when the mask is empty.
    """
    reach = sum(mask.shape) if math.isinf(cutoff_m) else halo_cells(cutoff_m, cell_m)
    squared: IntArray = nearest_squared(nearest_in_column(mask, reach), reach)
    # Squares of whole cells are exact, so a tie between two nearest cells leaves no trace.
    metres: FloatArray = np.sqrt(np.maximum(squared, 0)) * cell_m
    return np.where((squared != NONE) & (metres <= cutoff_m), metres, np.inf)
