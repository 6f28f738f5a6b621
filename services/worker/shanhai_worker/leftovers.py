"""Removes what ended jobs kept: those that were dismissed or given up while no worker had them."""

import asyncio
from collections.abc import Collection
from uuid import UUID

import structlog
from sqlalchemy import select

from shanhai.db.tables import Job
from shanhai.vocabulary import JobStatus
from shanhai_worker.context import Context
from shanhai_worker.outages import DATABASE_ERRORS

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

EVERY_S = 600.0
GOING_ON = (JobStatus.ACCEPTED, JobStatus.RUNNING)


async def run(context: Context) -> None:
    """Look every ten minutes, for ever."""
    while True:
        try:
            await sweep(context)
        except DATABASE_ERRORS as error:
            log.warning("nothing swept", error=type(error).__name__)
        await asyncio.sleep(EVERY_S)


async def sweep(context: Context) -> None:
    """Remove what jobs kept that have ended, or that there are no more."""
    kept = await asyncio.to_thread(context.kept.jobs)
    if not kept:
        return
    for job_id in set(kept) - await _going_on(context, kept):
        await asyncio.to_thread(context.kept.drop, job_id)
        log.info("leftovers removed", job_id=str(job_id))


async def _going_on(context: Context, jobs: Collection[UUID]) -> set[UUID]:
    async with context.sessions() as session:
        query = select(Job.id).where(Job.id.in_(jobs), Job.status.in_(GOING_ON))
        return set(await session.scalars(query))
