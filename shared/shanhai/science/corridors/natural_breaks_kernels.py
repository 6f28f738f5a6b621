"""Compiled search for the best cuts of sorted values.

The best start of the last part never moves back when a value is added, so each level of the search
halves its range around the start of its middle: n·log n steps a class instead of n².
"""

import numpy as np
from numba import njit

from shanhai.science.arrays import FloatArray, IntArray


@njit(cache=True, nogil=True)
def best_starts(
    count: FloatArray, total: FloatArray, squares: FloatArray, classes: int
) -> IntArray:
    """First positions of the classes.

    Args:
        count: Values before each position, from 0 before the first to all after the last.
        total: Sum of the values before each position.
        squares: Sum of their squares.
        classes: At most as many as there are positions of values.
    """
    size = len(count) - 1
    start_of = np.zeros((classes, size + 1), dtype=np.int64)
    before = np.empty(size + 1)
    for end in range(size + 1):
        before[end] = _spread(count, total, squares, 0, end)
    for part in range(1, classes):
        before = _next_level(count, total, squares, before, part, start_of[part])
    starts = np.zeros(classes, dtype=np.int64)
    end = size
    for part in range(classes - 1, 0, -1):
        end = start_of[part, end]
        starts[part] = end
    return starts


@njit(cache=True, nogil=True)
def _next_level(
    count: FloatArray,
    total: FloatArray,
    squares: FloatArray,
    before: FloatArray,
    part: int,
    start_of: IntArray,
) -> FloatArray:
    """Least deviation with one part more, by the end of the values; fills `start_of`."""
    size = len(count) - 1
    least = np.full(size + 1, np.inf)
    waiting = [(part + 1, size, part, size - 1)]
    while waiting:
        first, last, low, high = waiting.pop()
        if first > last:
            continue
        end = (first + last) // 2
        best = low
        for start in range(low, min(high, end - 1) + 1):
            deviation = before[start] + _spread(count, total, squares, start, end)
            if deviation < least[end]:
                least[end] = deviation
                best = start
        start_of[end] = best
        waiting.append((first, end - 1, low, best))
        waiting.append((end + 1, last, best, high))
    return least


@njit(cache=True, nogil=True)
def _spread(
    count: FloatArray, total: FloatArray, squares: FloatArray, start: int, end: int
) -> float:
    """Sum of squared deviations from the mean of the values from `start` to before `end`."""
    number = count[end] - count[start]
    if number == 0:
        return 0.0
    part = total[end] - total[start]
    deviation: float = squares[end] - squares[start] - part * part / number
    return max(deviation, 0.0)
