"""Keeps months of observations: removes what policies let go, and puts closed months into files.

Any number of workers may do this at once: one of them does.
"""

import asyncio
from datetime import date

import structlog

from shanhai.db.observations.archive import close_month
from shanhai.db.observations.retention import draw_lines, find_due
from shanhai.db.queries.audit import Act
from shanhai.errors import ShanhaiError
from shanhai_worker.context import Context
from shanhai_worker.outages import DATABASE_ERRORS

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

LOOK_S = 3600.0
BY_POLICY = Act("keeper")


async def run(context: Context, after_months: int) -> None:
    """Look every hour, for ever.

    Args:
        after_months: How long a month must be over to be put into a file.
    """
    while True:
        try:
            await keep_months(context, after_months)
        except (ShanhaiError, *DATABASE_ERRORS) as error:
            log.warning("months of observations not kept", error=str(error)[:300])
        await asyncio.sleep(LOOK_S)


async def keep_months(context: Context, after_months: int) -> list[date]:
    """Draw the lines of policies and close the months that are due; which were closed."""
    async with context.sessions.begin() as session:
        drawn = await draw_lines(session, act=BY_POLICY)
    for one in drawn:
        log.info("values removed by policy", property=one.property, before=one.line.isoformat())
    async with context.sessions() as session:
        due = await find_due(session, after_months=after_months)
    done = []
    for month in due:
        closed = await close_month(
            context.sessions, context.artifacts, month, scratch=context.settings.scratch
        )
        if closed is not None:
            done.append(month)
            log.info("month closed", month=f"{month:%Y-%m}", rows=closed.rows, bytes=closed.bytes)
    return done
