"""Read jobs, as far as the caller may see them, and what their inputs refer to."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from shanhai.db.features.selection import TimeInterval
from shanhai.db.identity import ANONYMOUS, Identity
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.job import Job, JobDataset
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.zone import Region, SchemeClass, ZoneScheme
from shanhai.vocabulary import JobStatus, Visibility, district_levels

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


def published() -> sa.ColumnElement[bool]:
    """Jobs whose scheme was published."""
    return sa.exists().where(
        ZoneScheme.job_id == Job.id,
        ZoneScheme.status.in_(PUBLISHED),
        ZoneScheme.deleted_at.is_(None),
    )


def given_up() -> sa.ColumnElement[bool]:
    """Jobs that failed though their inputs are not to blame, and were not tried again since."""
    later = aliased(Job)
    return sa.and_(
        Job.status == JobStatus.FAILED,
        Job.error["class"].astext.not_in(BLAMED_ON_INPUTS),
        ~sa.exists().where(later.retry_of == Job.id),
    )


def reads_public() -> sa.ColumnElement[bool]:
    """Jobs whose inputs are all public."""
    return ~sa.exists().where(
        JobDataset.job_id == Job.id,
        JobDataset.dataset_id == Dataset.id,
        Dataset.visibility != Visibility.PUBLIC,
    )


def visible_to(reader: Identity) -> sa.ColumnElement[bool] | None:
    """Jobs the reader may know of: published ones that read what is public alone, their own, those
    of their regions.

    What anybody asked for is anybody's own.

    None where nothing is hidden. Jobs of no region are seen by who asked for them.
    """
    viewer = reader.viewer
    if viewer.sees_all:
        return None
    shown = sa.and_(published(), reads_public())
    if not viewer.known:
        return sa.or_(shown, Job.requested_by == ANONYMOUS)
    own = Job.requested_by == reader.owner
    within = sa.select(Region.code).where(Region.id.in_(sorted(viewer.regions or ())))
    return sa.or_(own, Job.task["region"]["code"].astext.in_(within), shown)


def conditions(job_filter: JobFilter) -> list[sa.ColumnElement[bool]]:
    """The conditions a job must meet."""
    found: list[sa.ColumnElement[bool]] = []
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
    ran_for = sa.func.coalesce(Job.finished_at, sa.func.clock_timestamp()) - Job.started_at
    if job_filter.min_seconds is not None:
        found.append(ran_for >= timedelta(seconds=job_filter.min_seconds))
    if job_filter.max_seconds is not None:
        found.append(ran_for <= timedelta(seconds=job_filter.max_seconds))
    return found + created_during(job_filter.created)


def created_during(interval: TimeInterval | None) -> list[sa.ColumnElement[bool]]:
    """Jobs created in an interval, to the millisecond in which their creation is told."""
    found: list[sa.ColumnElement[bool]] = []
    if interval is not None and interval.start is not None:
        found.append(Job.created_at >= interval.start)
    if interval is not None and interval.end is not None:
        # Added by the database, which knows moments after the year 9999.
        end = sa.literal(interval.end, sa.DateTime(timezone=True))
        found.append(Job.created_at < end + timedelta(milliseconds=1))
    return found


async def find_job(session: AsyncSession, job_id: UUID, *, reader: Identity | None) -> Job | None:
    """A job the reader may know of; None reads for the platform itself."""
    known = conditions(JobFilter(reader))
    # populate_existing: a poll within one session must see what others committed since.
    query = sa.select(Job).where(Job.id == job_id, *known).execution_options(populate_existing=True)
    return (await session.scalars(query)).one_or_none()


async def find_retry(session: AsyncSession, job_id: UUID) -> UUID | None:
    """The job that repeats another one, if there is one."""
    return await session.scalar(sa.select(Job.id).where(Job.retry_of == job_id))


async def list_jobs(
    session: AsyncSession,
    job_filter: JobFilter,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
) -> Sequence[Job]:
    """Jobs from the newest on, after the one at `after`."""
    query = sa.select(Job).where(*conditions(job_filter))
    if after is not None:
        query = query.where(sa.tuple_(Job.created_at, Job.id) < sa.tuple_(*after))
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
    rows = await session.execute(sa.select(Job.status, sa.func.count()).group_by(Job.status))
    found = {JobStatus(status): number for status, number in rows}
    age = sa.func.extract("epoch", sa.func.clock_timestamp() - sa.func.min(Job.created_at))
    waiting = await session.execute(
        sa.select(Job.kind, sa.func.count(), age)
        .where(Job.status == JobStatus.ACCEPTED, Job.held.is_(None))
        .group_by(Job.kind)
    )
    return QueueState(
        {status: found.get(status, 0) for status in JobStatus},
        {kind: Waiting(number, float(seconds)) for kind, number, seconds in waiting},
    )


COORDINATE_DIGITS = 9
"""Decimals of degrees handed to computations: a tenth of a millimetre."""


@dataclass(frozen=True, slots=True)
class RegionRow:
    """A region with its geometry as GeoJSON in longitude, latitude."""

    id: int
    code: str
    name_zh: str
    name_en: str
    parent_id: int | None
    metric_srid: int | None
    geometry: dict[str, Any] | None


async def find_region(session: AsyncSession, code: str) -> RegionRow | None:
    """The region of that code as it is today."""
    statement = _select_regions().where(Region.code == code)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else RegionRow(*row)


async def find_districts(session: AsyncSession, region_id: int) -> Sequence[RegionRow]:
    """The districts of a region that have a geometry, by code: regions of `district_levels`."""
    below = _select_regions().where(Region.parent_id == region_id, Region.geom.is_not(None))
    levels = await session.scalars(below.with_only_columns(Region.level))
    statement = below.where(Region.level.in_(district_levels(levels))).order_by(Region.code)
    return [RegionRow(*row) for row in await session.execute(statement)]


async def find_regions_within(
    session: AsyncSession, region_id: int, level: str
) -> Sequence[RegionRow]:
    """The regions of a level, at any depth below a region, that have a geometry, by code."""
    below = sa.select(Region.id).where(Region.parent_id == region_id).cte("below", recursive=True)
    below = below.union(sa.select(Region.id).where(Region.parent_id == below.c.id))
    statement = (
        _select_regions()
        .where(
            Region.id.in_(sa.select(below.c.id)), Region.level == level, Region.geom.is_not(None)
        )
        .order_by(Region.code)
    )
    return [RegionRow(*row) for row in await session.execute(statement)]


async def find_plan(session: AsyncSession, code: str) -> Plan | None:
    """The plan of that code."""
    return await session.scalar(sa.select(Plan).where(Plan.code == code, Plan.deleted_at.is_(None)))


async def find_datasets(session: AsyncSession, codes: Collection[str]) -> dict[str, Dataset]:
    """The live datasets among `codes`, by code."""
    statement = sa.select(Dataset).where(Dataset.code.in_(codes), Dataset.deleted_at.is_(None))
    return {dataset.code: dataset for dataset in await session.scalars(statement)}


async def find_newest_datasets(
    session: AsyncSession, region: RegionRow, themes: Collection[str]
) -> dict[str, Dataset]:
    """The newest imported dataset per theme; the region's own come before its parent's."""
    statement = (
        sa.select(Dataset)
        .where(
            Dataset.region_id.in_(places_of(region)),
            Dataset.theme.in_(themes),
            Dataset.origin == "imported",
            Dataset.deleted_at.is_(None),
        )
        .ext(distinct_on(Dataset.theme))
        .order_by(
            Dataset.theme,
            (Dataset.region_id == region.id).desc(),
            Dataset.created_at.desc(),
            Dataset.id.desc(),
        )
    )
    return {dataset.theme: dataset for dataset in await session.scalars(statement)}


def places_of(region: RegionRow) -> tuple[int, ...]:
    """The regions whose datasets may serve this one: itself and its parent."""
    return (region.id,) if region.parent_id is None else (region.id, region.parent_id)


def _select_regions() -> sa.Select[Any]:
    return sa.select(
        Region.id,
        Region.code,
        Region.name_zh,
        Region.name_en,
        Region.parent_id,
        Region.metric_srid,
        sa.func.ST_AsGeoJSON(Region.geom, COORDINATE_DIGITS, 0).cast(JSONB),
    ).where(
        Region.deleted_at.is_(None),
        Region.valid_from <= sa.func.current_date(),
        sa.or_(Region.valid_to.is_(None), Region.valid_to > sa.func.current_date()),
    )


async def list_zone_classes(
    session: AsyncSession, *, scheme_kind: str | None = None
) -> Sequence[SchemeClass]:
    """All classes, or those of one kind of scheme, in their order."""
    query = sa.select(SchemeClass).where(SchemeClass.deleted_at.is_(None))
    query = query.order_by(SchemeClass.scheme_kind, SchemeClass.order_no)
    if scheme_kind is not None:
        query = query.where(SchemeClass.scheme_kind == scheme_kind)
    return (await session.scalars(query)).all()
