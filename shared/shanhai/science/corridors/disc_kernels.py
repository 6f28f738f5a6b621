"""Compiled running minimum on a disc: one pass for each of its different row widths."""

import numpy as np
from numba import njit

from shanhai.science.arrays import FloatArray, IntArray


@njit(cache=True, nogil=True)
def running_minimum(values: FloatArray, half_widths: IntArray) -> FloatArray:
    """Least value within a disc around each cell; what lies beyond the raster does not count.

    A row's minima over a wider run come from those over a narrower one, and each row gives its part
    to all rows of the disc around it: steps per cell grow with the radius, not with the area.

    Args:
        values: +∞ is none.
        half_widths: Cells to either side that belong to the disc, by rows from its centre; they
            never grow.
    """
    height, width = values.shape
    least = np.full((height, width), np.inf)
    run = np.empty(width)
    wider = np.empty(width)
    last = len(half_widths) - 1
    for row in range(height):
        run[:] = values[row]
        reach = 0
        for down in range(last, -1, -1):
            while reach < half_widths[down]:
                step = min(half_widths[down] - reach, 2 * reach + 1)
                _widen(run, step, wider)
                run, wider = wider, run
                reach += step
            if row - down >= 0:
                _lower(least[row - down], run)
            if down > 0 and row + down < height:
                _lower(least[row + down], run)
    return least


@njit(cache=True, nogil=True)
def _widen(run: FloatArray, step: int, wider: FloatArray) -> None:
    """Minima of runs that are wider by a step on either side."""
    width = len(run)
    for col in range(width):
        wider[col] = run[col]
    for col in range(step, width):
        wider[col] = min(wider[col], run[col - step])
    for col in range(width - step):
        wider[col] = min(wider[col], run[col + step])


@njit(cache=True, nogil=True)
def _lower(least: FloatArray, run: FloatArray) -> None:
    for col in range(len(run)):
        least[col] = min(least[col], run[col])
