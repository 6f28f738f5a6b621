"""Jobs of dead workers are queued again; files that nothing refers to are removed."""

import asyncio
import time
from collections.abc import Collection
from uuid import UUID

import structlog
from sqlalchemy import select

from shanhai.db.queries.files import read_references
from shanhai.db.tables.job import Job
from shanhai.jobs.fair_queue import admit
from shanhai.jobs.lost_jobs import reap, take_undispatched
from shanhai.jobs.states import Lease
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.storage.garbage_collection import TooMany, demand_few, find_orphans, remove
from shanhai.vocabulary import JobStatus
from shanhai_worker.context import WorkerContext
from shanhai_worker.db_errors import DATABASE_ERRORS

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

REAP_S = 1.0
DISPATCH_AFTER_S = 5.0


async def reap_jobs(context: WorkerContext) -> None:
    """Reap every second, for ever."""
    while True:
        try:
            await reap_once(context)
        except DATABASE_ERRORS as error:
            log.warning("nothing reaped", error=type(error).__name__)
        await asyncio.sleep(REAP_S)


async def reap_once(context: WorkerContext) -> None:
    """Take back expired jobs, let others into the line, then send those that wait unsent."""
    await _take_back(context)
    async with context.sessions.begin() as session:
        await admit(session, quota=context.quota)
    for lease in await _unsent(context):
        sent = await context.dispatcher.dispatch(lease.job_id, lease.attempt)
        context.meters.dispatches.labels(str(sent).lower()).inc()


async def _take_back(context: WorkerContext) -> None:
    async with context.sessions.begin() as session:
        reaped = await reap(session, max_crashes=context.settings.max_crashes)
    for job in reaped:
        context.meters.expiries.inc()
        log.warning("lease expired", job_id=str(job.job_id), status=job.status.value)


async def _unsent(context: WorkerContext) -> list[Lease]:
    async with context.sessions.begin() as session:
        return list(await take_undispatched(session, after_s=DISPATCH_AFTER_S))


SWEEP_S = 600.0
FILES_EVERY_S = 6 * 3600.0
GOING_ON = (JobStatus.ACCEPTED, JobStatus.RUNNING)


async def remove_leftovers(context: WorkerContext) -> None:
    """Look every ten minutes, for files every six hours, for ever."""
    files_at: float | None = None
    while True:
        try:
            await sweep(context)
            if files_at is None or time.monotonic() - files_at >= FILES_EVERY_S:
                files_at = time.monotonic()
                await sweep_files(context)
        except TooMany as error:
            log.error("no files removed", reason=error.message)
        except DATABASE_ERRORS as error:
            log.warning("nothing swept", error=type(error).__name__)
        await asyncio.sleep(SWEEP_S)


async def sweep(context: WorkerContext) -> None:
    """Remove what jobs kept that have ended, or that there are no more."""
    for folders in context.outliving:
        kept = await asyncio.to_thread(folders.jobs)
        if not kept:
            continue
        for job_id in set(kept) - await _going_on(context, kept):
            await asyncio.to_thread(folders.drop, job_id)
            log.info("leftovers removed", job_id=str(job_id))


async def _going_on(context: WorkerContext, jobs: Collection[UUID]) -> set[UUID]:
    async with context.sessions() as session:
        query = select(Job.id).where(Job.id.in_(jobs), Job.status.in_(GOING_ON))
        return set(await session.scalars(query))


async def sweep_files(context: WorkerContext) -> None:
    """Remove result files that no row has named for a while.

    Raises:
        TooMany: So many that something else must be wrong.
    """
    store = context.artifacts
    if not isinstance(store, LocalArtifacts):
        return
    async with context.sessions() as session:
        referenced = await read_references(session)
    orphans, number = await asyncio.to_thread(find_orphans, store.root, referenced)
    demand_few(orphans, number)
    removed, size = await asyncio.to_thread(remove, store, orphans)
    if removed:
        log.info("files removed", files=removed, bytes=size)
