"""Starts and iterations are those of scikit-learn, though most units are left out of most steps."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from shanhai.science.grid import FloatArray
from shanhai.science.zoning.kmeans import best_centres, count_different, nearest_centres


def walk(units: int, columns: int, seed: int = 0) -> FloatArray:
    """Units as land has them: each is like those before it."""
    steps = np.random.default_rng(seed).normal(size=(units, columns))
    values = np.cumsum(steps, axis=0)
    return np.asarray((values - values.mean(axis=0)) / values.std(axis=0))


def noise(units: int, columns: int, seed: int = 0) -> FloatArray:
    """Units without groups, whose centres move for long."""
    return np.random.default_rng(seed).normal(size=(units, columns))


@pytest.mark.parametrize("make", [walk, noise])
@pytest.mark.parametrize(("units", "columns", "k"), [(60, 1, 2), (700, 3, 5), (6000, 7, 8)])
def test_centres_are_those_of_scikit_learn(
    make: Callable[[int, int], FloatArray], units: int, columns: int, k: int
) -> None:
    features = make(units, columns)
    peer = KMeans(k, n_init=1, random_state=7, tol=1e-6, algorithm="lloyd").fit(features)
    centres = best_centres(features, k, 7, 1, 1e-6)
    np.testing.assert_allclose(centres, peer.cluster_centers_, atol=1e-9)
    np.testing.assert_array_equal(nearest_centres(features, centres), peer.labels_)


@settings(deadline=None, max_examples=25)
@given(
    units=st.integers(30, 900),
    columns=st.integers(1, 9),
    k=st.integers(1, 10),
    seed=st.integers(0, 1000),
    coarse=st.booleans(),
)
def test_centres_rest(units: int, columns: int, k: int, seed: int, coarse: bool) -> None:
    """Each is the mean of the units nearest to it, by distances worked out one by one."""
    features = noise(units, columns, seed)
    if coarse:  # many units alike
        features = features.round()
    k = min(k, count_different(features, k))
    centres = best_centres(features, k, seed, 2, 0.0)
    gaps = np.square(features[:, np.newaxis] - centres).sum(axis=2)
    nearest = nearest_centres(features, centres)
    own = gaps[np.arange(units), nearest]
    np.testing.assert_allclose(own, gaps.min(axis=1), atol=1e-12)
    means = [features[nearest == number].mean(axis=0) for number in range(k)]
    np.testing.assert_allclose(np.stack(means), centres, atol=1e-9)


def test_different_rows_are_counted_as_far_as_they_are_asked_for() -> None:
    rows = np.zeros((1200, 1))
    rows[1000:] = np.arange(200)[:, np.newaxis] % 3
    assert count_different(rows, 3) == 3
    assert count_different(rows, 4) == 3
    assert count_different(rows, 1) == 1


@pytest.mark.parametrize("counts", [(5, 2), (1, 1)])
def test_a_cluster_that_no_unit_is_left_for_lies_where_another_does(
    counts: tuple[int, int],
) -> None:
    """Of a sample, as few rows may be different, although all units are enough."""
    features = np.repeat([[3.0, 1.0], [7.0, 2.0]], counts, axis=0)
    centres = best_centres(features, 4, 0, 3, 1e-6)
    np.testing.assert_allclose(np.unique(centres.round(9), axis=0), [[3, 1], [7, 2]])
    assert np.unique(nearest_centres(features, centres)).size == 2
