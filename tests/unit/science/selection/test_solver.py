from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.selection.problem import (
    Goal,
    MaximumBenefit,
    MinimumSet,
    SelectionProblem,
    TargetCoverage,
    TargetShortfall,
    maximises,
)
from shanhai.science.selection.programme import make_programme
from shanhai.science.selection.rules import CorridorSteps, DistrictRule, PhaseRule
from shanhai.science.selection.solver import SiteSelection, SolveOptions, select_sites, solve
from tests.unit.science.selection.cases import (
    EXAMPLE,
    GOALS,
    LINE,
    allowed,
    bare,
    best_of_all,
    every_choice,
    goal_of,
    with_neighbours,
    with_rules,
    worth,
)

EXACT = SolveOptions(gap=0.0)
BOTH = MinimumSet(np.array([5.0, 5.0]))
EQUAL = MaximumBenefit(np.ones(2))


def chosen_in(selection: SiteSelection) -> list[int]:
    assert selection.plan is not None
    return np.flatnonzero(selection.plan.chosen).tolist()


def test_least_cost_for_two_targets() -> None:
    found = select_sites(EXAMPLE, BOTH, EXACT)
    assert found.status == "optimal"
    assert chosen_in(found) == [1, 3]
    assert found.plan is not None
    assert (found.plan.cost, found.plan.objective, found.bound, found.gap) == (5, 5, 5, 0)
    assert found.plan.amounts.tolist() == [5, 5]
    assert found.plan.reached.all()


def test_most_benefit_within_a_budget() -> None:
    found = select_sites(replace(EXAMPLE, budget=7.0), EQUAL, EXACT)
    assert chosen_in(found) == [0, 1]
    assert found.plan is not None
    assert (found.plan.objective, found.plan.cost) == (12, 7)


def test_exposed_edge_is_paid_for() -> None:
    found = select_sites(replace(EXAMPLE, edges=LINE), BOTH, EXACT)
    assert chosen_in(found) == [1, 3]
    assert found.plan is not None
    assert (found.plan.objective, found.plan.exposed_m) == (13, 8)
    dear = replace(EXAMPLE, edges=replace(LINE, penalty=3.0))
    lower = MinimumSet(np.array([5.0, 4.0]))
    # 0 and 1 share a border: 7 + 3·6 = 25 is less than 5 + 3·8 = 29.
    assert chosen_in(select_sites(EXAMPLE, lower, EXACT)) == [1, 3]
    assert chosen_in(select_sites(dear, lower, EXACT)) == [0, 1]


def test_a_corridor_opens_when_every_step_is_done() -> None:
    problem = replace(
        EXAMPLE, budget=7.0, corridors=(CorridorSteps("hill to sea", ((2,), (0, 3)), 10.0),)
    )
    found = select_sites(problem, EQUAL, EXACT)
    assert chosen_in(found) == [2, 3]
    assert found.plan is not None
    assert found.plan.corridors.tolist() == [True]
    assert found.plan.objective == 9 + 10


@pytest.mark.parametrize("kind", GOALS)
@pytest.mark.parametrize("dressed", ["bare", "neighbours", "rules", "all"])
@pytest.mark.parametrize("seed", [1, 2])
def test_agrees_with_every_choice(kind: str, dressed: str, seed: int) -> None:
    problem = bare(seed, 6 if dressed in ("rules", "all") else 9)
    if dressed in ("neighbours", "all"):
        problem = with_neighbours(problem, seed)
    if dressed in ("rules", "all"):
        problem = with_rules(problem, seed)
    goal = goal_of(kind, problem, seed)
    if kind == "minimum":
        problem = replace(problem, budget=None)
    _compare(problem, goal)


