"""Processes that compute several jobs, one after another, and the folders they work in.

Only of processes that declare it (`ProcessContract.shares_process`), and only the jobs of one
caller: to the caller of another, and to another computation, a process is always new. One that
failed, was stopped or could not be put back to how it began computes no more.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from shanhai.settings import WorkerSettings
from shanhai_worker.child_process import Child, ForkServer, hand_over, make_folder
from shanhai_worker.child_protocol import (
    ORDER,
    RESERVE,
    RESERVED_BYTES,
    ChildOrder,
    ProgressReport,
)

IDLE_S = 60.0
"""Seconds a process waits for a job before it is ended."""
LEAST_KEPT = 4


class Sharing(NamedTuple):
    """Whose jobs share a process: those of one computation and one caller."""

    process: str
    owner: str


class SharedProcess:
    """A folder, and the process that works in it once there was a job.

    Attributes:
        folder: Its workspace: empty between two jobs, but for the room kept for a failure.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._kept = make_folder(settings.scratch)
        self.folder = Path(self._kept.name)
        self._child: Child | None = None
        self._timer: asyncio.TimerHandle | None = None
        (self.folder / RESERVE).write_bytes(bytes(RESERVED_BYTES))
        hand_over(settings, self.folder, self.folder / RESERVE)

    @property
    def waits(self) -> bool:
        """Whether it can compute a job as it is."""
        return self._child is not None and self._child.waits

    def write(self, order: ChildOrder) -> None:
        """Put an order there, where nothing is of what was before."""
        self.clear()
        place = self.folder / ORDER
        with place.open("x", encoding="utf-8") as file:  # follows no link
            file.write(order.model_dump_json())
        hand_over(self._settings, place)

    async def begin(self, server: ForkServer, told: Callable[[ProgressReport], None]) -> Child:
        """Have it compute the order.

        Raises:
            Crashed: As `ForkServer.start`.
        """
        if self._child is not None and self._child.waits:
            self._child.go_on(told)
        else:
            self._child = await server.start(self.folder, told)
        return self._child

    def clear(self) -> None:
        """Remove what a job has left in the folder."""
        with os.scandir(self.folder) as entries:
            left = [entry for entry in entries if entry.name != RESERVE]
        for entry in left:
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry)
                continue
            try:
                os.rmdir(entry)  # most jobs leave nothing in it
            except OSError:
                shutil.rmtree(entry)

    def rest(self, then: Callable[[], None]) -> None:
        """Note that it waits from now on; `then` is called once that was long."""
        self._timer = asyncio.get_running_loop().call_later(IDLE_S, then)

    def wake(self) -> None:
        """Note that it waits no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def end(self) -> None:
        """End the process and remove the folder."""
        self.wake()
        if self._child is not None:
            await self._child.stop()
        await asyncio.to_thread(self._kept.cleanup)


class SharedProcesses:
    """Those of one worker: at work, and waiting for a job like their last one."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._most = max(LEAST_KEPT, 2 * settings.slots)
        self._resting: dict[SharedProcess, Sharing] = {}
        self._ending: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def of(self, sharing: Sharing) -> AsyncIterator[SharedProcess]:
        """One for a job of this kind, which it has alone; ended when the job does not end well."""
        taken = self._wake(sharing)
        if taken is None:
            taken = await asyncio.to_thread(SharedProcess, self._settings)
        try:
            yield taken
        except BaseException:
            await asyncio.shield(taken.end())
            raise
        self._rest(taken, sharing)

    async def close(self) -> None:
        """End all."""
        for resting in list(self._resting):
            self._retire(resting)
        await asyncio.gather(*self._ending)

    def _wake(self, sharing: Sharing) -> SharedProcess | None:
        for resting, was in reversed(list(self._resting.items())):
            if was == sharing:
                if resting.waits:
                    del self._resting[resting]
                    resting.wake()
                    return resting
                self._retire(resting)
        return None

    def _rest(self, process: SharedProcess, sharing: Sharing) -> None:
        self._resting[process] = sharing
        process.rest(lambda: self._retire(process))
        if not process.waits:
            self._retire(process)
        elif len(self._resting) > self._most:
            self._retire(next(iter(self._resting)))

    def _retire(self, process: SharedProcess) -> None:
        with suppress(KeyError):
            del self._resting[process]
        task = asyncio.create_task(process.end())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
