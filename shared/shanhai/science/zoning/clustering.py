"""Clusterings of the zoning units: k-means, merged to five classes; mixtures, SKATER, Ward."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol, get_args

import numpy as np
from scipy import sparse
from sklearn.cluster import ward_tree
from sklearn.mixture import GaussianMixture
from threadpoolctl import ThreadpoolController

from shanhai.errors import InvalidInput
from shanhai.science.flags import ResultFlag
from shanhai.science.grid import FloatArray, IntArray
from shanhai.science.hydrology.tiles import Run
from shanhai.science.zoning.contiguity import (
    Contiguity,
    best_cut,
    components,
    spanning_tree,
    tree_order,
)
from shanhai.science.zoning.kmeans import best_centres, count_different, nearest_centres
from shanhai.vocabulary import Label

_THREADS = ThreadpoolController()
"""Of the libraries loaded above: to look for them takes longer than a small clustering."""


def one_thread() -> AbstractContextManager[object]:
    """Where sums are the same on every machine, and processes do not get in each other's way."""
    limits: AbstractContextManager[object] = _THREADS.limit(limits=1)
    return limits


LOWEST_K = 2
HIGHEST_K = 10
ZONE_COUNT = 5

_STARTS = 100
_TOLERANCE, _ROUGHLY = 1e-6, 1e-4
"""Step of the centres at which they count as still, where they are the result and a beginning."""
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
        bics: Bayesian information criterion of every start of a mixture, the lowest, which was
            taken, first; empty of other algorithms.
    """

    labels: IntArray
    centroids: FloatArray
    inertia: float
    membership: FloatArray | None = None
    bics: tuple[float, ...] = ()

    @property
    def bic(self) -> float | None:
        """Bayesian information criterion, where the algorithm tells it."""
        return self.bics[0] if self.bics else None


def cluster_units(
    features: FloatArray, k: int, seed: int, *, starts: int = _STARTS, run: Run = map
) -> Clustering:
    """k-means with k-means++ starts; bytes do not depend on the machine.

    More than a million units are fitted on a seeded sample and assigned to the nearest centre.

    Args:
        features: One row per unit in unit order, standardised, without NaN.
        k: Number of clusters, 2–10.
        seed: Seed of the starts and of the sample.
        starts: Number of independent starts; the best is kept.
        run: Maps a picklable function over groups of starts, results in order.

    Raises:
        InvalidInput: k is out of range or exceeds the number of different units.

    Source: Arthur and Vassilvitskii 2007 (starts), Lloyd 1982.
    """
    require_k(features, k)
    centres = best_centres(fit_sample(features, seed), k, seed, starts, _TOLERANCE, run)
    return describe(features, nearest_centres(features, centres))


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
    return describe(features, labels, membership, clustering.bics)


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
    bics: tuple[float, ...] = (),
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
    return Clustering(ranked, centroids, inertia, columns, bics)


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


_REGULARISATION = 0.05
"""Least variance of a component, in the unit of the z-scores: below it a component would close in
on units that are alike by chance, and where it does so is a matter of the start."""

_MOST_MIXTURE_ITERATIONS = 500
_MIXTURE_TOLERANCE = 1e-4

BIC_MARGIN = 10.0
"""Starts whose criterion lies within this of the lowest one found the same mixture."""

LEAST_AGREEING_STARTS = 3
"""With fewer of them the mixture was found by luck."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """A fitted mixture.

    Attributes:
        labels: Likeliest component of every unit.
        membership: One row per unit, one column per component, rows summing to 1.
        bics: Bayesian information criterion of each start, rising; lower is better.
    """

    labels: IntArray
    membership: FloatArray
    bics: tuple[float, ...]


def fit_mixture(
    features: FloatArray, sample: FloatArray, k: int, seed: int, starts: int, run: Run = map
) -> Mixture:
    """Fit k normal distributions of full covariance to the sample, and judge every unit by them.

    Each start goes on from the clusters of one start of k-means; the lowest criterion is kept.

    Args:
        features: One row per unit, standardised.
        sample: The rows to fit to.
        k: Number of components.
        seed: Seed of the starts.
        starts: Number of independent starts.
        run: Maps a picklable function over the starts, results in order.

    Source: Dempster, Laird and Rubin 1977; Schwarz 1978; margin of 10: Kass and Raftery 1995.
    """
    seeds = np.random.default_rng(seed).integers(2**31 - 1, size=starts)
    fitted = list(run(partial(_fit_from, sample, k), [int(one) for one in seeds]))
    bics = [float(model.bic(sample)) for model in fitted]
    membership = np.asarray(fitted[int(np.argmin(bics))].predict_proba(features), dtype=np.float64)
    labels = membership.argmax(axis=1).astype(np.int64)
    return Mixture(labels, membership, tuple(sorted(bics)))


def _fit_from(sample: FloatArray, k: int, seed: int) -> GaussianMixture:
    """The mixture that EM reaches from one start of k-means."""
    centres = best_centres(sample, k, seed, 1, _ROUGHLY)
    mixture = GaussianMixture(
        n_components=k,
        covariance_type="full",
        reg_covar=_REGULARISATION,
        max_iter=_MOST_MIXTURE_ITERATIONS,
        tol=_MIXTURE_TOLERANCE,
        means_init=centres,
        random_state=seed,
    )
    with one_thread():
        return mixture.fit(sample)


def mixture_flags(bics: tuple[float, ...]) -> tuple[ResultFlag, ...]:
    """`unstable_mixture` where hardly another start came to the mixture that was taken.

    Args:
        bics: Criterion of each start, rising; empty of other algorithms.
    """
    agreeing = sum(1 for one in bics if one <= bics[0] + BIC_MARGIN)
    if not bics or agreeing >= min(LEAST_AGREEING_STARTS, len(bics)):
        return ()
    text = Label(
        f"高斯混合聚类不稳定：{len(bics)} 次初始化中仅 {agreeing} 次得到同一结果"
        f"（BIC {bics[0]:.0f} 至 {bics[-1]:.0f}）；换一个随机种子，分区可能不同。",
        f"The mixture is unstable: {agreeing} of {len(bics)} starts came to it "
        f"(BIC from {bics[0]:.0f} to {bics[-1]:.0f}); another seed may give other zones.",
    )
    return (ResultFlag("unstable_mixture", text),)


MIN_SHARE = 0.005
"""Least part of the units a cluster keeps."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """The spanning tree and the edges to cut, best first.

    Attributes:
        tree: Pairs of units, the edges of the tree.
        cuts: Edge numbers in the order of cutting; fewer than asked for where no cut would leave
            both parts their least size.
        units: Number of units.
    """

    tree: IntArray
    cuts: IntArray
    units: int

    def labels(self, k: int) -> IntArray:
        """Cluster of every unit after the first k − 1 cuts, or all there are."""
        whole = np.ones(len(self.tree), dtype=bool)
        whole[self.cuts[: k - 1]] = False
        root = components(self.tree[whole], self.units)
        return np.unique(root, return_inverse=True)[1].astype(np.int64)


def skater_cuts(
    features: FloatArray, contiguity: Contiguity, k: int, min_share: float = MIN_SHARE
) -> Cuts:
    """Cut the least spanning tree k − 1 times where it lowers the sum of squares most.

    Args:
        features: One row per unit, standardised.
        contiguity: Of the units, connected.
        k: Number of clusters.
        min_share: Least part of the units in a cluster, 0–1.

    Source: Assunção, Neves, Câmara and Freitas 2006 (SKATER).
    """
    units = len(features)
    tree = _least_tree(features, contiguity.pairs)
    least = max(1, math.ceil(min_share * units))
    starts, neighbours = _by_unit(tree, units)
    cut = np.zeros(len(tree), dtype=bool)
    parent = np.full(units, -1, dtype=np.int64)

    def cut_of(root: int) -> tuple[int, float]:
        order = tree_order(root, starts, neighbours, cut, parent)
        return best_cut(order, parent, tree, features, least)

    candidates, cuts = {0: cut_of(0)}, list[int]()
    while len(cuts) < k - 1:
        root, (edge, _) = max(candidates.items(), key=lambda entry: (entry[1][1], -entry[1][0]))
        if edge < 0:
            break
        cut[edge] = True
        cuts.append(edge)
        del candidates[root]
        candidates |= {int(end): cut_of(int(end)) for end in tree[edge]}
    return Cuts(tree, np.array(cuts, dtype=np.int64), units)


def _least_tree(features: FloatArray, pairs: IntArray) -> IntArray:
    """Pairs of the tree of least summed distance; of equal ones the lowest units."""
    one, other = pairs.T
    distance = np.square(features[one] - features[other]).sum(axis=1)
    ordered = pairs[np.argsort(distance, kind="stable")]
    return ordered[spanning_tree(ordered, len(features))]


def _by_unit(tree: IntArray, units: int) -> tuple[IntArray, IntArray]:
    """Starts of each unit's edges, and the other end and number of each edge."""
    number = np.tile(np.arange(len(tree)), 2)
    ends = np.concatenate([tree, tree[:, ::-1]])
    order = np.argsort(ends[:, 0], kind="stable")
    starts = np.searchsorted(ends[order, 0], np.arange(units + 1)).astype(np.int64)
    return starts, np.stack([ends[order, 1], number[order]], axis=1)


