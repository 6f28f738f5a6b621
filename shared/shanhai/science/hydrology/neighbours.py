"""The eight neighbours of a cell, and the codes of the direction in which it drains."""

import math

import numpy as np

NODATA = 0
OUTLET = 9
"""The cell drains off the grid, or into nodata such as the sea."""

ROW_STEPS = np.array([0, 1, 0, -1, 1, 1, -1, -1])
COLUMN_STEPS = np.array([1, 0, -1, 0, 1, -1, -1, 1])
"""East, south, west, north, south-east, south-west, north-west, north-east: codes 1 to 8.

The order decides between neighbours that are equally steep: sides go before corners.
"""

DISTANCES = np.array([1.0] * 4 + [math.sqrt(2)] * 4)
"""Distance to each neighbour, in sides of a cell."""

OPPOSITE = np.array([2, 3, 0, 1, 6, 7, 4, 5])
"""Position of the cell as its neighbour sees it."""
