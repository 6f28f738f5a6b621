"""The lease of a job, renewed while it is computed."""

import asyncio
from types import TracebackType

import structlog

from shanhai.db.engine import Sessions
from shanhai.jobs import states
from shanhai_worker import child_protocol
from shanhai_worker.context import DATABASE_ERRORS

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

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

    async def pass_on(self, report: child_protocol.ProgressReport) -> None:
        """Tell progress at once: nobody can be told while the row is locked."""
        self.tell(report)
        await self._attend()

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
