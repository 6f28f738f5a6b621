"""What every queue must do: wake a worker that has room, and lose nothing but time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

from shanhai.jobs.queue import Dispatcher, Listener, Wakeable
from shanhai.shutdown import end

SOON_S = 5.0
"""Seconds a wake-up may take on a busy machine; it takes a tenth of one on an idle one."""
AGAIN_S = 40.0
"""Seconds within which a cut connection must be there again, with the longest pause between."""
TRY_S = 0.3

MakeListener = Callable[[Wakeable], Listener]


class Sleeper:
    """A worker that does nothing but note when it is woken."""

    def __init__(self, *, has_room: bool = True) -> None:
        self.has_room = has_room
        self.woken = asyncio.Event()
        self.on_room: Callable[[bool], None] = lambda has_room: None

    def wake(self) -> None:
        """Take note."""
        self.woken.set()


class QueueConformance:
    """Subclass with the fixtures `dispatcher`, `listen` and `unreachable`, and with `cut`."""

    async def cut(self) -> None:
        """End every connection of dispatchers and listeners, as the server does that goes away."""
        raise NotImplementedError

    async def test_a_wake_up_arrives_soon(
        self, dispatcher: Dispatcher, listen: MakeListener
    ) -> None:
        """Who listens and has room is woken."""
        sleeper = Sleeper()
        async with listening(listen(sleeper)):
            await woken_again(dispatcher, sleeper, within_s=AGAIN_S)
            sleeper.woken.clear()
            assert await dispatcher.dispatch(uuid4(), 0)
            async with asyncio.timeout(SOON_S):
                await sleeper.woken.wait()

    async def test_what_nobody_hears_harms_nobody(
        self, dispatcher: Dispatcher, listen: MakeListener
    ) -> None:
        """Wake-ups without a listener, or repeated, keep no later one from arriving."""
        job_id, sleeper = uuid4(), Sleeper()
        for attempt in (0, 0, 1, 0):
            assert await dispatcher.dispatch(job_id, attempt)
        async with listening(listen(sleeper)):
            await woken_again(dispatcher, sleeper, within_s=AGAIN_S)

    async def test_a_worker_without_room_is_let_be(
        self, dispatcher: Dispatcher, listen: MakeListener
    ) -> None:
        """The one that has room is woken, and the other is not."""
        full, free = Sleeper(has_room=False), Sleeper()
        async with listening(listen(full)), listening(listen(free)):
            for _ in range(3):
                free.woken.clear()
                await woken_again(dispatcher, free, within_s=AGAIN_S)
            assert not full.woken.is_set()

    async def test_listening_goes_on_after_an_outage(
        self, dispatcher: Dispatcher, listen: MakeListener
    ) -> None:
        """Who was cut off connects again by itself, as often as it takes."""
        sleeper = Sleeper()
        async with listening(listen(sleeper)):
            for _ in range(2):
                await woken_again(dispatcher, sleeper, within_s=AGAIN_S)
                await self.cut()
                sleeper.woken.clear()
            await woken_again(dispatcher, sleeper, within_s=AGAIN_S)

    async def test_an_outage_is_told_and_not_raised(self, unreachable: Dispatcher) -> None:
        """Who submits a job is not failed by it."""
        assert not await unreachable.dispatch(uuid4(), 0)
        await unreachable.close()

    async def test_closing_twice_is_harmless(self, dispatcher: Dispatcher) -> None:
        """A second close does nothing."""
        await dispatcher.close()
        await dispatcher.close()


@asynccontextmanager
async def listening(listener: Listener) -> AsyncIterator[None]:
    """The listener at work."""
    task = asyncio.create_task(listener.run())
    try:
        yield
    finally:
        await end(task)


async def woken_again(dispatcher: Dispatcher, sleeper: Sleeper, *, within_s: float) -> None:
    """Send wake-ups until one arrives, as the reaper does.

    Raises:
        TimeoutError: None did.
    """
    async with asyncio.timeout(within_s):
        while not sleeper.woken.is_set():
            await dispatcher.dispatch(uuid4(), 0)
            await asyncio.wait([asyncio.ensure_future(sleeper.woken.wait())], timeout=TRY_S)
