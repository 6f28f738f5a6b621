"""Asks for jobs whose scheduled time has come.

Any number of workers may do this at once; one at a time attends to a schedule.
"""

import asyncio

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.authentication import Authenticator
from shanhai.jobs.scheduling import Attended, attend_to_next
from shanhai_worker.context import Context
from shanhai_worker.outages import DATABASE_ERRORS

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

LOOK_S = 1.0
"""Seconds between looks at the clock: how late a job may be asked for."""


async def run(context: Context) -> None:
    """Look every second, for ever."""
    while True:
        attended = None
        try:
            attended = await attend(context)
        except DATABASE_ERRORS as error:
            log.warning("no schedule attended to", error=type(error).__name__)
        await asyncio.sleep(LOOK_S if attended is None else 0)


async def attend(context: Context) -> Attended | None:
    """Attend to one schedule, and wake a worker for its job."""

    def recalling(session: AsyncSession) -> Authenticator:
        return Authenticator(context.sessions, context.sessions.begin, session, context.oidc)

    async with context.sessions.begin() as session:
        attended = await attend_to_next(session, recalling, context.quota)
    if attended is not None:
        log.info("schedule attended to", schedule=attended.code, due=attended.due_at.isoformat())
        if attended.job_id is not None:
            await context.dispatcher.dispatch(attended.job_id, 0)
    return attended
