"""Close months: put the observations of a month into a file, and empty its partition.

The file is written, stored durably and read again before anything changes in the database. One
transaction then records it, empties the partition and says which series are in the file. Who is
killed before its commit leaves a file nobody speaks of, and who is killed after it leaves nothing
to do.

Those who store observations older than `OLD` hold `ARCHIVE_LOCK` together; who exchanges a
partition for a file holds it alone. So nothing that could touch the month is under way.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import CANCELLED, NOT_AVAILABLE, Sessions
from shanhai.db.observations import partitions
from shanhai.db.observations.archive_read import Filed
from shanhai.db.observations.ingest_sql import HEADER, KEPT_COLUMNS, ROW, TRAILER, decode_observed
from shanhai.db.observations.validation import microseconds
from shanhai.errors import Unavailable
from shanhai.monitoring.observation import ObservedRows, series_keys
from shanhai.storage.artifacts import ArtifactStore, StoredArtifact

if TYPE_CHECKING:
    from shanhai.db.observations.archive_write import MonthFile
    from shanhai.vector.observation_file import Names

ARCHIVE_LOCK = partitions.MAKERS_LOCK + 1
ARCHIVERS_LOCK = partitions.MAKERS_LOCK + 2
"""Held by who writes a month's file: one at a time is enough."""
OLD = timedelta(days=31)
CLOSABLE = timedelta(days=70)
"""How long a month must be over to be closed: a row that is not old has its zone's month, which
began up to a month before it and a day before a month of UTC, in months that are not closed."""
READ_BYTES = 4 * 1024**2
WAIT = "800ms"
"""For a lock others may wait behind: less than PostgreSQL waits before it looks for deadlocks."""
TRIES = 5

_PATIENT = text("SET LOCAL statement_timeout = 0")
# As the owner of the tables, who alone may truncate one.
_EMPTY = text("SELECT empty_observation_month(:month)")
_FORMER = text("SELECT version, uri FROM observation_archive WHERE month = :month")
_ARCHIVED = text(
    "SELECT array_agg(station_id) AS stations, array_agg(property_id) AS properties"
    " FROM archived_series WHERE month = :month"
)
_SINCE = text("""
  SELECT id, raw_since FROM observed_property
   WHERE raw_since > :start
     AND NOT EXISTS (SELECT FROM observation_hold WHERE month = CAST(:month AS date))
""")
_STATIONS = text("SELECT id, code, ST_X(geom), ST_Y(geom) FROM station")
_PROPERTIES = text("SELECT id, code, unit FROM observed_property")
# The zone's months that touch this one: their percentiles need all of their rows at once.
_DUE = text("""
  SELECT EXISTS (
    SELECT FROM rollup_due
     WHERE day >= date_trunc('month', CAST(:start AS timestamptz))::date
       AND day < (date_trunc('month', CAST(:end AS timestamptz) - interval '1 microsecond')
                  + interval '1 month')::date)
""")
_RECORD = text("""
  INSERT INTO observation_archive (month, version, uri, sha256, bytes, rows)
  VALUES (:month, pg_current_xact_id()::text::bigint, :uri, :sha256, :bytes, :rows)
  ON CONFLICT (month) DO UPDATE
     SET version = excluded.version, uri = excluded.uri, sha256 = excluded.sha256,
         bytes = excluded.bytes, rows = excluded.rows, archived_at = now()
""")
_FORGET = text("DELETE FROM observation_archive WHERE month = :month")
_FORGET_SERIES = text("DELETE FROM archived_series WHERE month = :month")
_RECORD_SERIES = text("""
  INSERT INTO archived_series (station_id, property_id, month, number, first_at, last_at, features)
  SELECT station_id, property_id, :month, number,
         timestamptz 'epoch' + first * interval '1 microsecond',
         timestamptz 'epoch' + last * interval '1 microsecond', CAST(features AS int[])
    FROM unnest(CAST(:stations AS int[]), CAST(:properties AS smallint[]),
                CAST(:numbers AS int[]), CAST(:firsts AS bigint[]), CAST(:lasts AS bigint[]),
                CAST(:features AS text[]))
           AS t (station_id, property_id, number, first, last, features)
""")
Tell = Callable[[str], None]
"""Told each step that is behind: `written`, `stored`, `checked`, `recorded`, `emptied`, `done`."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A month that was put into a file; without rows there is none."""

    month: date
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class _Before:
    """A month as it is before it is closed.

    Attributes:
        version: Of its file; None if it has none.
        keys: The series that file stands for, sorted.
        since: By property, the time before which rows are not kept any more.
    """

    month: date
    version: int | None
    former: Path | None
    keys: NDArray[np.int64]
    since: Mapping[int, int]
    names: "Names"

    @property
    def within(self) -> partitions.TimeRange:
        """From when to before when it lasts."""
        return partitions.stretch_of(self.month)


