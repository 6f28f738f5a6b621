"""A server that follows the primary, read from while it is no further behind than a bound.

Every so often the place that the primary's log has come to is noted, and whether the standby has
replayed one that was noted before. So what is read there misses nothing that was committed longer
ago than the bound, whether the standby is slow, cut off or stopped; nobody trusts its own clock.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import structlog

from shanhai.shutdown import end

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

MAY_LAG: ContextVar[bool] = ContextVar("may_lag", default=False)
"""What is read in this context is for somebody who writes nothing, and may be a little old."""
NEEDED: ContextVar[int] = ContextVar("needed", default=0)
"""The place in the primary's log up to which it must be there all the same."""
LOOKS = 4
"""Looks at the standby within the time it may be behind."""
# Places compare within one log: that of a cluster, on one timeline, which each restore and each
# promotion leaves. A standby of another log, or asked as another account, is none of ours.
_LOG = "concat_ws(' ', current_user, current_database(), system_identifier, 'timeline', {timeline})"
WRITTEN = f"""
  SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint AS place, {
    _LOG.format(timeline="('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int")
} AS log
    FROM pg_control_system()
"""  # noqa: S608 - constants
REPLAYED = f"""
  SELECT CASE WHEN pg_is_in_recovery()
         THEN pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint END AS place,
         {_LOG.format(timeline="timeline_id")} AS log
    FROM pg_control_system(), pg_control_checkpoint()
"""  # noqa: S608 - constants
Fetch = Callable[..., Awaitable[list[Any]]]
"""Gives the rows of a statement with values, as `ConnectionStack.fetch` does."""
CONNECTION_SQLSTATES = ("08", "57")
"""Lost connections, and servers that stop or start."""
FAULTS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


@dataclass(slots=True)
class Standby:
    """A standby, and until when it may be asked.

    Attributes:
        lag_s: How many seconds it may be behind.
        replayed: The place in the primary's log that it is known to have come to.
    """

    primary: Fetch
    standby: Fetch
    lag_s: float
    replayed: int = 0
    # Those that are older than the bound say nothing any more, nor those of a log that was left.
    _noted: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=2 * LOOKS))
    _usable_until: float = 0.0

    @property
    def usable(self) -> bool:
        """Whether it is known not to be too far behind now."""
        return time.monotonic() < self._usable_until

    @property
    def asked(self) -> bool:
        """Whether it answers what is read in this context."""
        return MAY_LAG.get() and self.usable and self.replayed >= NEEDED.get()

    def distrust(self, error: BaseException) -> None:
        """Leave it alone until it has been looked at again, unless the statement is at fault."""
        if not str(getattr(error, "sqlstate", None) or "08").startswith(CONNECTION_SQLSTATES):
            return
        if self.usable:
            log.warning("standby not read from", error=type(error).__name__)
        self._usable_until = 0.0

    async def look(self) -> None:
        """Find out how far it is behind."""
        began = time.monotonic()
        async with asyncio.timeout(self.lag_s):
            [(written, own)] = await self.primary(WRITTEN, ())
            self._noted.append((began, written))
            [(replayed, followed)] = await self.standby(REPLAYED, ())
        self.replayed = replayed or 0 if followed == own else 0
        while self._noted and self._noted[0][1] <= self.replayed:
            at, _ = self._noted.popleft()
            self._usable_until = at + self.lag_s

    async def follow(self) -> None:
        """Look for ever; while nothing is found out it is soon not asked any more."""
        told, usable = None, self.usable
        while True:
            fault = None
            try:
                await self.look()
            except FAULTS as error:
                fault = type(error).__name__
            if fault not in {None, told}:
                log.warning("standby not looked at", error=fault)
            told = fault
            if usable != self.usable:
                usable = not usable
                log.warning("standby changed", usable=usable, lag_s=self.lag_s)
            await asyncio.sleep(self.lag_s / LOOKS)


@contextlib.contextmanager
def lagging(needed: int = 0) -> Iterator[None]:
    """What is read meanwhile may be a little old, but misses nothing up to a place of the log."""
    may, least = MAY_LAG.set(True), NEEDED.set(needed)
    try:
        yield
    finally:
        MAY_LAG.reset(may)
        NEEDED.reset(least)


@contextlib.asynccontextmanager
async def following(standby: Standby) -> AsyncIterator[Standby]:
    """The standby, looked at for as long as the context lasts."""
    task = asyncio.create_task(standby.follow())
    try:
        yield standby
    finally:
        await end(task)
