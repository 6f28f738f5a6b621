"""Work that one worker of many does; when it ends, another takes over."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shanhai.db.engine import Sessions
from shanhai.task_cancel import end
from shanhai_worker.db_errors import DATABASE_ERRORS

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

TRY_S = 2.0
"""Seconds between attempts to become the one."""
CHECK_S = 5.0
"""Seconds between proofs that the lock is still held: the connection that holds it lives."""


async def run_in_one(sessions: Sessions, name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do the work, which goes on for ever, in the worker that holds the lock called `name`.

    The lock belongs to a connection, so PostgreSQL frees it as soon as its worker is gone. For some
    seconds after a lost connection two workers may do the work.
    """
    while True:
        try:
            async with sessions() as session:
                # Outside transactions: one that lasts would hold up the clearing of old rows.
                connection = await session.connection(
                    execution_options={"isolation_level": "AUTOCOMMIT"}
                )
                if await _take(connection, name):
                    log.info("doing work of one", work=name)
                    try:
                        await _work_while_held(connection, work)
                    finally:
                        # Ends the connection, and so the lock, even where it no longer answers.
                        await connection.invalidate()
        except DATABASE_ERRORS as error:
            log.warning("work of one interrupted", work=name, error=type(error).__name__)
        await asyncio.sleep(TRY_S)


async def _take(connection: AsyncConnection, name: str) -> bool:
    key = func.hashtextextended(f"one_of_many {name}", 0)
    return bool(await connection.scalar(select(func.pg_try_advisory_lock(key))))


async def _work_while_held(
    connection: AsyncConnection, work: Callable[[], Awaitable[None]]
) -> None:
    async def working() -> None:
        await work()

    task = asyncio.create_task(working())
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=CHECK_S)
            await connection.execute(text("SELECT 1"))
    finally:
        await end(task)
