"""One computation for all callers that want the same thing at the same time."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


class SingleFlight(Generic[Result]):
    """Work under way, by key.

    It runs in a task of its own, so whoever leaves takes nothing from those who wait on. An error
    is that of all who waited, and then forgotten: the next one to ask begins anew.
    """

    def __init__(self) -> None:
        self._going: dict[str, asyncio.Task[Result]] = {}

    async def share(self, key: str, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """The result of the work under way for the key, or of `work`, which is begun."""
        task = self._going.get(key)
        if task is None:
            task = asyncio.create_task(work())
            self._going[key] = task
            task.add_done_callback(partial(self._end, key))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Stop what is under way."""
        tasks = list(self._going.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _end(self, key: str, task: asyncio.Task[Result]) -> None:
        del self._going[key]
        if not task.cancelled():
            # Looked at, since everyone who would have may have left.
            task.exception()
