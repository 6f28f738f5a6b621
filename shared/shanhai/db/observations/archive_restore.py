"""Rows of closed months are fetched back; observations are taken back, and read no more.

Late data and revisions into a closed month are rare. The series they are of comes back with all its
rows of the month, and of the others that statistics of the zone's months need: from then on nothing
differs from a month that was never closed. The keeper closes the month again later.

What is made of values follows as if others had been stored: the newest value, statistics, those who
follow. Rows of closed months are fetched back first.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import LONG_PAUSES
from shanhai.db.observations import ingest_sql
from shanhai.db.observations.archive import ARCHIVE_LOCK, OLD
from shanhai.db.observations.archive_read import Filed
from shanhai.db.observations.partitions import month_after, month_of
from shanhai.db.observations.validation import ResolvedRows, microseconds, moment
from shanhai.errors import LimitExceeded, Unavailable
from shanhai.monitoring.observation import NO_FEATURE, UNTOLD, ObservedRows, series_keys
from shanhai.storage.artifacts import ArtifactStore

SLOT_US = 900_000_000
"""A quarter of an hour: no zone's month begins within one."""

_LOCK = "SELECT pg_advisory_xact_lock_shared($1)"
_LINES = "SELECT id, raw_since FROM observed_property WHERE raw_since IS NOT NULL"
_FILED = "SELECT month, uri FROM observation_archive WHERE month = ANY ($1::date[])"
# Whoever fetches series of the same months waits here; in the order of months, not to wait for each
# other.
_LOCK_MONTHS = """
  SELECT month, uri FROM observation_archive WHERE month = ANY ($1::date[])
   ORDER BY month FOR UPDATE
"""
_TAKE = """
  DELETE FROM archived_series s
   USING unnest($1::int[], $2::smallint[]) AS k (station_id, property_id)
   WHERE s.month = $3 AND s.station_id = k.station_id AND s.property_id = k.property_id
  RETURNING s.station_id, s.property_id, s.number
"""
_TAKE_ALL = """
  DELETE FROM archived_series WHERE month = $1 RETURNING station_id, property_id, number
"""
_NOTE = """
  UPDATE observation_archive SET version = pg_current_xact_id()::text::bigint WHERE month = $1
"""
Keys = NDArray[np.int64]


async def recall_beside(
    raw: Any,
    files: ArtifactStore | None,
    rows: ResolvedRows,
    related: Iterable[tuple[int, int]],
    zone: ZoneInfo,
) -> int:
    """Fetch back what files have of the series some rows are about to be stored in; how many rows.

    What is not old costs nothing. The locks of the rows' series are held already, and locks of
    months are taken after those by everybody.

    Args:
        raw: A connection of asyncpg, in a transaction.
        related: Pairs of properties that checks compare: values of one need those of the other.

    Raises:
        Unavailable: a file is needed and missing, or `files` was not given.
    """
    old = rows.time < microseconds(datetime.now(UTC) - OLD)
    if not old.any():
        return 0
    await raw.execute(_LOCK, ARCHIVE_LOCK)
    await _demand_kept(raw, rows)
    wanted = series_by_month(rows.take(old), related, zone)
    filed = await raw.fetch(_FILED, list(wanted))
    if not filed:
        return 0
    if files is None:
        raise Unavailable("rows of closed months cannot be stored without the artifact store")
    months = {row["month"]: wanted[row["month"]] for row in filed}
    return await _recall(raw, files, months)


async def _demand_kept(raw: Any, rows: ResolvedRows) -> None:
    """Refuse rows of a time whose values were removed after the rows were judged."""
    for line in await raw.fetch(_LINES):
        since = microseconds(line["raw_since"])
        if ((rows.property == line["id"]) & (rows.time < since)).any():
            raise Unavailable(
                "old values are being removed; send these once more",
                message_zh="正在按保留期限清除旧观测值，请重新发送",
            )


async def recall_month(raw: Any, files: ArtifactStore, month: date) -> int:
    """Fetch back all that the file of a month has; how many rows."""
    await raw.execute(_LOCK, ARCHIVE_LOCK)
    return await _recall(raw, files, {month: None})


