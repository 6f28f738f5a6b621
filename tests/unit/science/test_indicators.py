from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.science.indicators import (
    BaseFigure,
    Comparator,
    IndicatorStanding,
    IndicatorStatus,
    ObservedFigure,
    Record,
    Sense,
    TargetFigure,
    contradicts,
    falls_short,
    half_of_last_digit,
    sen_slope,
    sense_of,
    shortfall_percent,
    total,
    uncounted,
)

ORDER = {
    IndicatorStatus.NO_DATA: 0,
    IndicatorStatus.BEHIND: 0,
    IndicatorStatus.ON_TRACK: 1,
    IndicatorStatus.REACHED: 2,
}


def number(text: str) -> Decimal:
    return Decimal(text)


def goal(
    year: int | None, value: str | None, sense: Sense = "at_least", **rest: Any
) -> TargetFigure:
    return TargetFigure(year, None if value is None else number(value), sense, **rest)


def values(**by_year: str) -> list[ObservedFigure]:
    return [ObservedFigure(int(year.lstrip("y")), number(value)) for year, value in by_year.items()]


def judge(
    target: TargetFigure,
    observed: Sequence[ObservedFigure],
    *,
    year: int,
    base: tuple[int, str] | None = (2020, "318"),
    others: Sequence[TargetFigure] = (),
) -> IndicatorStanding:
    start = None if base is None else BaseFigure(base[0], number(base[1]))
    return Record((*others, target), start, observed).judge(target, year)


def codes(standing: IndicatorStanding) -> list[str]:
    return [remark.code for remark in standing.remarks]


STOCK = goal(2025, "320", comparator="ge")


@pytest.mark.parametrize(
    ("value", "status", "gap"),
    [
        ("320", IndicatorStatus.REACHED, "0"),
        ("321", IndicatorStatus.REACHED, "-1"),
        # Two in five years: 1.2 of them are due by 2023.
        ("319.2", IndicatorStatus.ON_TRACK, "0.8"),
        ("319.19", IndicatorStatus.BEHIND, "0.81"),
    ],
)
def test_higher_is_better(value: str, status: IndicatorStatus, gap: str) -> None:
    standing = judge(STOCK, values(y2023=value), year=2023)
    assert (standing.status, standing.gap, standing.path) == (status, number(gap), number("319.2"))
    assert standing.value_year == 2023


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("2", IndicatorStatus.REACHED),
        ("6", IndicatorStatus.ON_TRACK),
        ("6.01", IndicatorStatus.BEHIND),
    ],
)
def test_lower_is_better(value: str, status: IndicatorStatus) -> None:
    # From 10 to 2 in ten years: 6 is due by 2025.
    target = goal(2030, "2", "at_most", comparator="le")
    standing = judge(target, values(y2025=value), year=2025, base=(2020, "10"))
    assert (standing.status, standing.path) == (status, number("6"))
    assert standing.gap == number(value) - 2


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("83.3", IndicatorStatus.REACHED),
        ("83.35", IndicatorStatus.REACHED),
        ("83.36", IndicatorStatus.BEHIND),
        ("81.65", IndicatorStatus.ON_TRACK),
        ("84.95", IndicatorStatus.ON_TRACK),
        ("81.64", IndicatorStatus.BEHIND),
    ],
)
def test_a_figure_to_follow_is_equalled_at_its_printed_precision(
    value: str, status: IndicatorStatus
) -> None:
    # From 80 to 83.3 in ten years: 81.65 by 2025, as far above as below.
    target = goal(2030, "83.3", "track", comparator="eq")
    year = 2030 if status is IndicatorStatus.BEHIND and value == "83.36" else 2025
    standing = judge(target, [ObservedFigure(year, number(value))], year=year, base=(2020, "80"))
    assert (standing.status, standing.gap) == (status, abs(number(value) - number("83.3")))


@pytest.mark.parametrize(
    ("sense", "comparator", "value", "met"),
    [
        ("at_least", "ge", "5", True),
        ("at_least", "gt", "5", False),
        ("at_least", "gt", "5.01", True),
        ("at_least", "none", "5", True),
        ("at_least", "eq", "6", True),
        ("at_least", None, "4.99", False),
        ("at_most", "le", "5", True),
        ("at_most", "lt", "5", False),
        ("at_most", "lt", "4.9", True),
        ("at_most", "none", "5.1", False),
        ("track", "eq", "5", True),
        ("track", "none", "5.5", True),
        ("track", "eq", "5.6", False),
    ],
)
def test_comparators(sense: Sense, comparator: Any, value: str, met: bool) -> None:
    assert goal(2025, "5", sense, comparator=comparator).meets(number(value)) is met


