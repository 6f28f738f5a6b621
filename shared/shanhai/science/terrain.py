"""Slope and relief of an elevation model."""

import numpy as np

from shanhai.science.grid import FloatArray


def _gradient(dem: FloatArray, cell_m: float) -> tuple[FloatArray, FloatArray]:
    """Rise eastward and southward of Horn 1981, m/m, for the cells that have eight neighbours."""
    north, middle, south = dem[:-2], dem[1:-1], dem[2:]
    rows = north + 2 * middle + south
    columns = south - north
    eastward = (rows[:, 2:] - rows[:, :-2]) / (8 * cell_m)
    southward = (columns[:, :-2] + 2 * columns[:, 1:-1] + columns[:, 2:]) / (8 * cell_m)
    return eastward, southward


def _framed(inner: FloatArray, dem: FloatArray) -> FloatArray:
    """`inner` in a frame of nodata, and nodata where the elevation is.

    The centre has no weight in Horn's sums, so its nodata must be carried over by hand.
    """
    framed = np.full(dem.shape, np.nan)
    framed[1:-1, 1:-1] = np.where(np.isnan(dem[1:-1, 1:-1]), np.nan, inner)
    return framed


def slope_degrees(dem: FloatArray, cell_m: float) -> FloatArray:
    """Slope of the steepest descent from the 3×3 neighbourhood.

    Args:
        dem: Elevation, m.
        cell_m: Side of a cell, m.

    Returns:
        Degrees, 0–90; NaN at the border of the array and where any of the nine cells is NaN.

    Source: Horn 1981.
    """
    if min(dem.shape) < 3:
        return np.full(dem.shape, np.nan)
    return _framed(np.degrees(np.arctan(np.hypot(*_gradient(dem, cell_m)))), dem)


def aspect_length(dem: FloatArray, cell_m: float) -> FloatArray:
    """Length of the contour a cell's runoff crosses, in sides of the cell: `|sin a| + |cos a|`.

    Args:
        dem: Elevation, m.
        cell_m: Side of a cell, m.

    Returns:
        1 (facing a side) to √2 (facing a corner), 1 on flat ground; NaN at the border of the array
        and where any of the nine cells is NaN.

    Source: Desmet and Govers 1996; aspect a of the gradient after Horn 1981.
    """
    if min(dem.shape) < 3:
        return np.full(dem.shape, np.nan)
    eastward, southward = _gradient(dem, cell_m)
    steepest = np.hypot(eastward, southward)
    # Flat ground divides zero by zero, which is overwritten.
    with np.errstate(invalid="ignore"):
        facing = (np.abs(eastward) + np.abs(southward)) / steepest
    return _framed(np.where(steepest == 0, 1.0, facing), dem)


def relief(dem: FloatArray, radius_cells: int) -> FloatArray:
    """Range of elevation in a square window.

    Args:
        dem: Elevation, m.
        radius_cells: Half width of the window; it spans `2·radius_cells + 1` cells.

    Returns:
        Metres, ≥ 0, over the valid cells of the window (cut at the border of the array);
        NaN where the centre is NaN.
    """
    from scipy import ndimage  # here, because what only names the formula has no SciPy

    size = 2 * radius_cells + 1
    missing = np.isnan(dem)
    highest: FloatArray = ndimage.maximum_filter(
        np.where(missing, -np.inf, dem), size, mode="constant", cval=-np.inf
    )
    lowest: FloatArray = ndimage.minimum_filter(
        np.where(missing, np.inf, dem), size, mode="constant", cval=np.inf
    )
    return np.where(missing, np.nan, highest - lowest)