async def _recall(raw: Any, files: ArtifactStore, wanted: Mapping[date, Keys | None]) -> int:
    number = 0
    for row in await raw.fetch(_LOCK_MONTHS, list(wanted)):
        month, keys = row["month"], wanted[row["month"]]
        if keys is None:
            taken = await raw.fetch(_TAKE_ALL, month)
        else:
            given = (keys >> 16).tolist(), (keys & 0xFFFF).tolist()
            taken = await raw.fetch(_TAKE, *given, month)
        if not taken:
            continue
        stations, properties, numbers = (np.array(column) for column in zip(*taken, strict=True))
        back = Filed(None, row["uri"], np.sort(series_keys(stations, properties)))
        found = await _copy_back(raw, files, back)
        if found != int(numbers.sum()):
            raise Unavailable(
                f"the file of {month:%Y-%m} has {found} rows where {numbers.sum()} were put",
                message_zh=f"{month:%Y-%m} 的归档文件有 {found} 行，应为 {numbers.sum()} 行",
            )
        await raw.execute(_NOTE, month)
        number += found
    return number


async def _copy_back(raw: Any, files: ArtifactStore, back: Filed) -> int:
    """Copy the rows of series into the partition, a row group at a time."""
    from shanhai.vector.observation_file import RowFilter, read_rows  # it loads pyarrow

    # Of a bucket it is fetched first.
    await raw.execute(str(LONG_PAUSES))
    path = await asyncio.to_thread(back.path, files)
    groups = read_rows(path, RowFilter(back.keys))
    number = 0
    while (rows := await asyncio.to_thread(_next, groups)) is not None:
        await ingest_sql.copy_back(raw, rows)
        number += len(rows)
    return number


def _next(groups: Any) -> ObservedRows | None:
    found: ObservedRows | None = next(groups, None)
    return found