def test_the_path_goes_by_way_of_the_near_target() -> None:
    near, final = goal(2025, "320"), goal(2035, "330")
    at_2030 = judge(final, values(y2030="325"), year=2030, others=[near])
    assert (at_2030.path, at_2030.status) == (number("325"), IndicatorStatus.ON_TRACK)
    at_2025 = judge(final, values(y2025="320"), year=2025, others=[near])
    assert (at_2025.path, at_2025.status) == (number("320"), IndicatorStatus.ON_TRACK)
    assert judge(final, values(y2036="325"), year=2036, others=[near]).path == number("330")
    # What is asked may fall, yet not before the near target is due.
    lower = goal(2035, "310")
    assert judge(lower, values(y2025="315"), year=2025, others=[near]).path == number("320")
    record = Record((near, final), BaseFigure(2020, number("318")), ())
    assert [record.due(year) for year in (2022, 2025, 2026, 2040)] == [near, near, final, final]


def test_a_new_delimitation_raises_no_alert() -> None:
    # The red line fell from 184.6 to 142.4 km2 because it was drawn anew.
    line = goal(2025, "142.4", comparator="none")
    kept = judge(line, values(y2022="142.4"), year=2022, base=(2020, "184.6"))
    assert kept.status is IndicatorStatus.REACHED
    assert codes(kept) == ["base_beyond_target"]
    assert "184.6" in kept.remarks[0].label.en
    assert kept.progress_percent is None
    lost = judge(line, values(y2022="142.3"), year=2022, base=(2020, "184.6"))
    assert (lost.status, lost.path) == (IndicatorStatus.BEHIND, number("142.4"))


def test_without_a_base_there_is_a_gap_and_no_path() -> None:
    target = goal(2025, "93.1", comparator="ge")
    standing = judge(target, values(y2023="90"), year=2023, base=None)
    assert (standing.status, standing.path, standing.gap) == (
        IndicatorStatus.NO_DATA,
        None,
        number("3.1"),
    )
    assert standing.progress_percent is None
    assert codes(standing) == ["base_missing"]
    assert (
        judge(target, values(y2023="93.1"), year=2023, base=None).status is IndicatorStatus.REACHED
    )
    assert judge(target, values(y2025="93"), year=2025, base=None).status is IndicatorStatus.BEHIND


MINE = goal(2025, "261", cumulative_from=2021)


def test_a_total_is_summed_from_its_first_year() -> None:
    done = values(y2020="99", y2021="50", y2022="60", y2023="46.6")
    standing = judge(MINE, done, year=2023, base=(2020, "131.8"))
    # 261 in five years: 156.6 by the end of the third.
    assert (standing.value, standing.path) == (number("156.6"), number("156.6"))
    assert (standing.status, standing.gap) == (IndicatorStatus.ON_TRACK, number("104.4"))
    assert standing.progress_percent == number("60.00")
    assert codes(standing) == ["base_not_counted"]
    assert "129.2" in standing.remarks[0].label.en


def test_a_stated_total_replaces_the_years_before() -> None:
    observed = [
        *values(y2021="50", y2023="20"),
        ObservedFigure(2022, number("120"), cumulative=True),
    ]
    assert total(observed, 2021, 2023) == ObservedFigure(2023, number("140"), True)
    assert total(observed, 2021, 2021) == ObservedFigure(2021, number("50"), True)
    assert uncounted(observed, 2021, 2023) == []


def test_years_nobody_told_of_are_named() -> None:
    standing = judge(MINE, values(y2021="50", y2024="10"), year=2024, base=None)
    assert standing.value == number("60")
    assert codes(standing) == ["years_missing"]
    assert "2022, 2023" in standing.remarks[0].label.en


def test_a_limit_of_a_total_is_not_kept_before_its_last_year() -> None:
    cap = goal(2023, "100", "at_most", cumulative_from=2021)
    assert judge(cap, values(y2021="10"), year=2021, base=None).status is IndicatorStatus.ON_TRACK
    early = judge(cap, values(y2021="110"), year=2021, base=None)
    assert early.status is IndicatorStatus.BEHIND
    whole = judge(cap, values(y2021="10", y2022="0", y2023="5"), year=2023, base=None)
    assert whole.status is IndicatorStatus.REACHED


