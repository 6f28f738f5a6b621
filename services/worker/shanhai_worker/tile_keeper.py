"""Keeps what tiles of features are drawn from: simpler shapes, and the log of changes short.

Any number of workers may do this at once.
"""

import asyncio
import time

import structlog

from shanhai.db.tiles.simplification import fill_portion, prune_changes
from shanhai_worker.context import Context
from shanhai_worker.outages import DATABASE_ERRORS

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

LOOK_S = 1.0
"""Seconds between looks for objects that wait for their shapes, while there are none."""
PRUNE_S = 30.0


async def run(context: Context) -> None:
    """Make shapes as they are waited for and forget old changes now and then, for ever."""
    pruned_at = 0.0
    while True:
        done = 0
        try:
            done = await fill_portion(context.sessions)
            if time.monotonic() - pruned_at >= PRUNE_S:
                pruned_at = time.monotonic()
                await _prune(context)
        except DATABASE_ERRORS as error:
            log.warning("nothing done for tiles", error=type(error).__name__)
        await asyncio.sleep(0 if done else LOOK_S)


async def _prune(context: Context) -> None:
    async with context.sessions.begin() as session:
        forgotten = await prune_changes(session)
    if forgotten:
        log.info("changes of tiles forgotten", number=forgotten)
