import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from shanhai.raster.windows import window_runner
from shanhai.science.zoning.clustering import ALGORITHMS, partition_by
from shanhai.science.zoning.contiguity import Contiguity
from shanhai.science.zoning.diagnostics import (
    SURROGATES,
    Diagnostics,
    KDiagnostic,
    diagnose,
    elbow,
    null_structure,
)

STEPS = np.arange(300)
CHAIN = Contiguity(np.stack([STEPS[:-1], STEPS[1:]], axis=1), np.empty((0, 2), dtype=np.int64))
"""Three hundred units in a row."""

PAIRS = np.array([[0.0, 0], [0, 1], [5, 5], [5, 6], [10, 0], [11, 0]])


def test_worked_example_of_three_pairs() -> None:
    by_k = {one.k: one for one in diagnose(PAIRS, seed=1).by_k}
    assert by_k[3].silhouette == pytest.approx(0.862869, rel=1e-6)
    assert by_k[3].calinski_harabasz == pytest.approx(147.333333, rel=1e-6)
    assert list(by_k) == [2, 3, 4, 5]


def test_elbow_of_three_pairs() -> None:
    assert diagnose(PAIRS, seed=1).elbow == 3


def test_inertia_falls_and_every_k_is_judged() -> None:
    features = np.random.default_rng(4).normal(size=(400, 3))
    diagnostics = diagnose(features, seed=2)
    assert [one.k for one in diagnostics.by_k] == list(range(2, 11))
    assert (np.diff([one.inertia for one in diagnostics.by_k]) < 0).all()
    assert diagnostics == diagnose(features, seed=2)


def test_too_few_different_units_leave_nothing_to_judge() -> None:
    diagnostics = diagnose(np.array([[0.0], [1.0], [1.0]]), seed=1)
    assert diagnostics.by_k == ()
    assert diagnostics.elbow is None


def test_elbow_needs_a_fall() -> None:
    flat = tuple(KDiagnostic(k, 0.5, 1.0, 1.0, 3.0) for k in (2, 3, 4))
    assert elbow(flat) is None


def test_structure_that_unrelated_features_have_too_is_weak() -> None:
    # Two columns that have nothing to do with each other, smooth along the order of the units.
    random = np.random.default_rng(4)
    steps = random.normal(size=(400, 2)).cumsum(axis=0)
    features = (steps - steps.mean(axis=0)) / steps.std(axis=0)
    shuffled = np.column_stack([features[:, 0], np.roll(features[:, 1], 137)])
    found = null_structure(shuffled, 5, seed=1)
    assert found is not None
    assert len(found.surrogates) == SURROGATES
    assert found.surrogates == tuple(sorted(found.surrogates))
    assert [flag.code for flag in found.flags] == ["weak_structure"]


def test_clear_groups_stand_out_from_unrelated_features() -> None:
    random = np.random.default_rng(4)
    centres = np.array([[0, 0], [4, 4], [-4, 4], [4, -4], [-4, -4]], dtype=float)
    features = np.repeat(centres, 60, axis=0) + random.normal(scale=0.3, size=(300, 2))
    # Five of 25 places are taken; columns moved apart take more of them.
    found = null_structure(features, 5, seed=1)
    assert found is not None
    assert found.silhouette > 0.8
    assert found.flags == ()
    with window_runner(2) as runner:
        assert null_structure(features, 5, seed=1, run=runner.run) == found


def test_few_different_units_are_not_judged() -> None:
    assert null_structure(np.array([[0.0], [1.0], [0.0], [1.0]]), 2, seed=0) is None


def test_a_number_of_clusters_that_is_supported_least_is_said_to_be_a_decision() -> None:
    widths = {2: 0.5, 3: 0.4, 4: 0.3, 5: 0.2, 6: 0.25}
    by_k = tuple(KDiagnostic(k, width, 1.0, 1.0, 1.0) for k, width in widths.items())
    diagnostics = Diagnostics(by_k, None, 9)
    (flag,) = diagnostics.flags(5)
    assert flag.code == "least_supported_k"
    assert "k = 5 least (silhouette 0.200; 0.500 at k = 2)" in flag.text.en
    assert diagnostics.flags(4) == ()
    assert Diagnostics(by_k[:2], None, 9).flags(3) == ()


def test_silhouette_of_a_large_set_uses_a_seeded_sample() -> None:
    features = np.random.default_rng(0).normal(size=(4500, 2))
    diagnostics = diagnose(features, seed=3)
    assert diagnostics.sample == 4000
    assert all(one.silhouette is not None for one in diagnostics.by_k)


def test_numbers_of_clusters_may_be_tried_elsewhere() -> None:
    def elsewhere(function: Any, items: Any) -> Iterator[Any]:
        sent = pickle.loads(pickle.dumps(function))  # noqa: S301 - our own bytes
        return map(sent, items)

    features = np.random.default_rng(6).normal(size=(300, 3))
    for algorithm in ALGORITHMS:
        partition = partition_by(algorithm, features, 2, lambda: CHAIN)
        assert diagnose(features, 2, partition, run=elsewhere) == diagnose(features, 2, partition)