@pytest.mark.parametrize("kind", GOALS)
@pytest.mark.parametrize("term", ["none", "edges", "connections", "corridors", "all"])
def test_each_term_agrees_with_all_choices_of_fourteen_sites(kind: str, term: str) -> None:
    problem = with_neighbours(bare(5, 14), 5)
    if kind == "minimum":
        problem = replace(problem, budget=None)
    if term not in ("edges", "all"):
        problem = replace(problem, edges=None)
    if term not in ("connections", "all"):
        problem = replace(problem, connections=None)
    if term not in ("corridors", "all"):
        problem = replace(problem, corridors=())
    goal = goal_of(kind, problem, 5)
    found = select_sites(problem, goal, EXACT)
    assert found.plan is not None
    assert found.plan.objective == pytest.approx(best_of_all(problem, goal), abs=1e-9)


@given(seed=st.integers(0, 10_000), kind=st.sampled_from(GOALS))
@settings(max_examples=25, deadline=None)
def test_agrees_with_every_choice_at_random(seed: int, kind: str) -> None:
    problem = with_neighbours(bare(seed, 7), seed)
    _compare(problem, goal_of(kind, problem, seed))


@given(seed=st.integers(0, 10_000), kind=st.sampled_from(GOALS))
@settings(max_examples=15, deadline=None)
def test_rules_agree_with_every_choice_at_random(seed: int, kind: str) -> None:
    problem = with_rules(bare(seed, 5), seed)
    _compare(problem, goal_of(kind, problem, seed))


def _compare(problem: SelectionProblem, goal: Goal) -> None:
    found = select_sites(problem, goal, EXACT)
    choices = every_choice(problem, goal)
    if not choices:
        assert found.status == "infeasible"
        assert found.unmet
        return
    best = (max if maximises(goal) else min)(choices)[0]
    assert found.status == "optimal"
    assert found.plan is not None
    assert found.plan.objective == pytest.approx(best, abs=1e-9)
    phases = tuple(found.plan.phase_of.tolist())
    assert allowed(problem, goal, phases)
    assert found.plan.objective == pytest.approx(worth(problem, goal, phases), abs=1e-9)
    assert found.bound == pytest.approx(best, rel=1e-5, abs=1e-5)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_budget_and_targets_hold_in_decimals(seed: int) -> None:
    rng = np.random.default_rng(seed)
    costs = rng.integers(1, 1000, 8) / 10
    amounts = rng.integers(0, 1000, (2, 8)) / 1000
    within = sorted(rng.choice(8, 4, replace=False).tolist())
    # The budget is exactly what four sites cost, which sums of doubles may miss on either side.
    budget = round(float(costs[within].sum()), 1)
    problem = SelectionProblem(costs, amounts, ("a", "b"), budget=budget)
    found = select_sites(problem, MaximumBenefit(np.ones(2)), EXACT)
    _compare_best(problem, found)
    targets = np.round(amounts[:, within].sum(axis=1), 3)
    least = select_sites(replace(problem, budget=None), MinimumSet(targets), EXACT)
    assert least.plan is not None
    assert least.plan.cost <= budget
    assert allowed(replace(problem, budget=None), MinimumSet(targets), least.plan.phase_of)


def _compare_best(problem: SelectionProblem, found: SiteSelection) -> None:
    assert found.plan is not None
    assert allowed(problem, EQUAL, found.plan.phase_of)
    choices = every_choice(problem, EQUAL)
    assert found.plan.objective == pytest.approx(max(choices)[0])


def test_what_the_tolerance_lets_pass_is_forbidden() -> None:
    # Both sites cost 1e-9 more than there is: less than HiGHS sees.
    problem = SelectionProblem(
        np.array([1.0, 1.000000001, 0.5]), np.array([[3.0, 3, 1]]), ("a",), budget=2.0
    )
    found = select_sites(problem, MaximumBenefit(np.ones(1)), EXACT)
    assert found.status == "optimal"
    assert found.plan is not None
    assert found.plan.objective == 4
    assert found.plan.cost <= 2
    short = replace(problem, amounts=np.array([[1.0, 0.999999999, 5]]), budget=None)
    least = select_sites(short, MinimumSet(np.array([2.0])), EXACT)
    assert chosen_in(least) == [2]
    covered = replace(problem, amounts=np.array([[1.0, 0.999999999, 0.5]]), budget=2.2)
    goal = TargetCoverage(np.ones(1), np.array([2.0]))
    assert chosen_in(select_sites(replace(covered, budget=2.6), goal, EXACT)) == [0, 1, 2]
    none = select_sites(covered, goal, EXACT)
    assert none.plan is not None
    assert none.plan.objective == 0


