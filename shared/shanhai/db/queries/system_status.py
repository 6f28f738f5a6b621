"""What the operator monitors: the database, its content and how far backups reach."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.jobs import given_up
from shanhai.db.tables.job import BackupMark, Job


async def put_mark(
    session: AsyncSession, part: str, reached: datetime, detail: Mapping[str, Any]
) -> None:
    """Note that a part of the backups holds every change up to a moment."""
    values = {"reached": reached, "noted_at": func.clock_timestamp(), "detail": dict(detail)}
    statement = insert(BackupMark).values(part=part, **values)
    await session.execute(
        statement.on_conflict_do_update(index_elements=[BackupMark.part], set_=values)
    )


async def read_reach_s(session: AsyncSession) -> dict[str, float]:
    """How many seconds ago the last change lies that each part of the backups holds."""
    age = func.extract("epoch", func.clock_timestamp() - BackupMark.reached)
    rows = await session.execute(select(BackupMark.part, age))
    return {part: float(seconds) for part, seconds in rows}


# A slot or a replica that is far behind shows here before the disk of the server fills.
SERVER = text(
    """SELECT extract(epoch FROM clock_timestamp()) AS now,
              (SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn))
                 FROM pg_replication_slots WHERE slot_name = 'shanhai_archive') AS archive_lag,
              (SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn))
                 FROM pg_stat_replication WHERE replay_lsn IS NOT NULL) AS replica_lag,
              (SELECT max(extract(epoch FROM clock_timestamp() - query_start))
                 FROM pg_stat_activity
                WHERE state = 'active' AND datname = current_database()
                  AND application_name LIKE 'shanhai-%' AND pid <> pg_backend_pid()
              ) AS longest_statement,
              pg_database_size(current_database()) AS size"""
)
# Of what waits only what is due is late: the rest is held back on purpose.
DELIVERIES = text(
    """SELECT kind, count(*) FILTER (WHERE status = 'waiting') AS waiting,
              count(*) FILTER (WHERE status = 'dead') AS dead,
              coalesce(max(extract(epoch FROM clock_timestamp() - due_at))
                FILTER (WHERE status = 'waiting' AND due_at <= clock_timestamp()), 0) AS late
         FROM delivery WHERE status IN ('waiting', 'dead') GROUP BY kind"""
)
# One that nobody has attended to: who does moves `next_at` on.
SCHEDULES = text(
    """SELECT coalesce(max(extract(epoch FROM clock_timestamp() - next_at)), 0) AS late
         FROM schedule
        WHERE next_at <= clock_timestamp() AND enabled AND deleted_at IS NULL"""
)
GIVEN_UP_WITHIN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Backlog:
    """Deliveries of one kind: how many wait, how many were given up, seconds the latest is late."""

    waiting: int
    dead: int
    late_s: float


NO_BACKLOG = Backlog(0, 0, 0.0)


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen.

    Attributes:
        clock_offset_s: How far this machine's clock is ahead of the database's.
        archive_lag_bytes: Log the archive has not received; None without an archive.
        replica_lag_bytes: Log the slowest replica has not replayed; None without a replica.
        longest_statement_s: Age of the oldest statement of ours that runs.
        reach_s: How long ago the last change lies that backups hold, by part.
        dead_jobs: Jobs of the last week, given up and not tried again, by class of failure.
        schedule_late_s: For how long the latest schedule has been due.
    """

    clock_offset_s: float
    archive_lag_bytes: float | None
    replica_lag_bytes: float | None
    longest_statement_s: float
    database_bytes: int
    reach_s: Mapping[str, float]
    deliveries: Mapping[str, Backlog]
    dead_jobs: Mapping[str, int]
    schedule_late_s: float


async def read_watched(session: AsyncSession) -> Watched:
    """Look once."""
    began = time.time()
    row = (await session.execute(SERVER)).one()
    here = (began + time.time()) / 2
    deliveries = {
        one.kind: Backlog(one.waiting, one.dead, float(one.late))
        for one in await session.execute(DELIVERIES)
    }
    return Watched(
        clock_offset_s=here - float(row.now),
        archive_lag_bytes=_number(row.archive_lag),
        replica_lag_bytes=_number(row.replica_lag),
        longest_statement_s=float(row.longest_statement or 0),
        database_bytes=row.size,
        reach_s=await read_reach_s(session),
        deliveries=deliveries,
        dead_jobs=await _read_dead_jobs(session),
        schedule_late_s=float(await session.scalar(SCHEDULES) or 0),
    )


async def _read_dead_jobs(session: AsyncSession) -> dict[str, int]:
    failure = Job.error["class"].astext
    recent = Job.created_at > func.clock_timestamp() - GIVEN_UP_WITHIN
    query = select(failure, func.count()).where(given_up(), recent).group_by(failure)
    return {row[0]: row[1] for row in await session.execute(query)}


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))
