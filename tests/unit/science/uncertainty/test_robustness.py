from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.science.uncertainty.resampling import ConfidenceInterval
from shanhai.science.uncertainty.robustness import (
    Design,
    Ensemble,
    Factor,
    Robustness,
    alike_zones,
    design_members,
    smooth_field,
)

LEVELS: dict[Factor, int] = {"algorithm": 3, "k": 4, "seed": 3, "unit_size": 2}


def ensemble(design: Design, zones: list[list[int]], cells: list[int]) -> Ensemble:
    return Ensemble(design, np.array(zones, dtype=np.uint8), np.array(cells))


def by(name: Factor, *levels: int) -> Design:
    return tuple({name: level} for level in levels)


class TestDesign:
    def test_every_level_comes_as_often_as_the_others(self) -> None:
        design = design_members(LEVELS, 24, 1)
        assert len(design) == 24
        for name, number in LEVELS.items():
            counted = Counter(member[name] for member in design)
            assert counted == dict.fromkeys(range(number), 24 // number)

    @given(st.integers(1, 9), st.integers(1, 50), st.integers(0, 99))
    def test_what_does_not_divide_is_spread(self, number: int, count: int, seed: int) -> None:
        counted = Counter(one["k"] for one in design_members({"k": number}, count, seed))
        assert sum(counted.values()) == count
        often = [counted[level] for level in range(number)]
        assert max(often) - min(often) <= 1

    def test_factors_are_crossed_and_not_told_by_one_another(self) -> None:
        design = design_members({"algorithm": 3, "k": 3}, 120, 5)
        pairs = Counter((member["algorithm"], member["k"]) for member in design)
        assert len(pairs) == 9

    def test_the_seed_decides(self) -> None:
        assert design_members(LEVELS, 24, 7) == design_members(LEVELS, 24, 7)
        assert design_members(LEVELS, 24, 7) != design_members(LEVELS, 24, 8)


class TestField:
    PLACES = np.array([[0.0, 0], [40, 30], [310, 0], [995, 555], [2_000, 2_000]])

    def draws(self, points: np.ndarray, count: int = 3_000) -> np.ndarray:
        random = np.random.default_rng(2)
        return np.stack([smooth_field(points, 1_000, random) for _ in range(count)])

    def test_mean_0_and_variance_1_everywhere(self) -> None:
        drawn = self.draws(self.PLACES)
        # Standard errors of a mean and a variance of 3000 values are 0.018 and 0.026.
        np.testing.assert_allclose(drawn.mean(axis=0), 0, atol=0.08)
        np.testing.assert_allclose(drawn.var(axis=0), 1, atol=0.12)

    def test_near_places_are_alike_and_far_ones_independent(self) -> None:
        places = np.array([[0.0, 0], [50, 0], [500, 0], [0, 500], [2_000, 0], [0, 2_500]])
        found = np.corrcoef(self.draws(places).T)[0]
        # Halfway between two knots the mean of both, over its own deviation: √½.
        assert found[1] > 0.99
        np.testing.assert_allclose(found[2:4], 0.5**0.5, atol=0.04)
        np.testing.assert_allclose(found[4:], 0, atol=0.08)

    def test_at_a_knot_it_is_the_value_of_the_knot(self) -> None:
        knots = np.array([[5.0, 5], [15, 5], [5, 15]])
        lattice = np.random.default_rng(4).standard_normal((3, 3))
        found = smooth_field(knots, 10, np.random.default_rng(4))
        np.testing.assert_allclose(found, [lattice[0, 0], lattice[0, 1], lattice[1, 0]])

    def test_same_generator_same_bytes(self) -> None:
        one, other = (smooth_field(self.PLACES, 300, np.random.default_rng(9)) for _ in range(2))
        assert one.tobytes() == other.tobytes()


def omega_squared(zones: np.ndarray, levels: np.ndarray, cells: np.ndarray) -> float:
    """ω² from the sums of squares of regressions on the levels, zone by zone and unit by unit."""
    dummies = (levels[:, np.newaxis] == np.unique(levels)).astype(float)
    total = left = 0.0
    for zone in range(1, 6):
        for unit, weight in enumerate(cells):
            marks = (zones[:, unit] == zone).astype(float)
            fitted = dummies @ np.linalg.lstsq(dummies, marks, rcond=None)[0]
            total += weight * float(((marks - marks.mean()) ** 2).sum())
            left += weight * float(((marks - fitted) ** 2).sum())
    freedom = dummies.shape[1] - 1
    error = left / (len(zones) - 1 - freedom)
    return float(max((total - left - freedom * error) / (total + error), 0.0))


class TestEnsemble:
    def test_votes_and_consensus_by_hand(self) -> None:
        found = ensemble(by("k", 0, 0, 1, 1), [[1, 2], [1, 2], [3, 2], [3, 5]], [2, 1])
        assert found.votes.tolist() == [[2, 0, 2, 0, 0], [0, 3, 0, 0, 1]]
        # Two for zone 1 and two for zone 3: the stricter one.
        assert found.consensus.tolist() == [1, 2]

    def test_a_factor_that_explains_everything(self) -> None:
        found = ensemble(by("k", 0, 0, 1, 1), [[1, 2], [1, 2], [3, 2], [3, 2]], [2, 1])
        assert found.variance_shares() == {"k": 1.0}

    def test_shares_by_hand(self) -> None:
        # In zone 1 the levels have means of 1 and ½ about ¾: 0.25 between, 0.75 in all; the same
        # in zone 3. Within 1.0/2, so that (0.5 − 0.5)/(1.5 + 0.5).
        half = ensemble(by("k", 0, 0, 1, 1), [[1], [1], [1], [3]], [1])
        assert half.variance_shares() == {"k": 0.0}
        # Means of 1 and ⅓ about ⅔: 2·⅓ between, 2·4/3 in all; within 2/4: (4/3 − ½)·… of ten cells.
        third = ensemble(by("k", 0, 0, 0, 1, 1, 1), [[1], [1], [1], [3], [3], [1]], [10])
        between, total = 2 * 2 / 3, 2 * 4 / 3
        within = (total - between) / 4
        assert third.variance_shares()["k"] == pytest.approx((between - within) / (total + within))

    def test_where_no_member_differs_nothing_is_explained(self) -> None:
        design = design_members(LEVELS, 12, 3)
        found = ensemble(design, [[1, 4]] * 12, [1, 1])
        assert set(found.variance_shares().values()) == {0.0}

    def test_a_choice_that_is_the_same_everywhere_is_no_factor(self) -> None:
        design: Design = tuple({"k": level % 2, "unit_size": 0} for level in range(6))
        assert set(ensemble(design, [[1], [2]] * 3, [1]).variance_shares()) == {"k"}

    def test_noise_is_explained_by_nothing(self) -> None:
        design = design_members(LEVELS, 120, 3)
        zones = np.random.default_rng(1).integers(1, 6, (120, 500))
        shares = ensemble(design, zones.tolist(), [1] * 500).variance_shares()
        assert max(shares.values()) < 0.005

    @pytest.mark.parametrize("seed", range(5))
    def test_where_one_choice_explains_all_the_others_explain_little(self, seed: int) -> None:
        """Over the seeds about nothing: a level meets another by chance more often."""
        design = design_members(LEVELS, 120, seed)
        zones = [[1 + member["algorithm"]] * 4 for member in design]
        shares = ensemble(design, zones, [1] * 4).variance_shares()
        assert shares.pop("algorithm") == pytest.approx(1)
        assert max(shares.values()) < 0.06

    @given(st.integers(0, 200))
    def test_agrees_with_regressions_on_the_levels(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        design = design_members({"algorithm": 3, "k": 2}, 12, seed)
        zones = random.integers(1, 4, (12, 4))
        cells = random.integers(1, 9, 4)
        zones[:, 0] = [1 + member["algorithm"] for member in design]
        shares = ensemble(design, zones.tolist(), cells.tolist()).variance_shares()
        for name, share in shares.items():
            levels = np.array([member[name] for member in design])
            assert share == pytest.approx(omega_squared(zones, levels, cells), abs=1e-9)


def verdict(held: dict[int, float], *alike: tuple[int, int], **shares: float) -> Robustness:
    return Robustness(24, 0.71, held, 0.8, shares, alike)  # type: ignore[arg-type]  # names


class TestVerdict:
    @pytest.mark.parametrize(
        ("least", "alike", "grade"),
        [
            (0.8, (), "good"),
            (0.8, ((1, 2),), "fair"),
            (0.79, (), "fair"),
            (0.6, ((1, 2),), "fair"),
            (0.59, (), "weak"),
        ],
    )
    def test_the_worst_zone_decides(
        self, least: float, alike: tuple[tuple[int, int], ...], grade: str
    ) -> None:
        assert verdict({1: 0.9, 4: least}, *alike).grade == grade

    def test_of_zones_as_bad_the_first(self) -> None:
        assert verdict({4: 0.5, 2: 0.5, 1: 0.9}).worst == 2

    def test_headline_in_both_languages(self) -> None:
        found = verdict({1: 0.9, 4: 0.42}, algorithm=0.31, k=0.12).headline
        assert found.zh == (
            "分区不够稳健：以 24 种同样合理的做法重新分区，"
            "71% 的陆地在其中至少八成里仍属本图所示分区；"
            "优先修复与功能提升区最不确定，仅 42%。影响最大的是聚类算法（占变差的 31%）。"
        )
        assert found.en == (
            "The zones are weak: 71 % of the land keeps its zone in at least four fifths of 24 "
            "equally sensible ways of zoning. The priority restoration and function enhancement "
            "zone is least certain: 42 % of it does. What counts most is the clustering algorithm "
            "(31 % of the variance)."
        )

    def test_no_choice_is_named_where_none_explains_anything(self) -> None:
        for found in (verdict({1: 1.0}), verdict({1: 1.0}, k=0.0)):
            assert found.headline.en.endswith("100 % of it does.")
            assert "影响最大" not in found.headline.zh

    def test_zones_that_cannot_be_told_apart_are_flagged(self) -> None:
        assert [flag.code for flag in verdict({1: 0.9}).flags] == ["robustness"]
        first, second = verdict({1: 0.9}, (1, 2), (5, 4)).flags
        assert (first.code, second.code) == ("robustness", "alike_zones")
        assert second.text.zh.endswith(
            "严格保护与管控区与重点保护与管控区；一般修复与功能提升区与优先修复与功能提升区。"
        )
        assert (
            "Strict protection and control zone and key protection and control zone; General"
            in second.text.en
        )


def test_neighbours_by_mean_whose_intervals_overlap_are_alike() -> None:
    intervals = {
        1: ConfidenceInterval(0.50, 0.40, 0.60, 9),
        2: ConfidenceInterval(0.30, 0.25, 0.40, 9),
        3: ConfidenceInterval(0.10, 0.00, 0.20, 9),
        5: ConfidenceInterval(0.05, np.nan, np.nan, 1),
        4: ConfidenceInterval(0.02, -0.1, 0.05, 9),
    }
    # 0.40 meets 0.40; zone 5 has one block, so that zones 3 and 4 are neighbours.
    assert alike_zones(intervals) == [(1, 2), (3, 4)]
    assert alike_zones({}) == []
