"""Cancellation of tasks that run for as long as a service does."""

import asyncio

AGAIN_S = 1.0
"""Seconds a task has to end before it is cancelled again."""


async def end(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks and wait until they have ended.

    A cancellation can be lost: `asyncio.wait_for` before Python 3.12 returns as if nothing had
    happened when what it waits for ends in the same turn of the loop, and redis-py sends every
    command through it. Whoever then waits for a task that goes on for ever waits for ever.

    Raises:
        Exception: A task ended with this error before it was cancelled, or by it.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN_S)
    for task in tasks:
        if not task.cancelled():
            task.result()