def _silent(_: str) -> None:
    return


async def close_month(
    sessions: Sessions,
    files: ArtifactStore,
    month: date,
    *,
    scratch: Path | None = None,
    tell: Tell = _silent,
) -> Closed | None:
    """Put all observations of a month into one file, with those that are in its file already.

    Rows that are older than their property's values are kept are left out.

    Args:
        scratch: Where the file is made.

    Returns:
        None where the month cannot be closed now: somebody else is closing one, days in it are not
        summed up yet, or something was stored in it meanwhile.

    Raises:
        Unavailable: the file does not have what was written, or its former one is missing or
            damaged.
    """
    from shanhai.db.observations.archive_write import check_file  # it loads pyarrow

    async with _alone(sessions) as alone:
        if not alone:
            return None
        async with sessions() as session:
            before = await _look(session, files, month)
        with tempfile.TemporaryDirectory(prefix="shanhai-month-", dir=scratch) as folder:
            path = Path(folder) / f"{month:%Y-%m}.parquet"
            composed = await _compose(sessions, before, path)
            tell("written")
            stored = None
            if composed.rows:
                stored = await asyncio.to_thread(files.put, path, suffix=".parquet")
        tell("stored")
        if stored is not None and not await asyncio.to_thread(
            check_file, files.local_path(stored.uri), composed
        ):
            raise Unavailable(
                f"the file of {month:%Y-%m} does not have the rows written to it",
                message_zh=f"{month:%Y-%m} 的归档文件与写入的数据不一致",
            )
        tell("checked")
        try:
            await _exchange(sessions, before, composed, stored, tell)
        except _NotNowError:
            return None
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != CANCELLED:
                raise
            return None  # others held the partition for too long
        tell("done")
        return Closed(month, composed.rows, 0 if stored is None else stored.bytes)


class _NotNowError(Exception):
    """Something else is under way in the month."""


@asynccontextmanager
async def _alone(sessions: Sessions) -> AsyncIterator[bool]:
    """Whether nobody else closes a month, and nobody will meanwhile.

    The lock is the connection's, not a transaction's, which must not rest for long.
    """
    async with sessions() as session:
        connection = await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
        lock = {"lock": ARCHIVERS_LOCK}
        taken = await connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), lock)
        try:
            yield bool(taken)
        finally:
            if taken:
                await connection.execute(text("SELECT pg_advisory_unlock(:lock)"), lock)


async def _look(session: AsyncSession, files: ArtifactStore, month: date) -> _Before:
    from shanhai.vector.observation_file import Names, StationPlace

    former = (await session.execute(_FORMER, {"month": month})).one_or_none()
    archived = (await session.execute(_ARCHIVED, {"month": month})).one()
    keys = series_keys(np.array(archived.stations or []), np.array(archived.properties or []))
    since = await _lines(session, month)
    names = Names(
        {row[0]: StationPlace(*row[1:]) for row in await session.execute(_STATIONS)},
        {row.id: (row.code, row.unit) for row in await session.execute(_PROPERTIES)},
    )
    return _Before(
        month,
        None if former is None else former.version,
        None if former is None else Filed(former.version, former.uri, keys).path(files),
        np.sort(keys),
        since,
        names,
    )


async def _lines(session: AsyncSession, month: date) -> dict[int, int]:
    """By property, the time before which rows of a month are not kept any more."""
    bound = {"start": partitions.stretch_of(month).start, "month": month}
    return {row.id: microseconds(row.raw_since) for row in await session.execute(_SINCE, bound)}


async def _compose(sessions: Sessions, before: _Before, path: Path) -> "MonthFile":
    from shanhai.db.observations.archive_write import Composing
    from shanhai.vector.observation_file import RowFilter, read_rows

    former = [] if before.former is None else read_rows(before.former, RowFilter(before.keys))
    composing = await asyncio.to_thread(Composing, path, before.names, former, before.since)

    async def add(rows: ObservedRows) -> None:
        await asyncio.to_thread(composing.add, rows)

    async with sessions.begin() as session:
        await _read_partition(session, before.month, add)
    return await asyncio.to_thread(composing.finish)


