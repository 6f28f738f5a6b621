"""Rows that tests of jobs need: a database to write to, regions, datasets, waiting jobs."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import Sessions, create_engine, create_sessions
from shanhai.db.identity import Identity
from shanhai.db.tables.dataset import Dataset, Upload
from shanhai.db.tables.job import Job
from shanhai.db.tables.zone import Region
from shanhai.jobs.states import Claim, claim_several
from shanhai.jobs.submission import USUAL, Terms, accept_job
from shanhai.processes.echo.contract import ECHO, EchoInputs
from shanhai.settings import DatabaseSettings
from shanhai.vocabulary import JobStatus
from tests.support.emptying import forget_rows

CHECKSUM = "0" * 64
XIAMEN_EPSG = 4548
"""CGCS2000 / 3-degree Gauss-Krüger, central meridian 117° E."""


@asynccontextmanager
async def open_sessions(url: str) -> AsyncIterator[Sessions]:
    """Sessions on the database at `url`, closed at the end."""
    engine = create_engine(DatabaseSettings(url=SecretStr(url)), application="test")
    try:
        yield create_sessions(engine)
    finally:
        await engine.dispose()


async def forget_jobs(sessions: Sessions) -> None:
    """Leave no job, and nothing that refers to one."""
    async with sessions.begin() as session:
        await forget_rows(session, ["job"])


async def submit_echo(
    sessions: Sessions,
    message: str = "hello",
    *,
    pause: float = 0,
    requested_by: str = "tester",
    terms: Terms = USUAL,
) -> UUID:
    """A waiting job of the test process."""
    inputs = EchoInputs(message=message, pause=pause)
    (job_id,) = await submit_together(sessions, [inputs], requested_by=requested_by, terms=terms)
    return job_id


async def claim_job(
    session: AsyncSession, *, worker: str, lease_s: float, job_id: UUID | None = None
) -> Claim | None:
    """Take the job that is next in line, or the one named; None when there is none to take."""
    if job_id is None:
        taken = await claim_several(session, worker=worker, lease_s=lease_s, free=1)
        return taken[0] if taken else None
    own = (Job.id == job_id, Job.status == JobStatus.ACCEPTED, Job.held.is_(None))
    query = select(Job.priority, Job.turn).where(*own).with_for_update()
    place = (await session.execute(query)).one_or_none()
    if place is None:
        return None
    # To the head of the line, and back to its place once it is taken.
    named = update(Job).where(Job.id == job_id)
    await session.execute(named.values(priority=9, turn=-1))
    (named_job,) = await claim_several(session, worker=worker, lease_s=lease_s, free=1)
    await session.execute(named.values(priority=place.priority, turn=place.turn))
    return named_job


async def submit_together(
    sessions: Sessions,
    inputs: Sequence[EchoInputs],
    *,
    requested_by: str = "tester",
    terms: Terms = USUAL,
) -> list[UUID]:
    """Waiting jobs of the test process, none of which a worker sees before the others."""
    async with sessions.begin() as session:
        jobs = [
            await submit(
                session,
                contract=ECHO,
                inputs=one,
                requested_by=requested_by,
                request_id="request-1",
                terms=terms,
            )
            for one in inputs
        ]
    return [job.id for job in jobs]


async def read_job(sessions: Sessions, job_id: UUID) -> Job:
    """The job as it is now."""
    async with sessions() as session:
        return await session.get_one(Job, job_id)


async def age_job(sessions: Sessions, job_id: UUID, column: str, *, seconds: float) -> None:
    """Move a time of the job into the past."""
    past = func.clock_timestamp() - timedelta(seconds=seconds)
    async with sessions.begin() as session:
        await session.execute(update(Job).where(Job.id == job_id).values({column: past}))


async def submit(session: AsyncSession, *, identity: Identity | None = None, **asked: Any) -> Job:
    """The job that does what is asked, of `accept_job`; `identity` asks where there is one."""
    if identity is not None:
        asked = {"identity": identity, "requested_by": identity.owner, **asked}
    return (await accept_job(session, **asked)).job


async def add_upload(session: AsyncSession, owner: str = "tester", **values: Any) -> Upload:
    """An upload of today, whose file the caller puts in its place."""
    upload = Upload(
        **{
            "owner": owner,
            "received_bytes": 1,
            "sha256": CHECKSUM,
            "expires_at": datetime.now(UTC) + timedelta(days=1),
            **values,
        }
    )
    session.add(upload)
    await session.flush()
    return upload


async def add_region(
    session: AsyncSession,
    code: str,
    *,
    level: str = "city",
    parent: Region | None = None,
    box: tuple[float, float, float, float] | None = (118.0, 24.4, 118.1, 24.5),
    metric_srid: int | None = XIAMEN_EPSG,
) -> Region:
    """A rectangular region (west, south, east, north), or one without geometry."""
    geometry = None if box is None else func.ST_Multi(func.ST_MakeEnvelope(*box, 4490))
    region = Region(
        code=code,
        name_zh=f"区域 {code}",
        name_en=f"Region {code}",
        level=level,
        parent_id=None if parent is None else parent.id,
        metric_srid=metric_srid,
        geom=geometry,
    )
    session.add(region)
    await session.flush()
    return region


async def add_dataset(
    session: AsyncSession, region: Region, theme: str, code: str, **values: Any
) -> Dataset:
    """An imported dataset without a file."""
    dataset = Dataset(
        **{
            "code": code,
            "name_zh": code,
            "name_en": code,
            "region_id": region.id,
            "theme": theme,
            "uri": f"objects/00/{code}.tif",
            "checksum": CHECKSUM,
            "bytes": 1,
            "crs": f"EPSG:{XIAMEN_EPSG}",
            "grid": {"epsg": XIAMEN_EPSG},
            "origin": "imported",
            "visibility": "public",
            **values,
        }
    )
    session.add(dataset)
    await session.flush()
    return dataset
