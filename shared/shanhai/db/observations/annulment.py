"""Take observations back: they are read no more, and stay in the revisions.

What is made of values follows as if others had been stored: the newest value, statistics, those who
follow. Rows of closed months are fetched back first.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.observations.archive_restore import recall_beside
from shanhai.db.observations.validation import ResolvedRows, microseconds
from shanhai.errors import LimitExceeded
from shanhai.monitoring.observation import NO_FEATURE, UNTOLD
from shanhai.storage.artifacts import ArtifactStore

MOST_ROWS = 100_000
"""Observations that are taken back at once."""
_LOCK = """
  SELECT 1 FROM observation_latest WHERE station_id = $1 AND property_id = $2 FOR UPDATE
"""
_ARCHIVED = """
  SELECT first_at FROM archived_series WHERE station_id = $1 AND property_id = $2 ORDER BY first_at
"""
_COUNT = """
  SELECT count(*) FROM (SELECT FROM observation
   WHERE station_id = $1 AND property_id = $2 LIMIT $3) counted
"""
_TAKE = """
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
  SELECT count(*), pg_notify('shanhai_observations', '') FROM gone
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
    await raw.execute(_LOCK, station, observed)
    archived = [row["first_at"] for row in await raw.fetch(_ARCHIVED, station, observed)]
    await _recall(raw, files, station, observed, archived if times is None else list(times))
    if times is None:
        demand_few(await raw.fetchval(_COUNT, station, observed, MOST_ROWS + 1))
    number = int(await raw.fetchval(_TAKE, station, observed, times, moved_to))
    if number and await raw.fetchval(NEWEST, station, observed) is None and archived:
        await _recall(raw, files, station, observed, archived[-1:])
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
    await raw.execute(_LOCK, station, observed)
    archived = [row["first_at"] for row in await raw.fetch(_ARCHIVED, station, observed)]
    await _recall(raw, files, station, observed, archived)
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


async def _recall(
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
