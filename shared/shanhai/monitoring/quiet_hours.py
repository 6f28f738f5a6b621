"""Quiet hours: when warnings are kept until morning, and from when on they are told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

MOST_SERIOUS = "red"
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours of the day, on some days of the week, in which nothing is delivered.

    Attributes:
        begins: When they begin, by the clock of the zone.
        ends: When they end, on the next day if that is not later; equal to `begins`: 24 hours.
        days: Days of the week on which they begin, Monday being 1.
        red_passes: What is red is delivered all the same.
    """

    begins: time
    ends: time
    days: frozenset[int]
    zone: ZoneInfo
    red_passes: bool

    @classmethod
    def of(cls, contents: Mapping[str, Any]) -> Self:
        """The quiet hours of a rule, as they are stored."""
        return cls(
            time.fromisoformat(contents["from"]),
            time.fromisoformat(contents["to"]),
            frozenset(contents["days"]),
            ZoneInfo(contents["time_zone"]),
            contents["red_passes"],
        )

    @property
    def always(self) -> bool:
        """Whether they never end."""
        return self.begins == self.ends and len(self.days) == 7

    def held_until(self, moment: datetime, level: str) -> datetime | None:
        """When what happens at a moment is told; None: at once.

        Hours that follow one another without a gap are one stretch.
        """
        if level == MOST_SERIOUS and self.red_passes:
            return None
        until = moment
        # No stretch is longer than a week: hours that never end are refused before.
        for _ in range(8):
            ending = self._ending(until)
            if ending is None:
                break
            until = ending
        return None if until == moment else until

    def _ending(self, moment: datetime) -> datetime | None:
        """When the hours a moment lies in end; None outside them."""
        today = moment.astimezone(self.zone).date()
        for day in (today, today - DAY):
            begins, ends = self._hours_of(day)
            if day.isoweekday() in self.days and begins <= moment < ends:
                return ends
        return None

    def _hours_of(self, day: date) -> tuple[datetime, datetime]:
        last = day if self.ends > self.begins else day + DAY
        begins, ends = (
            datetime.combine(day, self.begins, self.zone),
            datetime.combine(last, self.ends, self.zone),
        )
        # In UTC, for moments of one zone are compared by their clocks, which may go back.
        utc = ZoneInfo("UTC")
        return begins.astimezone(utc), ends.astimezone(utc)


def next_time(moment: datetime, at: time, zone: ZoneInfo) -> datetime:
    """When it is next that late, by the clock of a zone; not the moment itself."""
    today = moment.astimezone(zone).date()
    for days in range(3):
        found = datetime.combine(today + days * DAY, at, zone).astimezone(ZoneInfo("UTC"))
        if found > moment:
            return found
    raise ValueError(f"{at} does not come within two days")
