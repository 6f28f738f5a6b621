"""When values raise a warning: by hand, and what holds for every series."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.monitoring.thresholds import RANK, RuleLimits, Sample, Watch, follow, rates

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
ABOVE = RuleLimits("above", {"yellow": 75, "red": 250}, reset=60)
LASTING = RuleLimits("above", {"yellow": 75, "red": 250}, reset=60, duration=2 * HOUR)


def hourly(*values: float, first: int = 0) -> list[Sample]:
    return [Sample(START + (first + n) * HOUR, value) for n, value in enumerate(values)]


def turned(limits: RuleLimits, *values: float) -> list[tuple[int, str | None]]:
    _, turns = follow(Watch(), limits, hourly(*values))
    return [(round((turn.sample.time - START) / HOUR), turn.level) for turn in turns]


def test_a_level_is_raised_beyond_its_limit_and_ends_at_the_reset() -> None:
    assert turned(ABOVE, 75, 76, 70, 80, 61, 60, 76) == [(1, "yellow"), (5, None), (6, "yellow")]


def test_a_higher_level_raises_it_and_a_lower_one_does_not_lower_it() -> None:
    assert turned(ABOVE, 80, 251, 80, 251, 50) == [(0, "yellow"), (1, "red"), (4, None)]
    assert turned(ABOVE, 300, 80, 50) == [(0, "red"), (2, None)]


def test_one_spike_makes_no_alert_when_a_duration_is_required() -> None:
    assert turned(LASTING, 10, 300, 10, 300, 300, 10) == []
    assert turned(LASTING, 10, 80, 80, 80, 10) == [(3, "yellow"), (4, None)]
    # Yellow lasted two hours, red only one.
    assert turned(LASTING, 80, 300, 300, 80) == [(2, "yellow")]


def test_below_is_the_mirror_of_above() -> None:
    oxygen = RuleLimits("below", {"blue": 5, "red": 2}, reset=6)
    assert turned(oxygen, 5, 4.9, 5.5, 1.9, 6) == [(1, "blue"), (3, "red"), (4, None)]


def test_what_lies_before_the_watch_only_tells_since_when() -> None:
    watch = Watch(START + 2 * HOUR)
    _, turns = follow(watch, LASTING, hourly(80, 80, 80, 80))
    assert [(turn.sample.time, turn.since) for turn in turns] == [(START + 2 * HOUR, START)]
    assert follow(watch, ABOVE, hourly(300, 300, 50))[1] == []


def test_the_newest_value_is_judged_again_when_it_was_revised() -> None:
    watch, _ = follow(Watch(), ABOVE, hourly(80))
    revised, turns = follow(watch, ABOVE, hourly(50))
    assert [turn.level for turn in turns] == [None]
    assert revised == Watch(START, {}, None)


def test_old_values_raise_nothing_but_may_recover() -> None:
    later = START + 10 * HOUR
    assert follow(Watch(), ABOVE, hourly(300, 300), not_before=later)[1] == []
    raised = Watch(START, {}, "red")
    assert follow(raised, ABOVE, hourly(50), not_before=later)[0].level is None


def test_rates_by_hand() -> None:
    # 6 in an hour; 9 in three hours is 3; 5 in half an hour counts as 5; two days say nothing.
    values = [(0, 10.0), (1, 16), (4, 7), (4.5, 12), (52.5, 99)]
    found = list(rates(Sample(START + hours * HOUR, value) for hours, value in values))
    assert [sample.measure for sample in found] == [6, 3, 5]
    assert [sample.time for sample in found] == [START + n * HOUR for n in (1, 4, 4.5)]


MEASURES = st.lists(st.sampled_from([0.0, 60, 70, 76, 300]), max_size=30)


@pytest.mark.parametrize("limits", [ABOVE, LASTING])
@given(values=MEASURES, cut=st.integers(0, 30))
def test_portions_make_no_difference(limits: RuleLimits, values: list[float], cut: int) -> None:
    whole = follow(Watch(), limits, hourly(*values))
    first, before = follow(Watch(), limits, hourly(*values[:cut]))
    second, after = follow(first, limits, hourly(*values[cut:], first=min(cut, len(values))))
    assert (second, before + after) == whole


@given(values=MEASURES)
def test_levels_rise_until_they_end(values: list[float]) -> None:
    level: str | None = None
    for turn in follow(Watch(), ABOVE, hourly(*values))[1]:
        if turn.level is None:
            assert level is not None
            assert turn.sample.measure <= ABOVE.reset
        else:
            assert level is None or RANK[turn.level] > RANK[level]
            assert turn.sample.measure > ABOVE.by_level[turn.level]
        level = turn.level


@given(values=MEASURES)
def test_seeing_the_newest_value_again_changes_nothing(values: list[float]) -> None:
    watch, _ = follow(Watch(), LASTING, hourly(*values))
    again, turns = follow(watch, LASTING, hourly(*values)[-1:])
    assert (again, turns) == (watch, [])