def series_by_month(
    rows: ResolvedRows, related: Iterable[tuple[int, int]], zone: ZoneInfo
) -> dict[date, Keys]:
    """The series rows and their statistics have to do with, by the months of UTC; sorted.

    A month of the zone is summed up from all of its rows, which lie in two months of UTC.
    """
    partners: dict[int, set[int]] = defaultdict(set)
    for one, other in related:
        partners[one].add(other)
        partners[other].add(one)
    slots, slot_of = np.unique(rows.time // SLOT_US, return_inverse=True)
    starts = [moment(slot * SLOT_US) for slot in slots.tolist()]
    # Hardly ever more than two: a series has thousands of times in the same months.
    spans = [(month_of(start), *_months_touched(start, zone)) for start in starts]
    distinct = list(dict.fromkeys(spans))
    span_of = np.array([distinct.index(span) for span in spans], np.int64)[slot_of]
    keys = series_keys(rows.station, rows.property)
    found: dict[date, set[int]] = defaultdict(set)
    for pair in np.unique(keys * len(distinct) + span_of).tolist():
        key, span = divmod(pair, len(distinct))
        own, *touched = distinct[span]
        for month in touched:
            found[month].add(key)
        found[own] |= {key - (key & 0xFFFF) + other for other in partners[key & 0xFFFF]}
    return {month: np.array(sorted(series), np.int64) for month, series in sorted(found.items())}


def _months_touched(at: datetime, zone: ZoneInfo) -> list[date]:
    """The months of UTC that the zone's month of a time has a part in."""
    first = at.astimezone(zone).date().replace(day=1)
    start, end = (
        datetime.combine(day, time.min, zone).astimezone(UTC) for day in (first, month_after(first))
    )
    months = [month_of(start)]
    while (following := datetime.combine(month_after(months[-1]), time.min, UTC)) < end:
        months.append(following.date())
    return months


MOST_ROWS = 100_000
"""Observations that are taken back at once."""
_LOCK_PROPERTY = """
  SELECT 1 FROM observation_latest WHERE station_id = $1 AND property_id = $2 FOR UPDATE
"""
_ARCHIVED = """
  SELECT first_at, last_at FROM archived_series
   WHERE station_id = $1 AND property_id = $2 AND last_at > coalesce($3, '-infinity'::timestamptz)
   ORDER BY first_at
"""
_COUNT = """
  SELECT count(*) FROM (SELECT FROM observation
   WHERE station_id = $1 AND property_id = $2 LIMIT $3) counted
"""
_TAKE_BACK = """
  WITH gone AS (
    DELETE FROM observation
     WHERE station_id = $1 AND property_id = $2
       AND ($3::timestamptz[] IS NULL OR observed_at = ANY ($3::timestamptz[]))
    RETURNING *
  ), kept AS (
    INSERT INTO observation_revision
      (observed_at, value, received_at, replaced_at, station_id, source_id, property_id, quality,
       flags, result_time, feature_id, moved_to)
    SELECT observed_at, value, received_at, clock_timestamp(), station_id, source_id, property_id,
           quality, flags, result_time, feature_id, $4
      FROM gone
  ), due AS (
    INSERT INTO rollup_due (station_id, property_id, day)
    SELECT DISTINCT station_id, property_id, observed_at::date FROM gone
    ON CONFLICT DO NOTHING
  ), told AS (
    INSERT INTO observation_change (station_id, property_id, first_at, last_at)
    SELECT station_id, property_id, min(observed_at), max(observed_at) FROM gone GROUP BY 1, 2
  )
  SELECT count(*) FROM gone
"""
NEWEST = """
  WITH newest AS (
    SELECT * FROM observation WHERE station_id = $1 AND property_id = $2
     ORDER BY observed_at DESC LIMIT 1
  )
  UPDATE observation_latest l
     SET observed_at = coalesce(n.observed_at, '-infinity'), value = coalesce(n.value, 'NaN'),
         received_at = coalesce(n.received_at, '-infinity'), quality = coalesce(n.quality, 0),
         flags = coalesce(n.flags, 0), result_time = n.result_time,
         equal_values = CASE WHEN n.value IS NULL THEN 0 ELSE 1 END
    FROM (SELECT 1 AS one) alone LEFT JOIN newest n ON true
   WHERE l.station_id = $1 AND l.property_id = $2
  RETURNING n.observed_at
"""


async def annul(
    session: AsyncSession,
    files: ArtifactStore,
    station: int,
    observed: int,
    times: Sequence[datetime] | None = None,
    *,
    moved_to: datetime | None = None,
) -> int:
    """Take back the observations of a series at some times, or all of it; how many.

    Args:
        moved_to: The time a single one is said to be of instead.

    Raises:
        LimitExceeded: they are too many to be taken back at once.
        Unavailable: the file of a closed month is missing.
    """
    raw = await raw_connection(session)
    if times is None:
        await recall_whole(raw, files, station, observed)
    else:
        await raw.execute(_LOCK_PROPERTY, station, observed)
        await _recall_before(raw, files, station, observed, times)
    number = int(await raw.fetchval(_TAKE_BACK, station, observed, times, moved_to))
    if number:
        newest = await raw.fetchval(NEWEST, station, observed)
        # Asked only now: the month that was fetched back is in no file any more.
        later = await raw.fetch(_ARCHIVED, station, observed, newest)
        if later:
            await _recall_before(raw, files, station, observed, [later[-1]["last_at"]])
            await raw.execute(NEWEST, station, observed)
    return number


async def raw_connection(session: AsyncSession) -> Any:
    """The connection of asyncpg a session has, in its transaction."""
    connection = await session.connection()
    return (await connection.get_raw_connection()).driver_connection


async def recall_whole(raw: Any, files: ArtifactStore, station: int, observed: int) -> None:
    """Lock a series, and fetch back all that files of closed months have of it.

    Raises:
        LimitExceeded: it has more values than are changed at once.
        Unavailable: the file of a closed month is missing.
    """
    await raw.execute(_LOCK_PROPERTY, station, observed)
    # A month that is being closed is in no file yet.
    await raw.execute(_LOCK, ARCHIVE_LOCK)
    archived = [row["first_at"] for row in await raw.fetch(_ARCHIVED, station, observed, None)]
    await _recall_before(raw, files, station, observed, archived)
    demand_few(await raw.fetchval(_COUNT, station, observed, MOST_ROWS + 1))


def demand_few(number: int) -> None:
    """Refuse to change more observations at once than may be.

    Raises:
        LimitExceeded: they are more.
    """
    if number > MOST_ROWS:
        raise LimitExceeded(
            f"more than {MOST_ROWS} observations would be taken back at once",
            message_zh=f"一次最多撤销 {MOST_ROWS} 条观测值",
            pointer="",
        )


async def _recall_before(
    raw: Any, files: ArtifactStore, station: int, observed: int, times: Sequence[datetime]
) -> None:
    """Fetch back what the files of closed months have of a series at some times."""
    if not times:
        return
    zone = ZoneInfo(await raw.fetchval("SELECT current_setting('TimeZone')"))
    number = len(times)
    rows = ResolvedRows(
        np.full(number, station, np.int32),
        np.full(number, observed, np.int16),
        np.array([microseconds(time.astimezone(UTC)) for time in times], np.int64),
        np.zeros(number),
        np.zeros(number, np.int16),
        np.zeros(number, np.int32),
        np.full(number, UNTOLD, np.int64),
        np.full(number, NO_FEATURE, np.int32),
    )
    await recall_beside(raw, files, rows, (), zone)
