from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from shanhai.errors import InvalidInput
from shanhai.science.selection.ranking import (
    LandRanks,
    OuterEdge,
    RankedLand,
    Removal,
    RemovalRule,
    performance_curves,
    rank_land,
)

RULES: tuple[RemovalRule, ...] = ("caz", "abf")
RARE: list[list[float]] = [[4.0, 3, 2, 1], [0, 0, 0, 1]]
"""A common feature, and a rare one in the site that has least of the common one."""
TWO_RANKS = LandRanks(np.array([0, 1]), np.array([0.5, 1]))


def land_of(
    amounts: ArrayLike,
    costs: Sequence[float] | None = None,
    weights: Sequence[float] | None = None,
    sizes: Sequence[float] | None = None,
) -> RankedLand:
    rows = np.array(amounts, dtype=float)
    features, sites = rows.shape
    return RankedLand(
        rows,
        np.array(sizes or [1.0] * sites),
        np.ones(sites) if costs is None else np.array(costs, dtype=float),
        np.array(weights or [1.0] * features, dtype=float),
    )


def order_of(land: RankedLand, removal: Removal, edge: OuterEdge | None = None) -> list[int]:
    order: list[int] = rank_land(land, removal, edge).order.tolist()
    return order


def random_land(seed: int, sites: int = 40, features: int = 5) -> RankedLand:
    rng = np.random.default_rng(seed)
    amounts = rng.lognormal(0, 1, (features, sites)) * (rng.random((features, sites)) < 0.5)
    amounts[:, 0] += 0.1
    sizes = rng.uniform(1, 3, sites)
    return RankedLand(amounts, sizes, rng.uniform(1, 5, sites), rng.uniform(0.5, 2, features))


def values_of(land: RankedLand, removal: Removal, left: list[int]) -> list[float]:
    """Of what is left, from the papers' formulas with sums made anew."""
    whole = [sum(map(Fraction, row)) for row in land.amounts.tolist()]
    values = []
    held = [sum(Fraction(row[i]) for i in left) for row in land.amounts.tolist()]
    for i in left:
        parts = []
        for j, row in enumerate(land.amounts.tolist()):
            q, weight = Fraction(row[i]), float(land.weights[j])
            if removal.rule == "caz":
                parts.append(weight * float(q / held[j]) if held[j] else 0.0)
            else:
                before, after = float(held[j] / whole[j]), float((held[j] - q) / whole[j])
                parts.append(weight * (before**removal.exponent - after**removal.exponent))
        value = max(parts) if removal.rule == "caz" else sum(parts)
        values.append(value / float(land.costs[i]))
    return values


def removed_one_by_one(
    land: RankedLand, removal: Removal, edge: OuterEdge | None = None
) -> list[int]:
    """The whole of the method, each step from nothing."""
    left, order = list(range(land.sizes.size)), list[int]()
    while left:
        values = dict(zip(left, values_of(land, removal, left), strict=True))
        free = left
        if edge is not None:
            gone = set(order)
            pairs = edge.pairs.tolist()
            free = [
                i
                for i in left
                if edge.outer[i] or any(i in pair and gone & set(pair) for pair in pairs)
            ] or left
        some = sorted(free, key=lambda i: (values[i], i))[: removal.warp]
        order += some
        left = [i for i in left if i not in some]
    return order


