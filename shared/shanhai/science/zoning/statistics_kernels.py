"""Compiled loops that gather a strip of a layer by the key of each cell."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shanhai.science.arrays import ClassArray, FloatArray, IntArray

Keys = NDArray[np.unsignedinteger]
"""Key of each cell; 0 is nodata and is passed over."""

Values = NDArray[np.floating]


@njit(cache=True, nogil=True)
def sort_into(
    keys: Keys,
    strip: Values,
    values: Values,
    place: IntArray,
    total: FloatArray,
    valid: IntArray,
    negative: IntArray,
) -> None:
    """Put the values of a strip where their keys go; add up sums, valid and negative cells.

    Args:
        keys: Keys of the strip.
        strip: Its values; NaN is put in place but counts nothing.
        values: All values sorted by key, filled strip by strip.
        place: Where the next value of each key goes.
        total: Sum by key, in the order of the cells.
        valid: Valid cells by key.
        negative: Cells below 0 by key.
    """
    for row in range(keys.shape[0]):
        for col in range(keys.shape[1]):
            key = keys[row, col]
            if key == 0:
                continue
            value = strip[row, col]
            values[place[key]] = value
            place[key] += 1
            if not math.isnan(value):
                total[key] += value
                valid[key] += 1
                negative[key] += value < 0


@njit(cache=True, nogil=True)
def add_values(keys: Keys, strip: Values, total: FloatArray) -> None:
    """Add the values of a strip up by key; NaN counts nothing."""
    for row in range(keys.shape[0]):
        for col in range(keys.shape[1]):
            value = strip[row, col]
            if keys[row, col] > 0 and not math.isnan(value):
                total[keys[row, col]] += value


@njit(cache=True, nogil=True)
def add_classes(keys: Keys, strip: ClassArray, counts: IntArray) -> None:
    """Count the classes of a strip by key."""
    for row in range(keys.shape[0]):
        for col in range(keys.shape[1]):
            if keys[row, col] > 0:
                counts[keys[row, col], strip[row, col]] += 1
