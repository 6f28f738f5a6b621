"""Compiled search for the quickest ways over a raster."""

from heapq import heappop, heappush

import numpy as np
from numba import njit

from shanhai.science.arrays import FloatArray

_DIAGONAL = np.sqrt(2.0)


@njit(cache=True, nogil=True)
def spread_minutes(minutes: FloatArray, pace: FloatArray, cell_m: float) -> None:
    """Lower every cell to the quickest way from the cells that have a time already, in place.

    A step costs the mean pace of its two cells over the distance of their centres (Dijkstra 1959,
    eight neighbours). Sums run along the way, so the result is the one state in which no step
    helps, whatever was searched before and in whichever part of a raster.

    Args:
        minutes: Time so far, min; infinite where none is known.
        pace: min/m; infinite where there is no way.
        cell_m: Side of a cell, m.
    """
    height, width = minutes.shape
    waiting = [(0.0, 0)]
    waiting.pop()
    for row in range(height):
        for col in range(width):
            if np.isfinite(minutes[row, col]) and _leads_on(minutes, row, col):
                heappush(waiting, (minutes[row, col], row * width + col))
    while waiting:
        time, at = heappop(waiting)
        row, col = at // width, at % width
        if time > minutes[row, col]:
            continue
        for down in range(max(row - 1, 0), min(row + 2, height)):
            for across in range(max(col - 1, 0), min(col + 2, width)):
                if down == row and across == col:
                    continue
                step = cell_m if down == row or across == col else cell_m * _DIAGONAL
                later = time + step * (0.5 * (pace[row, col] + pace[down, across]))
                if later < minutes[down, across]:
                    minutes[down, across] = later
                    heappush(waiting, (later, down * width + across))


@njit(cache=True, nogil=True)
def _leads_on(minutes: FloatArray, row: int, col: int) -> bool:
    """Whether a neighbour is later: the inside of a town need not be searched."""
    height, width = minutes.shape
    for down in range(max(row - 1, 0), min(row + 2, height)):
        for across in range(max(col - 1, 0), min(col + 2, width)):
            if minutes[down, across] > minutes[row, col]:
                return True
    return False