MAX_UNITS = 50_000


def ward_merges(features: FloatArray, contiguity: Contiguity) -> IntArray:
    """The n − 1 merges, in order: two columns of nodes, units first, then merges as they come.

    Args:
        features: One row per unit, standardised.
        contiguity: Of the units, connected.

    Raises:
        InvalidInput: there are more than `MAX_UNITS` units.

    Source: Ward 1963.
    """
    count = len(features)
    if count > MAX_UNITS:
        raise InvalidInput(
            f"ward_contig clusters at most {MAX_UNITS} units and the area has {count}; "
            "use a larger unit_m, or kmeans or skater",
            message_zh=f"ward_contig 至多处理 {MAX_UNITS} 个单元，本区域有 {count} 个；"
            "请增大 unit_m，或改用 kmeans 或 skater",
            pointer="/algorithm",
        )
    one, other = contiguity.pairs.T
    touch = sparse.coo_matrix((np.ones(len(one), dtype=np.int8), (one, other)), (count, count))
    merges = ward_tree(features, connectivity=touch + touch.T)[0]
    return np.asarray(merges, dtype=np.int64)


def labels_of_merges(merges: IntArray, k: int) -> IntArray:
    """Cluster of every unit when the last k − 1 merges are undone."""
    units = len(merges) + 1
    root = np.arange(2 * units - 1)
    kept = merges[: units - k]
    root[kept] = (np.arange(len(kept)) + units)[:, np.newaxis]
    while not np.array_equal(root, root[root]):
        root = root[root]
    return np.unique(root[:units], return_inverse=True)[1].astype(np.int64)


