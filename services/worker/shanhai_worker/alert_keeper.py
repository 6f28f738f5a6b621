"""Evaluates the rules of early warning: values soon after they are stored, silence now and then.

Any number of workers may do this at once; one at a time evaluates.
"""

import asyncio
import time

import structlog

from shanhai.db.alerts.evaluating import evaluate_changes, evaluate_silence
from shanhai_worker.context import Context
from shanhai_worker.outages import DATABASE_ERRORS

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

LOOK_S = 1.0
"""Seconds between looks for what was stored, while there is nothing."""
SILENCE_S = 10.0


async def run(context: Context) -> None:
    """Evaluate for ever."""
    silence_at = 0.0
    while True:
        done = 0
        try:
            async with context.sessions.begin() as session:
                done = await evaluate_changes(session)
            if time.monotonic() - silence_at >= SILENCE_S:
                silence_at = time.monotonic()
                async with context.sessions.begin() as session:
                    await evaluate_silence(session)
        except DATABASE_ERRORS as error:
            log.warning("no rule evaluated", error=type(error).__name__)
        await asyncio.sleep(0 if done else LOOK_S)
