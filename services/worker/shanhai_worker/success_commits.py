"""Results that are ended with in groups: while one group is committed, the next gathers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from shanhai.db.engine import Sessions, driver_transaction
from shanhai.jobs import states

MOST_AT_ONCE = 100
Ended = set[states.Lease]
Persist = Callable[[Callable[[], Awaitable[Ended]]], Awaitable[Ended]]


class SuccessCommits:
    """Ends jobs whose result is all there is to publish of them.

    Args:
        persist: How often a transaction is tried.
    """

    def __init__(self, sessions: Sessions, persist: Persist) -> None:
        self._sessions = sessions
        self._persist = persist
        self._waiting: dict[states.Lease, tuple[dict[str, Any], asyncio.Future[bool]]] = {}
        self._committing: asyncio.Task[None] | None = None

    async def succeed(self, lease: states.Lease, result: dict[str, Any]) -> states.Standing:
        """End a job with its result, durably, and with whatever else is to be ended then.

        Returns:
            What its standing was: only a job that was held has been ended.

        Raises:
            Exception: What kept it from being written.
        """
        ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[lease] = result, ended
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_all())
        if await ended:
            return states.Standing.HELD
        async with self._sessions() as session:
            cancelled = await states.look(session, lease) is states.Standing.CANCELLED
        return states.Standing.CANCELLED if cancelled else states.Standing.LOST

    async def _commit_all(self) -> None:
        try:
            while self._waiting:
                group = dict(list(self._waiting.items())[:MOST_AT_ONCE])
                for lease in group:
                    del self._waiting[lease]
                await self._commit(group)
        finally:
            self._committing = None

    async def _commit(
        self, group: dict[states.Lease, tuple[dict[str, Any], asyncio.Future[bool]]]
    ) -> None:
        results = {lease: result for lease, (result, _) in group.items()}
        try:
            ended = await self._persist(lambda: self._write(results))
        except Exception as error:
            if len(group) > 1:
                # One of them may be at fault; the others shall not suffer for it.
                for lease, waiting in group.items():
                    await self._commit({lease: waiting})
                return
            for _, told in group.values():
                if not told.done():
                    told.set_exception(error)
            return
        for lease, (_, told) in group.items():
            if not told.done():
                told.set_result(lease in ended)

    async def _write(self, results: dict[states.Lease, dict[str, Any]]) -> Ended:
        async with driver_transaction(self._sessions) as transaction:
            return await states.succeed_several(transaction, results)
