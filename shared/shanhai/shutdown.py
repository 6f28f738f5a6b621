"""The end of a service: a stop signal makes it unready first, and its tasks are cancelled."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def noticing_stop(draining: asyncio.Event, *, drain_s: float = 0) -> Iterator[None]:
    """Set `draining` on a stop signal, and let the server's own handler act `drain_s` later.

    Streams end by themselves that way, instead of holding up the shutdown; and whoever spreads
    requests over processes sees that this one is not ready before it refuses connections. A second
    signal acts at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    noticed = False

    def notice(number: int, frame: FrameType | None) -> None:
        nonlocal noticed
        handler, again, noticed = before[signal.Signals(number)], noticed, True
        loop.call_soon_threadsafe(draining.set)
        if not callable(handler):
            return
        if again or drain_s == 0:
            handler(number, frame)
        else:
            loop.call_soon_threadsafe(loop.call_later, drain_s, handler, number, frame)

    for number, handler in before.items():
        if callable(handler):
            signal.signal(number, notice)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stop_on_signals() -> asyncio.Event:
    """What a stop signal sets, in a process without a server that handles it."""
    stop = asyncio.Event()
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


AGAIN_S = 1.0
"""Seconds a task has to end before it is cancelled again."""


async def end(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks and wait until they have ended.

    A cancellation can be lost: `asyncio.wait_for` before Python 3.12 returns as if nothing had
    happened when what it waits for ends in the same turn of the loop, and redis-py sends every
    command through it. Whoever then waits for a task that goes on for ever waits for ever.

    Raises:
        Exception: A task ended with this error before it was cancelled, or by it.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN_S)
    for task in tasks:
        if not task.cancelled():
            task.result()
