"""Many small batches in one transaction: each is told what became of it once that is durable.

While a transaction runs, batches gather, and the next one takes them all. One feed alone waits for
nothing; two hundred share a commit, and the more there are, the less each costs.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from shanhai.db.engine import Sessions
from shanhai.db.observations.ingest import Delivery, store_all
from shanhai.monitoring.observation import Outcome

MOST_ROWS = 20_000
"""Rows of one transaction, unless a single batch has more."""


@dataclass(slots=True)
class _Waiting:
    delivery: Delivery
    outcome: asyncio.Future[Outcome]


class Gathering:
    """Stores the small batches of one process, one group at a time.

    Args:
        skew: How far ahead of the clock a time may be.
    """

    def __init__(self, sessions: Sessions, *, skew: timedelta) -> None:
        self._sessions = sessions
        self._skew = skew
        self._waiting: deque[_Waiting] = deque()
        self._storing: asyncio.Task[None] | None = None

    async def store(self, delivery: Delivery) -> Outcome:
        """Store a batch with whatever else waits; what became of it, once that is durable.

        Raises:
            Exception: What kept this batch from being stored.
        """
        waiting = _Waiting(delivery, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._storing is None:
            # Not a part of this request, which may be broken off while it stores those of others.
            self._storing = asyncio.create_task(self._store_waiting())
        return await waiting.outcome

    async def _store_waiting(self) -> None:
        try:
            while self._waiting:
                await self._store_group(self._next_group())
        finally:
            self._storing = None

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
            async with self._sessions.begin() as session:
                outcomes = await store_all(
                    session, [one.delivery for one in group], skew=self._skew
                )
        except Exception as error:
            if len(group) > 1 and _may_be_of_one(error):
                for one in group:
                    await self._store_group([one])
                return
            for one in group:
                if not one.outcome.done():
                    one.outcome.set_exception(error)
        except BaseException:
            for one in group:
                one.outcome.cancel()
            raise
        else:
            for one, outcome in zip(group, outcomes, strict=True):
                if not one.outcome.done():
                    one.outcome.set_result(outcome)


def _may_be_of_one(error: Exception) -> bool:
    """Whether one batch may have spoilt the others: no outage, but data that cannot be kept."""
    if isinstance(error, DBAPIError):
        return str(getattr(error.orig, "sqlstate", "")).startswith(("22", "23"))
    return not isinstance(error, SQLAlchemyError | OSError | TimeoutError)
