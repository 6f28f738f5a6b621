"""Compiled loop over pairs of units: how far each lies from every cluster, of several clusterings.

Each distance is worked out once for all clusterings, and none is kept.
"""

import math

import numpy as np
from numba import njit

from shanhai.science.arrays import FloatArray, IntArray


@njit(cache=True, nogil=True)
def distances_to_clusters(
    features: FloatArray, labels: IntArray, first: int, last: int, clusters: int
) -> FloatArray:
    """Sum of the distances of some units to all units of every cluster.

    Args:
        features: One row per unit.
        labels: One row per clustering, one column per unit; below `clusters`.
        first: First unit whose distances are wanted.
        last: The one after the last.
        clusters: More than any label.

    Returns:
        By clustering, unit from `first` on, and cluster.
    """
    found = np.zeros((labels.shape[0], last - first, clusters))
    for unit in range(first, last):
        for other in range(features.shape[0]):
            square = 0.0
            for column in range(features.shape[1]):
                square += (features[unit, column] - features[other, column]) ** 2
            distance = math.sqrt(square)
            for number in range(labels.shape[0]):
                found[number, unit - first, labels[number, other]] += distance
    return found
