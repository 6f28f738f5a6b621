from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanhai.science.grid import IntArray
from shanhai.science.selection.groups import SiteGroups
from shanhai.science.selection.problem import (
    MaximumBenefit,
    MinimumSet,
    SelectionProblem,
    maximises,
)
from shanhai.science.selection.programme import make_plan, make_programme
from shanhai.science.selection.solver import SolveOptions, _trimmed, select_sites
from shanhai.science.selection.tradeoffs import find_alternatives, irreplaceability, pareto_front
from tests.unit.science.selection.cases import (
    GOALS,
    allowed,
    bare,
    every_choice,
    goal_of,
    together,
    with_groups,
    with_neighbours,
    with_rules,
)

EXACT = SolveOptions(gap=0.0)
CHAIN = np.array([[0, 1], [1, 2], [2, 3], [3, 4]])
GROUPS = SiteGroups(CHAIN, np.array([1.0, 2, 1, 1, 3]), 3.0)
SITES = SelectionProblem(
    costs=np.ones(5),
    amounts=np.array([[5.0, 1, 4, 0, 3]]),
    features=("water",),
    budget=2.0,
    groups=GROUPS,
)
MOST = MaximumBenefit(np.ones(1))


def lattice(rows: int, columns: int) -> IntArray:
    numbers = np.arange(rows * columns).reshape(rows, columns)
    beside = np.stack([numbers[:, :-1].ravel(), numbers[:, 1:].ravel()], axis=1)
    return np.concatenate([beside, np.stack([numbers[:-1].ravel(), numbers[1:].ravel()], axis=1)])


def test_groups_of_a_choice() -> None:
    chosen = np.array([True, True, False, True, True])
    assert [one.tolist() for one in GROUPS.members(chosen)] == [[0, 1], [3, 4]]
    assert [GROUPS.size(one) for one in GROUPS.members(chosen)] == [3, 4]
    assert GROUPS.small(chosen) == []
    alone = np.array([True, False, False, True, True])
    assert [one.tolist() for one in GROUPS.small(alone)] == [[0]]
    assert GROUPS.around(np.array([1, 2])).tolist() == [0, 3]
    assert GROUPS.members(np.zeros(5, dtype=bool)) == []


def test_sizes_add_up_in_decimals() -> None:
    groups = SiteGroups(np.array([[0, 1], [1, 2]]), np.array([0.1, 0.2, 0.3]), 0.6)
    assert groups.small(np.ones(3, dtype=bool)) == []
    assert groups.size(np.array([0, 1])) == 0.3


def test_what_lies_alone_is_not_chosen() -> None:
    # 5 and 4 are the most for two; the first pair of neighbours of size 3 gives 5 and 1, the
    # last site is large enough alone.
    plan = select_sites(SITES, MOST, EXACT).plan
    assert plan is not None
    assert np.flatnonzero(plan.chosen).tolist() == [0, 1]
    without = select_sites(replace(SITES, groups=None), MOST, EXACT).plan
    assert without is not None
    assert np.flatnonzero(without.chosen).tolist() == [0, 2]
    wider = select_sites(replace(SITES, budget=4.0), MOST, EXACT).plan
    assert wider is not None
    assert np.flatnonzero(wider.chosen).tolist() == [0, 1, 2, 4]


def test_what_is_left_without_small_groups_counts_if_it_is_better_and_keeps_what_is_locked() -> (
    None
):
    """Sites 0 and 1 are large enough together and give 6; 3 beside no other is not."""
    plan, last, most = (
        make_plan(SITES, MOST, np.where(np.isin(np.arange(5), chosen), 0, -1))
        for chosen in ([0, 1, 3], [4], [0, 1, 2])
    )
    programme = make_programme(SITES, MOST)
    for former in (None, last):
        left = _trimmed(programme, plan, former)
        assert left is not None
        assert (left.phase_of.tolist(), left.objective) == ([0, 0, -1, -1, -1], 6)
    assert _trimmed(programme, plan, most) is most
    assert _trimmed(programme, last, None) is None
    locked = make_programme(replace(SITES, locked_in=(3,)), MOST)
    assert _trimmed(locked, plan, None) is None


@pytest.mark.parametrize("kind", GOALS)
@pytest.mark.parametrize("dressed", ["bare", "neighbours", "rules"])
@pytest.mark.parametrize("seed", range(3))
def test_the_best_of_all_choices_in_groups_is_found(kind: str, dressed: str, seed: int) -> None:
    _compare_groups(kind, dressed, seed)


