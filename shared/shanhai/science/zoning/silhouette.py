"""The silhouette of several clusterings of the same units."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.hydrology.tiles import Run
from shanhai.science.zoning.silhouette_kernels import distances_to_clusters

_UNITS_AT_ONCE = 500


def silhouettes(
    features: FloatArray, clusterings: Sequence[IntArray], run: Run = map
) -> list[float | None]:
    """Mean silhouette of each clustering, −1…1; None of one cluster, or of as many as units.

    Time grows with the square of the units; no matrix of distances is held.

    Args:
        features: One row per unit, without NaN.
        clusterings: Of each the cluster of every unit, counted from 0.
        run: Maps a picklable function over stretches of units, results in order.

    Source: Rousseeuw 1987; a unit that is alone in its cluster has the silhouette 0.
    """
    if not clusterings:
        return []
    labels = np.stack(clusterings)
    starts = range(0, len(features), _UNITS_AT_ONCE)
    parts = run(partial(_widths, np.ascontiguousarray(features), labels), starts)
    widths = np.concatenate(list(parts), axis=1)
    return [
        float(width.mean()) if 2 <= len(np.unique(one)) < len(one) else None
        for width, one in zip(widths, labels, strict=True)
    ]


def _widths(features: FloatArray, labels: IntArray, first: int) -> FloatArray:
    """Silhouettes of some units by clustering."""
    last, clusters = min(first + _UNITS_AT_ONCE, len(features)), int(labels.max()) + 1
    sums = distances_to_clusters(features, labels, first, last, clusters)
    return np.stack([_widths_of(one, own, first) for one, own in zip(sums, labels, strict=True)])


def _widths_of(sums: FloatArray, labels: IntArray, first: int) -> FloatArray:
    """Silhouettes from the sums of distances to each cluster of one clustering."""
    units = np.arange(len(sums))
    own = labels[first : first + len(sums)]
    cells = np.bincount(labels, minlength=sums.shape[1])
    others = np.where(cells > 0, sums / np.maximum(cells, 1), np.inf)
    others[units, own] = np.inf
    within = sums[units, own] / np.maximum(cells[own] - 1, 1)
    beside = others.min(axis=1)
    wider = np.maximum(within, beside)
    known = (cells[own] > 1) & np.isfinite(wider) & (wider > 0)
    return np.where(known, (beside - within) / np.where(known, wider, 1.0), 0.0)