class TestByHand:
    def test_core_areas_keep_the_rare_feature(self) -> None:
        # 0.4, 0.3, 0.2 and 1 of what is left; then 0.5, 0.375 and 1; then 0.8 and 1.
        found = rank_land(land_of(RARE), Removal("caz"))
        assert found.order.tolist() == [2, 1, 0, 3]
        assert found.ranks.tolist() == [0.75, 0.5, 0.25, 1.0]

    def test_what_weighs_nothing_is_not_kept(self) -> None:
        assert order_of(land_of(RARE, weights=[1, 0]), Removal("caz")) == [3, 2, 1, 0]

    @pytest.mark.parametrize(
        ("removal", "expected"),
        [
            # 0.4, 0.3 and 0.7 as the largest part; 0.4, 0.9 and 1.7 together.
            (Removal("caz"), [1, 0, 2]),
            (Removal("abf", exponent=1.0), [0, 1, 2]),
            # 1 − 0.6^¼ = 0.12, 3·(1 − 0.7^¼) = 0.26.
            (Removal("abf"), [0, 1, 2]),
        ],
    )
    def test_core_areas_and_additive_benefit_differ(
        self, removal: Removal, expected: list[int]
    ) -> None:
        land = land_of([[4, 3, 3], [0, 3, 7], [0, 3, 7]])
        assert order_of(land, removal) == expected

    def test_dear_land_is_given_up_first(self) -> None:
        land = land_of([[4, 3, 2, 1]], costs=[8, 1, 1, 1])
        # 0.05, 0.3, 0.2, 0.1.
        assert order_of(land, Removal("caz")) == [0, 3, 2, 1]

    def test_land_is_given_up_from_its_edge(self) -> None:
        land = land_of([[3, 1, 5, 4, 2]])
        chain = np.array([[0, 1], [1, 2], [2, 3], [3, 4]])
        edge = OuterEdge(chain, np.array([True, False, False, False, True]))
        assert order_of(land, Removal("caz")) == [1, 4, 0, 3, 2]
        # 4 or 0 first; then 3 or 0; then 3 or 1; then 3 or 2.
        assert order_of(land, Removal("caz"), edge) == [4, 0, 1, 3, 2]

    def test_without_an_edge_any_may_go(self) -> None:
        nowhere = OuterEdge(np.zeros((0, 2), dtype=np.int64), np.zeros(3, dtype=bool))
        assert order_of(land_of([[2, 3, 1]]), Removal("caz"), nowhere) == [2, 0, 1]

    def test_a_batch_is_removed_by_the_same_values(self) -> None:
        land = land_of([[40, 60, 0, 0, 0], [0, 0, 45, 24, 31]])
        # After site 3, 31 of 76 is more than 40 of 100.
        assert order_of(land, Removal("caz")) == [3, 0, 4, 1, 2]
        assert order_of(land, Removal("caz", warp=2)) == [3, 4, 0, 1, 2]

    @pytest.mark.parametrize("rule", RULES)
    def test_of_the_same_value_the_first_goes_first(self, rule: RemovalRule) -> None:
        assert order_of(land_of([[1, 1, 0, 1, 0]]), Removal(rule)) == [2, 4, 0, 1, 3]

    def test_ranks_are_shares_of_the_land(self) -> None:
        found = rank_land(land_of([[1, 2, 3]], sizes=[2, 1, 5]), Removal("caz"))
        assert found.ranks.tolist() == [0.25, 0.375, 1.0]

    def test_curves(self) -> None:
        land = land_of(RARE, weights=[1, 3])
        found = LandRanks(np.array([2, 1, 0, 3]), np.array([0.75, 0.5, 0.25, 1]))
        curves = performance_curves(land, found, np.array([0, 0.1, 0.25, 0.5, 0.75, 1]))
        assert curves.held[0] == pytest.approx([0, 0.04, 0.1, 0.5, 0.8, 1])
        assert curves.held[1] == pytest.approx([0, 0.4, 1, 1, 1, 1])
        assert curves.mean[2] == pytest.approx(0.55)
        assert curves.weighted[2] == pytest.approx(0.775)
        assert curves.least == pytest.approx(curves.held[0])


class TestAgainstTheFormulas:
    @pytest.mark.parametrize("rule", RULES)
    @pytest.mark.parametrize("warp", [1, 3])
    @pytest.mark.parametrize("seed", range(4))
    def test_the_order_is_that_of_removal_one_by_one(
        self, rule: RemovalRule, warp: int, seed: int
    ) -> None:
        land, removal = random_land(seed), Removal(rule, warp=warp)
        assert order_of(land, removal) == removed_one_by_one(land, removal)

    @pytest.mark.parametrize("rule", RULES)
    @pytest.mark.parametrize("warp", [1, 4])
    def test_and_so_it_is_from_the_edge_of_a_lattice(self, rule: RemovalRule, warp: int) -> None:
        land, removal = random_land(7, 42), Removal(rule, warp=warp)
        cells = np.arange(42).reshape(6, 7)
        pairs = np.concatenate(
            [
                np.stack([cells[:, :-1].ravel(), cells[:, 1:].ravel()], axis=1),
                np.stack([cells[:-1].ravel(), cells[1:].ravel()], axis=1),
            ]
        )
        outer = np.zeros((6, 7), dtype=bool)
        outer[[0, -1]] = outer[:, [0, -1]] = True
        edge = OuterEdge(pairs, outer.ravel())
        assert order_of(land, removal, edge) == removed_one_by_one(land, removal, edge)

    @given(
        rows=st.integers(1, 9).flatmap(
            lambda sites: st.lists(
                st.lists(st.integers(0, 4), min_size=sites, max_size=sites),
                min_size=1,
                max_size=4,
            )
        ),
        rule=st.sampled_from(RULES),
    )
    @settings(max_examples=60, deadline=None)
    def test_nothing_of_less_value_is_left(self, rows: list[list[int]], rule: RemovalRule) -> None:
        kept = [row for row in rows if any(row)] or [[1] * len(rows[0])]
        land, removal = land_of(kept), Removal(rule)
        order = order_of(land, removal)
        left = list(range(land.sizes.size))
        assert sorted(order) == left
        for site in order:
            values = dict(zip(left, values_of(land, removal, left), strict=True))
            assert values[site] <= min(values.values()) + 1e-12
            same = [i for i in left if (land.amounts[:, i] == land.amounts[:, site]).all()]
            assert site == min(same)
            left.remove(site)


