"""Natural breaks (Jenks): classes that differ least within themselves."""

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.grid import FloatArray, IntArray
from shanhai.science.kernels import compiled


@compiled
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


@compiled
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


@compiled
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


def natural_breaks(values: NDArray[np.floating | np.integer], classes: int) -> FloatArray:
    """The lowest value of every class but the first.

    Of all ways to cut the sorted values into `classes` parts, the one with the least sum of squared
    deviations from the means of the parts, exactly; of equal ways the one whose upper classes hold
    more. `values >= natural_breaks(values, k)[-1]` is the top class.

    Args:
        values: Any shape; NaN and infinite ones are left out.
        classes: How many parts, at least 1.

    Returns:
        `classes − 1` ascending breaks; fewer when there are fewer different values than classes
        (each value is then a class of its own).

    Raises:
        InvalidInput: fewer than one class is asked for, or no value is finite.

    Source: Fisher (1958), On grouping for maximum homogeneity; Jenks (1967).
    """
    if classes < 1:
        raise InvalidInput(
            f"classes is {classes}; at least 1 is needed",
            message_zh=f"classes 为 {classes}，至少为 1",
            pointer="/classes",
        )
    finite = np.asarray(values, dtype=np.float64)
    different, counts = np.unique(finite[np.isfinite(finite)], return_counts=True)
    if not different.size:
        raise InvalidInput(
            f"none of the {finite.size} values is finite; at least one is needed for classes",
            message_zh=f"{finite.size} 个值均非有限数，分级至少需一个",
            pointer="/values",
        )
    starts = best_starts(*_moments(different, counts), min(classes, different.size))
    return different[starts[1:]]


def _moments(different: FloatArray, counts: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Running count, sum and sum of squares, about the mean so that their digits last."""
    weights = counts.astype(np.float64)
    centred = different - np.average(different, weights=weights)
    scale = np.abs(centred).max()
    centred = centred / scale if scale else centred
    return (_running(weights), _running(weights * centred), _running(weights * centred**2))


def _running(terms: FloatArray) -> FloatArray:
    return np.concatenate([[0.0], np.cumsum(terms)])
