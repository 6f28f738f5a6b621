"""Where a short series of yearly values is going."""

from collections.abc import Sequence
from itertools import combinations
from statistics import median

LEAST_POINTS = 3
"""Two points make a line, but no trend."""


def sen_slope(points: Sequence[tuple[float, float]]) -> float | None:
    """Median of the slopes between all pairs, which outliers hardly move.

    Args:
        points: Pairs of year and value, the years different.

    Returns:
        Change per year; None for fewer than `LEAST_POINTS` points.

    Source: Sen 1968, Journal of the American Statistical Association 63, 1379.
    """
    if len(points) < LEAST_POINTS:
        return None
    ordered = sorted(points)
    return median((y1 - y0) / (x1 - x0) for (x0, y0), (x1, y1) in combinations(ordered, 2))
