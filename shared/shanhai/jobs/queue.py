"""Waking the workers: what is carried is a job's id, and losing it loses nothing.

The row in PostgreSQL is the truth. A dispatch that fails is logged and forgotten: the reaper sends
waiting jobs again, and workers look for them by themselves.
"""

import json
from typing import Any, Protocol
from uuid import UUID

import structlog
from arq.connections import ArqRedis
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

QUEUE = "shanhai:jobs"
WAKE = "wake"
CONNECT_TIMEOUT_S = 1.0
ANSWER_TIMEOUT_S = 2.0
KEEP_S = 3600
"""A wake-up nobody collected in an hour is dropped; the reaper will have sent newer ones."""

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Dispatcher(Protocol):
    """Tells the workers that a job is waiting."""

    async def dispatch(self, job_id: UUID, attempt: int) -> bool:
        """Send a wake-up; False when it could not be sent, never an error.

        `attempt` is the number of claims so far: one wake-up at most waits per attempt.
        """
        ...

    async def close(self) -> None:
        """Give up connections."""
        ...


class NullDispatcher:
    """Sends nothing: workers find jobs by looking into the database."""

    async def dispatch(self, job_id: UUID, attempt: int) -> bool:
        """Send nothing."""
        return False

    async def close(self) -> None:
        """Nothing is open."""


class ArqDispatcher:
    """Sends wake-ups through Redis in the form arq reads."""

    def __init__(self, url: str) -> None:
        self._redis = connect(url)

    async def dispatch(self, job_id: UUID, attempt: int) -> bool:
        """Queue a wake-up, unless the one for this attempt is still waiting."""
        try:
            await self._redis.enqueue_job(
                WAKE, str(job_id), _job_id=f"{job_id}.{attempt}", _expires=KEEP_S
            )
        except (RedisError, OSError) as error:
            log.warning("dispatch failed", job_id=str(job_id), error=type(error).__name__)
            return False
        return True

    async def close(self) -> None:
        """Close the connections to Redis."""
        await self._redis.aclose(close_connection_pool=True)


def connect(url: str) -> ArqRedis:
    """A client of the queue that connects when first used and never waits long for an answer."""
    pool: Any = ConnectionPool.from_url(
        url, socket_connect_timeout=CONNECT_TIMEOUT_S, socket_timeout=ANSWER_TIMEOUT_S
    )
    return ArqRedis(
        pool, job_serializer=serialize, job_deserializer=deserialize, default_queue_name=QUEUE
    )


def serialize(message: dict[str, Any]) -> bytes:
    """JSON, never pickle: what is read from Redis must not be able to run code."""
    return json.dumps(message, default=repr).encode()


def deserialize(message: bytes) -> dict[str, Any]:
    """Read what `serialize` wrote."""
    content: dict[str, Any] = json.loads(message)
    return content
