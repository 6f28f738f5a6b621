"""What changed in observations, for those who follow: alerts, live streams."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

CHANNEL = "shanhai_observations"
"""PostgreSQL's channel that tells there is something to read."""
KEPT = timedelta(days=2)
"""Who has not read a change by then starts anew from what is stored."""
_READ = text("""
  SELECT transaction, id, station_id, property_id, first_at, last_at, at
    FROM observation_change
   WHERE transaction >= :since
     AND transaction < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
   ORDER BY transaction, id LIMIT :most
""")
_READ_ONE = text("""
  SELECT transaction, id, station_id, property_id, first_at, last_at, at
    FROM observation_change WHERE transaction = :transaction ORDER BY id
""")
_HORIZON = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
_PRUNE = text(
    "DELETE FROM observation_change WHERE at < clock_timestamp() - CAST(:kept AS interval)"
)


@dataclass(frozen=True, slots=True)
class SeriesChange:
    """A series in which a batch stored or revised values, from `first_at` to `last_at`."""

    transaction: int
    id: int
    station_id: int
    property_id: int
    first_at: datetime
    last_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class SeriesChanges:
    """What changed, in whole transactions, and from where to read on."""

    changes: Sequence[SeriesChange]
    next: int


async def read_horizon(session: AsyncSession) -> int:
    """From where to read on for what changes from now on."""
    return int((await session.execute(_HORIZON)).scalar_one())


async def read_changes(session: AsyncSession, since: int, *, most: int = 10_000) -> SeriesChanges:
    """The changes from a place on, each once for who reads on from `next`.

    Places are numbers of transactions, and only those are read below which all have ended: rows are
    numbered in another order than their transactions end, so who went by numbers of rows would miss
    some.

    Args:
        since: 0, `read_horizon`, or `next` of the reading before.
        most: Rows at once, unless a single transaction has more.
    """
    rows = [
        SeriesChange(*row) for row in await session.execute(_READ, {"since": since, "most": most})
    ]
    if not rows:
        return SeriesChanges((), since)
    last = rows[-1].transaction
    if len(rows) == most:
        if rows[0].transaction == last:
            whole = await session.execute(_READ_ONE, {"transaction": last})
            return SeriesChanges([SeriesChange(*row) for row in whole], last + 1)
        # The last transaction may have more rows than were read.
        return SeriesChanges([row for row in rows if row.transaction < last], last)
    return SeriesChanges(rows, last + 1)


async def prune_changes(session: AsyncSession, *, kept: timedelta = KEPT) -> int:
    """Forget old changes; how many."""
    done = await session.execute(_PRUNE, {"kept": kept})
    return int(getattr(done, "rowcount", 0))
