"""Puts right what was lost: jobs of dead workers, and jobs whose wake-up never arrived.

Any number of workers may do this at once; rows another one has locked are skipped.
"""

import asyncio

import structlog

from shanhai.jobs.line import admit
from shanhai.jobs.reaping import reap, take_undispatched
from shanhai.jobs.states import Lease
from shanhai_worker.context import Context
from shanhai_worker.outages import DATABASE_ERRORS

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

EVERY_S = 1.0
DISPATCH_AFTER_S = 5.0


async def run(context: Context) -> None:
    """Reap every second, for ever."""
    while True:
        try:
            await reap_once(context)
        except DATABASE_ERRORS as error:
            log.warning("nothing reaped", error=type(error).__name__)
        await asyncio.sleep(EVERY_S)


async def reap_once(context: Context) -> None:
    """Take back expired jobs, let others into the line, then send those that wait unsent."""
    await _take_back(context)
    async with context.sessions.begin() as session:
        await admit(session, quota=context.quota)
    for lease in await _unsent(context):
        sent = await context.dispatcher.dispatch(lease.job_id, lease.attempt)
        context.meters.dispatches.labels(str(sent).lower()).inc()


async def _take_back(context: Context) -> None:
    async with context.sessions.begin() as session:
        reaped = await reap(session, max_crashes=context.settings.max_crashes)
    for job in reaped:
        context.meters.expiries.inc()
        log.warning("lease expired", job_id=str(job.job_id), status=job.status.value)


async def _unsent(context: Context) -> list[Lease]:
    async with context.sessions.begin() as session:
        return list(await take_undispatched(session, after_s=DISPATCH_AFTER_S))
