"""Read jobs, as far as the caller may see them, and the length and age of the queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from shanhai.db.features.selection import TimeInterval
from shanhai.db.identity import ANONYMOUS, Identity
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.job import Job, JobDataset
from shanhai.db.tables.zone import Region, ZoneScheme
from shanhai.vocabulary import JobStatus

BLAMED_ON_INPUTS = ("invalid", "resource")
"""Classes of failures that come again however often a job is tried."""
PUBLISHED = ("published", "superseded")


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs are meant, by whom; without a reader it is the platform itself, which sees all."""

    reader: Identity | None = None
    kinds: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    min_seconds: int | None = None
    max_seconds: int | None = None
    dead: bool = False
    failure: str | None = None
    created: TimeInterval | None = None


def published() -> ColumnElement[bool]:
    """Jobs whose scheme was published."""
    return exists().where(
        ZoneScheme.job_id == Job.id,
        ZoneScheme.status.in_(PUBLISHED),
        ZoneScheme.deleted_at.is_(None),
    )


def given_up() -> ColumnElement[bool]:
    """Jobs that failed though their inputs are not to blame, and were not tried again since."""
    later = aliased(Job)
    return and_(
        Job.status == JobStatus.FAILED,
        Job.error["class"].astext.not_in(BLAMED_ON_INPUTS),
        ~exists().where(later.retry_of == Job.id),
    )


def reads_public() -> ColumnElement[bool]:
    """Jobs whose inputs are all public."""
    return ~exists().where(
        JobDataset.job_id == Job.id,
        JobDataset.dataset_id == Dataset.id,
        ~Dataset.public,
    )


def visible_to(reader: Identity) -> ColumnElement[bool] | None:
    """Jobs the reader may know of: published ones, their own, those of their regions.

    What anybody asked for is anybody's own.

    None where nothing is hidden. Jobs of no region are seen by who asked for them.
    """
    viewer = reader.viewer
    if viewer.sees_all:
        return None
    if not viewer.known:
        return or_(and_(published(), reads_public()), Job.requested_by == ANONYMOUS)
    own = Job.requested_by == reader.owner
    within = select(Region.code).where(Region.id.in_(sorted(viewer.regions or ())))
    return or_(own, Job.task["region"]["code"].astext.in_(within), published())


def conditions(job_filter: JobFilter) -> list[ColumnElement[bool]]:
    """The conditions a job must meet."""
    found: list[ColumnElement[bool]] = []
    visible = None if job_filter.reader is None else visible_to(job_filter.reader)
    if visible is not None:
        found.append(visible)
    if job_filter.kinds:
        found.append(Job.kind.in_(job_filter.kinds))
    if job_filter.statuses:
        found.append(Job.status.in_(job_filter.statuses))
    if job_filter.dead:
        found.append(given_up())
    if job_filter.failure is not None:
        found.append(Job.error["class"].astext == job_filter.failure)
    ran_for = func.coalesce(Job.finished_at, func.clock_timestamp()) - Job.started_at
    if job_filter.min_seconds is not None:
        found.append(ran_for >= timedelta(seconds=job_filter.min_seconds))
    if job_filter.max_seconds is not None:
        found.append(ran_for <= timedelta(seconds=job_filter.max_seconds))
    return found + created_during(job_filter.created)


def created_during(interval: TimeInterval | None) -> list[ColumnElement[bool]]:
    """Jobs created in an interval, to the millisecond in which their creation is told."""
    found: list[ColumnElement[bool]] = []
    if interval is not None and interval.start is not None:
        found.append(Job.created_at >= interval.start)
    if interval is not None and interval.end is not None:
        # Added by the database, which knows moments after the year 9999.
        end = literal(interval.end, DateTime(timezone=True))
        found.append(Job.created_at < end + timedelta(milliseconds=1))
    return found


async def find_job(session: AsyncSession, job_id: UUID, *, reader: Identity | None) -> Job | None:
    """A job the reader may know of; None reads for the platform itself."""
    known = conditions(JobFilter(reader))
    # populate_existing: a poll within one session must see what others committed since.
    query = select(Job).where(Job.id == job_id, *known).execution_options(populate_existing=True)
    return (await session.scalars(query)).one_or_none()


async def find_retry(session: AsyncSession, job_id: UUID) -> UUID | None:
    """The job that repeats another one, if there is one."""
    return await session.scalar(select(Job.id).where(Job.retry_of == job_id))


async def list_jobs(
    session: AsyncSession,
    job_filter: JobFilter,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
) -> Sequence[Job]:
    """Jobs from the newest on, after the one at `after`."""
    query = select(Job).where(*conditions(job_filter))
    if after is not None:
        query = query.where(tuple_(Job.created_at, Job.id) < tuple_(*after))
    query = query.order_by(Job.created_at.desc(), Job.id.desc()).limit(limit)
    return (await session.scalars(query)).all()


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
