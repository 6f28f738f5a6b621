"""Compiled loops of the neighbourhood sums."""

import numpy as np
from numba import njit

from shanhai.science.arrays import IntArray


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
