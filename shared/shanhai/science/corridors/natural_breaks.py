"""Natural breaks (Jenks): classes that differ least within themselves."""

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.corridors.natural_breaks_kernels import best_starts


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
    return (
        _running(weights),
        _running(weights * centred),
        _running(weights * centred**2),
    )


def _running(terms: FloatArray) -> FloatArray:
    return np.concatenate([[0.0], np.cumsum(terms)])
