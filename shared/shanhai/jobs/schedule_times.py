"""When a schedule is due: times of the clock in a time zone, or every so many seconds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

SHORTEST_S = 60
FIELDS = 5
MOST_MISSED = 10_000
"""Missed times are counted no further."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The times of one schedule.

    Attributes:
        cron: Minute, hour, day, month and day of the week, as cron of Debian reads them.
        every_s: Seconds between two times, where there is no `cron`.
        starts_at: The first of these times, with a zone.
        timezone: IANA name of the zone `cron` is meant in.
    """

    cron: str | None
    every_s: int | None
    starts_at: datetime
    timezone: str

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time later than `moment`, in UTC; None when there is none in 50 years."""
        return next(self.times_after(moment), None)

    def times_after(self, moment: datetime) -> Iterator[datetime]:
        """All times later than `moment`, in UTC."""
        if self.cron is not None:
            local = CronSim(self.cron, moment.astimezone(ZoneInfo(self.timezone)))
            return (time.astimezone(UTC) for time in local)
        return self._beats_after(moment)

    def _beats_after(self, moment: datetime) -> Iterator[datetime]:
        step = timedelta(seconds=self.every_s or SHORTEST_S)
        passed = (moment - self.starts_at) // step + 1
        beat = self.starts_at.astimezone(UTC) + step * max(passed, 0)
        while True:
            yield beat
            beat += step

    def count_missed(self, due_at: datetime, now: datetime) -> int:
        """How many times lie after `due_at` and not after `now`, counted up to `MOST_MISSED`."""
        later = takewhile(lambda time: time <= now, self.times_after(due_at))
        return sum(1 for _ in islice(later, MOST_MISSED))


def check_cron(text: str) -> str:
    """Check a cron expression; what is left out of the message is what was given.

    Raises:
        ValueError: It is none, or never comes.
    """
    if len(text.split()) != FIELDS:
        raise ValueError(
            "must have five fields: minute, hour, day, month, day of the week"
            " / 须有五个字段：分、时、日、月、星期"
        )
    try:
        if next(CronSim(text, datetime(2024, 1, 1, tzinfo=UTC)), None) is None:
            raise ValueError("names a time that never comes / 指定的时间永远不会到来")
    except CronSimError as error:
        raise ValueError(f"is no cron expression: {error} / 不是有效的 cron 表达式") from error
    return text
