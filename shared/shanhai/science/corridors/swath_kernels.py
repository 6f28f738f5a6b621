"""Compiled search for the widest disc of a corridor around each cell of its path."""

import numpy as np
from numba import njit

from shanhai.science.arrays import FloatArray, IntArray


@njit(cache=True, nogil=True)
def widest_discs(radius: FloatArray, path: IntArray, cell: FloatArray) -> FloatArray:
    """Radius of the widest disc of a corridor that covers the centre of each cell of a path, m.

    Args:
        radius: Of the widest disc around each cell that lies in the corridor, m.
        path: Rows and columns, shape (n, 2).
        cell: Height and width of a cell, m.
    """
    height, width = radius.shape
    reach = int(np.ceil(radius.max() / cell.min()))
    found = np.empty(len(path))
    for number in range(len(path)):
        row, col = path[number]
        widest = radius[row, col]
        for i in range(max(row - reach, 0), min(row + reach + 1, height)):
            for j in range(max(col - reach, 0), min(col + reach + 1, width)):
                if radius[i, j] > widest:
                    south, east = (i - row) * cell[0], (j - col) * cell[1]
                    if south * south + east * east <= radius[i, j] ** 2:
                        widest = radius[i, j]
        found[number] = widest
    return found