def test_a_target_of_all_there_is_is_not_barred_by_the_rounding_of_the_sum() -> None:
    """0.1 and 0.7 are 0.8, as doubles 2⁻⁵³ less."""
    problem = SelectionProblem(np.ones(2), np.array([[0.1, 0.7]]), ("water",))
    assert problem.amounts.sum() < 0.8
    found = select_sites(problem, TargetCoverage(np.ones(1), np.array([0.8])), EXACT)
    assert chosen_in(found) == [0, 1]
    assert found.plan is not None
    assert (found.plan.reached.tolist(), found.plan.objective) == ([True], 1)


def test_later_phases_count_for_less() -> None:
    problem = replace(EXAMPLE, phases=(PhaseRule("2025", 4.0), PhaseRule("2030", 3.0, 0.5)))
    found = select_sites(problem, EQUAL, EXACT)
    assert found.plan is not None
    _compare(problem, EQUAL)
    assert found.plan.objective == max(every_choice(problem, EQUAL))[0]
    assert set(found.plan.phase_of.tolist()) == {-1, 0, 1}


def test_unreachable_targets_are_named() -> None:
    found = select_sites(EXAMPLE, MinimumSet(np.array([11.0, 5.0])), EXACT)
    assert found.status == "infeasible"
    (unmet,) = found.unmet
    assert (unmet.kind, unmet.name, unmet.asked, unmet.possible) == ("target", "water", 11, 10)
    assert unmet.alone
    assert unmet.message == "the target of water is 11; all sites together give 10"
    assert "water" in unmet.message_zh
    without = replace(EXAMPLE, locked_out=(0,), variants=((1, 3),))
    (unmet, other) = select_sites(without, MinimumSet(np.array([5.0, 11.0])), EXACT).unmet
    assert (unmet.possible, other.possible) == (3, 10)


def test_rules_that_contradict_each_other_are_named() -> None:
    tight = replace(EXAMPLE, budget=4.0)
    found = select_sites(tight, BOTH, EXACT)
    assert found.status == "infeasible"
    assert found.plan is None
    # A fifth of the budget more is less than any target missed.
    assert [(one.kind, one.asked, one.possible) for one in found.unmet] == [("budget", 4, 5)]
    assert not found.unmet[0].alone
    assert "budget" in found.unmet[0].message
    few = replace(EXAMPLE, districts=(DistrictRule("west", (0, 1, 3), at_most=0),))
    (unmet, *_) = select_sites(few, BOTH, EXACT).unmet
    assert unmet.kind in ("at_most", "target")
    dear = replace(EXAMPLE, budget=3.0, locked_in=(0,))
    (unmet,) = select_sites(dear, EQUAL, EXACT).unmet
    assert (unmet.kind, unmet.possible) == ("budget", 4)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_what_is_told_to_be_possible_is(seed: int) -> None:
    problem = with_rules(bare(seed, 5), seed)
    goal = goal_of("minimum", problem, seed)
    assert isinstance(goal, MinimumSet)
    found = select_sites(problem, goal, EXACT)
    if found.status != "infeasible":
        return
    if any(one.alone for one in found.unmet):
        assert not every_choice(problem, goal)
        return
    eased, targets = problem, goal.targets.copy()
    for one in found.unmet:
        if one.kind == "target":
            targets[problem.features.index(one.name)] = one.possible
        if one.kind == "budget":
            eased = replace(eased, budget=one.possible)
        if one.kind in ("phase_budget", "fund", "district_budget", "at_least", "at_most"):
            return
    assert select_sites(eased, MinimumSet(targets), EXACT).status == "optimal"


