import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from shanhai.errors import InvalidInput
from shanhai.science.zoning import clustering as clustering_module
from shanhai.science.zoning.clustering import (
    ALGORITHMS,
    Algorithm,
    fit_mixture,
    merge_clusters,
    mixture_flags,
    partition_by,
    skater_cuts,
    ward_merges,
)
from shanhai.science.zoning.contiguity import Contiguity, components, lattice_contiguity
from shanhai.science.zoning.diagnostics import diagnose
from shanhai.science.zoning.units import UnitTable

SHAPE = (20, 30)
"""Five upright stripes of six columns, each of its own level."""


def stripes(seed: int = 4, noise: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    truth = np.tile(np.arange(30) // 6, (20, 1)).ravel()
    levels = np.array([[0.0, 0], [4, 0], [0, 4], [4, 4], [8, 2]])
    random = np.random.default_rng(seed)
    return levels[truth] + noise * random.normal(size=(600, 2)), truth


def contiguity() -> Contiguity:
    index = np.arange(600)
    return lattice_contiguity(UnitTable(np.zeros((600, 1)), np.ones(600, int), index, SHAPE))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_finds_plain_groups(algorithm: Algorithm) -> None:
    features, truth = stripes()
    found = partition_by(algorithm, features, 1, contiguity)(5, 5)
    assert adjusted_rand_score(truth, found.labels) == 1
    assert found.labels[0] == 0
    np.testing.assert_allclose(found.centroids[0], features[truth == 0].mean(axis=0))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_same_seed_gives_the_same_bytes(algorithm: Algorithm) -> None:
    features, _ = stripes(noise=2)
    one, other = (partition_by(algorithm, features, 7, contiguity)(6, 2) for _ in range(2))
    assert one.labels.tobytes() == other.labels.tobytes()
    assert one.centroids.tobytes() == other.centroids.tobytes()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_k_is_checked(algorithm: Algorithm) -> None:
    partition = partition_by(algorithm, np.repeat([[0.0], [1.0]], 300, axis=0), 1, contiguity)
    with pytest.raises(InvalidInput, match="2 different zoning units"):
        partition(5, 1)


@pytest.mark.parametrize("algorithm", ["ward_contig", "skater"])
@given(seed=st.integers(0, 20), k=st.integers(2, 10))
def test_contiguous_clusters_hang_together(algorithm: Algorithm, seed: int, k: int) -> None:
    features, _ = stripes(seed, noise=2)
    graph = contiguity()
    labels = partition_by(algorithm, features, 1, contiguity)(k, 1).labels
    assert labels.max() + 1 == k
    same = graph.pairs[labels[graph.pairs[:, 0]] == labels[graph.pairs[:, 1]]]
    assert np.unique(components(same, 600)).size == k


def test_ward_agrees_with_scikit_learn_at_every_k() -> None:
    features, _ = stripes(noise=2)
    graph = contiguity()
    touch = np.zeros((600, 600))
    touch[graph.pairs[:, 0], graph.pairs[:, 1]] = 1
    partition = partition_by("ward_contig", features, 1, contiguity)
    for k in (2, 5, 9):
        peer = AgglomerativeClustering(k, connectivity=touch + touch.T).fit_predict(features)
        assert adjusted_rand_score(peer, partition(k, 1).labels) == 1


def test_ward_refuses_too_many_units() -> None:
    empty = np.zeros((0, 2), dtype=np.int64)
    with pytest.raises(InvalidInput, match="at most 50000 units and the area has 50001"):
        ward_merges(np.zeros((50_001, 1)), Contiguity(empty, empty))


def test_skater_cuts_where_the_sum_of_squares_falls_most() -> None:
    features = np.array([[0.0], [1], [10], [11], [30]])
    pairs = np.array([[0, 1], [1, 2], [2, 3], [3, 4]])
    cuts = skater_cuts(features, Contiguity(pairs, pairs[:0]), 5)
    assert [cuts.labels(k).tolist() for k in (2, 3, 4)] == [
        [0, 0, 0, 0, 1],
        [0, 0, 1, 1, 2],
        [0, 1, 2, 2, 3],
    ]


def test_of_equal_cuts_skater_takes_that_of_the_lowest_units_first() -> None:
    features = np.array([[0.0], [1], [100], [101]])
    pairs = np.array([[0, 1], [1, 2], [2, 3]])
    cuts = skater_cuts(features, Contiguity(pairs, pairs[:0]), 4)
    assert [cuts.labels(k).tolist() for k in (2, 3)] == [[0, 0, 1, 1], [0, 1, 2, 2]]


def test_skater_takes_the_tree_of_least_distance() -> None:
    features = np.array([[0.0], [1], [3]])
    pairs = np.array([[0, 1], [0, 2], [1, 2]])
    cuts = skater_cuts(features, Contiguity(pairs, pairs[:0]), 2)
    assert sorted(map(tuple, cuts.tree)) == [(0, 1), (1, 2)]
    # Of three units as far from one another, that of the lowest ones.
    alike = skater_cuts(np.eye(3), Contiguity(pairs, pairs[:0]), 2)
    assert sorted(map(tuple, alike.tree)) == [(0, 1), (0, 2)]


def test_skater_keeps_the_least_size() -> None:
    features = np.array([[50.0], [0], [1], [2], [3]])
    pairs = np.array([[0, 1], [1, 2], [2, 3], [3, 4]])
    graph = Contiguity(pairs, pairs[:0])
    assert skater_cuts(features, graph, 2, 0.4).labels(2).tolist() == [0, 0, 1, 1, 1]
    assert len(skater_cuts(features, graph, 5, 0.4).cuts) == 1
    # Half of five units are three, which two clusters cannot both have.
    assert skater_cuts(features, graph, 2, 0.5).labels(2).tolist() == [0] * 5
    assert skater_cuts(features, graph, 2, 0.6).labels(2).tolist() == [0] * 5


@given(seed=st.integers(0, 50))
def test_first_cut_is_the_best_of_all(seed: int) -> None:
    features = np.random.default_rng(seed).normal(size=(12, 2))
    pairs = np.stack([np.arange(11), np.arange(1, 12)], axis=1)
    labels = skater_cuts(features, Contiguity(pairs, pairs[:0]), 2).labels(2)

    def spread(mask: np.ndarray) -> float:
        return sum(
            float(np.square(p - p.mean(axis=0)).sum()) for p in (features[mask], features[~mask])
        )

    least = min(spread(np.arange(12) <= cut) for cut in range(11))
    assert spread(labels == 0) == pytest.approx(least)


def test_mixture_keeps_memberships_and_bic() -> None:
    features, _ = stripes(noise=1.5)
    found = partition_by("gmm", features, 3, contiguity)(5, 5)
    assert found.membership is not None
    np.testing.assert_allclose(found.membership.sum(axis=1), 1)
    np.testing.assert_array_equal(found.membership.argmax(axis=1), found.labels)
    peer = GaussianMixture(5, reg_covar=0.05, n_init=5, random_state=3, max_iter=500, tol=1e-4)
    assert found.bic == pytest.approx(peer.fit(features).bic(features), abs=0.1)


def test_the_lowest_criterion_of_all_starts_is_taken() -> None:
    features, _ = stripes(noise=2.5)
    found = fit_mixture(features, features, 7, 3, 8)
    assert len(found.bics) == 8
    assert list(found.bics) == sorted(found.bics)
    assert found.bics[0] < found.bics[-1] - 1
    # Fewer starts are the first of more, so that the lowest can only fall.
    lowest = [fit_mixture(features, features, 7, 3, starts).bics[0] for starts in (1, 2, 4, 8)]
    assert lowest == sorted(lowest, reverse=True)
    assert lowest[-1] == found.bics[0]
    np.testing.assert_array_equal(found.membership.argmax(axis=1), found.labels)


def test_no_component_closes_in_on_units_that_are_alike() -> None:
    """Thirty equal units would have a density without bound; the floor of variance is 0.05."""
    features = np.random.default_rng(0).normal(size=(300, 2))
    features[:30] = [0.4, 0.4]
    found = partition_by("gmm", features, 1, contiguity)(2, 5)
    assert found.membership is not None
    assert np.bincount(found.labels).min() > 60


def test_a_mixture_found_by_luck_is_flagged() -> None:
    (flag,) = mixture_flags((1000.0, 1009.0, 1010.1, 1500.0))
    assert flag.code == "unstable_mixture"
    assert "2 of 4 starts came to it (BIC from 1000 to 1500)" in flag.text.en
    assert "4 次初始化中仅 2 次得到同一结果" in flag.text.zh
    assert mixture_flags((1000.0, 1009.0, 1010.0, 1500.0)) == ()
    # Of two starts both must agree; other algorithms have no criterion.
    assert [flag.code for flag in mixture_flags((0.0, 11.0))] == ["unstable_mixture"]
    assert mixture_flags((0.0, 9.0)) == mixture_flags((5.0,)) == mixture_flags(()) == ()


def test_merging_adds_memberships() -> None:
    features, _ = stripes(noise=1.5)
    found = partition_by("gmm", features, 3, contiguity)(8, 2)
    merged = merge_clusters(features, found, np.ones(600, int))
    assert merged.membership is not None
    assert merged.membership.shape == (600, 5)
    np.testing.assert_allclose(merged.membership.sum(axis=1), 1)
    assert found.membership is not None
    own = found.membership[np.arange(600), found.labels]
    assert (merged.membership[np.arange(600), merged.labels] >= own - 1e-12).all()


@pytest.mark.parametrize("algorithm", ["kmeans", "gmm"])
def test_large_sets_are_fitted_on_a_sample(
    monkeypatch: pytest.MonkeyPatch, algorithm: Algorithm
) -> None:
    monkeypatch.setattr(clustering_module, "_FIT_ALL_UP_TO", 500)
    monkeypatch.setattr(clustering_module, "_FIT_SAMPLE", 300)
    features, truth = stripes()
    found = partition_by(algorithm, features, 1, contiguity)(5, 5)
    assert adjusted_rand_score(truth, found.labels) == 1


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_diagnostics_of_every_algorithm(algorithm: Algorithm) -> None:
    features, _ = stripes(noise=1)
    found = diagnose(features, 1, partition_by(algorithm, features, 1, contiguity))
    assert [one.k for one in found.by_k] == list(range(2, 11))
    assert all((one.bic is not None) == (algorithm == "gmm") for one in found.by_k)


def test_tree_that_may_not_be_cut_has_no_quality() -> None:
    features, _ = stripes(noise=1)
    star = np.stack([np.zeros(599, dtype=np.int64), np.arange(1, 600)], axis=1)
    partition = partition_by("skater", features, 1, lambda: Contiguity(star, star[:0]))
    assert partition(5, 1).labels.max() == 0
    assert diagnose(features, 1, partition).by_k == ()
