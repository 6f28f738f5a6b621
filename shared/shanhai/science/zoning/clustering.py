"""k-means of the zoning units, and the merging of its clusters to the five classes of the plan."""

from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from shanhai.errors import InvalidInput
from shanhai.science.arrays import FloatArray, IntArray

LOWEST_K = 2
HIGHEST_K = 10
ZONE_COUNT = 5

_STARTS = 20
_MAX_ITERATIONS = 300
_TOLERANCE = 1e-6
_FIT_ALL_UP_TO = 1_000_000
_FIT_SAMPLE = 200_000


@dataclass(frozen=True, slots=True)
class Clustering:
    """A partition of the units.

    Attributes:
        labels: Cluster of every unit, numbered by first occurrence in unit order.
        centroids: Mean features of each cluster.
        inertia: Sum of squared distances to the centroids.
    """

    labels: IntArray
    centroids: FloatArray
    inertia: float


def cluster_units(features: FloatArray, k: int, seed: int, *, starts: int = _STARTS) -> Clustering:
    """k-means with k-means++ starts in one thread, so that bytes do not depend on the machine.

    More than a million units are fitted on a seeded sample and assigned to the nearest centre.

    Args:
        features: One row per unit in unit order, standardised, without NaN.
        k: Number of clusters, 2–10.
        seed: Seed of the starts and of the sample.
        starts: Number of independent starts; the best is kept.

    Raises:
        InvalidInput: k is out of range or exceeds the number of different units.

    Source: Arthur and Vassilvitskii 2007 (starts), Lloyd 1982.
    """
    _require_k(features, k)
    model = KMeans(
        n_clusters=k,
        init="k-means++",
        n_init=starts,
        max_iter=_MAX_ITERATIONS,
        tol=_TOLERANCE,
        random_state=seed,
        algorithm="lloyd",
    )
    with threadpool_limits(limits=1):
        model.fit(_fit_sample(features, seed))
        labels = np.asarray(model.predict(features), dtype=np.int64)
    return _describe(features, _by_first_occurrence(labels))


def merge_clusters(features: FloatArray, clustering: Clustering, cells: IntArray) -> Clustering:
    """Join clusters to five by Ward's criterion on centroids weighted by area.

    Args:
        features: One row per unit, as clustered.
        clustering: Any number of clusters; five or fewer are returned unchanged.
        cells: Valid cells of every unit.

    Source: Ward 1963.
    """
    labels = clustering.labels.copy()
    while (count := int(labels.max()) + 1) > ZONE_COUNT:
        keep, join = _cheapest_merge(*_weighted_centroids(features, labels, cells, count))
        labels[labels == join] = keep
        labels[labels > join] -= 1
    if labels.max() == clustering.labels.max():
        return clustering
    return _describe(features, _by_first_occurrence(labels))


def _require_k(features: FloatArray, k: int) -> None:
    if not LOWEST_K <= k <= HIGHEST_K:
        raise InvalidInput(
            f"k is {k}; it must lie between {LOWEST_K} and {HIGHEST_K}",
            message_zh=f"聚类数 k 为 {k}，须在 {LOWEST_K} 与 {HIGHEST_K} 之间",
            pointer="/k",
        )
    different = len(np.unique(features, axis=0))
    if different < k:
        raise InvalidInput(
            f"the area has {different} different zoning units, fewer than k = {k}; "
            "use a smaller cell_m, a larger area or a smaller k",
            message_zh=f"区域内不同的分区单元仅 {different} 个，少于聚类数 {k}",
            pointer="/k",
        )


def _fit_sample(features: FloatArray, seed: int) -> FloatArray:
    if len(features) <= _FIT_ALL_UP_TO:
        return features
    chosen = np.random.default_rng(seed).choice(len(features), _FIT_SAMPLE, replace=False)
    return features[np.sort(chosen)]


def _by_first_occurrence(labels: IntArray) -> IntArray:
    """Numbers that do not depend on the order in which starts found the clusters."""
    _, first, compact = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(first.size, dtype=np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    return rank[compact]


def _describe(features: FloatArray, labels: IntArray) -> Clustering:
    count = int(labels.max()) + 1
    centroids, _ = _weighted_centroids(features, labels, np.ones_like(labels), count)
    inertia = float(np.square(features - centroids[labels]).sum())
    return Clustering(labels, centroids, inertia)


def _weighted_centroids(
    features: FloatArray, labels: IntArray, weights: IntArray, count: int
) -> tuple[FloatArray, FloatArray]:
    """Weighted mean of every cluster, and the weight of the cluster."""
    total = np.bincount(labels, weights=weights, minlength=count).astype(np.float64)
    sums = [np.bincount(labels, weights * column, minlength=count) for column in features.T]
    return np.stack(sums, axis=1) / total[:, np.newaxis], total


def _cheapest_merge(centroids: FloatArray, weights: FloatArray) -> tuple[int, int]:
    """The two clusters whose merging adds least to the sum of squares, lower number first."""
    gap = np.square(centroids[:, np.newaxis] - centroids).sum(axis=2)
    cost = gap * np.outer(weights, weights) / np.add.outer(weights, weights)
    rows, columns = np.triu_indices(len(weights), k=1)
    best = int(np.argmin(cost[rows, columns]))
    return int(rows[best]), int(columns[best])
