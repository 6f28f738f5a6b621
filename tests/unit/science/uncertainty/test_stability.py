import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from shanhai.science.uncertainty.resampling import Stability, cluster_stability, jaccard_by_zone
from shanhai.science.zoning.clustering import cluster_units
from shanhai.science.zoning.features import prepare_features
from shanhai.science.zoning.zone_names import UnitValues, name_zones

BASELINE = np.array([1, 1, 2, 2, 4, 4] * 20, dtype=np.uint8)


def test_worked_example_of_the_index() -> None:
    assert adjusted_rand_score([0, 0, 1, 1, 2, 2], [0, 0, 1, 2, 2, 2]) == pytest.approx(
        0.444444, rel=1e-5
    )


def test_overlap_of_zones_by_hand() -> None:
    one = np.array([1, 1, 2, 2, 4, 4], dtype=np.uint8)
    other = np.array([1, 1, 2, 4, 4, 4], dtype=np.uint8)
    assert jaccard_by_zone(one, other) == pytest.approx({1: 1, 2: 1 / 2, 4: 2 / 3})


def test_zones_that_always_come_back_are_stable() -> None:
    found = cluster_stability(lambda units, _: BASELINE[units], BASELINE, 1)
    assert (found.median, found.p05, found.seeds_median, found.seeds_least) == (1, 1, 1, 1)
    assert found.jaccard == {1: 1, 2: 1, 4: 1}
    assert found.grade == "good"
    assert set(found.zone_grades.values()) == {"stable"}
    assert found.flags == ()


def test_zones_by_chance_are_unstable() -> None:
    def by_chance(units: np.ndarray, seed: int) -> np.ndarray:
        return np.random.default_rng(seed).choice([1, 2, 4], len(units)).astype(np.uint8)

    found = cluster_stability(by_chance, BASELINE, 1)
    assert abs(found.median) < 0.1
    assert found.grade == "unstable"
    assert set(found.zone_grades.values()) == {"not_stable"}
    assert [flag.code for flag in found.flags] == ["unstable"]


@pytest.mark.parametrize(
    ("median", "grade"), [(0.8, "good"), (0.79, "fair"), (0.6, "fair"), (0.59, "unstable")]
)
def test_grades(median: float, grade: str) -> None:
    assert Stability(median, 0.5, {1: 0.75, 4: 0.6}, 1, 1).grade == grade


def test_zone_grades() -> None:
    found = Stability(1, 1, {1: 0.75, 2: 0.74, 3: 0.6, 4: 0.59}, 1, 1)
    assert list(found.zone_grades.values()) == ["stable", "weak", "weak", "not_stable"]


def test_samples_are_of_the_size_asked_for_and_seeded() -> None:
    seen: list[tuple[int, int]] = []

    def rezone(units: np.ndarray, seed: int) -> np.ndarray:
        assert (np.diff(units) > 0).all()
        seen.append((len(units), seed))
        found: np.ndarray = BASELINE[units]
        return found

    for _ in range(2):
        cluster_stability(rezone, BASELINE, 4, subsamples=6, seeds=3)
    assert [size for size, _ in seen[:9]] == [96] * 6 + [120] * 3
    assert len({seed for _, seed in seen[:9]}) == 9
    assert seen[:9] == seen[9:]


def test_plain_groups_come_back_through_the_whole_way() -> None:
    random = np.random.default_rng(0)
    truth = np.repeat(np.arange(5), 60)
    ratio = np.array([0.9, 0.4, 0.05, -0.2, -0.7])[truth] + 0.02 * random.normal(size=300)
    values = np.stack([ratio, ratio + 0.02 * random.normal(size=300)], axis=1)

    def rezone(units: np.ndarray, seed: int) -> np.ndarray:
        matrix = prepare_features(values[units], ["cooling", "recreation"]).matrix
        labels = cluster_units(matrix, 5, seed, starts=3).labels
        ones = np.ones(len(units), dtype=np.int64)
        own = ratio[units]
        return name_zones(labels, UnitValues(own, own, -own, ones)).zones

    baseline = rezone(np.arange(300), 42)
    found = cluster_stability(rezone, baseline, 7, subsamples=8, seeds=3)
    assert found.median > 0.95
    assert found.seeds_least > 0.95
    assert set(found.zone_grades.values()) == {"stable"}
