from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.science.selection.groups import SiteGroups
from shanhai.science.selection.limits import (
    Limit,
    exact_sum,
    fund_groups,
    limits_of,
    not_below,
    payments,
)
from shanhai.science.selection.problem import MaximumBenefit, SelectionProblem, TargetCoverage
from shanhai.science.selection.programme import make_programme
from shanhai.science.selection.rules import (
    CorridorSteps,
    DistrictRule,
    FundRule,
    PhaseRule,
    SiteConnections,
)
from shanhai.science.selection.solver import SolveOptions, select_sites
from tests.unit.science.selection.cases import EXAMPLE, LINE

ALL = np.ones(3, dtype=bool)


def limit(amounts: list[float], bound: float, *, floor: bool = False) -> Limit:
    return Limit("budget", "", np.arange(3), np.array(amounts), bound, floor)


def test_decimals_add_up_as_written() -> None:
    assert exact_sum([0.1, 0.2]) == Decimal("0.3")
    assert not_below(Decimal("0.3")) == 0.3
    assert not_below(exact_sum([1.0, 1e-30])) == np.nextafter(1.0, 2.0)


@given(st.lists(st.floats(0, 1e300, allow_subnormal=True), max_size=6))
def test_sums_do_not_depend_on_order(values: list[float]) -> None:
    assert exact_sum(values) == exact_sum(reversed(values))
    assert not_below(exact_sum(values)) >= float(exact_sum(values))


def test_limits_hold_in_decimals() -> None:
    # The doubles add up to 0.6000000000000001.
    assert limit([0.1, 0.2, 0.3], 0.6).holds(ALL)
    assert limit([0.1, 0.2, 0.3], 0.6, floor=True).holds(ALL)
    assert not limit([0.1, 0.2, 0.3], 0.5999999999999999).holds(ALL)
    assert not limit([0.1, 0.2, 0.3], 0.6000000000000001, floor=True).holds(ALL)
    assert limit([1.0, 0, 0], 5.0).holds(ALL)
    assert not limit([1.0, 0, 0], 5.0, floor=True).holds(ALL)


def test_cuts_forbid_what_breaks_a_limit_and_nothing_allowed() -> None:
    over = limit([3.0, 0.0, 4.0], 6.0).cut(ALL)
    # Not both that cost something.
    assert (over.columns.tolist(), over.values.tolist(), over.high) == ([0, 2], [1, 1], 1)
    short = limit([3.0, 4.0, 5.0], 8.0, floor=True).cut(np.array([True, True, False]))
    assert (short.columns.tolist(), short.low) == ([2], 1)


def test_a_claim_of_a_missed_target_is_forbidden() -> None:
    goal = TargetCoverage(np.ones(2), np.array([5.0, 11.0]))
    programme = make_programme(replace(EXAMPLE, budget=100.0), goal)
    values = np.array([1.0, 0, 1, 0, 1, 1])
    plan = programme.read(values)
    assert plan.reached.tolist() == [True, False]
    (cut,) = programme.cuts(plan, values)
    # Soil needs the second or the fourth site: y − x1 − x3 ≤ 0.
    assert (cut.columns.tolist(), cut.values.tolist(), cut.high) == ([1, 3, 5], [-1, -1, 1], 0)


def test_rules_become_limits_over_options() -> None:
    problem = replace(
        EXAMPLE,
        budget=9.0,
        phases=(PhaseRule("first", 4.0), PhaseRule("second")),
        districts=(DistrictRule("west", (0, 1), 5.0, 1, 2),),
    )
    kinds = {one.kind: one for one in limits_of(problem, np.array([5.0, 0.0]))}
    assert set(kinds) == {
        *("budget", "phase_budget", "district_budget", "at_least", "at_most", "target"),
    }
    assert kinds["budget"].amounts.tolist() == [4, 4, 3, 3, 5, 5, 2, 2]
    assert kinds["phase_budget"].options.tolist() == [0, 2, 4, 6]
    assert kinds["district_budget"].options.tolist() == [0, 1, 2, 3]
    assert kinds["target"].options.tolist() == [0, 1, 2, 3, 6, 7]


def test_funds_bind_where_claims_overlap() -> None:
    funds = (FundRule("marine", 3.0, (0, 1)), FundRule("forest", 2.0, (2,)), FundRule("city", 4.0))
    groups = {group.name: group for group in fund_groups(replace(EXAMPLE, funds=funds))}
    assert set(groups) == {
        *("city", "marine, city", "forest, city", "marine, forest, city"),
    }
    assert groups["city"].options.tolist() == [3]
    assert (groups["marine, city"].options.tolist(), groups["marine, city"].amount) == (
        [0, 1, 3],
        7,
    )
    apart = (FundRule("a", 1.0, (0,)), FundRule("b", 1.0, (1,)))
    # Nobody pays for the others, and the two funds never compete.
    names = [group.name for group in fund_groups(replace(EXAMPLE, funds=apart))]
    assert names == ["", "a", "b"]


