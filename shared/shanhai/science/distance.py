"""Distance to the nearest cell of a mask."""

import math

import numpy as np
from scipy import ndimage

from shanhai.science.arrays import BoolArray, FloatArray


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
    if not mask.any():
        return np.full(mask.shape, np.inf)
    # Squares of whole cells are exact, so a tie between two nearest cells leaves no trace.
    cells = np.asarray(ndimage.distance_transform_edt(~mask), dtype=np.float64)
    metres = cells * cell_m
    return np.where(metres <= cutoff_m, metres, np.inf)
