"""How long the queue is and how long it has been waiting: what the operator watches."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables import Job
from shanhai.vocabulary import JobStatus


@dataclass(frozen=True, slots=True)
class QueueState:
    """Jobs by state, and the age of the oldest that waits, in seconds."""

    jobs: dict[JobStatus, int]
    oldest_waiting_s: float


async def read_queue_state(session: AsyncSession) -> QueueState:
    """Count the jobs of every state and measure the longest wait on the database's clock."""
    rows = await session.execute(select(Job.status, func.count()).group_by(Job.status))
    found = {JobStatus(status): number for status, number in rows}
    oldest = await session.scalar(
        select(func.extract("epoch", func.clock_timestamp() - func.min(Job.created_at))).where(
            Job.status == JobStatus.ACCEPTED
        )
    )
    return QueueState({status: found.get(status, 0) for status in JobStatus}, float(oldest or 0))
