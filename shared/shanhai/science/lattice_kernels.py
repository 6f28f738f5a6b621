"""Compiled loops over queen neighbours in compressed rows: the neighbours of item i are
`neighbours[starts[i]:starts[i + 1]]`."""

import numpy as np
from numba import njit

from shanhai.science.arrays import FloatArray, IntArray


@njit(cache=True, nogil=True)
def queen_of_lattice(numbers: IntArray) -> tuple[IntArray, IntArray]:
    """Starts and neighbours of the numbered cells (−1 is none), neighbours in row-major order."""
    height, width = numbers.shape
    count = 0
    for row in range(height):
        for col in range(width):
            count += numbers[row, col] >= 0
    starts = np.zeros(count + 1, dtype=np.int64)
    neighbours = np.empty(8 * count, dtype=np.int64)
    at = 0
    for row in range(height):
        for col in range(width):
            own = numbers[row, col]
            if own < 0:
                continue
            for i in range(max(row - 1, 0), min(row + 2, height)):
                for j in range(max(col - 1, 0), min(col + 2, width)):
                    other = numbers[i, j]
                    if other >= 0 and other != own:
                        neighbours[at] = other
                        at += 1
            starts[own + 1] = at
    return starts, neighbours[:at].copy()


@njit(cache=True, nogil=True)
def lag_of(z: FloatArray, starts: IntArray, neighbours: IntArray) -> FloatArray:
    """Mean of the neighbours of every item; NaN without one."""
    lag = np.empty(len(z))
    for i in range(len(z)):
        first, last = starts[i], starts[i + 1]
        total = 0.0
        for at in range(first, last):
            total += z[neighbours[at]]
        lag[i] = total / (last - first) if last > first else np.nan
    return lag


@njit(cache=True, nogil=True)
def cross_sum(z: FloatArray, starts: IntArray, neighbours: IntArray) -> float:
    """Σ z·lag over the items that have a neighbour."""
    total = 0.0
    for i in range(len(z)):
        first, last = starts[i], starts[i + 1]
        if last > first:
            lag = 0.0
            for at in range(first, last):
                lag += z[neighbours[at]]
            total += z[i] * (lag / (last - first))
    return total


@njit(cache=True, nogil=True)
def count_larger(z: FloatArray, lag: FloatArray, starts: IntArray, draws: IntArray) -> IntArray:
    """How many conditional permutations give an item a local product of at least its own.

    Args:
        z: Deviations from the mean.
        lag: Mean of each item's neighbours.
        starts: Starts of the neighbours, for their number.
        draws: One row per permutation: different numbers below n − 1, at least as many as any
            item has neighbours. An item skips its own number.
    """
    larger = np.zeros(len(z), dtype=np.int64)
    for i in range(len(z)):
        card = starts[i + 1] - starts[i]
        if card == 0:
            continue
        own = z[i] * lag[i]
        for draw in range(len(draws)):
            total = 0.0
            for at in range(card):
                other = draws[draw, at]
                total += z[other + (other >= i)]
            larger[i] += z[i] * (total / card) >= own
    return larger
