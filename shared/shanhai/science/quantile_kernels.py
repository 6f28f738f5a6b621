"""The counting passes of the exact quantiles, compiled."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shanhai.science.arrays import IntArray

_SIGN = np.uint32(0x8000_0000)
_EXPONENT = np.uint32(0x7F80_0000)
_HALF = np.uint32(16)
_LOWER = np.uint32(0xFFFF)


@njit(cache=True, nogil=True)
def add_upper(bits: NDArray[np.uint32], counts: IntArray) -> None:
    """Count the upper halves of the order keys of float32 bits; infinities and NaN are left out."""
    for bit in bits:
        if bit & _EXPONENT != _EXPONENT:
            key = ~bit if bit & _SIGN else bit | _SIGN
            counts[key >> _HALF] += 1


@njit(cache=True, nogil=True)
def add_lower(bits: NDArray[np.uint32], row_of: IntArray, counts: IntArray) -> None:
    """Count the lower halves of the keys whose upper half has a row; −1 is none."""
    for bit in bits:
        if bit & _EXPONENT != _EXPONENT:
            key = ~bit if bit & _SIGN else bit | _SIGN
            row = row_of[key >> _HALF]
            if row >= 0:
                counts[row, key & _LOWER] += 1
