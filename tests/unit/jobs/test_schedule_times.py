"""When schedules are due, computed by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.jobs.schedules import MOST_MISSED, Timing, check_cron

START = datetime(2025, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def cron(text: str, timezone: str = "Asia/Shanghai") -> Timing:
    return Timing(text, None, START, timezone)


@pytest.mark.parametrize(
    ("text", "after", "due"),
    [
        # 02:30 in Xiamen is 18:30 UTC of the day before.
        ("30 2 * * *", "2025-03-01T00:00Z", "2025-03-01T18:30Z"),
        ("30 2 * * *", "2025-03-01T18:30Z", "2025-03-02T18:30Z"),
        ("0 0 1 1 *", "2025-03-01T00:00Z", "2025-12-31T16:00Z"),
        ("0 8 * * MON", "2025-03-01T00:00Z", "2025-03-03T00:00Z"),
        ("*/15 * * * *", "2025-03-01T00:00:01Z", "2025-03-01T00:15Z"),
        ("0 0 29 2 *", "2025-03-01T00:00Z", "2028-02-28T16:00Z"),
    ],
)
def test_cron_in_local_time(text: str, after: str, due: str) -> None:
    assert cron(text).next_after(at(after)) == at(due)


def test_a_time_that_summer_time_leaves_out_comes_right_after() -> None:
    berlin = cron("30 2 * * *", "Europe/Berlin")
    assert berlin.next_after(at("2025-03-29T12:00Z")) == at("2025-03-30T01:00Z")  # 03:00 CEST
    assert berlin.next_after(at("2025-03-30T01:00Z")) == at("2025-03-31T00:30Z")


def test_a_time_that_winter_time_repeats_comes_once() -> None:
    berlin = cron("30 2 * * *", "Europe/Berlin")
    first = berlin.next_after(at("2025-10-25T12:00Z"))
    assert first == at("2025-10-26T00:30Z")
    assert first is not None
    assert berlin.next_after(first) == at("2025-10-27T01:30Z")


@pytest.mark.parametrize(
    ("after", "due"),
    [
        ("2024-12-31T23:00Z", "2025-01-01T00:00Z"),
        ("2025-01-01T00:00Z", "2025-01-01T00:10Z"),
        ("2025-01-01T00:09:59Z", "2025-01-01T00:10Z"),
        ("2025-01-01T01:01Z", "2025-01-01T01:10Z"),
    ],
)
def test_beats_are_counted_from_the_start(after: str, due: str) -> None:
    assert Timing(None, 600, START, "UTC").next_after(at(after)) == at(due)


@given(st.integers(60, 10**6), st.integers(0, 10**9))
def test_the_next_beat_is_the_first_after(every_s: int, seconds: int) -> None:
    moment = START + timedelta(seconds=seconds)
    due = Timing(None, every_s, START, "UTC").next_after(moment)
    assert due is not None
    assert moment < due <= moment + timedelta(seconds=every_s)
    assert (due - START) % timedelta(seconds=every_s) == timedelta()


def test_missed_times_are_counted_up_to_a_bound() -> None:
    hourly = Timing(None, 3600, START, "UTC")
    assert hourly.count_missed(START, at("2025-01-01T00:59Z")) == 0
    assert hourly.count_missed(START, at("2025-01-01T03:00Z")) == 3
    minutely = Timing(None, 60, START, "UTC")
    assert minutely.count_missed(START, START + timedelta(days=3650)) == MOST_MISSED


@pytest.mark.parametrize(
    "text", ["* * * *", "* * * * * *", "61 * * * *", "a b c d e", "", "0 0 31 2 *"]
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="/"):
        check_cron(text)