def test_a_value_of_an_earlier_year_is_judged_by_its_own_year() -> None:
    standing = judge(STOCK, values(y2022="318.8"), year=2024)
    assert (standing.status, standing.value_year) == (IndicatorStatus.ON_TRACK, 2022)
    assert codes(standing) == ["earlier_value"]


def test_a_value_from_before_the_target_year_proves_nothing_after_it() -> None:
    assert judge(STOCK, values(y2022="318.8"), year=2026).status is IndicatorStatus.NO_DATA
    assert judge(STOCK, values(y2022="320"), year=2026).status is IndicatorStatus.REACHED
    assert judge(STOCK, values(y2026="319"), year=2026).status is IndicatorStatus.BEHIND


def test_values_from_before_the_base_or_after_the_year_are_not_looked_at() -> None:
    standing = judge(STOCK, values(y2019="400", y2024="400"), year=2023)
    assert (standing.status, standing.value) == (IndicatorStatus.NO_DATA, None)
    assert codes(standing) == ["value_missing"]


def test_a_target_without_a_year_holds_always() -> None:
    floor = goal(None, "288", comparator="ge")
    assert judge(floor, values(y2024="288"), year=2024, base=None).status is IndicatorStatus.REACHED
    short = judge(floor, values(y2024="287.97"), year=2024, base=None)
    assert (short.status, short.gap, codes(short)) == (
        IndicatorStatus.BEHIND,
        number("0.03"),
        ["no_year"],
    )


def test_a_target_without_a_value_judges_nothing() -> None:
    standing = judge(goal(2025, None), values(y2024="7"), year=2024)
    assert (standing.status, standing.value, standing.gap) == (
        IndicatorStatus.NO_DATA,
        number("7"),
        None,
    )
    assert codes(standing) == ["target_missing"]


def test_a_flat_target_asks_for_no_less_than_itself() -> None:
    flat = goal(2025, "47.6")
    standing = judge(flat, values(y2021="47.5"), year=2021, base=(2020, "47.6"))
    assert (standing.status, standing.progress_percent) == (IndicatorStatus.BEHIND, None)


@given(
    sense=st.sampled_from(["at_least", "at_most"]),
    base=st.none() | st.integers(0, 100),
    aim=st.integers(0, 100),
    value=st.integers(0, 100),
    better=st.integers(0, 50),
    year=st.integers(2020, 2030),
    strict=st.booleans(),
)
def test_a_better_value_never_has_a_worse_status(
    sense: Any, base: int | None, aim: int, value: int, better: int, year: int, strict: bool
) -> None:
    strictly: dict[str, Comparator] = {"at_least": "gt", "at_most": "lt"}
    comparator = strictly[sense] if strict else None
    target = TargetFigure(2026, Decimal(aim), sense, comparator)
    start = None if base is None else (2020, str(base))
    step = better if sense == "at_least" else -better
    worse, improved = (
        judge(target, [ObservedFigure(year, Decimal(given))], year=year, base=start)
        for given in (value, value + step)
    )
    assert ORDER[improved.status] >= ORDER[worse.status]


@given(
    aim=st.integers(0, 100),
    base=st.integers(0, 100),
    far=st.integers(0, 60),
    near=st.integers(0, 60),
    year=st.integers(2020, 2026),
)
def test_nearer_to_a_figure_to_follow_is_never_worse(
    aim: int, base: int, far: int, near: int, year: int
) -> None:
    target = TargetFigure(2026, Decimal(aim), "track")
    farther, nearer = (
        judge(
            target, [ObservedFigure(year, Decimal(aim + away))], year=year, base=(2020, str(base))
        )
        for away in (max(far, near), min(far, near))
    )
    assert ORDER[nearer.status] >= ORDER[farther.status]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=10))
def test_a_total_never_falls(amounts: list[int]) -> None:
    observed = [ObservedFigure(2021 + place, Decimal(each)) for place, each in enumerate(amounts)]
    sums = [total(observed, 2021, item.year) for item in observed]
    found = [item.value for item in sums if item is not None]
    assert found == sorted(found)
    assert found[-1] == sum(amounts)


