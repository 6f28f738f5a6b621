from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.selection.problem import MaximumBenefit, MinimumSet, maximises
from shanhai.science.selection.rules import DistrictRule, PhaseRule
from shanhai.science.selection.solver import SolveOptions, select_sites
from shanhai.science.selection.tradeoffs import find_alternatives, irreplaceability, pareto_front
from tests.unit.science.selection.cases import (
    EXAMPLE,
    GOALS,
    bare,
    every_choice,
    goal_of,
    with_neighbours,
)

EXACT = SolveOptions(gap=0.0)
BOTH = MinimumSet(np.array([5.0, 5.0]))


def test_plans_of_the_example_in_order() -> None:
    found = find_alternatives(EXAMPLE, BOTH, 3, EXACT)
    chosen = [np.flatnonzero(plan.chosen).tolist() for plan in found.plans]
    # 5; then 9 with {0, 1, 3} or {0, 2} (4 + 5).
    assert chosen[0] == [1, 3]
    assert [plan.objective for plan in found.plans] == [5, 9, 9]
    assert {tuple(sites) for sites in chosen[1:]} == {(0, 2), (0, 1, 3)}
    np.testing.assert_allclose(found.frequency, [2 / 3, 2 / 3, 1 / 3, 2 / 3])


@given(seed=st.integers(0, 10_000), kind=st.sampled_from(GOALS))
@settings(max_examples=8, deadline=None)
def test_alternatives_are_the_next_best(seed: int, kind: str) -> None:
    problem = with_neighbours(bare(seed, 6), seed)
    goal = goal_of(kind, problem, seed)
    ordered = sorted((one[0] for one in every_choice(problem, goal)), reverse=maximises(goal))
    found = find_alternatives(problem, goal, 5, EXACT)
    np.testing.assert_allclose([plan.objective for plan in found.plans], ordered[:5], atol=1e-6)


def test_alternatives_differ_by_as_many_sites_as_asked() -> None:
    problem = replace(bare(3, 8), phases=(PhaseRule("a"), PhaseRule("b")))
    found = find_alternatives(problem, MaximumBenefit(np.ones(3)), 4, EXACT, differ_by=3)
    for one, other in combinations(found.plans, 2):
        assert (one.chosen != other.chosen).sum() >= 3
    with pytest.raises(InvalidInput):
        find_alternatives(problem, MaximumBenefit(np.ones(3)), 0)


def test_there_may_be_no_more_plans() -> None:
    found = find_alternatives(replace(EXAMPLE, locked_out=(1, 2)), BOTH, 5, EXACT)
    assert len(found.plans) == 0
    assert not found.frequency.any()
    only = replace(EXAMPLE, locked_in=(0, 1), locked_out=(2, 3))
    assert len(find_alternatives(only, MaximumBenefit(np.ones(2)), 5, EXACT).plans) == 1


def test_loss_without_each_site() -> None:
    best = select_sites(EXAMPLE, BOTH, EXACT)
    # Without 1: {0, 2} costs 9; without 3 too.
    assert irreplaceability(EXAMPLE, BOTH, best, EXACT).tolist() == [0, 4, 0, 4]
    some = irreplaceability(EXAMPLE, BOTH, best, EXACT, sites=[3])
    np.testing.assert_equal(some, [0, np.nan, 0, 4])
    tied = replace(EXAMPLE, districts=(DistrictRule("west", (1,), at_least=1),))
    losses = irreplaceability(tied, BOTH, select_sites(tied, BOTH, EXACT), EXACT)
    # Without 3, {0, 1, 2} costs 12.
    assert losses.tolist() == [0, np.inf, 0, 7]


@given(seed=st.integers(0, 10_000), kind=st.sampled_from(GOALS))
@settings(max_examples=5, deadline=None)
def test_loss_is_that_of_every_choice_without_the_site(seed: int, kind: str) -> None:
    problem = with_neighbours(bare(seed, 6), seed)
    goal = goal_of(kind, problem, seed)
    best = select_sites(problem, goal, EXACT)
    if best.plan is None:
        with pytest.raises(InvalidInput):
            irreplaceability(problem, goal, best, EXACT)
        return
    losses = irreplaceability(problem, goal, best, EXACT)
    choices, pick = every_choice(problem, goal), max if maximises(goal) else min
    for site in range(problem.sites):
        without = [one[0] for one in choices if one[2][site] < 0]
        expected = abs(best.plan.objective - pick(without)) if without else np.inf
        assert losses[site] == pytest.approx(expected, abs=1e-6)


@given(seed=st.integers(0, 10_000), kind=st.sampled_from(GOALS[1:]))
@settings(max_examples=8, deadline=None)
def test_front_is_that_of_every_choice(seed: int, kind: str) -> None:
    problem = replace(with_neighbours(bare(seed, 7), seed), budget=None)
    goal = goal_of(kind, problem, seed)
    assert not isinstance(goal, MinimumSet)
    sign = 1 if maximises(goal) else -1
    choices = [(cost, sign * value) for value, cost, _ in every_choice(problem, goal)]
    front = pareto_front(problem, goal, 5, EXACT)
    costs, gains = [point.plan.cost for point in front], [point.gain for point in front]
    assert (np.diff(costs) > 0).all()
    assert (np.diff(gains) > 0).all()
    for cost, gain in zip(costs, gains, strict=True):
        assert gain == pytest.approx(max(g for c, g in choices if c <= cost), abs=1e-6)
        assert cost == min(c for c, g in choices if g >= gain - 1e-6)
    least, most = min(c for c, _ in choices), max(g for _, g in choices)
    assert costs[0] == least
    assert gains[-1] == pytest.approx(most, abs=1e-6)


def test_front_keeps_the_rules() -> None:
    problem = replace(EXAMPLE, locked_in=(3,), budget=9.0)
    front = pareto_front(problem, MaximumBenefit(np.ones(2)), 4, EXACT)
    assert (front[0].plan.cost, front[0].gain) == (2, 3)
    # 9 buys {0, 1, 3} with 10 + 5 = 15; {2, 3} (7) buys 9, {0, 3} (6) 8, {1, 3} (5) 10.
    assert (front[-1].plan.cost, front[-1].gain) == (9, 15)
    assert all(point.status == "optimal" for point in front)
    impossible = replace(EXAMPLE, locked_in=(0,), budget=1.0)
    assert pareto_front(impossible, MaximumBenefit(np.ones(2)), 4, EXACT) == ()
    with pytest.raises(InvalidInput):
        pareto_front(problem, MaximumBenefit(np.ones(2)), 1)
