"""Clusters, neighbours, autocorrelation and trends beside the libraries people know them from."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import esda
import libpysal
import numpy as np
import pymannkendall
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.stats import false_discovery_control
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from shanhai.science.autocorrelation import (
    false_discoveries_held,
    global_moran,
    lattice_neighbours,
    local_moran,
)
from shanhai.science.evaluation.cell_trend import cell_trend
from shanhai.science.zoning.clustering import partition_by
from shanhai.science.zoning.contiguity import Contiguity, lattice_contiguity
from shanhai.science.zoning.units import UnitTable

SIDE, K, SEED = 60, 5, 3
YEARS, SERIES = 20, 500
PERMUTATIONS = 999


@dataclass(frozen=True, slots=True)
class Finding:
    """One comparison: what, with whom, what was measured and what explains a difference."""

    what: str
    peer: str
    measure: str
    found: str
    remark: str = ""


def statistics_findings() -> Iterator[Finding]:
    """Every comparison, on data from one seed."""
    rng = np.random.default_rng(SEED)
    layer = ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), 2.0)
    layer /= layer.std()
    yield from _clusters(rng, layer)
    yield from _autocorrelation(layer)
    yield from _trends(rng)


def _clusters(rng: np.random.Generator, layer: NDArray[np.float64]) -> Iterator[Finding]:
    smooth = ndimage.gaussian_filter(rng.normal(size=(6, SIDE, SIDE)), (0, 2, 2))
    features = np.stack([layer, *(one / one.std() for one in smooth)]).reshape(7, -1).T
    count = len(features)
    units = UnitTable(features, np.ones(count, int), np.arange(count), (SIDE, SIDE))
    contiguity = lattice_contiguity(units)
    peer = KMeans(K, n_init=20, max_iter=300, tol=1e-6, random_state=SEED + 1).fit(features)
    ours = partition_by("kmeans", features, SEED, lambda: contiguity)(K, 20)
    excess = ours.inertia / peer.inertia_ - 1
    yield Finding(
        "k-means, inertia",
        "scikit-learn `KMeans`, other seed",
        "relative difference",
        f"{excess:.1e}",
        "our k-means is scikit-learn's, with one thread and fixed starts",
    )
    mixture = GaussianMixture(K, reg_covar=1e-6, n_init=5, random_state=SEED).fit(features)
    ours = partition_by("gmm", features, SEED, lambda: contiguity)(K, 5)
    yield Finding(
        "Gaussian mixture, labels",
        "scikit-learn `GaussianMixture`",
        "adjusted Rand index",
        f"{adjusted_rand_score(mixture.predict(features), ours.labels):.6f}",
    )
    ward = AgglomerativeClustering(K, connectivity=_touching(contiguity, count))
    ours = partition_by("ward_contig", features, SEED, lambda: contiguity)(K, 1)
    yield Finding(
        "Ward with contiguity, labels",
        "scikit-learn `AgglomerativeClustering`",
        "adjusted Rand index",
        f"{adjusted_rand_score(ward.fit_predict(features), ours.labels):.6f}",
    )
    queen = libpysal.weights.lat2W(SIDE, SIDE, rook=False)
    theirs = {(i, j) for i, near in queen.neighbors.items() for j in near if i < j}
    mine = set(map(tuple, contiguity.pairs.tolist()))
    yield Finding(
        "queen neighbours",
        "libpysal `lat2W`",
        "pairs in one only",
        f"{len(mine ^ theirs)} of {len(theirs)}",
    )


def _touching(contiguity: Contiguity, count: int) -> sparse.coo_matrix:
    one, other = contiguity.pairs.T
    touch = sparse.coo_matrix((np.ones(len(one)), (one, other)), (count, count))
    return touch + touch.T


def _autocorrelation(layer: NDArray[np.float64]) -> Iterator[Finding]:
    values, neighbours = layer.ravel(), lattice_neighbours(np.isfinite(layer))
    weights = libpysal.weights.lat2W(*layer.shape, rook=False)
    weights.transform = "r"
    np.random.seed(SEED)
    peer = esda.Moran(values, weights, permutations=PERMUTATIONS)
    ours = global_moran(values, neighbours, SEED)
    yield Finding(
        "Moran's I", "esda `Moran`", "relative difference", f"{abs(ours.index / peer.I - 1):.1e}"
    )
    yield Finding(
        "its pseudo p, 999 permutations",
        "esda `Moran`",
        "difference",
        f"{abs(ours.p - peer.p_sim):.3f}",
        "other random draws",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        local = esda.Moran_Local(values, weights, permutations=PERMUTATIONS, seed=SEED, n_jobs=1)
    mine = local_moran(values, neighbours, SEED)
    share = values.size / (values.size - 1)
    yield Finding(
        "local Moran's I",
        "esda `Moran_Local`",
        "largest relative difference",
        f"{_relative(mine.index, local.Is * share):.1e}",
        "after esda's divisor n − 1 is made n",
    )
    yield Finding(
        "its pseudo p",
        "esda `Moran_Local`",
        "mean, largest difference",
        f"{np.abs(mine.p - local.p_sim).mean():.4f}, {np.abs(mine.p - local.p_sim).max():.3f}",
        "other random draws",
    )
    held = false_discoveries_held(mine.p, 0.05)
    peers = false_discovery_control(mine.p) <= 0.05
    yield Finding(
        "Benjamini–Hochberg at 0.05",
        "SciPy `false_discovery_control`",
        "items judged differently",
        f"{int((held != peers).sum())} of {held.size}",
    )


def _trends(rng: np.random.Generator) -> Iterator[Finding]:
    rise = rng.normal(0, 0.01, SERIES) * np.arange(YEARS)[:, np.newaxis]
    series = np.round(0.5 + rise + rng.normal(0, 0.05, (YEARS, SERIES)), 2)
    ours = cell_trend(series)
    peers = [pymannkendall.original_test(series[:, n]) for n in range(SERIES)]
    for what, mine, theirs in (
        ("Theil–Sen slope", ours.slope, [one.slope for one in peers]),
        ("Mann–Kendall S", ours.score, [one.s for one in peers]),
        ("Mann–Kendall Z, with ties", ours.z, [one.z for one in peers]),
    ):
        largest = np.abs(mine - np.array(theirs)).max()
        yield Finding(
            what,
            "pymannkendall `original_test`",
            "largest difference",
            f"{largest:.1e}",
            f"{SERIES} series of {YEARS} years",
        )


def _relative(mine: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    return float((np.abs(mine - theirs) / np.maximum(np.abs(theirs), 1e-12)).max())
