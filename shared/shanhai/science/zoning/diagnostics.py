"""How well the units fall into k clusters, for every k, with the silhouette of each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score

from shanhai.science.flags import ResultFlag
from shanhai.science.grid import FloatArray, IntArray
from shanhai.science.hydrology.tiles import Run
from shanhai.science.kernels import compiled
from shanhai.science.zoning.clustering import HIGHEST_K, LOWEST_K, Partition, k_means, one_thread
from shanhai.science.zoning.kmeans import count_different
from shanhai.vocabulary import Label


@compiled
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


SILHOUETTE_SAMPLE = 4_000
"""Most units the silhouette is taken of: its time grows with their square."""

_STARTS = 3

SURROGATES = 19
"""Unrelated features to compare with: the best of them is passed by chance in 1 of 20 cases."""

_SURROGATE_UNITS = 1_000


@dataclass(frozen=True, slots=True)
class KDiagnostic:
    """Quality of one number of clusters.

    Attributes:
        k: Number of clusters.
        silhouette: −1…1 on the sample; None when the sample shows fewer than two clusters.
        calinski_harabasz: ≥ 0, higher is better separated.
        davies_bouldin: ≥ 0, lower is better separated.
        inertia: Sum of squared distances to the centroids.
        bic: Bayesian information criterion of a mixture, lower is better; None of others.
    """

    k: int
    silhouette: float | None
    calinski_harabasz: float
    davies_bouldin: float
    inertia: float
    bic: float | None = None


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """Quality by number of clusters.

    Attributes:
        by_k: One entry per number, rising.
        elbow: Where the inertia bends.
        sample: Units the silhouettes are taken of.
        null: The structure beside unrelated features; None where it was not asked for.
    """

    by_k: tuple[KDiagnostic, ...]
    elbow: int | None
    sample: int
    null: "NullStructure | None" = None

    def flags(self, k: int) -> tuple[ResultFlag, ...]:
        """What of the structure does not support k clusters."""
        return (*(() if self.null is None else self.null.flags), *_least_supported(self.by_k, k))


@dataclass(frozen=True, slots=True)
class NullStructure:
    """How clearly the units fall into clusters, beside features that have nothing to do with
    each other.

    Attributes:
        k: Number of clusters.
        silhouette: Of the units, −1…1.
        surrogates: Of the surrogates, rising.
    """

    k: int
    silhouette: float
    surrogates: tuple[float, ...]

    @property
    def flags(self) -> tuple[ResultFlag, ...]:
        """`weak_structure` when a surrogate is as clearly grouped."""
        if self.silhouette > self.surrogates[-1]:
            return ()
        best, count = self.surrogates[-1], len(self.surrogates)
        text = Label(
            f"各类之间界线不明显：k = {self.k} 时轮廓系数为 {self.silhouette:.3f}，"
            f"不高于 {count} 组互不相关的同类数据中最好的一组（{best:.3f}）；"
            "分区边界宜理解为渐变。",
            f"The zones are weakly separated: the silhouette at k = {self.k} is "
            f"{self.silhouette:.3f}, not above the best of {count} sets of unrelated features "
            f"({best:.3f}); read their borders as transitions.",
        )
        return (ResultFlag("weak_structure", text),)


def _least_supported(by_k: tuple[KDiagnostic, ...], k: int) -> tuple[ResultFlag, ...]:
    known = {one.k: one.silhouette for one in by_k if one.silhouette is not None}
    if k not in known or len(known) < 3 or min(known, key=lambda one: known[one]) != k:
        return ()
    best = max(known, key=lambda one: known[one])
    text = Label(
        f"在 k = {min(known)}–{max(known)} 中，数据对 k = {k} 的支持最弱（轮廓系数 {known[k]:.3f}；"
        f"k = {best} 时为 {known[best]:.3f}）：类数是规划决定，并非数据所示。",
        f"Of k = {min(known)}–{max(known)} the data support k = {k} least (silhouette "
        f"{known[k]:.3f}; {known[best]:.3f} at k = {best}): the number of zones is a planning "
        "decision, not a finding.",
    )
    return (ResultFlag("least_supported_k", text),)


def diagnose(
    features: FloatArray, seed: int, partition: Partition | None = None, *, run: Run = map
) -> Diagnostics:
    """Quality of k = 2…10, or up to one less than the number of different units.

    Args:
        features: One row per unit in unit order, standardised. With fewer than three different
            rows no k can be judged and the result is empty.
        seed: Seed of the clusterings and of the silhouette sample.
        partition: How the units are clustered; k-means unless given.
        run: Maps a picklable function over the numbers of clusters, results in order.

    Source: Rousseeuw 1987; Caliński and Harabasz 1974; Davies and Bouldin 1979.
    """
    partition = partition or partial(k_means, features, seed)
    sample = _sample(len(features), seed)
    highest = min(HIGHEST_K, count_different(features, HIGHEST_K + 1) - 1)
    # Many clusters take longest: what is long comes first, so that processes end together.
    numbers = range(highest, LOWEST_K - 1, -1)
    tried = list(run(partial(_diagnose_k, features, partition, sample), numbers))[::-1]
    # A tree that may not be cut at all leaves one cluster, which has no quality.
    found = [one for one in tried if one is not None]
    widths = silhouettes(features[sample], [labels for _, labels in found], run)
    by_k = tuple(
        replace(one, silhouette=width) for (one, _), width in zip(found, widths, strict=True)
    )
    return Diagnostics(by_k, elbow(by_k), len(sample))


def _sample(count: int, seed: int) -> IntArray:
    if count <= SILHOUETTE_SAMPLE:
        return np.arange(count)
    chosen = np.random.default_rng(seed).choice(count, SILHOUETTE_SAMPLE, replace=False)
    return np.sort(chosen)


def _diagnose_k(
    features: FloatArray, partition: Partition, sample: IntArray, k: int
) -> tuple[KDiagnostic, IntArray] | None:
    """All but the silhouette, and the clusters of the sample; None of a single cluster."""
    with one_thread():
        clustering = partition(k, _STARTS)
        labels = clustering.labels
        if len(clustering.centroids) < 2:
            return None
        quality = KDiagnostic(
            k=k,
            silhouette=None,
            calinski_harabasz=float(calinski_harabasz_score(features, labels)),
            davies_bouldin=float(davies_bouldin_score(features, labels)),
            inertia=clustering.inertia,
            bic=clustering.bic,
        )
    return quality, labels[sample]


def null_structure(features: FloatArray, k: int, seed: int, run: Run = map) -> NullStructure | None:
    """The silhouette of k clusters beside that of unrelated features.

    A surrogate has the columns of the units, each moved by its own random distance along the order
    of the units, round the end: every column keeps its values and how alike neighbours are, and
    none has to do with another. k-means on a seeded sample of at most 1000 units serves for all.

    Args:
        features: One row per unit in unit order, standardised.
        k: Number of clusters, at least 2.
        seed: Seed of sample, distances and clusterings.
        run: Maps a picklable function over the surrogates, results in order.

    Returns:
        None where the sample has no more than k different units.

    Source: random shifts, Fortin and Jacquez 2000; Monte Carlo test, Hope 1968.
    """
    random = np.random.default_rng(seed)
    chosen = np.arange(len(features))
    if len(features) > _SURROGATE_UNITS:
        chosen = np.sort(random.choice(len(features), _SURROGATE_UNITS, replace=False))
    if count_different(features[chosen], k + 1) <= k:
        return None
    samples = [features[chosen]]
    for _ in range(SURROGATES):
        columns = np.split(features, features.shape[1], axis=1)
        moved = [np.roll(column, int(random.integers(len(column))), axis=0) for column in columns]
        samples.append(np.hstack(moved)[chosen])
    own, *found = run(partial(_silhouette_of, k, seed), samples)
    known = sorted(one for one in found if one is not None)
    return NullStructure(k, own, tuple(known)) if own is not None and known else None


def _silhouette_of(k: int, seed: int, features: FloatArray) -> float | None:
    if count_different(features, k) < k:
        return None
    labels = k_means(features, seed, k, _STARTS).labels
    return silhouettes(features, [labels])[0]


def elbow(by_k: tuple[KDiagnostic, ...]) -> int | None:
    """The k whose inertia lies farthest below the chord from the first to the last k.

    None when fewer than three k could be tried or the inertia does not fall.
    """
    if len(by_k) < 3 or by_k[0].inertia <= by_k[-1].inertia:
        return None
    k = np.array([one.k for one in by_k], dtype=float)
    inertia = np.array([one.inertia for one in by_k])
    span = inertia[0] - inertia[-1]
    along = (k - k[0]) / (k[-1] - k[0])
    below = 1 - along - (inertia - inertia[-1]) / span
    return int(k[np.argmax(below)])
