import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from shanhai.errors import InvalidInput
from shanhai.raster.windows import window_runner
from shanhai.science.zoning.clustering import (
    Algorithm,
    Clustering,
    cluster_units,
    merge_clusters,
    partition_by,
)


def blobs(count: int = 5, each: int = 30, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    centres = 10.0 * np.stack([np.arange(count), np.arange(count) % 2], axis=1)
    truth = np.repeat(np.arange(count), each)
    return centres[truth] + random.normal(size=(count * each, 2)), truth


def test_finds_well_separated_groups() -> None:
    features, truth = blobs()
    clustering = cluster_units(features, 5, seed=1)
    assert adjusted_rand_score(truth, clustering.labels) == 1
    assert clustering.labels[0] == 0


def test_centroids_and_inertia_describe_the_labels() -> None:
    features, _ = blobs()
    clustering = cluster_units(features, 3, seed=1)
    for cluster, centroid in enumerate(clustering.centroids):
        np.testing.assert_allclose(centroid, features[clustering.labels == cluster].mean(axis=0))
    distance = np.square(features - clustering.centroids[clustering.labels]).sum()
    assert clustering.inertia == pytest.approx(distance)


def test_same_seed_gives_the_same_bytes() -> None:
    features = np.random.default_rng(8).normal(size=(500, 7))
    one, other = (cluster_units(features, 5, seed=42) for _ in range(2))
    assert one.labels.tobytes() == other.labels.tobytes()
    assert one.centroids.tobytes() == other.centroids.tobytes()


@pytest.mark.parametrize("algorithm", ["kmeans", pytest.param("gmm", marks=pytest.mark.long)])
def test_starts_in_other_processes_give_the_same_bytes(algorithm: Algorithm) -> None:
    features = np.random.default_rng(8).normal(size=(500, 7))
    partition = partition_by(algorithm, features, 42, lambda: pytest.fail("it asks no neighbours"))
    here = partition(6, 23)
    with window_runner(2) as runner:
        there = partition(6, 23, run=runner.run)
    assert here.labels.tobytes() == there.labels.tobytes()
    assert here.centroids.tobytes() == there.centroids.tobytes()
    assert here.bics == there.bics


def test_the_lowest_sum_of_squares_is_taken_wherever_its_start_was_made() -> None:
    """More starts are those of fewer and others; scikit-learn finds no lower one by as many."""
    features = np.random.default_rng(2).normal(size=(300, 3))
    inertia = {n: cluster_units(features, 8, 5, starts=n).inertia for n in (1, 9, 25)}
    assert inertia[25] < inertia[9] < inertia[1]
    peer = KMeans(8, n_init=25, random_state=5, tol=1e-6).fit(features)
    assert inertia[25] == pytest.approx(peer.inertia_, rel=1e-9)


def test_clusters_are_numbered_by_first_occurrence() -> None:
    features, _ = blobs()
    labels = cluster_units(features[::-1], 5, seed=7).labels
    _, first = np.unique(labels, return_index=True)
    assert (np.diff(first) > 0).all()


@pytest.mark.parametrize("k", [1, 0, 11])
def test_k_out_of_range(k: int) -> None:
    with pytest.raises(InvalidInput, match="between 2 and 10") as caught:
        cluster_units(np.zeros((20, 2)), k, seed=1)
    assert caught.value.faults[0].pointer == "/k"


def test_fewer_units_than_k() -> None:
    with pytest.raises(InvalidInput, match="3 different zoning units, fewer than k = 5"):
        cluster_units(np.arange(3.0)[:, np.newaxis].repeat(2, axis=1), 5, seed=1)


def test_equal_units_do_not_count_twice() -> None:
    with pytest.raises(InvalidInput, match="2 different zoning units"):
        cluster_units(np.repeat([[0.0], [1.0]], 30, axis=0), 5, seed=1)


def numbered(features: np.ndarray, labels: list[int]) -> Clustering:
    return Clustering(np.array(labels), np.empty((max(labels) + 1, features.shape[1])), 0.0)


def test_merging_joins_the_nearest_clusters() -> None:
    features = np.array([[0.0], [10], [20], [30], [40], [41]])
    merged = merge_clusters(features, numbered(features, [0, 1, 2, 3, 4, 5]), np.ones(6, int))
    assert merged.labels.tolist() == [0, 1, 2, 3, 4, 4]
    assert merged.centroids.ravel().tolist() == [0, 10, 20, 30, 40.5]


def test_merging_weighs_by_area() -> None:
    # Ward's cost: gap² · a·b/(a+b): 1·50 for the large near pair, 4·0.5 for the small far one.
    features = np.array([[0.0], [1], [10], [20], [30], [32]])
    cells = np.array([100, 100, 100, 100, 1, 1])
    merged = merge_clusters(features, numbered(features, [0, 1, 2, 3, 4, 5]), cells)
    assert merged.labels.tolist() == [0, 1, 2, 3, 4, 4]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), k=st.integers(6, 10))
def test_merging_always_ends_at_five_and_never_splits(seed: int, k: int) -> None:
    features = np.random.default_rng(seed).normal(size=(60, 3))
    clustering = cluster_units(features, k, seed=seed, starts=1)
    merged = merge_clusters(features, clustering, np.full(60, 4))
    assert len(np.unique(merged.labels)) == 5
    assert len(np.unique(np.stack([clustering.labels, merged.labels]), axis=1).T) == k


def test_five_clusters_stay_as_they_are() -> None:
    features, _ = blobs()
    clustering = cluster_units(features, 5, seed=1)
    assert merge_clusters(features, clustering, np.ones(150, int)) is clustering
