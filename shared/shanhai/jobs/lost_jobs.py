"""Jobs of dead workers are queued again, and those whose wake-up never arrived are sent anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import Act
from shanhai.db.tables.job import Job
from shanhai.jobs.fair_queue import IN_LINE, ORDER
from shanhai.jobs.states import Lease, after_crash, note_end
from shanhai.vocabulary import JobStatus

REAPED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Reaped:
    """A job whose worker stopped renewing its lease, and what became of it."""

    job_id: UUID
    status: JobStatus


async def reap(session: AsyncSession, *, max_crashes: int) -> Sequence[Reaped]:
    """Take running jobs from workers that stopped renewing, each counted as a crash."""
    expired = (
        select(Job.id)
        .where(Job.status == JobStatus.RUNNING, Job.lease_until < func.clock_timestamp())
        .order_by(Job.lease_until)
        .limit(REAPED_AT_ONCE)
        .with_for_update(skip_locked=True)
        .cte("expired")
    )
    statement = (
        update(Job)
        .where(Job.id == expired.c.id)
        .values(after_crash(max_crashes))
        .returning(Job.id, Job.status)
    )
    rows = (await session.execute(statement)).all()
    reaped = [Reaped(row.id, JobStatus(row.status)) for row in rows]
    for job in reaped:
        await note_end(session, job.job_id, job.status, act=Act("reaper"))
    return reaped


async def take_undispatched(session: AsyncSession, *, after_s: float) -> Sequence[Lease]:
    """Jobs waiting for `after_s` since they were last sent, marked as sent now.

    A job that was handed back or lost its worker was never sent since, and is due at once.
    """
    since = func.coalesce(Job.dispatched_at, Job.created_at)
    # Only those next in line: a worker that is woken looks for more by itself.
    following = select(Job.id).where(IN_LINE).order_by(*ORDER).limit(REAPED_AT_ONCE)
    due = (
        select(Job.id)
        .where(
            Job.id.in_(following),
            Job.status == JobStatus.ACCEPTED,
            since < func.clock_timestamp() - timedelta(seconds=after_s),
        )
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    statement = (
        update(Job)
        .where(Job.id == due.c.id)
        .values(dispatched_at=func.clock_timestamp())
        .returning(Job.id, Job.attempt)
    )
    return [Lease(row.id, row.attempt) for row in (await session.execute(statement)).all()]
