"""Many small batches in one transaction: each is told what became of it once that is durable.

While a transaction runs, batches gather, and the next one takes them all. One feed alone waits for
nothing; two hundred share a commit, and the more there are, the less each costs.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.exc import DBAPIError

from shanhai.db.engine import DATABASE_ERRORS, Sessions
from shanhai.db.observations.ingest import IncomingBatch, store_all
from shanhai.monitoring.observation import BatchOutcome
from shanhai.storage.artifacts import ArtifactStore
from shanhai.task_cancel import end

MOST_ROWS = 20_000
"""Rows of one transaction, unless a single batch has more."""
DATA_SQLSTATES = ("22", "23")
"""Data exceptions, and broken constraints."""
Transaction = Callable[[], Awaitable[list[BatchOutcome]]]


async def once(transaction: Transaction) -> list[BatchOutcome]:
    """Try a transaction, and leave it to whoever brought the data to come again."""
    return await transaction()


@dataclass(slots=True)
class _Waiting:
    delivery: IncomingBatch
    outcome: asyncio.Future[BatchOutcome]


class GroupCommit:
    """Stores the small batches of one process, one group at a time.

    Args:
        skew: How far ahead of the clock a time may be.
        files: Where the observations of closed months are.
        persist: How often a transaction is tried.
    """

    def __init__(
        self,
        sessions: Sessions,
        *,
        skew: timedelta,
        files: ArtifactStore,
        persist: Callable[[Transaction], Awaitable[list[BatchOutcome]]] = once,
    ) -> None:
        self._sessions = sessions
        self._skew = skew
        self._files = files
        self._persist = persist
        self._waiting: deque[_Waiting] = deque()
        self._storing: asyncio.Task[None] | None = None

    async def store(self, delivery: IncomingBatch) -> BatchOutcome:
        """Store a batch with whatever else waits; what became of it, once that is durable.

        Raises:
            Exception: What kept this batch from being stored; `is_of_data` tells whether the same
                would be so another time.
        """
        waiting = _Waiting(delivery, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._storing is None:
            # Not a part of this request, which may be broken off while it stores those of others.
            self._storing = asyncio.create_task(self._store_waiting())
        return await waiting.outcome

    async def close(self) -> None:
        """Give up what has not been stored; whoever waits for it is told by a cancellation."""
        if self._storing is not None:
            await end(self._storing)

    async def _store_waiting(self) -> None:
        try:
            while self._waiting:
                group = self._next_group()
                try:
                    await self._store_group(group)
                finally:
                    _give_up(group)
        finally:
            self._storing = None
            _give_up(self._waiting)
            self._waiting.clear()

    def _next_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        rows = 0
        while self._waiting and (
            not group or rows + len(self._waiting[0].delivery.batch) <= MOST_ROWS
        ):
            group.append(self._waiting.popleft())
            rows += len(group[-1].delivery.batch)
        return group

    async def _store_group(self, group: Sequence[_Waiting]) -> None:
        try:
            outcomes = await self._persist(lambda: self._commit(group))
        except Exception as error:
            if len(group) > 1 and is_of_data(error):
                # One of them cannot be stored; the others shall not suffer for it.
                for one in group:
                    await self._store_group([one])
                return
            for one in group:
                if not one.outcome.done():
                    one.outcome.set_exception(error)
        else:
            for one, outcome in zip(group, outcomes, strict=True):
                if not one.outcome.done():
                    one.outcome.set_result(outcome)

    async def _commit(self, group: Sequence[_Waiting]) -> list[BatchOutcome]:
        async with self._sessions.begin() as session:
            deliveries = [one.delivery for one in group]
            return await store_all(session, deliveries, skew=self._skew, files=self._files)


def _give_up(waiting: Iterable[_Waiting]) -> None:
    """Tell those who have not been told: there are some only if storing was broken off."""
    for one in waiting:
        one.outcome.cancel()


def is_of_data(error: BaseException) -> bool:
    """Whether an error is about what was to be stored, so that the same would fail for ever.

    A database that is read-only for a while, or of another release, is no fault of the data.
    """
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, ValueError):  # as asyncpg says it of a value that fits no column
        return True
    if isinstance(error, DATABASE_ERRORS):
        return str(getattr(cause, "sqlstate", None) or "").startswith(DATA_SQLSTATES)
    return isinstance(error, Exception)
