"""Slope and relief of an elevation model."""

import numpy as np
from scipy import ndimage

from shanhai.science.arrays import FloatArray


def slope_degrees(dem: FloatArray, cell_m: float) -> FloatArray:
    """Slope of the steepest descent from the 3×3 neighbourhood.

    Args:
        dem: Elevation, m.
        cell_m: Side of a cell, m.

    Returns:
        Degrees, 0–90; NaN at the border of the array and where any of the nine cells is NaN.

    Source: Horn 1981.
    """
    slope = np.full(dem.shape, np.nan)
    if min(dem.shape) < 3:
        return slope
    north, middle, south = dem[:-2], dem[1:-1], dem[2:]
    rows = north + 2 * middle + south
    columns = south - north
    eastward = (rows[:, 2:] - rows[:, :-2]) / (8 * cell_m)
    southward = (columns[:, :-2] + 2 * columns[:, 1:-1] + columns[:, 2:]) / (8 * cell_m)
    degrees = np.degrees(np.arctan(np.hypot(eastward, southward)))
    # The centre has no weight in Horn's sums, so its nodata must be carried over by hand.
    slope[1:-1, 1:-1] = np.where(np.isnan(middle[:, 1:-1]), np.nan, degrees)
    return slope


def relief(dem: FloatArray, radius_cells: int) -> FloatArray:
    """Range of elevation in a square window.

    Args:
        dem: Elevation, m.
        radius_cells: Half width of the window; it spans `2·radius_cells + 1` cells.

    Returns:
        Metres, ≥ 0, over the valid cells of the window (cut at the border of the array);
        NaN where the centre is NaN.
    """
    size = 2 * radius_cells + 1
    missing = np.isnan(dem)
    highest: FloatArray = ndimage.maximum_filter(
        np.where(missing, -np.inf, dem), size, mode="constant", cval=-np.inf
    )
    lowest: FloatArray = ndimage.minimum_filter(
        np.where(missing, np.inf, dem), size, mode="constant", cval=np.inf
    )
    return np.where(missing, np.nan, highest - lowest)
