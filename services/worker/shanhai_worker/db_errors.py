"""Telling an outage of the database, which passes, from a mistake, which does not."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shanhai.db.engine import DATABASE_ERRORS as DATABASE_ERRORS

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PASSING_SQLSTATES = ("08", "25006", "40", "53", "57P")
"""Connection lost, read-only, serialisation or deadlock, out of resources such as disk or
connections, shutting down or starting up."""

TRIES = 6
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 3.0

Answer = TypeVar("Answer")


def is_outage(error: BaseException) -> bool:
    """Whether trying again may help."""
    if isinstance(error, PoolTimeout | ConnectionError | TimeoutError):
        return True
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError):
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _is_passing(error.orig)
    return _is_passing(error)


async def outlast(operation: Callable[[], Awaitable[Answer]]) -> Answer:
    """Call `operation` until it gets through, pausing longer each time, with jitter.

    Raises:
        Exception: What the operation raised, when it was no outage or the outage lasted too long.
    """
    for trial in range(TRIES - 1):
        try:
            return await operation()
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("database outage", error=type(error).__name__, trial=trial)
        pause = min(FIRST_PAUSE_S * 2**trial, LONGEST_PAUSE_S)
        await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  (jitter, not a secret)
    return await operation()


def _is_passing(error: BaseException | None) -> bool:
    return str(getattr(error, "sqlstate", None) or "").startswith(PASSING_SQLSTATES)