def test_time_limit_returns_what_there_is() -> None:
    rng = np.random.default_rng(1)
    costs, amounts = rng.uniform(1, 10, 300), rng.uniform(0, 5, (5, 300))
    budget = float(costs.sum() / 3)
    problem = SelectionProblem(costs, amounts, tuple("abcde"), budget=budget)
    goal = MaximumBenefit(np.ones(5), amounts.sum(axis=1) * 0.3)
    found = select_sites(problem, goal, SolveOptions(gap=0.0, time_limit_s=0.05))
    assert found.status in ("feasible", "undecided", "optimal")
    if found.plan is not None:
        assert found.gap is not None
        assert found.bound is not None
        assert found.bound >= found.plan.objective
        assert found.plan.cost <= budget


@given(seed=st.integers(0, 10_000), kind=st.sampled_from(GOALS))
@settings(max_examples=10, deadline=None)
def test_the_gap_is_kept(seed: int, kind: str) -> None:
    problem = with_neighbours(bare(seed, 12), seed)
    goal = goal_of(kind, problem, seed)
    loose, exact = (select_sites(problem, goal, SolveOptions(gap)) for gap in (0.1, 0.0))
    if exact.plan is None:
        assert loose.status == exact.status
        return
    assert loose.plan is not None
    assert loose.gap is not None
    worse = abs(loose.plan.objective - exact.plan.objective)
    assert worse <= 0.1 * abs(loose.plan.objective) + 1e-5
    assert loose.status == "optimal"


@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_more_money_never_gains_less(seed: int) -> None:
    problem = with_neighbours(bare(seed, 10), seed)
    goal = MaximumBenefit(np.ones(3))
    gains = []
    for budget in (5.0, 10.0, 20.0, 40.0):
        plan = select_sites(replace(problem, budget=budget), goal, EXACT).plan
        assert plan is not None
        gains.append(plan.objective)
    assert gains == sorted(gains)


def test_matrix_of_the_example() -> None:
    programme = make_programme(replace(EXAMPLE, edges=LINE, budget=7.0), BOTH)
    # z = x − p of each border: what it takes off is taken off its first site.
    assert programme.objective.tolist() == [6, 5, 7, 6, 2, 2, 2]
    assert programme.matrix.shape == (3 + 3, 7)
    assert programme.high[0] == pytest.approx(7 / 5)
    assert programme.integral.tolist() == [True] * 4 + [False] * 3
    again = solve(programme, EXACT)
    assert again.plan is not None
    assert again.plan.objective == 13


@pytest.mark.parametrize(
    ("goal", "pointer"),
    [
        (MinimumSet(np.array([1.0])), "/goal/targets"),
        (MinimumSet(np.array([1.0, np.nan])), "/goal/targets"),
        (MaximumBenefit(np.zeros(2)), "/goal/weights"),
        (MaximumBenefit(np.ones(2), np.ones(3)), "/goal/caps"),
        (TargetCoverage(np.ones(2), np.array([0.0, 1])), "/goal/targets"),
        (TargetShortfall(np.array([-1.0, 1]), np.ones(2)), "/goal/weights"),
    ],
)
def test_goals_out_of_range_are_refused(goal: Goal, pointer: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        select_sites(EXAMPLE, goal)
    assert refused.value.faults[0].pointer == pointer


@pytest.mark.parametrize(("gap", "seconds"), [(-0.1, 1.0), (np.nan, 1.0), (0.1, 0.0)])
def test_options_out_of_range_are_refused(gap: float, seconds: float) -> None:
    with pytest.raises(InvalidInput):
        SolveOptions(gap, seconds)
