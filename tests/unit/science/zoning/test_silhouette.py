import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import silhouette_score

from shanhai.science.zoning import diagnostics as module
from shanhai.science.zoning.diagnostics import silhouettes


def test_two_pairs_by_hand() -> None:
    # Within 1, beside 10.5 and 9.5 on average: 1 - 1/10.5 and 1 - 1/9.5, twice each.
    points = np.array([[0.0], [1.0], [10.0], [11.0]])
    (found,) = silhouettes(points, [np.array([0, 0, 1, 1])])
    assert found == pytest.approx((1 - 1 / 10.5 + 1 - 1 / 9.5) / 2)


def test_a_unit_alone_in_its_cluster_counts_nothing() -> None:
    points = np.array([[0.0], [1.0], [10.0]])
    (found,) = silhouettes(points, [np.array([0, 0, 1])])
    assert found == pytest.approx((1 - 1 / 10 + 1 - 1 / 9 + 0) / 3)


def test_one_cluster_and_as_many_as_units_have_none() -> None:
    points = np.array([[0.0], [1.0], [3.0]])
    assert silhouettes(points, [np.array([0, 0, 0]), np.array([0, 1, 2])]) == [None, None]
    assert silhouettes(points, []) == []


def test_equal_units_in_two_clusters_have_the_silhouette_zero() -> None:
    assert silhouettes(np.ones((4, 2)), [np.array([0, 0, 1, 1])]) == [0.0]


@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(8, 90))
def test_as_scikit_learn_has_it(seed: int, clusters: int, units: int) -> None:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(units, 3))
    # A number that no unit has must not be taken for a near cluster.
    labels = rng.choice(np.arange(clusters) * 2, units)
    labels[:2] = 0, 2
    (found,) = silhouettes(features, [labels])
    assert found == pytest.approx(silhouette_score(features, labels), abs=1e-12)


def test_the_stretches_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(70, 4))
    clusterings = [rng.integers(0, k, 70) for k in (2, 3, 5)]
    whole = silhouettes(features, clusterings)
    monkeypatch.setattr(module, "_UNITS_AT_ONCE", 9)
    assert silhouettes(features, clusterings) == whole
