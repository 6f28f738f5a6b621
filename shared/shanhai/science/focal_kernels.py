"""Compiled loops of the neighbourhood sums."""

import numpy as np
from numba import njit

from shanhai.science.arrays import FloatArray, IntArray


@njit(cache=True, nogil=True)
def sum_spans(before: IntArray, spans: IntArray) -> IntArray:
    """Sum of every cell's disk from the running sums of the rows.

    Args:
        before: In column j the sum of the row's first j cells; one column more than the raster.
        spans: Half width of each row of the disk; the disk has an odd number of rows.
    """
    height, width = before.shape[0], before.shape[1] - 1
    radius = len(spans) // 2
    sums = np.zeros((height, width), dtype=np.int64)
    for row in range(height):
        for step in range(max(-radius, -row), min(radius, height - 1 - row) + 1):
            _add_span(sums[row], before[row + step], spans[step + radius], width)
    return sums


@njit(cache=True, nogil=True)
def _add_span(sums: IntArray, before: IntArray, span: int, width: int) -> None:
    start, end = min(span, width), max(width - span - 1, min(span, width))
    for col in range(start):
        sums[col] += before[min(col + span + 1, width)]
    for col in range(start, end):
        sums[col] += before[col + span + 1] - before[col - span]
    for col in range(end, width):
        sums[col] += before[width] - before[max(col - span, 0)]


@njit(cache=True, nogil=True)
def sum_gaussian(values: FloatArray, spans: IntArray, bell: FloatArray, edge: float) -> FloatArray:
    """Sum of every cell's disk, weighted with `bell[|rows|]·bell[|columns|] − edge`.

    What a row gives is built up from its centre outwards, once for all rows of the disk. The order
    of every sum follows from the distance alone, so it is the same in every window.

    Args:
        values: Nothing unknown.
        spans: Half width of each row of the disk; the disk has an odd number of rows.
        bell: Weights along a line by distance in cells, as many as half the rows and one.
        edge: What is taken off every weight.
    """
    height, width = values.shape
    radius = len(spans) // 2
    sums = np.zeros((height, width))
    weighted, plain = np.empty(width), np.empty(width)
    for row in range(height):
        weighted[:], plain[:] = 0.0, 0.0
        for span in range(radius + 1):
            _widen(weighted, plain, values[row], span, bell[span])
            for step in range(-radius, radius + 1):
                if spans[step + radius] == span and 0 <= row + step < height:
                    _add_line(sums[row + step], weighted, plain, bell[abs(step)], edge)
    return sums


@njit(cache=True, nogil=True)
def _widen(
    weighted: FloatArray, plain: FloatArray, line: FloatArray, span: int, weight: float
) -> None:
    """Add the cells `span` away on both sides to the sums along a line."""
    width = len(line)
    if span == 0:
        for col in range(width):
            _take(weighted, plain, col, line[col], weight)
        return
    for col in range(min(span, width - span)):
        _take(weighted, plain, col, line[col + span], weight)
    for col in range(span, width - span):
        both = line[col - span] + line[col + span]
        weighted[col] += weight * both
        plain[col] += both
    for col in range(max(span, width - span), width):
        _take(weighted, plain, col, line[col - span], weight)


@njit(cache=True, nogil=True)
def _take(weighted: FloatArray, plain: FloatArray, col: int, value: float, weight: float) -> None:
    weighted[col] += weight * value
    plain[col] += value


@njit(cache=True, nogil=True)
def _add_line(
    sums: FloatArray, weighted: FloatArray, plain: FloatArray, weight: float, edge: float
) -> None:
    for col in range(len(sums)):
        sums[col] += weight * weighted[col] - edge * plain[col]
