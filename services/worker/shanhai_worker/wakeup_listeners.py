"""Listeners for wake-ups: Redis through arq, or notifications of PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import structlog
from arq.connections import ArqRedis
from arq.worker import Worker, func
from redis.exceptions import RedisError

from shanhai.db.engine import async_url
from shanhai.jobs.queue import CHANNEL, QUEUE, WAKE, Wakeable, connect, deserialize, serialize
from shanhai.settings import DatabaseSettings
from shanhai_worker.db_errors import DATABASE_ERRORS

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0


async def retry_forever(listen: Callable[[], Awaitable[None]]) -> None:
    """Call `listen` for ever, pausing longer each time it ended soon."""
    loop = asyncio.get_running_loop()
    pause = FIRST_PAUSE_S
    while True:
        started = loop.time()
        await listen()
        lasted = loop.time() - started
        pause = FIRST_PAUSE_S if lasted > LONGEST_PAUSE_S else min(2 * pause, LONGEST_PAUSE_S)
        await asyncio.sleep(pause)


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
        await retry_forever(self._listen)

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


CONNECT_TIMEOUT_S = 5.0
ASK_S = 5.0
"""Seconds between questions whether the connection lives: a lost network says nothing."""


class NotificationListener:
    """Wakes the runner at every notification, and whenever it could listen again."""

    def __init__(self, settings: DatabaseSettings, runner: Wakeable, *, application: str) -> None:
        url = async_url(settings.url.get_secret_value()).set(drivername="postgresql")
        self._url = url.render_as_string(hide_password=False)
        self._application = application
        self._runner = runner

    async def run(self) -> None:
        """Listen for ever."""
        await retry_forever(self._listen)

    async def _listen(self) -> None:
        try:
            connection = await asyncpg.connect(
                self._url,
                timeout=CONNECT_TIMEOUT_S,
                command_timeout=CONNECT_TIMEOUT_S,
                server_settings={"application_name": self._application[:63]},
            )
        except DATABASE_ERRORS as error:
            log.warning("no notifications", error=type(error).__name__)
            return
        ended = asyncio.Event()
        connection.add_termination_listener(lambda _: ended.set())
        try:
            await connection.add_listener(CHANNEL, self._hear)
            self._wake()  # what was sent before nobody heard
            await _live(connection, ended)
        except DATABASE_ERRORS as error:
            log.warning("notifications ended", error=type(error).__name__)
        finally:
            connection.terminate()

    def _hear(self, connection: Any, pid: int, channel: str, payload: str) -> None:
        log.debug("notified", wake_up=payload)
        self._wake()

    def _wake(self) -> None:
        if self._runner.has_room:
            self._runner.wake()


async def _live(connection: Any, ended: asyncio.Event) -> None:
    """Return when the connection has ended, or does not answer any more."""
    while not ended.is_set():
        try:
            async with asyncio.timeout(ASK_S):
                await ended.wait()
        except TimeoutError:
            await connection.execute("SELECT 1")
