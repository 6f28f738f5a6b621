"""Values between points: the nearer a point, the more it counts."""

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.arrays import FloatArray

POWER = 2.0
_NEAR_M = 1e-6
"""Below this distance a place is the point itself."""


def inverse_distance(
    points: FloatArray, values: FloatArray, places: FloatArray, power: float = POWER
) -> FloatArray:
    """Mean of the points' values weighted by `1/d^power`.

    Args:
        points: East and north of the points, m, shape (n, 2).
        values: Value of each; NaN is left out.
        places: East and north of the places that are asked for, m, shape (m, 2).
        power: Exponent, > 0.

    Returns:
        One value for each place, never beyond the least and greatest of the points; a place on a
        point has that point's value. NaN everywhere when no point has a value.

    Raises:
        InvalidInput: the exponent is not greater than 0.

    Source: Shepard 1968, A two-dimensional interpolation function for irregularly-spaced data.
    """
    if not power > 0:
        raise InvalidInput(
            f"power is {power:g}; it must be greater than 0",
            message_zh=f"power 为 {power:g}，须大于 0",
            pointer="/power",
        )
    known = ~np.isnan(values)
    if not known.any():
        return np.full(len(places), np.nan)
    own, heights = points[known], values[known]
    gaps = np.hypot(places[:, None, 0] - own[None, :, 0], places[:, None, 1] - own[None, :, 1])
    nearest = gaps.argmin(axis=1)
    # Relative to the nearest point, no weight overflows however close that is.
    least = np.maximum(gaps[np.arange(len(places)), nearest], _NEAR_M)[:, None]
    weights = (least / np.maximum(gaps, _NEAR_M)) ** power
    found: FloatArray = weights @ heights / weights.sum(axis=1)
    at_point = gaps[np.arange(len(places)), nearest] <= _NEAR_M
    found[at_point] = heights[nearest[at_point]]
    return np.clip(found, heights.min(), heights.max())
