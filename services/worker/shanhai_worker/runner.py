"""Listens for wake-ups, fills the worker's slots with waiting jobs, and empties them at the end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import structlog
from arq.connections import ArqRedis
from arq.worker import Worker, func
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.notifications import ChannelListener, retry_forever
from shanhai.jobs.fair_queue import CHANNEL, admit
from shanhai.jobs.queue import QUEUE, WAKE, Wakeable, connect, deserialize, serialize
from shanhai.jobs.states import Claim, claim_several
from shanhai.settings import DatabaseSettings
from shanhai_worker.attempt import handle
from shanhai_worker.context import DATABASE_ERRORS, WorkerContext
from shanhai_worker.slots import AHEAD, Slots

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

POLL_S = 2.0
"""Seconds between looks at Redis, which carries what is sent again; a new job is notified of."""
HEALTH_S = 60
"""Seconds between the notes arq leaves there of itself, which nobody here reads."""
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


class NotificationListener:
    """Wakes the runner at every notification, and whenever it could listen again."""

    def __init__(self, settings: DatabaseSettings, runner: Wakeable, *, application: str) -> None:
        self._runner = runner
        self._listener = ChannelListener(settings, CHANNEL, self._hear, application=application)

    async def run(self) -> None:
        """Listen for ever."""
        await self._listener.run()

    def _hear(self, wake_up: str | None) -> None:
        log.debug("notified", wake_up=wake_up)
        if self._runner.has_room:
            self._runner.wake()


HAND_BACK_S = 8.0
"""Seconds for handing jobs back that did not finish; with the default below the usual 30 s."""


class JobRunner:
    """Runs as many jobs at once as there are slots; looks for more when woken, and by itself."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._jobs: set[asyncio.Task[object]] = set()
        self._slots = Slots(context.settings.slots)
        self._slots.on_change = self._note_change
        self._woken = asyncio.Event()
        self._draining = False
        self._exhausted = False
        self._filled = asyncio.Event()
        self.on_room: Callable[[bool], None] = lambda has_room: None

    @property
    def has_room(self) -> bool:
        """Whether another job can be taken."""
        return not self._draining and self._slots.free > 0

    def wake(self) -> None:
        """Look for waiting jobs now."""
        self._exhausted = False
        self._woken.set()

    async def run(self) -> None:
        """Claim and start jobs until told to drain."""
        try:
            while not self._draining:
                self._woken.clear()
                await self._fill()
                await self._sleep()
        finally:
            self._filled.set()

    async def drain(self) -> None:
        """Claim no more, let running jobs finish for a while, hand back the others."""
        self._draining = True
        self.wake()
        await self._filled.wait()
        self._tell_room()
        if await self._finished(self._context.settings.finish_s):
            return
        log.info("handing jobs back", jobs=len(self._jobs))
        self._context.leaving.set()
        if not await self._finished(HAND_BACK_S):
            log.error("jobs left to their leases", jobs=len(self._jobs))

    async def _fill(self) -> None:
        """Take what is next in line: as much as can be begun, and some more of what is quick."""
        while not self._draining:
            free, ahead = self._slots.free, self._slots.ahead
            if free == 0 and 2 * ahead < AHEAD:
                return
            found = await self._claim(free, ahead)
            few = len(found) < max(free, 1)
            # A caller's next job may be let into the line by the end of one that runs. Noted first:
            # to begin a job changes the slots, after which there would be another look.
            self._exhausted = few and not self._context.quota.running
            for claimed in found:
                self._start(claimed)
            if few:
                return

    async def _claim(self, free: int, ahead: int) -> list[Claim]:
        context = self._context
        try:
            async with context.sessions.begin() as session:
                found = await self._take(session, free, ahead)
                # Nobody else was next: let those in who waited for room.
                if not found and free and await admit(session, quota=context.quota):
                    found = await self._take(session, free, ahead)
                return found
        except DATABASE_ERRORS as error:
            log.warning("no jobs can be claimed", error=type(error).__name__)
            return []

    async def _take(self, session: AsyncSession, free: int, ahead: int) -> list[Claim]:
        context = self._context
        return await claim_several(
            session,
            worker=context.name,
            lease_s=context.settings.lease_s,
            free=free,
            ahead=ahead,
            quick=self._slots.quick,
        )

    def _start(self, found: Claim) -> None:
        job = asyncio.create_task(handle(self._context, found, self._slots.ask()))
        self._jobs.add(job)
        job.add_done_callback(self._end)

    def _end(self, job: asyncio.Task[object]) -> None:
        self._jobs.discard(job)
        if not job.cancelled() and (error := job.exception()) is not None:
            log.error("a job's handler broke; its lease will run out", exc_info=error)
        self._tell_room()

    def _note_change(self) -> None:
        """Look for more with a slot that is given back, unless there were none and none came since.

        While none is free, others are told of what comes.
        """
        self._tell_room()
        if not self._slots.free:
            self._exhausted = False
        elif not self._exhausted:
            self._woken.set()

    def _tell_room(self) -> None:
        self._context.meters.busy.set(len(self._jobs))
        self.on_room(self.has_room)

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(self._context.settings.poll_s):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _finished(self, within_s: float) -> bool:
        if self._jobs:
            await asyncio.wait(self._jobs, timeout=within_s)
        return not self._jobs
