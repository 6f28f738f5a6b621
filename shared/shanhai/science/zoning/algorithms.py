"""The clusterings a run may choose from, behind one call."""

from collections.abc import Callable
from typing import Literal, get_args

from threadpoolctl import threadpool_limits

from shanhai.science.arrays import FloatArray
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
from shanhai.science.zoning.skater import skater_cuts
from shanhai.science.zoning.ward import labels_of_merges, ward_merges

Algorithm = Literal["kmeans", "gmm", "ward_contig", "skater"]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)

STARTS = {"kmeans": 20, "gmm": 5}
"""Independent starts of the algorithms that draw them."""

Partition = Callable[[int, int], Clustering]
"""Clusters the units into a number of clusters (first) with so many starts (second)."""


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
        return lambda k, starts: cluster_units(features, k, seed, starts=starts)
    if algorithm == "gmm":
        return lambda k, starts: _mixture(features, k, seed, starts)
    if algorithm == "ward_contig":
        merges = ward_merges(features, contiguity())
        return _checked(features, lambda k, _: describe(features, labels_of_merges(merges, k)))
    cuts = skater_cuts(features, contiguity(), HIGHEST_K)
    return _checked(features, lambda k, _: describe(features, cuts.labels(k)))


def _checked(features: FloatArray, partition: Partition) -> Partition:
    def checked(k: int, starts: int) -> Clustering:
        require_k(features, k)
        return partition(k, starts)

    return checked


def _mixture(features: FloatArray, k: int, seed: int, starts: int) -> Clustering:
    require_k(features, k)
    with threadpool_limits(limits=1):
        found = fit_mixture(features, fit_sample(features, seed), k, seed, starts)
    return describe(features, found.labels, found.membership, found.bic)
