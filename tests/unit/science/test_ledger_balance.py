"""Balances by hand, and what holds of them whatever the entries are."""

from collections.abc import Iterable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.db.balance_rules import balance_rules
from shanhai.science.ledgers import (
    BalanceRule,
    BalanceTally,
    GradedAmount,
    balance_of,
    judge_balance,
)
from shanhai.vocabulary import BALANCE_KINDS, codes

SHORELINE = BalanceRule("natural_shoreline", Decimal(1), True, pool=False, graded=False)
FARMLAND = BalanceRule("cultivated_land", Decimal(1), True, pool=True, graded=True)
WETLAND = BalanceRule("wetland", Decimal("1.5"), False, pool=False, graded=False)

AMOUNTS = st.decimals(min_value="0.0001", max_value="9999999999.9999", places=4)
ENTRIES = st.lists(
    st.tuples(st.booleans(), st.booleans(), AMOUNTS, st.none() | st.integers(1, 15)), max_size=30
)
"""Whether it is taken, whether it is only proposed, the amount and its grade."""
Entry = tuple[bool, bool, Decimal, int | None]


def taken(amount: str, grade: int | None = None, *, proposed: bool = False) -> Entry:
    return True, proposed, Decimal(amount), grade


def given_back(amount: str, grade: int | None = None, *, proposed: bool = False) -> Entry:
    return False, proposed, Decimal(amount), grade


def tally(entries: Iterable[Entry]) -> BalanceTally:
    """Their sum, as the ledger adds what it reads."""
    found = BalanceTally()
    for side, proposed, amount, grade in entries:
        graded = GradedAmount(amount, amount * (grade or 0))
        found += BalanceTally.one(graded, taken=side, proposed=proposed)
    return found


def told(*amounts: Decimal | None) -> str:
    return " ".join(f"{amount:f}" for amount in amounts if amount is not None)


def test_every_kind_has_a_rule_with_its_legal_basis() -> None:
    assert tuple(balance_rules()) == codes(BALANCE_KINDS)
    for stated in balance_rules().values():
        assert stated.rule.ratio > 0
        assert stated.legal_basis
        assert stated.text.zh
        assert stated.text.en
    conditions = {rule.condition for rule in balance_rules().values()}
    assert conditions == {"natural_shoreline_share_kept", "farmland_balance_met", None}


def test_three_hundred_metres_are_not_matched_by_two_hundred() -> None:
    verdict = judge_balance(SHORELINE, tally([taken("300", proposed=True), given_back("200")]))
    assert told(verdict.required, verdict.counted, verdict.lacking) == "300 200 100"
    assert not verdict.met
    more = tally([taken("300", proposed=True), given_back("200"), given_back("100", proposed=True)])
    assert judge_balance(SHORELINE, more).lacking == 100, "restore first, then occupy"
    accepted = tally([taken("300", proposed=True), given_back("200"), given_back("100")])
    assert judge_balance(SHORELINE, accepted).met


def test_what_may_be_given_back_later_is_accepted_in_the_end() -> None:
    found = tally([taken("2"), given_back("3", proposed=True)])
    assert judge_balance(WETLAND, found).met
    end = judge_balance(WETLAND, found, final=True)
    assert (end.required, end.lacking) == (Decimal("3.0"), Decimal("3.0"))
    assert balance_of(WETLAND, tally([taken("2"), given_back("3")])) == 0


@pytest.mark.parametrize(
    ("pool_given", "pool_taken", "supplied"),
    [("100", "60", "20 0"), ("100", "95", "20 0"), ("100", "110", "10 10"), ("0", "200", "0 20")],
)
def test_a_pool_supplies_what_it_has_left(pool_given: str, pool_taken: str, supplied: str) -> None:
    own = tally([taken("50", 5, proposed=True), given_back("30", grade=5)])
    pool = tally([taken(pool_taken, grade=5), given_back(pool_given, grade=5)])
    verdict = judge_balance(FARMLAND, own, pool)
    assert told(verdict.from_pool, verdict.lacking) == supplied
    assert judge_balance(SHORELINE, own, pool).lacking == 20, "no pool by this rule"


@pytest.mark.parametrize(
    ("others", "supplied", "final"),
    [
        # 10 are taken and 4 proposed: 6 of others cover the rest, of 5 one is lacking.
        (["6"], "6 0", "6 4"),
        (["5"], "5 1", "5 5"),
        (["20"], "6 0", "10 0"),
        ([], "0 6", "0 10"),
    ],
)
def test_a_pool_counts_what_the_project_itself_proposes_to_give(
    others: list[str], supplied: str, final: str
) -> None:
    quota = BalanceRule("forest_quota", Decimal(1), False, pool=True, graded=False)
    own = [taken("10", proposed=True), given_back("4", proposed=True)]
    # What others propose to give is none of the pool yet.
    pool = tally([*own, *map(given_back, others), given_back("100", proposed=True)])
    verdict = judge_balance(quota, tally(own), pool)
    assert told(verdict.from_pool, verdict.lacking) == supplied
    end = judge_balance(quota, tally(own), pool, final=True)
    assert told(end.from_pool, end.lacking) == final


def test_quality_is_not_worse_by_mean_grade() -> None:
    own = [taken("10", 4, proposed=True)]
    kept = judge_balance(
        FARMLAND, tally([*own, given_back("5", grade=2), given_back("5", grade=6)])
    )
    assert kept.met
    assert told(kept.grade_taken, kept.grade_given) == "4 4"
    worse = judge_balance(FARMLAND, tally([*own, given_back("10.0001", grade=5)]))
    assert worse.lacking == 0
    assert not worse.grade_kept
    assert not worse.met


@given(ENTRIES)
def test_the_sum_is_the_balance(entries: list[Entry]) -> None:
    found = tally(entries)
    for side, proposed, quantity in (
        (True, False, found.taken),
        (True, True, found.taken_proposed),
        (False, False, found.given),
        (False, True, found.given_proposed),
    ):
        own = [entry[2:] for entry in entries if entry[:2] == (side, proposed)]
        assert quantity.amount == sum((amount for amount, _ in own), Decimal(0))
        assert quantity.graded == sum((one * (grade or 0) for one, grade in own), Decimal(0))
    assert balance_of(SHORELINE, found) == found.given.amount - found.taken.amount


@given(ENTRIES, st.randoms(use_true_random=False))
def test_the_order_does_not_matter(entries: list[Entry], chance: object) -> None:
    mixed = list(entries)
    chance.shuffle(mixed)  # type: ignore[attr-defined]  # Hypothesis' own type is not exported
    assert tally(mixed) == tally(entries)
    half = len(mixed) // 2
    assert tally(mixed[:half]) + tally(mixed[half:]) == tally(entries)


@given(ENTRIES)
def test_what_lacks_is_what_would_meet_the_rule(entries: list[Entry]) -> None:
    own = tally(entries)
    verdict = judge_balance(SHORELINE, own)
    assert verdict.lacking >= 0
    filled = own + BalanceTally(given=GradedAmount(verdict.lacking))
    assert judge_balance(SHORELINE, filled).met
    assert verdict.lacking == max(Decimal(0), own.all_taken.amount - own.given.amount)
