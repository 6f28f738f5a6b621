"""Quiet hours: by hand, and what holds for all of them."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.monitoring.thresholds import QuietHours, next_time

NIGHT: dict[str, Any] = {
    "from": "22:00",
    "to": "07:00",
    "days": [1, 2, 3, 4, 5, 6, 7],
    "time_zone": "Asia/Shanghai",
    "red_passes": True,
}
SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(day: int, clock: str) -> datetime:
    """A day of March 2026, whose 2nd is a Monday, by the clock of Shanghai."""
    return datetime.combine(
        datetime(2026, 3, day, tzinfo=SHANGHAI), time.fromisoformat(clock), SHANGHAI
    )


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        (at(2, "21:59:59"), None),
        (at(2, "22:00"), at(3, "07:00")),
        (at(3, "06:59:59"), at(3, "07:00")),
        (at(3, "07:00"), None),
        (at(3, "12:00"), None),
        # 23:30 in Shanghai, told in UTC.
        (datetime(2026, 3, 2, 15, 30, tzinfo=UTC), at(3, "07:00")),
    ],
)
def test_nights_are_held_until_morning(moment: datetime, until: datetime | None) -> None:
    assert QuietHours.of(NIGHT).held_until(moment, "orange") == until


def test_red_passes_unless_told_otherwise() -> None:
    assert QuietHours.of(NIGHT).held_until(at(2, "23:00"), "red") is None
    strict = QuietHours.of({**NIGHT, "red_passes": False})
    assert strict.held_until(at(2, "23:00"), "red") == at(3, "07:00")


def test_a_weekend_is_one_stretch_until_monday() -> None:
    weekend = QuietHours.of({**NIGHT, "from": "00:00", "to": "00:00", "days": [6, 7]})
    assert weekend.held_until(at(7, "09:00"), "blue") == at(9, "00:00")
    assert weekend.held_until(at(6, "23:59"), "blue") is None
    assert weekend.held_until(at(9, "00:00"), "blue") is None
    assert not weekend.always
    assert QuietHours.of({**NIGHT, "to": "22:00"}).always
    assert not QuietHours.of(NIGHT).always


def test_hours_belong_to_the_day_they_begin_on() -> None:
    friday = QuietHours.of({**NIGHT, "days": [5]})
    assert friday.held_until(at(7, "03:00"), "blue") == at(7, "07:00")
    assert friday.held_until(at(6, "03:00"), "blue") is None
    assert friday.held_until(at(7, "23:00"), "blue") is None


def test_clocks_that_are_turned_keep_the_end_at_its_hour() -> None:
    # In the night to 29 March 2026 clocks in Berlin go from 2 to 3 o'clock.
    berlin = QuietHours.of({**NIGHT, "time_zone": "Europe/Berlin"})
    begun = datetime(2026, 3, 28, 21, 0, tzinfo=UTC)
    assert berlin.held_until(begun, "blue") == datetime(2026, 3, 29, 5, 0, tzinfo=UTC)


def test_the_next_time_is_never_the_moment_itself() -> None:
    assert next_time(at(2, "07:59"), time(8), SHANGHAI) == at(2, "08:00")
    assert next_time(at(2, "08:00"), time(8), SHANGHAI) == at(3, "08:00")


CLOCKS = st.times(timezones=st.none()).map(lambda found: found.strftime("%H:%M"))
QUIET = st.fixed_dictionaries(
    {
        "from": CLOCKS,
        "to": CLOCKS,
        "days": st.lists(st.integers(1, 7), min_size=1, max_size=6, unique=True),
        "time_zone": st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York"]),
        "red_passes": st.just(True),
    }
)


@given(contents=QUIET, minutes=st.integers(0, 60 * 24 * 365))
def test_what_is_held_is_told_after_a_stretch_without_a_gap(
    contents: dict[str, Any], minutes: int
) -> None:
    quiet = QuietHours.of(contents)
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    until = quiet.held_until(moment, "yellow")
    assert not quiet.always
    if until is None:
        return
    assert moment < until <= moment + timedelta(days=7, hours=1)
    # It is over then, and was not a moment before.
    assert quiet.held_until(until, "yellow") is None
    assert quiet.held_until(until - timedelta(seconds=1), "yellow") == until
    assert quiet.held_until(moment + (until - moment) / 2, "yellow") == until