@given(
    seed=st.integers(0, 10_000),
    kind=st.sampled_from(GOALS),
    dressed=st.sampled_from(["bare", "neighbours"]),
)
@settings(max_examples=25, deadline=None)
def test_and_so_it_is_at_random(seed: int, kind: str, dressed: str) -> None:
    _compare_groups(kind, dressed, seed)


def _compare_groups(kind: str, dressed: str, seed: int) -> None:
    problem = with_groups(bare(seed, 6 if dressed == "rules" else 9), seed)
    if dressed == "neighbours":
        problem = with_neighbours(problem, seed)
    if dressed == "rules":
        problem = with_rules(problem, seed)
    goal = goal_of(kind, problem, seed)
    found, choices = select_sites(problem, goal, EXACT), every_choice(problem, goal)
    if not choices:
        assert found.status == "infeasible"
        assert found.unmet
        return
    assert found.plan is not None
    best = (max if maximises(goal) else min)(choices)[0]
    assert found.plan.objective == pytest.approx(best, abs=1e-9)
    assert allowed(problem, goal, tuple(found.plan.phase_of.tolist()))


def test_alternatives_and_the_front_keep_to_groups() -> None:
    problem = with_groups(bare(4, 8), 4)
    goal = MaximumBenefit(np.ones(3))
    others = find_alternatives(problem, goal, 4, EXACT)
    ranked = sorted(every_choice(problem, goal), reverse=True)[: len(others.plans)]
    assert [one.objective for one in others.plans] == pytest.approx([one[0] for one in ranked])
    front = pareto_front(problem, goal, 4, EXACT)
    assert front
    assert all(together(problem, point.plan.chosen) for point in front)
    best = select_sites(problem, goal, EXACT)
    assert best.plan is not None
    losses = irreplaceability(problem, goal, best, EXACT)
    for site in np.flatnonzero(best.plan.chosen).tolist():
        rest = max(one for one in every_choice(problem, goal) if one[2][site] < 0)[0]
        assert losses[site] == pytest.approx(best.plan.objective - rest)


@pytest.mark.parametrize(
    ("change", "possible", "alone"),
    [
        # All sites together come to 8.
        ({"groups": replace(GROUPS, least=9.0)}, 8, True),
        # Without the third site the first two come to 3.
        ({"groups": replace(GROUPS, least=4.0), "locked_in": (0,), "locked_out": (2,)}, 3, True),
        # One site for the money, and none reaches 4 alone.
        ({"groups": replace(GROUPS, least=4.0), "locked_in": (4,), "budget": 1.0}, 3, False),
    ],
)
def test_groups_that_cannot_be_had_are_told(
    change: dict[str, object], possible: float, alone: bool
) -> None:
    problem = replace(SITES, **change)  # type: ignore[arg-type]
    goal = MinimumSet(np.array([3.0]))
    (unmet,) = select_sites(problem, goal, EXACT).unmet
    assert (unmet.kind, unmet.possible, unmet.alone) == ("group", possible, alone)
    assert unmet.asked == problem.groups.least if problem.groups else False
    assert f"{possible:g}" in unmet.message
    assert "连片" in unmet.message_zh


def test_rules_that_fail_without_groups_are_named_themselves() -> None:
    (unmet,) = select_sites(replace(SITES, budget=0.9), MinimumSet(np.array([4.0])), EXACT).unmet
    assert unmet.kind == "budget"


def test_many_sites_are_together_within_the_gap() -> None:
    rng = np.random.default_rng(2)
    amounts = rng.uniform(0, 1, (2, 150))
    problem = SelectionProblem(
        rng.uniform(1, 3, 150),
        amounts,
        ("a", "b"),
        budget=90.0,
        groups=SiteGroups(lattice(10, 15), np.ones(150), 5.0),
    )
    found = select_sites(problem, MaximumBenefit(np.ones(2)), SolveOptions(0.05))
    assert found.status == "optimal"
    assert found.plan is not None
    assert found.gap is not None
    assert found.gap <= 0.05 + 1e-6
    assert together(problem, found.plan.chosen)
    assert found.plan.cost <= 90


def test_stopped_in_time_what_is_large_enough_is_kept() -> None:
    rng = np.random.default_rng(2)
    problem = SelectionProblem(
        rng.uniform(1, 3, 400),
        rng.uniform(0, 1, (2, 400)),
        ("a", "b"),
        budget=250.0,
        groups=SiteGroups(lattice(20, 20), np.ones(400), 8.0),
    )
    found = select_sites(problem, MaximumBenefit(np.ones(2)), SolveOptions(0.0, 0.5))
    assert found.status in ("feasible", "undecided")
    if found.plan is not None:
        assert together(problem, found.plan.chosen)
        assert found.bound is not None
        assert found.plan.objective <= found.bound
