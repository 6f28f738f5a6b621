"""Resistance surfaces that the tests of corridors share."""

import numpy as np

from shanhai.science.grid import FloatArray, IntArray

X = np.inf

EXAMPLE: FloatArray = np.array(
    [
        [1.0, 1, 5, 5, 5],
        [5, 2, 5, 1, 1],
        [5, 3, X, 1, 5],
        [5, 3, X, 2, 5],
        [5, 1, 1, 1, 1],
    ]
)
"""The worked example of the method; the sources are its first and its last cell."""


def one_source(shape: tuple[int, int], *cells: tuple[int, int]) -> IntArray:
    """A source for each cell, numbered in their order."""
    labels = np.zeros(shape, dtype=np.int64)
    for number, cell in enumerate(cells, 1):
        labels[cell] = number
    return labels


def rough(
    seed: int, shape: tuple[int, int], barriers: float = 0.1, high: float = 50.0
) -> FloatArray:
    """Random resistances from 1 to `high`, a share of the cells barriers."""
    rng = np.random.default_rng(seed)
    resistance = rng.uniform(1.0, high, shape)
    resistance[rng.random(shape) < barriers] = X
    resistance[0, 0] = resistance[-1, -1] = 1.0
    return resistance
