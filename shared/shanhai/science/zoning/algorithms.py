"""The clusterings a run may choose from, behind one call."""

from collections.abc import Callable
from functools import partial
from typing import Literal, get_args

from threadpoolctl import threadpool_limits

from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.zoning.clustering import (
    HIGHEST_K,
    Clustering,
    cluster_units,
    describe,
    fit_sample,
    require_k,
)
from shanhai.science.zoning.contiguity import Contiguity
from shanhai.science.zoning.gmm import fit_mixture
from shanhai.science.zoning.skater import Cuts, skater_cuts
from shanhai.science.zoning.ward import labels_of_merges, ward_merges

Algorithm = Literal["kmeans", "gmm", "ward_contig", "skater"]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)

STARTS = {"kmeans": 20, "gmm": 5}
"""Independent starts of the algorithms that draw them."""

Partition = Callable[[int, int], Clustering]
"""Clusters the units into a number of clusters (first) with so many starts (second); picklable."""


def partition_by(
    algorithm: Algorithm,
    features: FloatArray,
    seed: int,
    contiguity: Callable[[], Contiguity],
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


def k_means(features: FloatArray, seed: int, k: int, starts: int) -> Clustering:
    """`cluster_units` as a `Partition`, once its features and seed are given."""
    return cluster_units(features, k, seed, starts=starts)


def _mixture(features: FloatArray, seed: int, k: int, starts: int) -> Clustering:
    require_k(features, k)
    with threadpool_limits(limits=1):
        found = fit_mixture(features, fit_sample(features, seed), k, seed, starts)
    return describe(features, found.labels, found.membership, found.bic)


def _compact(features: FloatArray, merges: IntArray, k: int, _: int) -> Clustering:
    require_k(features, k)
    return describe(features, labels_of_merges(merges, k))


def _cut(features: FloatArray, cuts: Cuts, k: int, _: int) -> Clustering:
    require_k(features, k)
    return describe(features, cuts.labels(k))
