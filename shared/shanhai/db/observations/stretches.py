"""The months there are observations of, and the stretches of time they are read in.

Nothing is indexed by time alone: values of many series are found in the order of time by asking for
one stretch after another, each so long that it holds about as many rows as are wanted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import text

from shanhai.db.observations.partitions import month_after
from shanhai.db.quick import Asked

SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(days=7300)

_MONTHS = text(
    "SELECT substr(c.relname, 14, 4)::int AS year, substr(c.relname, 19, 2)::int AS month"
    "  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = 'observation'::regclass AND NOT i.inhdetachpending"
    " ORDER BY 1, 2"
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `start` to before `end`."""

    start: datetime
    end: datetime


async def read_months(asked: Asked) -> list[date]:
    """The months that have a table, in their order."""
    found = (await asked.execute(_MONTHS, {})).all()
    return [date(row.year, row.month, 1) for row in found]


def stretch_of(month: date) -> Stretch:
    """A month of UTC."""
    first, last = (datetime.combine(day, time.min, UTC) for day in (month, month_after(month)))
    return Stretch(first, last)


class Walk:
    """Goes through wide stretches in short ones, none of which lies in two of them.

    Args:
        wide: In their order; what lies between them is left out.
        within: What is walked through of them.
        wanted: How many rows a short one is to hold.
        step: How much time there is between two rows, as a first guess.
    """

    def __init__(
        self, wide: Sequence[Stretch], within: Stretch, *, wanted: int, step: timedelta
    ) -> None:
        self._wide = wide
        self._at = within.start
        self._end = within.end
        self._wanted = wanted
        self._length = min(max(step * wanted, SHORTEST), LONGEST)

    def next(self) -> Stretch | None:
        """The next stretch; None at the end."""
        for wide in self._wide:
            if wide.end > self._at:
                start = max(self._at, wide.start)
                end = min(start + self._length, wide.end, self._end)
                self._at = end
                return Stretch(start, end) if start < end else None
        return None

    def learn(self, found: int) -> None:
        """Make the next stretch longer when the last one held few rows, shorter when many."""
        if found * 2 < self._wanted:
            self._length = min(self._length * 2, LONGEST)
        elif found > self._wanted:
            self._length = max(self._length / 2, SHORTEST)
