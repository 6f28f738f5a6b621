"""Read jobs, as far as the caller may know of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables import Dataset, Job, JobDataset, ZoneScheme

PUBLISHED = ("published", "superseded")


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs are meant; without identity only those behind a published scheme."""

    published_only: bool
    kinds: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    min_seconds: int | None = None
    max_seconds: int | None = None


def published() -> ColumnElement[bool]:
    """Jobs whose scheme was published and whose inputs are all public."""
    scheme = exists().where(
        ZoneScheme.job_id == Job.id,
        ZoneScheme.status.in_(PUBLISHED),
        ZoneScheme.deleted_at.is_(None),
    )
    private_input = exists().where(
        JobDataset.job_id == Job.id,
        JobDataset.dataset_id == Dataset.id,
        ~Dataset.public,
    )
    return and_(scheme, ~private_input)


def conditions(job_filter: JobFilter) -> list[ColumnElement[bool]]:
    """The conditions a job must meet."""
    found: list[ColumnElement[bool]] = []
    if job_filter.published_only:
        found.append(published())
    if job_filter.kinds:
        found.append(Job.kind.in_(job_filter.kinds))
    if job_filter.statuses:
        found.append(Job.status.in_(job_filter.statuses))
    ran_for = func.coalesce(Job.finished_at, func.clock_timestamp()) - Job.started_at
    if job_filter.min_seconds is not None:
        found.append(ran_for >= timedelta(seconds=job_filter.min_seconds))
    if job_filter.max_seconds is not None:
        found.append(ran_for <= timedelta(seconds=job_filter.max_seconds))
    return found


async def find_job(session: AsyncSession, job_id: UUID, *, published_only: bool) -> Job | None:
    """A job the caller may know of."""
    known = conditions(JobFilter(published_only))
    # populate_existing: a poll within one session must see what others committed since.
    query = select(Job).where(Job.id == job_id, *known).execution_options(populate_existing=True)
    return (await session.scalars(query)).one_or_none()


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
