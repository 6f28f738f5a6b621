"""Waking the workers: what is carried is a job's id, and losing it loses nothing.

The row in PostgreSQL is the truth. A dispatch that fails is logged and forgotten: the reaper sends
waiting jobs again, and workers look for them by themselves. What carries the ids is chosen by
`SHANHAI_QUEUE`: Redis through arq, or notifications of PostgreSQL, which need no other server. Of a
new job workers are notified by the transaction that accepts it; what is sent again goes this way.
"""

import json
from collections.abc import Callable
from typing import Any, Protocol
from uuid import UUID

import structlog
from arq.connections import ArqRedis
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError
from sqlalchemy import func, select

from shanhai.db.engine import DATABASE_ERRORS, Sessions
from shanhai.jobs.fair_queue import CHANNEL
from shanhai.settings import QueueSettings, RedisSettings

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


class Wakeable(Protocol):
    """A worker: what a listener wakes, and asks whether it could take a job."""

    on_room: Callable[[bool], None]
    """Called whenever that changes; set by the listener."""

    @property
    def has_room(self) -> bool:
        """Whether it could take a job."""
        ...

    def wake(self) -> None:
        """Look for waiting jobs."""
        ...


class Listener(Protocol):
    """Wakes a worker that has room; where it has none, another one may be woken instead."""

    async def run(self) -> None:
        """Listen for ever, and again after every outage of what carries the wake-ups."""
        ...


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


class PostgresDispatcher:
    """Sends wake-ups as notifications, which nobody keeps: who does not listen finds the row."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def dispatch(self, job_id: UUID, attempt: int) -> bool:
        """Notify whoever listens."""
        try:
            async with self._sessions.begin() as session:
                await session.execute(select(func.pg_notify(CHANNEL, f"{job_id}.{attempt}")))
        except DATABASE_ERRORS as error:
            log.warning("dispatch failed", job_id=str(job_id), error=type(error).__name__)
            return False
        return True

    async def close(self) -> None:
        """The sessions are not its own."""


def make_dispatcher(queue: QueueSettings, redis: RedisSettings, sessions: Sessions) -> Dispatcher:
    """The dispatcher the settings name."""
    if queue.queue == "postgres":
        return PostgresDispatcher(sessions)
    return ArqDispatcher(demand_address(redis))


def demand_address(redis: RedisSettings) -> str:
    """Where Redis is.

    Raises:
        ValueError: The settings do not say.
    """
    if redis.address is None:
        raise ValueError(
            "SHANHAI_QUEUE=redis needs SHANHAI_REDIS_URL; or set SHANHAI_QUEUE=postgres"
        )
    return redis.address


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