Algorithm = Literal["kmeans", "gmm", "ward_contig", "skater"]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)

STARTS = {"kmeans": _STARTS, "gmm": 20}
"""Independent starts of the algorithms that draw them."""


class Partition(Protocol):
    """Clusters the units into k clusters with so many starts; picklable."""

    def __call__(self, k: int, starts: int, *, run: Run = map) -> Clustering:
        """Cluster; `run` maps over starts that do not depend on each other."""


def partition_by(
    algorithm: Algorithm, features: FloatArray, seed: int, contiguity: Callable[[], Contiguity]
) -> Partition:
    """How the units are clustered; trees are grown once and cut for every number of clusters.

    Args:
        algorithm: One of `ALGORITHMS`.
        features: One row per unit in unit order, standardised, without NaN.
        seed: Seed of starts and samples; the trees need none.
        contiguity: Called once, and by `ward_contig` and `skater` only.

    Raises:
        InvalidInput: k is out of range or exceeds the number of different units, or there are too
            many units for the algorithm.
    """
    if algorithm == "kmeans":
        return partial(k_means, features, seed)
    if algorithm == "gmm":
        return partial(_mixture, features, seed)
    if algorithm == "ward_contig":
        return partial(_compact, features, ward_merges(features, contiguity()))
    return partial(_cut, features, skater_cuts(features, contiguity(), HIGHEST_K))


def k_means(features: FloatArray, seed: int, k: int, starts: int, *, run: Run = map) -> Clustering:
    """`cluster_units` as a `Partition`, once its features and seed are given."""
    return cluster_units(features, k, seed, starts=starts, run=run)


def _mixture(features: FloatArray, seed: int, k: int, starts: int, *, run: Run = map) -> Clustering:
    require_k(features, k)
    with one_thread():
        found = fit_mixture(features, fit_sample(features, seed), k, seed, starts, run)
    return describe(features, found.labels, found.membership, found.bics)


def _compact(
    features: FloatArray, merges: IntArray, k: int, _starts: int, **_run: object
) -> Clustering:
    require_k(features, k)
    return describe(features, labels_of_merges(merges, k))


def _cut(features: FloatArray, cuts: Cuts, k: int, _starts: int, **_run: object) -> Clustering:
    require_k(features, k)
    return describe(features, cuts.labels(k))
