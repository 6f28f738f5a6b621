"""The loop of the exact sums, compiled."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shanhai.science.arrays import IntArray

_EXPONENT = np.uint32(255)
_FRACTION = np.uint32(0x7F_FFFF)
_LEADING = np.int64(1 << 23)
_LOW_HALF = np.int64((1 << 24) - 1)


@njit(cache=True, nogil=True)
def add_moments(bits: NDArray[np.uint32], sums: IntArray) -> int:
    """Add finite float32 values by their power of two; returns how many there were.

    Args:
        bits: The values, seen as integers.
        sums: Row 0 takes the signed mantissas, rows 1 and 2 the upper and lower 24 bits of their
            squares; a column per power.
    """
    count = 0
    for bit in bits:
        exponent = (bit >> np.uint32(23)) & _EXPONENT
        if exponent == _EXPONENT:
            continue
        mantissa = np.int64(bit & _FRACTION)
        power = np.int64(0)
        if exponent > 0:
            mantissa += _LEADING
            power = np.int64(exponent) - 1
        square = mantissa * mantissa
        sums[0, power] += -mantissa if bit >> np.uint32(31) else mantissa
        sums[1, power] += square >> 24
        sums[2, power] += square & _LOW_HALF
        count += 1
    return count
