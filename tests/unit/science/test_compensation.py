"""What districts pay one another, by hand-computed sums and properties of them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.science.ledgers import (
    ClassRule,
    IndexRule,
    IndexStep,
    ServiceRule,
    index_of,
    settle_classes,
    settle_index,
    settle_service,
)

D = Decimal
CLASSES = ClassRule(3, (D(100), D(250)), (D(200), D(300)), D(1000))
INDEX = IndexRule(
    {"cod": D(20), "nh3n": D(1)},
    {"cod": D("0.25"), "nh3n": D("0.75")},
    (IndexStep(D("0.9"), D(120)), IndexStep(D(1), D(100)), IndexStep(None, D(-100))),
    D("0.9"),
)


def test_months_are_paid_by_the_gap_of_their_class() -> None:
    # II: +100, I: +250, III: 0, IV: −200, V: −300, worse than V: −300 as the last step.
    months = {1: 2, 2: 1, 3: 3, 4: 4, 5: 5, 6: 6, 7: 0}
    settled = settle_classes(CLASSES, months)
    assert settled.amount == D("-450.00")
    assert [line.amount for line in settled.lines] == [100, 250, 0, -200, -300, -300]
    assert settled.missing == ("07", "08", "09", "10", "11", "12")
    assert not settled.capped


def test_a_cap_bounds_both_ways() -> None:
    best = settle_classes(CLASSES, dict.fromkeys(range(1, 13), 1))
    assert (best.amount, best.capped) == (D(1000), True)
    worst = settle_classes(CLASSES, dict.fromkeys(range(1, 13), 6))
    assert (worst.amount, worst.capped) == (D(-1000), True)


def test_nothing_observed_is_nothing_settled() -> None:
    assert settle_classes(CLASSES, {}).amount is None
    assert settle_index(INDEX, {}).amount is None
    assert settle_index(INDEX, {}).missing == ("cod", "nh3n")
    assert settle_service(ServiceRule(D(0), D(1)), None).amount is None


@pytest.mark.parametrize(
    ("cod", "nh3n", "index", "amount"),
    [
        # 0.9 · (0.25 · 20 ÷ 20 + 0.75 · 1 ÷ 1) = 0.9
        ("20", "1", "0.9", 120),
        # 0.9 · (0.25 · 24 ÷ 20 + 0.75 · 1.05) = 0.9 · 1.0875 = 0.97875
        ("24", "1.05", "0.97875", 100),
        # 0.9 · (0.25 · 40 ÷ 20 + 0.75 · 2) = 1.8
        ("40", "2", "1.8", -100),
    ],
)
def test_an_index_takes_its_step(cod: str, nh3n: str, index: str, amount: int) -> None:
    means = {"cod": D(cod), "nh3n": D(nh3n)}
    assert index_of(INDEX, means) == D(index)
    assert settle_index(INDEX, means).amount == D(amount)


def test_weights_of_what_was_observed_are_scaled() -> None:
    # 0.9 · 0.25 · (30 ÷ 20) ÷ 0.25 = 1.35
    assert index_of(INDEX, {"cod": D(30)}) == D("1.35")
    assert settle_index(INDEX, {"cod": D(30)}).missing == ("nh3n",)


def test_a_service_is_paid_by_what_it_is_above_its_baseline() -> None:
    rule = ServiceRule(D("0.10"), D(1_000_000), D("0.01"), D(50_000))
    assert settle_service(rule, D("0.11")).amount == D("0.00")  # within the tolerance
    assert settle_service(rule, D("0.135")).amount == D("35000.00")
    assert settle_service(rule, D("0.20")).amount == D(50_000)
    assert settle_service(rule, D("-0.20")).amount == D(-50_000)


def test_cents_are_rounded_half_up() -> None:
    rule = ServiceRule(D(0), D("0.5"))
    for balance, cents in (("0.01", "0.01"), ("-0.01", "-0.01"), ("0.05", "0.03")):
        settled = settle_service(rule, D(balance))  # 0.005, -0.005, 0.025
        assert settled.amount == settled.lines[0].amount == D(cents)


amounts = st.decimals("0", "1e9", places=2)
classes = st.dictionaries(st.integers(1, 12), st.integers(0, 6), max_size=12)


@given(classes, st.lists(amounts, min_size=1, max_size=5), st.none() | amounts)
def test_the_lines_add_up_unless_the_cap_bounds_them(
    months: dict[int, int], steps: list[Decimal], cap: Decimal | None
) -> None:
    settled = settle_classes(ClassRule(3, steps, steps, cap), months)
    known = [month for month in months.values() if month]
    assert len(settled.lines) + len(settled.missing) == 12
    if not known:
        assert settled.amount is None
        return
    assert settled.amount is not None
    whole = sum((line.amount for line in settled.lines), D(0))
    assert settled.capped == (cap is not None and abs(whole) > cap)
    assert settled.amount == (whole if not settled.capped else (cap if whole > 0 else -(cap or 0)))


@given(
    st.dictionaries(st.integers(1, 12), st.integers(1, 5), min_size=1),
    st.lists(amounts, min_size=1, max_size=5),
)
def test_the_sides_are_alike(months: dict[int, int], steps: list[Decimal]) -> None:
    rule = ClassRule(3, steps, steps)
    own = settle_classes(rule, months).amount
    other = settle_classes(rule, {month: 6 - number for month, number in months.items()}).amount
    assert own is not None
    assert other == -own


@given(st.decimals("0", "1000", places=3), st.decimals("0.001", "1000", places=3))
def test_dirtier_water_never_raises_the_pay(cod: Decimal, more: Decimal) -> None:
    cleaner = settle_index(INDEX, {"cod": cod, "nh3n": D(1)}).amount
    dirtier = settle_index(INDEX, {"cod": cod + more, "nh3n": D(1)}).amount
    assert cleaner is not None
    assert dirtier is not None
    assert dirtier <= cleaner
