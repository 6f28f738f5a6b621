"""Distance to the nearest cell of a mask."""

import math

import numpy as np

from shanhai.science.arrays import BoolArray, FloatArray, IntArray
from shanhai.science.distance_kernels import NONE, nearest_in_column, nearest_squared


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
