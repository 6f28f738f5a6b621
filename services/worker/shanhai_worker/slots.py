"""What a job needs to run: a slot of the worker, and its lease, renewed while it is computed.

So many computations run at a time as there are slots, and a few quick ones wait behind them.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType

import structlog

from shanhai.db.engine import Sessions
from shanhai.jobs import states
from shanhai_worker import child_protocol
from shanhai_worker.context import DATABASE_ERRORS

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

QUICK_S = 0.05
"""Within which a job is over whose kind may be taken ahead."""
AHEAD = 16
"""Jobs of quick kinds that are taken beyond the free slots."""
AHEAD_S = 0.25
"""Seconds such a job waits for a slot, before others may have it."""


class Slots:
    """Given out in the order in which they are asked for.

    Attributes:
        quick: Processes whose last job was over in no time.
        on_change: Called whenever one is taken, given back or asked for.
    """

    def __init__(self, number: int) -> None:
        self.quick: set[str] = set()
        self.on_change: Callable[[], None] = lambda: None
        self._left = number
        self._asked = 0
        self._room = asyncio.Semaphore(number)

    @property
    def free(self) -> int:
        """How many can be had at once."""
        return max(self._left - self._asked, 0)

    @property
    def ahead(self) -> int:
        """How many jobs of quick kinds may be taken beyond those."""
        return AHEAD - max(self._asked - self._left, 0) if self.quick else 0

    def ask(self) -> "Slot":
        """A place in the line for a slot."""
        return Slot(self)

    def count(self, *, left: int = 0, asked: int = 0) -> None:
        """Note that a slot is taken, given back or asked for."""
        self._left += left
        self._asked += asked
        self.on_change()

    async def enter(self) -> bool:
        """Wait for a slot, not for long; whether there was one."""
        try:
            async with asyncio.timeout(AHEAD_S if self._room.locked() else None):
                await self._room.acquire()
        except TimeoutError:
            return False
        return True

    def leave(self) -> None:
        """Let the next one have the slot."""
        self._room.release()


class Slot:
    """One of them, from being asked for until it is given back."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._held = False
        self._since = 0.0
        slots.count(asked=1)

    async def __aenter__(self) -> bool:
        """Whether it was to be had in time."""
        try:
            self._held = await self._slots.enter()
        finally:
            self._slots.count(left=-int(self._held), asked=-1)
        self._since = asyncio.get_running_loop().time()
        return self._held

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def note(self, process: str) -> None:
        """Learn how long the computation took that is done now."""
        if asyncio.get_running_loop().time() - self._since < QUICK_S:
            self._slots.quick.add(process)
        else:
            self._slots.quick.discard(process)

    def release(self) -> None:
        """Give it back, unless it was."""
        if self._held:
            self._held = False
            self._slots.leave()
            self._slots.count(left=1)


LOOK_S = 0.5
"""Seconds between looks at the row: how old progress may be, and what a cancel waits for."""


class LeaseKeeper:
    """Holds one lease for as long as the context lasts.

    `ended` is set once the job is not to be computed any more; `standing` says why.
    """

    def __init__(
        self, sessions: Sessions, lease: states.Lease, *, lease_s: float, renew_s: float
    ) -> None:
        self.standing = states.Standing.HELD
        self.ended = asyncio.Event()
        self._sessions = sessions
        self._lease = lease
        self._lease_s = lease_s
        self._renew_s = renew_s
        self._report = child_protocol.ProgressReport()
        self._told = self._report
        self._renewed_at = asyncio.get_running_loop().time()
        self._stop = asyncio.Event()

    def tell(self, report: child_protocol.ProgressReport) -> None:
        """Take note of progress; it is passed on with the next look."""
        self._report = report

    async def __aenter__(self) -> "LeaseKeeper":
        self._task = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        await self._task

    async def _keep(self) -> None:
        while not await self._told_to_stop():
            standing = await self._attend()
            if standing is not states.Standing.HELD:
                self.standing = standing
                self.ended.set()
                return

    async def _told_to_stop(self) -> bool:
        try:
            async with asyncio.timeout(min(LOOK_S, self._renew_s)):
                return await self._stop.wait()
        except TimeoutError:
            return False

    async def _attend(self) -> states.Standing:
        """Renew or look; during an outage the job is taken to be held, for fencing guards it."""
        now = asyncio.get_running_loop().time()
        due = now - self._renewed_at >= self._renew_s - LOOK_S / 2
        try:
            async with asyncio.timeout(self._lease_s), self._sessions.begin() as session:
                if not due and self._report == self._told:
                    return await states.look(session, self._lease)
                standing = await states.renew(
                    session,
                    self._lease,
                    lease_s=self._lease_s,
                    percent=self._report.percent,
                    stage=self._report.stage,
                )
        except DATABASE_ERRORS as error:
            log.warning("lease not renewed", error=type(error).__name__)
            return states.Standing.HELD
        self._renewed_at, self._told = now, self._report
        return standing
