"""What the operator monitors: the database, its content and how far backups reach."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.jobs import given_up
from shanhai.db.tables.job import BackupMark, Job, WorkerPresence
from shanhai.vocabulary import JobStatus


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
    rows = await session.execute(select(BackupMark.part, age).where(BackupMark.part != "verified"))
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


FORGOTTEN_AFTER = timedelta(days=1)
"""Workers that were not heard of for as long are told no more."""
ALIVE_FOR = timedelta(seconds=90)
"""A worker says every half a minute that it runs; three times in vain, and it counts as lost."""
_SEEN = text(
    """INSERT INTO worker_presence (name, version, slots, began_at, seen_at, replica_lag_bytes)
       SELECT CAST(:name AS text), CAST(:version AS text), CAST(:slots AS int),
              clock_timestamp(), clock_timestamp(),
              (SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn))
                 FROM pg_stat_replication WHERE replay_lsn IS NOT NULL)
       ON CONFLICT (name) DO UPDATE
       SET seen_at = excluded.seen_at, replica_lag_bytes = excluded.replica_lag_bytes"""
)


async def note_worker(session: AsyncSession, name: str, *, version: str, slots: int) -> None:
    """Say that a worker runs, and forget those that were lost long ago."""
    await session.execute(_SEEN, {"name": name, "version": version, "slots": slots})
    gone = WorkerPresence.seen_at < func.clock_timestamp() - FORGOTTEN_AFTER
    lost = select(WorkerPresence.name).where(gone).with_for_update(skip_locked=True)
    await session.execute(delete(WorkerPresence).where(WorkerPresence.name.in_(lost)))


async def forget_worker(session: AsyncSession, name: str) -> None:
    """Say that a worker has stopped."""
    await session.execute(delete(WorkerPresence).where(WorkerPresence.name == name))


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker, and the jobs that it runs.

    Attributes:
        alive: It was heard of a moment ago.
    """

    name: str
    version: str
    slots: int
    began_at: datetime
    seen_at: datetime
    alive: bool
    jobs: Sequence[Job]


@dataclass(frozen=True, slots=True)
class SystemParts:
    """What stands behind the service.

    Attributes:
        workers: Those that run, and those that were lost within a day; the newest first.
        marks: How far backups reach, and when they were checked, by part.
        replica_seen_at: When the lag of the replica was looked at; None where no worker could.
        replica_lag_bytes: None without a replica.
    """

    workers: Sequence[WorkerSeen]
    marks: Mapping[str, BackupMark]
    replica_seen_at: datetime | None
    replica_lag_bytes: float | None


async def read_parts(session: AsyncSession) -> SystemParts:
    """Look once at workers, backups and the replica."""
    alive = WorkerPresence.seen_at > func.clock_timestamp() - ALIVE_FOR
    query = select(WorkerPresence, alive).order_by(WorkerPresence.seen_at.desc())
    rows = (await session.execute(query)).all()
    running = select(Job).where(Job.status == JobStatus.RUNNING).order_by(Job.started_at)
    jobs = (await session.scalars(running)).all()
    workers = [
        WorkerSeen(
            one.name,
            one.version,
            one.slots,
            one.began_at,
            one.seen_at,
            bool(is_alive),
            [job for job in jobs if job.worker == one.name],
        )
        for one, is_alive in rows
    ]
    marks = {mark.part: mark for mark in await session.scalars(select(BackupMark))}
    newest = next((one for one, is_alive in rows if is_alive), None)
    return SystemParts(
        workers,
        marks,
        None if newest is None else newest.seen_at,
        None if newest is None else newest.replica_lag_bytes,
    )
