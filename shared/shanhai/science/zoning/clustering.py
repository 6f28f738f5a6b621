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
        membership: Probability of every unit in every cluster, where the algorithm tells it.
        bic: Bayesian information criterion, where the algorithm tells it.
    """

    labels: IntArray
    centroids: FloatArray
    inertia: float
    membership: FloatArray | None = None
    bic: float | None = None


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
    require_k(features, k)
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
        model.fit(fit_sample(features, seed))
        labels = np.asarray(model.predict(features), dtype=np.int64)
    return describe(features, labels)


def merge_clusters(features: FloatArray, clustering: Clustering, cells: IntArray) -> Clustering:
    """Join clusters to five by Ward's criterion on centroids weighted by area.

    Args:
        features: One row per unit, as clustered.
        clustering: Any number of clusters; five or fewer are returned unchanged.
        cells: Valid cells of every unit.

    Source: Ward 1963.
    """
    labels, membership = clustering.labels.copy(), clustering.membership
    if labels.max() < ZONE_COUNT:
        return clustering
    while (count := int(labels.max()) + 1) > ZONE_COUNT:
        keep, join = _cheapest_merge(*_weighted_centroids(features, labels, cells, count))
        labels[labels == join] = keep
        labels[labels > join] -= 1
        if membership is not None:
            membership = _joined_columns(membership, keep, join)
    return describe(features, labels, membership, clustering.bic)


def require_k(features: FloatArray, k: int) -> None:
    """Refuse a number of clusters out of range or beyond the number of different units."""
    if not LOWEST_K <= k <= HIGHEST_K:
        raise InvalidInput(
            f"k is {k}; it must lie between {LOWEST_K} and {HIGHEST_K}",
            message_zh=f"聚类数 k 为 {k}，须在 {LOWEST_K} 与 {HIGHEST_K} 之间",
            pointer="/k",
        )
    different = count_different(features, k)
    if different < k:
        raise InvalidInput(
            f"the area has {different} different zoning units, fewer than k = {k}; "
            "use a smaller cell_m, a larger area or a smaller k",
            message_zh=f"区域内不同的分区单元仅 {different} 个，少于聚类数 {k}",
            pointer="/k",
        )


def count_different(features: FloatArray, enough: int) -> int:
    """Number of different rows, or some number of at least `enough`."""
    # The first rows nearly always settle it, and sorting a million rows takes seconds.
    few = len(np.unique(features[:1_000], axis=0))
    return few if few >= enough else len(np.unique(features, axis=0))


def fit_sample(features: FloatArray, seed: int) -> FloatArray:
    """The rows a model is fitted to: all, or a seeded sample of more than a million."""
    if len(features) <= _FIT_ALL_UP_TO:
        return features
    chosen = np.random.default_rng(seed).choice(len(features), _FIT_SAMPLE, replace=False)
    return features[np.sort(chosen)]


def describe(
    features: FloatArray,
    labels: IntArray,
    membership: FloatArray | None = None,
    bic: float | None = None,
) -> Clustering:
    """A clustering from any labels; clusters without units are left out.

    Numbers go by first occurrence, so they do not depend on the order clusters were found in.
    """
    found, first, compact = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(found.size, dtype=np.int64)
    rank[order] = np.arange(found.size)
    ranked = rank[compact]
    centroids, _ = _weighted_centroids(features, ranked, np.ones_like(ranked), found.size)
    inertia = float(np.square(features - centroids[ranked]).sum())
    columns = None if membership is None else np.ascontiguousarray(membership[:, found[order]])
    return Clustering(ranked, centroids, inertia, columns, bic)


def _joined_columns(membership: FloatArray, keep: int, join: int) -> FloatArray:
    joined = np.delete(membership, join, axis=1)
    joined[:, keep] += membership[:, join]
    return joined


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
