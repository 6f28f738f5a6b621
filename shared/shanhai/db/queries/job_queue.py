"""How long the queue is and how long it has been waiting: what the operator watches."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables import Job
from shanhai.vocabulary import JobStatus


@dataclass(frozen=True, slots=True)
class Waiting:
    """The jobs of one process that wait in line: how many, and the age of the oldest in seconds.

    Who is held outside it, by a quota or until the next try, waits for no worker.
    """

    number: int
    oldest_s: float


@dataclass(frozen=True, slots=True)
class QueueState:
    """Jobs by state, and those that wait by process."""

    jobs: Mapping[JobStatus, int]
    waiting: Mapping[str, Waiting]

    @property
    def oldest_waiting_s(self) -> float:
        """The age of the oldest job that waits, in seconds; 0 when none does."""
        return max((one.oldest_s for one in self.waiting.values()), default=0.0)


async def read_queue_state(session: AsyncSession) -> QueueState:
    """Count the jobs of every state and measure the longest wait on the database's clock."""
    rows = await session.execute(select(Job.status, func.count()).group_by(Job.status))
    found = {JobStatus(status): number for status, number in rows}
    age = func.extract("epoch", func.clock_timestamp() - func.min(Job.created_at))
    waiting = await session.execute(
        select(Job.kind, func.count(), age)
        .where(Job.status == JobStatus.ACCEPTED, Job.held.is_(None))
        .group_by(Job.kind)
    )
    return QueueState(
        {status: found.get(status, 0) for status in JobStatus},
        {kind: Waiting(number, float(seconds)) for kind, number, seconds in waiting},
    )
