"""Removes what nobody needs: what ended jobs kept, and result files that no row names.

The former is of jobs that were dismissed or given up while no worker had them.
"""

import asyncio
import time
from collections.abc import Collection
from uuid import UUID

import structlog
from sqlalchemy import select

from shanhai.db.queries.files import read_references
from shanhai.db.tables.job import Job
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.storage.garbage_collection import TooMany, demand_few, find_orphans, remove
from shanhai.vocabulary import JobStatus
from shanhai_worker.context import Context
from shanhai_worker.outages import DATABASE_ERRORS

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

EVERY_S = 600.0
FILES_EVERY_S = 6 * 3600.0
GOING_ON = (JobStatus.ACCEPTED, JobStatus.RUNNING)


async def run(context: Context) -> None:
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
        await asyncio.sleep(EVERY_S)


async def sweep(context: Context) -> None:
    """Remove what jobs kept that have ended, or that there are no more."""
    for folders in context.outliving:
        kept = await asyncio.to_thread(folders.jobs)
        if not kept:
            continue
        for job_id in set(kept) - await _going_on(context, kept):
            await asyncio.to_thread(folders.drop, job_id)
            log.info("leftovers removed", job_id=str(job_id))


async def _going_on(context: Context, jobs: Collection[UUID]) -> set[UUID]:
    async with context.sessions() as session:
        query = select(Job.id).where(Job.id.in_(jobs), Job.status.in_(GOING_ON))
        return set(await session.scalars(query))


async def sweep_files(context: Context) -> None:
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
