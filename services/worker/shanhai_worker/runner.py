"""Fills the worker's slots with waiting jobs, and empties them when the worker leaves."""

import asyncio
from collections.abc import Callable

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.jobs.fair_queue import admit
from shanhai.jobs.states import Claim, claim
from shanhai_worker.attempt import handle
from shanhai_worker.context import WorkerContext
from shanhai_worker.db_errors import DATABASE_ERRORS

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

HAND_BACK_S = 8.0
"""Seconds for handing jobs back that did not finish; with the default below the usual 30 s."""


class JobRunner:
    """Runs as many jobs at once as there are slots; looks for more when woken, and by itself."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._jobs: set[asyncio.Task[object]] = set()
        self._woken = asyncio.Event()
        self._draining = False
        self._filled = asyncio.Event()
        self.on_room: Callable[[bool], None] = lambda has_room: None

    @property
    def has_room(self) -> bool:
        """Whether another job can be taken."""
        return not self._draining and len(self._jobs) < self._context.settings.slots

    def wake(self) -> None:
        """Look for waiting jobs now."""
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
        while self.has_room:
            found = await self._claim()
            if found is None:
                return
            self._start(found)

    async def _claim(self) -> Claim | None:
        context = self._context
        try:
            async with context.sessions.begin() as session:
                found = await self._take(session)
                if found is None and await admit(session, quota=context.quota):
                    # Nobody else was next: let those in who waited for room.
                    found = await self._take(session)
                return found
        except DATABASE_ERRORS as error:
            log.warning("no jobs can be claimed", error=type(error).__name__)
            return None

    async def _take(self, session: AsyncSession) -> Claim | None:
        context = self._context
        return await claim(session, worker=context.name, lease_s=context.settings.lease_s)

    def _start(self, found: Claim) -> None:
        job = asyncio.create_task(handle(self._context, found))
        self._jobs.add(job)
        job.add_done_callback(self._end)
        self._tell_room()

    def _end(self, job: asyncio.Task[object]) -> None:
        self._jobs.discard(job)
        if not job.cancelled() and (error := job.exception()) is not None:
            log.error("a job's handler broke; its lease will run out", exc_info=error)
        self._tell_room()
        self.wake()

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