@pytest.mark.parametrize(
    ("comparator", "direction", "sense"),
    [
        ("ge", "lower", "at_least"),
        ("lt", "higher", "at_most"),
        ("eq", "higher", "track"),
        ("none", "higher", "at_least"),
        ("none", "lower", "at_most"),
        (None, "lower", "at_most"),
    ],
)
def test_how_a_comparator_reads(comparator: Any, direction: Any, sense: Sense) -> None:
    assert sense_of(comparator, direction) == sense


def test_contradictions() -> None:
    assert contradicts("le", "at_least")
    assert contradicts("gt", "track")
    assert not contradicts("eq", "at_least")
    assert not contradicts("none", "at_most")
    assert not contradicts(None, "track")


def test_a_lower_plan_must_not_ask_for_less() -> None:
    floor, cap = goal(2025, "142.4"), goal(2025, "589.67", "at_most")
    assert falls_short(replace(floor, value=number("140")), floor)
    assert not falls_short(replace(floor, value=number("142.4"), comparator="ge"), floor)
    assert falls_short(replace(cap, value=number("590")), cap)
    assert not falls_short(goal(2025, None), floor)


def test_half_of_the_last_digit() -> None:
    assert half_of_last_digit(number("83.3")) == number("0.05")
    assert half_of_last_digit(number("386")) == number("0.5")


def test_sen_slope() -> None:
    # Slopes 1, 1, 1, 33, 49, 97: the one outlier moves the median to (1 + 33)/2.
    assert sen_slope([(2020, 1), (2021, 2), (2022, 3), (2023, 100)]) == pytest.approx(17.0)
    assert sen_slope([(2022, 5), (2020, 1), (2021, 3)]) == 2
    assert sen_slope([(2020, 1), (2021, 2)]) is None


@pytest.mark.parametrize(
    ("target", "observed", "year", "base", "lacking"),
    [
        # The path from 300 in 2020 to 400 in 2030 asks 340 of 2024; 323 are 17 or 5 % too few.
        (goal(2030, "400"), values(y2024="323"), 2025, (2020, "300"), "5"),
        (goal(2030, "400"), values(y2024="340"), 2025, (2020, "300"), "0"),
        # In its year the target itself is asked for, also of a path: 10 of 400.
        (goal(2030, "400"), values(y2030="390"), 2030, (2020, "300"), "2.5"),
        # No more than 80 of 2022 (from 100 in 2020 to 60 in 2024); 90 are an eighth too many.
        (goal(2024, "60", "at_most"), values(y2022="90"), 2023, (2020, "100"), "12.5"),
        # What holds at all times has no path.
        (goal(None, "50"), values(y2024="40"), 2025, None, "20"),
        # Nothing known, and nothing to judge by.
        (goal(2030, "400"), [], 2025, (2020, "300"), "0"),
        (goal(2030, None), values(y2024="323"), 2025, (2020, "300"), "0"),
        # None left is asked for: no share says how far off three are.
        (goal(2024, "0", "at_most"), values(y2024="3"), 2024, (2020, "9"), "100"),
        # A figure to be followed: 110 in 2020, 100 in 2030; of 2025 at most 5 off, 112 is 7 more.
        (
            goal(2030, "100", "track"),
            values(y2025="112"),
            2026,
            (2020, "110"),
            "6.6666666666666666667",
        ),
    ],
)
def test_shortfalls_by_hand(
    target: TargetFigure, observed: list[ObservedFigure], year: int, base: Any, lacking: str
) -> None:
    standing = judge(target, observed, year=year, base=base)
    assert shortfall_percent(target, standing) == number(lacking)


@given(
    sense=st.sampled_from(["at_least", "at_most", "track"]),
    start=st.integers(1, 500),
    aim=st.integers(1, 500),
    value=st.integers(0, 600),
    worse=st.integers(1, 50),
)
def test_a_shortfall_is_there_only_behind_and_grows_with_distance(
    sense: Sense, start: int, aim: int, value: int, worse: int
) -> None:
    target = goal(2030, str(aim), sense)

    def shortfall(of: int) -> tuple[IndicatorStatus, Decimal]:
        standing = judge(target, values(y2025=str(of)), year=2026, base=(2020, str(start)))
        return standing.status, shortfall_percent(target, standing)

    status, found = shortfall(value)
    assert found >= 0
    assert (found > 0) == (status is IndicatorStatus.BEHIND)
    if status is IndicatorStatus.BEHIND:
        further = value - worse if sense == "at_least" or value < aim else value + worse
        assert shortfall(further)[1] > found
