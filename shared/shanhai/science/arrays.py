"""The array types that science functions take and return."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
"""Quantities; NaN marks nodata."""

BoolArray = NDArray[np.bool_]
"""Masks; True marks what the name says."""

ClassArray = NDArray[np.uint8]
"""Class rasters; 0 marks nodata."""

IntArray = NDArray[np.int64]
"""Labels, positions and counts."""
