"""Many small batches in one transaction: whoever brings one is told once it is durable.

While a transaction runs, batches gather; the next one takes them all. One feed alone waits for a
few milliseconds, and a thousand share a commit.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import DBAPIError

from shanhai.db.engine import Sessions
from shanhai.db.identity import Identity
from shanhai.db.observations.ingest import Sender, store
from shanhai.monitoring.observation import Batch, Outcome
from shanhai.vocabulary import Scope
from shanhai_worker.meters import Meters
from shanhai_worker.outages import DATABASE_ERRORS, is_outage, outlast

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

MOST_ROWS = 20_000
"""Rows of one transaction, unless a single batch has more."""
GATHER_S = 0.005
"""Seconds in which others may join the first of a group: those who were answered together send
their next at nearly the same time."""
MOST_WAITING = 100_000
"""Rows that may wait; who brings more waits before they are taken."""
DATA_SQLSTATES = ("22", "23")
"""Data exceptions, and broken constraints."""


@dataclass(slots=True)
class _Waiting:
    batch: Batch
    stored: asyncio.Future[None]


class GroupCommit:
    """Stores the batches of one way observations come by.

    Args:
        way: How they come, as `observation_source` names it.
    """

    def __init__(self, sessions: Sessions, meters: Meters, way: str) -> None:
        self._sessions = sessions
        self._meters = meters
        self._sender = Sender(way, Identity(way, frozenset({Scope.OBSERVE})))
        self._waiting: deque[_Waiting] = deque()
        self._rows = 0
        self._changed = asyncio.Condition()

    async def store(self, batch: Batch) -> None:
        """Wait until the batch is durable; its refused rows are counted and logged.

        Raises:
            Exception: What kept it from being stored; `is_of_data` tells whether to bring it again.
        """
        if not len(batch):
            return
        waiting = _Waiting(batch, asyncio.get_running_loop().create_future())
        async with self._changed:
            await self._changed.wait_for(lambda: self._rows < MOST_WAITING)
            self._waiting.append(waiting)
            self._rows += len(batch)
            self._changed.notify_all()
        await waiting.stored

    async def run(self) -> None:
        """Store what is brought, for ever."""
        while True:
            group = await self._next_group()
            try:
                await self._store_group(group)
            finally:
                for waiting in group:  # those of a run that was stopped in between
                    waiting.stored.cancel()

    async def _next_group(self) -> list[_Waiting]:
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting)
        await asyncio.sleep(GATHER_S)
        async with self._changed:
            group = [self._waiting.popleft()]
            rows = len(group[0].batch)
            while self._waiting and rows + len(self._waiting[0].batch) <= MOST_ROWS:
                group.append(self._waiting.popleft())
                rows += len(group[-1].batch)
            self._rows -= rows
            self._changed.notify_all()
        return group

    async def _store_group(self, group: Sequence[_Waiting]) -> None:
        error = await self._try(group)
        if error is not None and is_of_data(error) and len(group) > 1:
            # One of them cannot be stored; the others shall not suffer for it.
            for waiting in group:
                _settle([waiting], await self._try([waiting]))
            return
        _settle(group, error)

    async def _try(self, group: Sequence[_Waiting]) -> Exception | None:
        batch = Batch.joined([waiting.batch for waiting in group])
        try:
            outcome = await outlast(lambda: self._commit(batch))
        except Exception as error:
            log.warning(
                "observations not stored",
                way=self._sender.kind,
                rows=len(batch),
                error=type(error).__name__,
                exc_info=not is_outage(error),
            )
            return error
        self._count(outcome)
        return None

    async def _commit(self, batch: Batch) -> Outcome:
        async with self._sessions.begin() as session:
            return await store(session, batch, self._sender)

    def _count(self, outcome: Outcome) -> None:
        way = self._sender.kind
        for name, number in (
            ("accepted", outcome.accepted),
            ("duplicate", outcome.duplicates),
            ("revised", outcome.revised),
            ("rejected", outcome.rejected.number),
        ):
            self._meters.observations.labels(way, name).inc(number)
        if outcome.rejected.number:
            log.warning(
                "observations rejected",
                way=way,
                number=outcome.rejected.number,
                first=outcome.rejected.told[0].detail,
            )


def is_of_data(error: BaseException) -> bool:
    """Whether an error is about what was to be stored, so that the same would fail for ever.

    A database that is read-only for a while, or of another release, is no fault of the data.
    """
    if isinstance(error, DATABASE_ERRORS) and not isinstance(error, ValueError):
        cause = error.orig if isinstance(error, DBAPIError) else error
        return str(getattr(cause, "sqlstate", None) or "").startswith(DATA_SQLSTATES)
    return isinstance(error, Exception)


def _settle(group: Sequence[_Waiting], error: Exception | None) -> None:
    for waiting in group:
        if waiting.stored.done():  # whoever brought it has gone
            continue
        if error is None:
            waiting.stored.set_result(None)
        else:
            waiting.stored.set_exception(error)
