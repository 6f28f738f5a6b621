"""Keeps what is made of observations: statistics of past days, and tables for months ahead.

Any number of workers may do this at once.
"""

import asyncio
import time
from datetime import UTC, datetime

import structlog

from shanhai.db.observations.change_listener import prune_changes
from shanhai.db.observations.partitions import make_months, months_ahead
from shanhai.db.observations.rollups import sum_up
from shanhai_worker.context import Context
from shanhai_worker.outages import DATABASE_ERRORS

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

LOOK_S = 10.0
"""Seconds between looks for days that are due, while there are none."""
TIDY_S = 3600.0
MONTHS_AHEAD = 2


async def run(context: Context) -> None:
    """Sum up days as they are due, and make months ahead now and then, for ever."""
    tidied_at: float | None = None
    while True:
        done = 0
        try:
            if tidied_at is None or time.monotonic() - tidied_at >= TIDY_S:
                await _tidy(context)
                tidied_at = time.monotonic()
            async with context.sessions.begin() as session:
                done = await sum_up(session)
        except DATABASE_ERRORS as error:
            log.warning("nothing done for observations", error=type(error).__name__)
        await asyncio.sleep(0 if done else LOOK_S)


async def _tidy(context: Context) -> None:
    async with context.sessions.begin() as session:
        made = await make_months(session, months_ahead(datetime.now(UTC), MONTHS_AHEAD))
    async with context.sessions.begin() as session:
        forgotten = await prune_changes(session)
    if made or forgotten:
        log.info("observations kept", months=[str(month) for month in made], forgotten=forgotten)
