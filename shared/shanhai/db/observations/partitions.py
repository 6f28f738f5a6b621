"""The months of observations: their partitions, and the ranges of time they are read in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import text

from shanhai.db.engine import Executor, Transaction

MAKERS_LOCK = 0x5348_4F42
"""Held by who makes months, so that two never make the same one."""
_TAKE_LOCK = text("SELECT pg_advisory_xact_lock(:lock)")
# As the owner of the tables, who alone can add one.
_MAKE = text("SELECT make_observation_month(:month)")


def missing_sql(names: str) -> str:
    """SQL of the names, of an array of them, that no table has.

    It reads the catalogue as a table: functions that look names up may remember what was there
    before a lock was taken.
    """
    return (
        f"SELECT name FROM unnest(CAST({names} AS text[])) name WHERE NOT EXISTS"  # noqa: S608
        " (SELECT FROM pg_class"
        " WHERE relname = name AND relnamespace = current_schema()::regnamespace)"
    )


_MISSING = text(missing_sql(":names"))


def month_table(month: date) -> str:
    """The name of the table of a month of UTC."""
    return f"observation_y{month.year:04d}m{month.month:02d}"


def month_after(month: date) -> date:
    """The first day of the next month."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def month_of(moment: datetime) -> date:
    """The month of UTC a time lies in."""
    return moment.astimezone(UTC).date().replace(day=1)


def months_ahead(now: datetime, number: int) -> list[date]:
    """The month of a time, and so many after it."""
    months = [month_of(now)]
    for _ in range(number):
        months.append(month_after(months[-1]))
    return months


async def make_months(session: Transaction, months: Iterable[date]) -> list[date]:
    """Make the tables of months that have none; which were made.

    Nobody who reads or writes other months waits for it: a table is made for itself and attached,
    which locks only against others who attach.
    """
    by_name = {month_table(month): month for month in sorted(months)}
    if not await _missing(session, by_name):
        return []
    await session.execute(_TAKE_LOCK, {"lock": MAKERS_LOCK})
    # Who held the lock before may have made them.
    missing = await _missing(session, by_name)
    for name in missing:
        await session.execute(_MAKE, {"month": by_name[name]})
    return [by_name[name] for name in missing]


async def _missing(session: Transaction, names: Iterable[str]) -> list[str]:
    return [row.name for row in (await session.execute(_MISSING, {"names": list(names)})).all()]


SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(days=7300)

_MONTHS = text(
    "SELECT substr(c.relname, 14, 4)::int AS year, substr(c.relname, 19, 2)::int AS month"
    "  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = 'observation'::regclass AND NOT i.inhdetachpending"
    " ORDER BY 1, 2"
)


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From `start` to before `end`."""

    start: datetime
    end: datetime


async def read_months(asked: Executor) -> list[date]:
    """The months that have a table, in their order."""
    found = (await asked.execute(_MONTHS, {})).all()
    return [date(row.year, row.month, 1) for row in found]


def stretch_of(month: date) -> TimeRange:
    """A month of UTC."""
    first, last = (datetime.combine(day, time.min, UTC) for day in (month, month_after(month)))
    return TimeRange(first, last)


class Walk:
    """Goes through wide stretches in short ones, none of which lies in two of them.

    Args:
        wide: In their order; what lies between them is left out.
        within: What is walked through of them.
        wanted: How many rows a short one is to hold.
        step: How much time there is between two rows, as a first guess.
        shortest: How long a short one is at least.
    """

    def __init__(
        self,
        wide: Sequence[TimeRange],
        within: TimeRange,
        *,
        wanted: int,
        step: timedelta,
        shortest: timedelta = SHORTEST,
    ) -> None:
        self._wide = wide
        self._at = within.start
        self._end = within.end
        self._wanted = wanted
        self._shortest = shortest
        self._length = min(max(step * wanted, shortest), LONGEST)

    def next(self) -> TimeRange | None:
        """The next stretch; None at the end."""
        for wide in self._wide:
            if wide.end > self._at:
                start = max(self._at, wide.start)
                end = min(start + self._length, wide.end, self._end)
                self._at = end
                return TimeRange(start, end) if start < end else None
        return None

    def learn(self, found: int) -> None:
        """Make the next stretch longer when the last one held few rows, shorter when many."""
        if found * 2 < self._wanted:
            self._length = min(self._length * 2, LONGEST)
        elif found > self._wanted:
            self._length = max(self._length / 2, self._shortest)
