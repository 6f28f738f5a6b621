"""Listens for wake-ups in Redis through arq, for as long as Redis is there.

A wake-up only makes the runner look into the database, so a lost, late or repeated one is
harmless, and no computation ever runs under arq.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from arq.connections import ArqRedis
from arq.worker import Worker, func
from redis.exceptions import RedisError

from shanhai.jobs.queue import QUEUE, WAKE, Wakeable, connect, deserialize, serialize
from shanhai_worker.patience import again_and_again

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

POLL_S = 0.1
HEALTH_S = 5
READ_LIMIT = 100
"""Above the number of wake-ups that can be in hand anywhere, or none beyond them would be seen."""
WAKE_LIMIT_S = 30


class Consumer:
    """Wakes the runner; leaves wake-ups to other workers while the runner has no room."""

    def __init__(self, redis_url: str, runner: Wakeable) -> None:
        self._redis_url = redis_url
        self._runner = runner

    async def run(self) -> None:
        """Listen for ever; an arq worker ends with its connection, so start another, patiently."""
        await again_and_again(self._listen)

    async def _listen(self) -> None:
        async with _connection(self._redis_url) as redis:
            worker = self._make_worker(redis)
            self._runner.on_room = lambda has_room: setattr(worker, "allow_pick_jobs", has_room)
            self._runner.on_room(self._runner.has_room)
            try:
                await worker.async_run()
            except (RedisError, OSError) as error:
                log.warning("Redis is away", error=type(error).__name__)
            finally:
                self._runner.on_room = lambda has_room: None
                await _end_wake_ups(worker)

    def _make_worker(self, redis: ArqRedis) -> Worker:
        return Worker(
            functions=[func(self._wake, name=WAKE)],
            queue_name=QUEUE,
            redis_pool=redis,
            handle_signals=False,
            max_jobs=1,  # a wake-up takes no time; more would be taken away from idle workers
            max_tries=1,
            job_timeout=WAKE_LIMIT_S,
            job_completion_wait=1,
            keep_result=0,
            log_results=False,
            poll_delay=POLL_S,
            queue_read_limit=READ_LIMIT,
            health_check_interval=HEALTH_S,
            job_serializer=serialize,
            job_deserializer=deserialize,
        )

    async def _wake(self, ctx: dict[Any, Any], *args: Any, **kwargs: Any) -> None:
        log.debug("woken", job_id=args[0])
        self._runner.wake()


@asynccontextmanager
async def _connection(url: str) -> AsyncIterator[ArqRedis]:
    redis = connect(url)
    try:
        yield redis
    finally:
        await redis.aclose(close_connection_pool=True)


async def _end_wake_ups(worker: Worker) -> None:
    """Stop what arq leaves running when it ends; it may be waiting for Redis."""
    tasks = list(worker.tasks.values())
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