async def _read_partition(session: AsyncSession, month: date, take: Callable[..., Any]) -> None:
    """Hand out the rows of a partition in the order of series and time, some at a time."""
    table = partitions.month_table(month)
    if (await session.execute(text(partitions.missing_sql(":names")), {"names": [table]})).all():
        return
    await session.execute(_PATIENT)
    raw: Any = (await (await session.connection()).get_raw_connection()).driver_connection
    reading = _CopyParser(take)
    await raw.copy_from_query(
        f"SELECT {', '.join(KEPT_COLUMNS)} FROM {table}"  # noqa: S608 - a name of ours
        " ORDER BY station_id, property_id, observed_at",
        output=reading.feed,
        format="binary",
    )
    await reading.end()


class _CopyParser:
    """Turns COPY's bytes, cut anywhere, into whole rows; nothing is asked for before it is used."""

    def __init__(self, take: Callable[..., Any]) -> None:
        self._take = take
        self._waiting = bytearray()
        self._begun = False

    async def feed(self, data: bytes) -> None:
        """Take bytes."""
        self._waiting += data
        if len(self._waiting) >= READ_BYTES:
            await self._hand_out()

    async def end(self) -> None:
        """Hand out the rest."""
        await self._hand_out()
        if bytes(self._waiting) != TRAILER:
            raise Unavailable("the rows of a partition could not be read to their end")

    async def _hand_out(self) -> None:
        if not self._begun:
            del self._waiting[: len(HEADER)]
            self._begun = True
        whole = len(self._waiting) - len(self._waiting) % ROW.itemsize
        rows = decode_observed(bytes(self._waiting[:whole]))
        del self._waiting[:whole]
        if len(rows):
            await self._take(rows)


async def _exchange(
    sessions: Sessions,
    before: _Before,
    composed: "MonthFile",
    stored: StoredArtifact | None,
    tell: Tell,
) -> None:
    """Let the file stand for the partition, if nothing changed since it was read."""
    async with sessions.begin() as session:
        await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ARCHIVE_LOCK})
        table = partitions.month_table(before.month)
        if not (
            await session.execute(text(partitions.missing_sql(":names")), {"names": [table]})
        ).all():
            await session.execute(text(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))
        if not await _is_unchanged(session, before, composed):
            raise _NotNowError
        await _record(session, before, composed, stored)
        tell("recorded")
        await _empty(session, before.month)
        tell("emptied")


async def _is_unchanged(session: AsyncSession, before: _Before, composed: "MonthFile") -> bool:
    """Whether the rows are those that were written, and no statistics of theirs are due."""
    within = before.within
    if await session.scalar(_DUE, {"start": within.start, "end": within.end}):
        return False
    former = (await session.execute(_FORMER, {"month": before.month})).one_or_none()
    if (None if former is None else former.version) != before.version:
        return False
    if await _lines(session, before.month) != before.since:
        return False
    digest = hashlib.sha256()

    async def add(rows: ObservedRows) -> None:
        digest.update(rows.packed())

    await _read_partition(session, before.month, add)
    return digest.hexdigest() == composed.live_sha256


async def _record(
    session: AsyncSession, before: _Before, composed: "MonthFile", stored: StoredArtifact | None
) -> None:
    month = {"month": before.month}
    await session.execute(_FORGET_SERIES, month)
    if stored is None:
        await session.execute(_FORGET, month)
        return
    told = {"uri": stored.uri, "sha256": stored.sha256, "bytes": stored.bytes}
    await session.execute(_RECORD, {**month, **told, "rows": composed.rows})
    series = {
        "stations": (composed.keys >> 16).tolist(),
        "properties": (composed.keys & 0xFFFF).tolist(),
        "numbers": composed.numbers.tolist(),
        "firsts": composed.firsts.tolist(),
        "lasts": composed.lasts.tolist(),
        "features": [f"{{{','.join(map(str, one))}}}" for one in composed.features],
    }
    await session.execute(_RECORD_SERIES, {**month, **series})


async def _empty(session: AsyncSession, month: date) -> None:
    """Empty a partition, which stays: statements that read it by name must find it.

    It waits for those who read it, and others wait behind it: never for long.
    """
    table = partitions.month_table(month)
    if (await session.execute(text(partitions.missing_sql(":names")), {"names": [table]})).all():
        return
    await session.execute(text(f"SET LOCAL lock_timeout = '{WAIT}'"))
    for attempt in range(TRIES):
        if attempt:
            await asyncio.sleep(0.2)
        try:
            async with session.begin_nested():
                await session.execute(_EMPTY, {"month": month})
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != NOT_AVAILABLE:
                raise
        else:
            return
    raise _NotNowError
