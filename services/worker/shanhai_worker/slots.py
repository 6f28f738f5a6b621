"""The slots of a worker: so many computations run at a time, and a few quick ones wait behind."""

import asyncio
from collections.abc import Callable
from types import TracebackType

QUICK_S = 0.05
"""Within which a job is over whose kind may be taken ahead."""
AHEAD = 16
"""Jobs of quick kinds that are taken beyond the free slots."""
AHEAD_S = 0.25
"""Seconds such a job waits for a slot, before others may have it."""


class Slots:
    """Given out in the order in which they are asked for.

    Attributes:
        quick: Processes whose last job was over in no time.
        on_change: Called whenever one is taken, given back or asked for.
    """

    def __init__(self, number: int) -> None:
        self.quick: set[str] = set()
        self.on_change: Callable[[], None] = lambda: None
        self._left = number
        self._asked = 0
        self._room = asyncio.Semaphore(number)

    @property
    def free(self) -> int:
        """How many can be had at once."""
        return max(self._left - self._asked, 0)

    @property
    def ahead(self) -> int:
        """How many jobs of quick kinds may be taken beyond those."""
        return AHEAD - max(self._asked - self._left, 0) if self.quick else 0

    def ask(self) -> "Slot":
        """A place in the line for a slot."""
        return Slot(self)

    def count(self, *, left: int = 0, asked: int = 0) -> None:
        """Note that a slot is taken, given back or asked for."""
        self._left += left
        self._asked += asked
        self.on_change()

    async def enter(self) -> bool:
        """Wait for a slot, not for long; whether there was one."""
        try:
            async with asyncio.timeout(AHEAD_S if self._room.locked() else None):
                await self._room.acquire()
        except TimeoutError:
            return False
        return True

    def leave(self) -> None:
        """Let the next one have the slot."""
        self._room.release()


class Slot:
    """One of them, from being asked for until it is given back."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._held = False
        self._since = 0.0
        slots.count(asked=1)

    async def __aenter__(self) -> bool:
        """Whether it was to be had in time."""
        try:
            self._held = await self._slots.enter()
        finally:
            self._slots.count(left=-int(self._held), asked=-1)
        self._since = asyncio.get_running_loop().time()
        return self._held

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def note(self, process: str) -> None:
        """Learn how long the computation took that is done now."""
        if asyncio.get_running_loop().time() - self._since < QUICK_S:
            self._slots.quick.add(process)
        else:
            self._slots.quick.discard(process)

    def release(self) -> None:
        """Give it back, unless it was."""
        if self._held:
            self._held = False
            self._slots.leave()
            self._slots.count(left=1)
