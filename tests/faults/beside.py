"""An event loop in a thread of its own, so that load goes on while parts are killed and started."""

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread
from typing import Any, TypeVar

from tests.support.serving import join

Answer = TypeVar("Answer")


class Beside:
    """Runs coroutines beside the test."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def begin(self, work: Coroutine[Any, Any, Answer]) -> "Future[Answer]":
        """Start it and go on."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def ask(self, work: Coroutine[Any, Any, Answer], *, within_s: float = 60) -> Answer:
        """Run it to its end."""
        return self.begin(work).result(within_s)


@contextmanager
def running_beside() -> Iterator[Beside]:
    """A loop for as long as the context lasts."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="load")
    thread.start()
    try:
        yield Beside(loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        join(thread)
        loop.close()