class TestProperties:
    @given(seed=st.integers(0, 10_000), rule=st.sampled_from(RULES), warp=st.integers(1, 50))
    @settings(max_examples=30, deadline=None)
    def test_curves_ascend_with_the_land(self, seed: int, rule: RemovalRule, warp: int) -> None:
        land = random_land(seed)
        found = rank_land(land, Removal(rule, warp=warp))
        assert sorted(found.order.tolist()) == list(range(40))
        assert (np.diff(found.ranks[found.order]) > 0).all()
        assert found.ranks.max() == 1
        curves = performance_curves(land, found, np.linspace(0, 1, 101))
        assert (np.diff(curves.held, axis=1) >= 0).all()
        assert (curves.held[:, 0] == 0).all()
        assert curves.held[:, -1] == pytest.approx(1)
        assert (curves.least <= curves.mean + 1e-12).all()

    @given(seed=st.integers(0, 10_000), rule=st.sampled_from(RULES), power=st.integers(-30, 30))
    @settings(max_examples=30, deadline=None)
    def test_units_do_not_matter(self, seed: int, rule: RemovalRule, power: int) -> None:
        land, times = random_land(seed), 2.0**power
        amounts = land.amounts.copy()
        amounts[0] *= times
        other = RankedLand(amounts, land.sizes * 3, land.costs * times, land.weights * times)
        assert order_of(land, Removal(rule)) == order_of(other, Removal(rule))

    @given(seed=st.integers(0, 10_000), rule=st.sampled_from(RULES))
    @settings(max_examples=30, deadline=None)
    def test_numbers_of_sites_do_not_matter(self, seed: int, rule: RemovalRule) -> None:
        land = random_land(seed)
        way = np.random.default_rng(seed).permutation(40)
        other = RankedLand(land.amounts[:, way], land.sizes[way], land.costs[way], land.weights)
        # Sites without anything are of one value, and go by their numbers.
        some = np.flatnonzero(land.amounts.any(axis=0))
        before = [i for i in order_of(land, Removal(rule)) if i in some]
        after = [i for i in way[order_of(other, Removal(rule))].tolist() if i in some]
        assert before == after

    @given(seed=st.integers(0, 10_000))
    @settings(max_examples=30, deadline=None)
    def test_core_areas_hold_every_feature_to_the_end(self, seed: int) -> None:
        land = random_land(seed)
        rare = np.zeros((1, 40))
        rare[0, seed % 40] = 1e-6
        even = land_of(np.concatenate([land.amounts, rare]))
        order = order_of(even, Removal("caz"))
        # What holds all of something goes only when all that is left does so too.
        assert order.index(seed % 40) >= 40 - len(even.amounts)
        left = even.amounts[:, order[40 - len(even.amounts) :]].sum(axis=1)
        assert (left > 0).all()

    @pytest.mark.parametrize(("held", "last"), [(0.66, 2001), (0.67, 2000)])
    def test_what_is_left_is_reckoned_without_loss(self, held: float, last: int) -> None:
        # At the end two sites hold 1/3 and 2/3 of what is left, 10⁻¹² of all there was.
        rng = np.random.default_rng(5)
        amounts = np.zeros((2, 2002))
        amounts[0] = [*rng.uniform(1, 2, 2000), 1e-9, 2e-9]
        amounts[1, 2000:] = [held, 1 - held]
        inner = OuterEdge(np.zeros((0, 2), dtype=np.int64), np.arange(2002) < 2000)
        assert order_of(land_of(amounts), Removal("caz"), inner)[-1] == last


@pytest.mark.parametrize(
    ("make", "pointer"),
    [
        (lambda: land_of([[1, 2]], costs=[1, 0]), "/costs"),
        (lambda: land_of([[1, 2]], sizes=[1, np.inf]), "/sizes"),
        (lambda: land_of([[1, 2], [0, 0]]), "/amounts"),
        (lambda: land_of([[1, -2]]), "/amounts"),
        (lambda: land_of([[1, 2]], weights=[0]), "/weights"),
        (lambda: land_of([[1, 2], [1, 1]], weights=[2, -1]), "/weights"),
        (lambda: land_of([[1, 2]], costs=[1]), "/amounts"),
        (lambda: Removal("abf", exponent=0), "/exponent"),
        (lambda: Removal("abf", exponent=1.01), "/exponent"),
        (lambda: Removal("abf", warp=0), "/warp"),
        (
            lambda: rank_land(
                land_of([[1, 2]]), Removal(), OuterEdge(np.array([[0, 2]]), np.ones(2, dtype=bool))
            ),
            "/edge/pairs",
        ),
        (
            lambda: rank_land(
                land_of([[1, 2]]), Removal(), OuterEdge(np.array([[0, 1]]), np.ones(3, dtype=bool))
            ),
            "/edge/outer",
        ),
        *(
            (partial(performance_curves, land_of([[1, 2]]), TWO_RANKS, np.array(shares)), "/shares")
            for shares in ([0.5, 0.2], [0.2, 0.5, 0.4], [0.5, 1.2], [-0.1, 0.5])
        ),
    ],
)
def test_what_cannot_be_ranked_is_refused(make: Callable[[], object], pointer: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        make()
    assert [one.pointer for one in caught.value.faults] == [pointer]
    assert caught.value.faults[0].detail_zh
