"""A dispatcher in memory, and what every dispatcher must do."""

from uuid import UUID, uuid4

from shanhai.jobs.queue import Dispatcher


class InMemoryDispatcher:
    """Keeps the wake-ups it is given; `reachable` may be taken away to play an outage."""

    def __init__(self) -> None:
        self.reachable = True
        self.waiting: list[tuple[UUID, int]] = []

    async def dispatch(self, job_id: UUID, attempt: int) -> bool:
        """Keep the wake-up, unless the one for this attempt is still waiting."""
        if self.reachable and (job_id, attempt) not in self.waiting:
            self.waiting.append((job_id, attempt))
        return self.reachable

    async def close(self) -> None:
        """Nothing is open."""


class DispatcherConformance:
    """Subclass with a fixture `dispatcher`, and `waiting`, which counts what a worker would get."""

    async def waiting(self) -> int:
        """How many wake-ups a worker would find."""
        raise NotImplementedError

    async def test_a_job_is_dispatched(self, dispatcher: Dispatcher) -> None:
        """A wake-up arrives."""
        before = await self.waiting()
        assert await dispatcher.dispatch(uuid4(), 0)
        assert await self.waiting() == before + 1

    async def test_one_wake_up_waits_per_attempt(self, dispatcher: Dispatcher) -> None:
        """Sending again does not pile up; another attempt is another wake-up."""
        before = await self.waiting()
        job_id = uuid4()
        for attempt in (0, 0, 1, 0):
            assert await dispatcher.dispatch(job_id, attempt)
        assert await self.waiting() == before + 2

    async def test_closing_twice_is_harmless(self, dispatcher: Dispatcher) -> None:
        """A second close does nothing."""
        await dispatcher.close()
        await dispatcher.close()