def test_earmarked_money_is_spent_first() -> None:
    funds = (FundRule("city", 4.0), FundRule("marine", 3.0, (0, 1)))
    problem = replace(EXAMPLE, funds=funds)
    found = select_sites(problem, MaximumBenefit(np.ones(2)), SolveOptions(0.0))
    assert found.plan is not None
    assert np.flatnonzero(found.plan.chosen).tolist() == [0, 1]
    paid = payments(problem, found.plan.phase_of)
    np.testing.assert_allclose(paid.sum(axis=1), [4, 3, 0, 0])
    np.testing.assert_allclose(paid, [[1, 3], [3, 0], [0, 0], [0, 0]])
    # Where there is more than enough, what is for few sites is spent all the same.
    rich = replace(problem, funds=(FundRule("city", 10.0), FundRule("marine", 3.0, (0, 1))))
    assert payments(rich, found.plan.phase_of).sum(axis=0) == pytest.approx([4, 3])
    nothing = payments(problem, np.full(4, -1))
    assert not nothing.any()
    gift = replace(problem, costs=np.array([0.0, 3, 5, 2]))
    assert not payments(gift, np.array([0, -1, -1, -1])).any()
    with pytest.raises(InvalidInput):
        payments(problem, np.array([-1, -1, 0, -1]))


def test_payments_reroute_what_another_site_needs() -> None:
    # The narrow fund must leave the city's money to the site that nothing else pays for.
    funds = (FundRule("city", 5.0), FundRule("marine", 4.0, (0, 1)), FundRule("year", 3.0, None, 0))
    problem = replace(EXAMPLE, phases=(PhaseRule("a"), PhaseRule("b")), funds=funds)
    paid = payments(problem, np.array([0, 0, 1, -1]))
    np.testing.assert_allclose(paid.sum(axis=1), [4, 3, 5, 0])
    assert (paid.sum(axis=0) <= [5 + 1e-9, 4 + 1e-9, 3 + 1e-9]).all()
    assert paid[2].tolist() == [5, 0, 0]


def test_too_many_overlaps_are_refused() -> None:
    funds = tuple(FundRule(str(number), 1.0, (number,)) for number in range(12))
    problem = SelectionProblem(
        np.ones(13), np.ones((1, 13)), ("a",), funds=(*funds, FundRule("city", 1.0))
    )
    with pytest.raises(LimitExceeded):
        fund_groups(problem)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (lambda: {"costs": np.ones(3)}, "/amounts"),
        (lambda: {"costs": np.array([1, -1, np.nan, 2])}, "/costs"),
        (lambda: {"amounts": np.full((2, 4), np.inf)}, "/amounts"),
        (lambda: {"features": ("water", "water")}, "/features"),
        (lambda: {"budget": -1.0}, "/budget"),
        (lambda: {"budget": np.nan}, "/budget"),
        (lambda: {"locked_in": (4,)}, "/locked_in"),
        (lambda: {"locked_out": (1, 1)}, "/locked_out"),
        (lambda: {"locked_in": (1,), "locked_out": (1,)}, "/locked_out"),
        (lambda: {"variants": ((0, 1), (1, 2))}, "/variants"),
        (lambda: {"variants": ((),)}, "/variants/0"),
        (lambda: {"variants": ((0, 1),), "locked_in": (0, 1)}, "/variants/0"),
        (lambda: {"districts": (DistrictRule("w", (9,)),)}, "/districts/0/sites"),
        (
            lambda: {"districts": (DistrictRule("w", (1,), at_least=2, at_most=1),)},
            "/districts/0/at_least",
        ),
        (lambda: {"phases": (PhaseRule("a", share=0.0),)}, "/phases/0/share"),
        (lambda: {"funds": (FundRule("a", 1.0, phase=0),)}, "/funds/0/phase"),
        (lambda: {"funds": (FundRule("a", -1.0),)}, "/funds/0/amount"),
        (lambda: {"edges": replace(LINE, perimeters=np.ones(3))}, "/edges/perimeters"),
        (lambda: {"edges": replace(LINE, lengths=np.full(3, 5.0))}, "/edges/lengths"),
        (
            lambda: {"edges": replace(LINE, pairs=np.array([[0, 1], [1, 0], [2, 3]]))},
            "/edges/pairs",
        ),
        (
            lambda: {"connections": SiteConnections(np.array([[1, 1]]), np.ones(1))},
            "/connections/pairs",
        ),
        (
            lambda: {"connections": SiteConnections(np.array([1, 2]), np.ones(1))},
            "/connections/pairs",
        ),
        (lambda: {"corridors": (CorridorSteps("c", (), 1.0),)}, "/corridors/0/steps"),
        (lambda: {"groups": SiteGroups(LINE.pairs, np.ones(3), 1.0)}, "/groups/sizes"),
        (lambda: {"groups": SiteGroups(LINE.pairs, -np.ones(4), 1.0)}, "/groups/sizes"),
        (lambda: {"groups": SiteGroups(LINE.pairs, np.ones(4), np.inf)}, "/groups/least"),
        (lambda: {"groups": SiteGroups(LINE.pairs + 1, np.ones(4), 1.0)}, "/groups/pairs"),
        (lambda: {"corridors": (CorridorSteps("c", ((7,),), 1.0),)}, "/corridors/0/steps"),
    ],
)
def test_problems_out_of_range_are_refused(
    change: Callable[[], dict[str, Any]], pointer: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        replace(EXAMPLE, **change())
    assert refused.value.faults[0].pointer == pointer
    assert refused.value.message_zh != refused.value.message
