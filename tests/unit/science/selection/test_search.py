import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanhai.science.selection import solver as searching
from shanhai.science.selection.problem import MaximumBenefit, MinimumSet, SelectionProblem
from shanhai.science.selection.programme import make_programme
from shanhai.science.selection.solver import SearchResult, SolveOptions, search, select_sites
from tests.unit.science.selection.cases import (
    EXAMPLE,
    GOALS,
    bare,
    goal_of,
    with_neighbours,
    with_rules,
)


@pytest.fixture
def always_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "LARGE", 1)


@pytest.mark.usefixtures("always_ahead")
@pytest.mark.parametrize("kind", GOALS)
@pytest.mark.parametrize("seed", range(4))
def test_head_start_keeps_rules_bound_and_gap(kind: str, seed: int) -> None:
    problem = with_neighbours(bare(seed, 12), seed)
    if seed % 2:
        problem = with_rules(problem, seed)
    goal = goal_of(kind, problem, seed)
    exact = select_sites(problem, goal, SolveOptions(0.0))
    ahead = select_sites(problem, goal, SolveOptions(0.05))
    assert ahead.status == exact.status
    if exact.plan is None:
        return
    assert ahead.plan is not None
    assert ahead.bound is not None
    assert ahead.gap is not None
    sign = 1 if ahead.bound >= ahead.plan.objective else -1
    # The best lies between the plan and the bound.
    assert sign * (exact.plan.objective - ahead.plan.objective) >= -1e-5
    assert sign * (ahead.bound - exact.plan.objective) >= -1e-5
    assert ahead.gap <= 0.05 + 1e-6


@given(seed=st.integers(0, 10_000))
@settings(max_examples=5, deadline=None)
def test_many_sites_within_the_gap(seed: int) -> None:
    rng = np.random.default_rng(seed)
    costs, amounts = rng.uniform(1, 10, 1200), rng.uniform(0, 5, (3, 1200))
    problem = SelectionProblem(costs, amounts, tuple("abc"), budget=float(costs.sum() / 4))
    goal = MaximumBenefit(np.ones(3), amounts.sum(axis=1) * 0.3)
    found = select_sites(problem, goal, SolveOptions(0.01))
    assert found.status == "optimal"
    assert found.plan is not None
    assert found.gap is not None
    assert found.gap <= 0.01
    assert found.plan.cost <= costs.sum() / 4
    again = select_sites(problem, goal, SolveOptions(0.01))
    assert again.plan is not None
    assert (again.plan.phase_of == found.plan.phase_of).all()


@pytest.mark.usefixtures("always_ahead")
def test_a_head_start_counts_where_the_whole_search_comes_to_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    head = SearchResult("limit", np.ones(4), 14.0, 4.5)
    monkeypatch.setattr(searching, "_head_start", lambda *_: head)
    monkeypatch.setattr(searching, "_run", lambda *_: SearchResult("limit", None, np.inf, -np.inf))
    found = search(make_programme(EXAMPLE, MinimumSet(np.array([5.0, 5.0]))), [], 0.0, 1.0)
    assert (found.ending, found.found, found.bound) == ("limit", 14.0, 4.5)
    assert found.values is head.values


def test_a_plan_without_any_worth_is_the_best_only_where_none_can_be_worth_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of an objective of 0 no gap is a share."""
    nothing = np.zeros(6)
    for bound, status, gap in ((-12.0, "feasible", np.inf), (-1e-9, "optimal", 0.0)):
        stopped = SearchResult("limit", nothing, 0.0, bound)
        monkeypatch.setattr(searching, "search", lambda *_, stopped=stopped: stopped)
        found = select_sites(EXAMPLE, MaximumBenefit(np.ones(2)))
        assert found.plan is not None
        assert (found.plan.objective, found.bound) == (0, -bound)
        assert (found.status, found.gap) == (status, gap)
