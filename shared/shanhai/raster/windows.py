"""Run a function over windows, here or in other processes, with results in window order.

A function that reads only its window (and halo) and writes only its window gives the same bytes
whatever the number of processes, and may be run again when a worker of a cluster is lost.

The processes of this machine are reached over pipes alone. The pools of the standard library need
named semaphores, and so a writable /dev/shm, which hardened machines and containers do not always
give.
"""

import ctypes
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, TypeVar, cast

from shanhai.settings import DaskSettings

Item = TypeVar("Item")
Result = TypeVar("Result")
Pipe = Connection

_PR_SET_PDEATHSIG = 1
AHEAD = 4
"""Windows each process may be ahead of the one that is waited for, so results stay few."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where a Dask scheduler is, and what proves to it who asks.

    Attributes:
        scheduler: Its address, `tls://host:port` or `tcp://host:port`.
        tls_ca: Certificate of the authority all parts trust; None without TLS, as the others.
        tls_cert: Certificate of this part.
        tls_key: Private key of this part.
    """

    scheduler: str
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None

    @classmethod
    def named_in(cls, settings: DaskSettings) -> "Cluster | None":
        """The cluster the settings name, if they do."""
        if not settings.scheduler:
            return None
        return cls(settings.scheduler, settings.tls_ca, settings.tls_cert, settings.tls_key)


class WindowRunner:
    """Runs windows one after the other in this process."""

    def run(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Results of `function` in the order of `items`, windows as a rule."""
        return map(function, items)

    def step(self, function: Callable[[], Result]) -> Result:
        """What `function` returns, computed in this process: a step that is not cut into windows.

        On the side that keeps what it finishes it is all that comes of the step: a function that
        writes is none, nor one that takes further steps there.
        """
        return function()

    def remembered(self) -> "WindowRunner":
        """The side that keeps what it finishes, where there is one.

        Its windows are of functions that write through scratch stores and nowhere else.
        """
        return self


class PooledRunner(WindowRunner):
    """Runs windows in other processes; `function` must be picklable."""

    def __init__(self, pipes: Sequence[Pipe]) -> None:
        self.pipes = pipes

    def run(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Results of `function` in the order of `items`, windows as a rule.

        Raises:
            RuntimeError: a process of the pool ended; otherwise what `function` raised there.
        """
        idle, busy = list(self.pipes), dict[Pipe, int]()
        waiting, done = deque(enumerate(items)), dict[int, tuple[bool, Any]]()
        limit = AHEAD * len(self.pipes)
        try:
            for number in range(len(items)):
                while number not in done:
                    while idle and waiting and waiting[0][0] < number + limit:
                        following, item = waiting.popleft()
                        pipe = idle.pop()
                        pipe.send((function, item))
                        busy[pipe] = following
                    for pipe in ready(busy):
                        done[busy.pop(pipe)] = receive(pipe)
                        idle.append(pipe)
                succeeded, value = done.pop(number)
                if not succeeded:
                    raise value
                yield value
        finally:
            # What is still being computed must not be taken for an answer of the next run.
            for pipe in busy:
                receive(pipe)


def ready(busy: dict[Pipe, int]) -> list[Pipe]:
    """Pipes on which an answer has come, after waiting for the first."""
    return cast("list[Pipe]", wait(list(busy)))


def receive(pipe: Pipe) -> tuple[bool, Any]:
    """Whether a window succeeded, and its result or what it raised."""
    try:
        answer: tuple[bool, Any] = pipe.recv()
    except (EOFError, ConnectionError) as error:
        raise RuntimeError("a process of the pool ended without an answer") from error
    return answer


@contextmanager
def window_runner(
    processes: int, cluster: Cluster | None = None, shared: Sequence[Path] = ()
) -> Iterator[WindowRunner]:
    """A runner of windows.

    Args:
        processes: Processes of this machine; 1 means this one.
        cluster: Where windows are computed instead, if they are.
        shared: The folder the windows are written to, and then whatever else they read, which
            every worker of the cluster must see under the same path.

    Raises:
        Unavailable: the cluster does not answer, or is not fit for the work.
    """
    with ExitStack() as stack:
        if cluster is not None:
            # Here, because it takes a second to load and few machines have a cluster.
            from shanhai.raster.dask_windows import dask_runner

            yield stack.enter_context(dask_runner(cluster, shared))
        elif processes > 1:
            yield PooledRunner([stack.enter_context(pooled_process()) for _ in range(processes)])
        else:
            yield WindowRunner()


@contextmanager
def pooled_process() -> Iterator[Pipe]:
    """A process that serves windows over a pipe until the pipe is closed."""
    # A fresh interpreter: a fork would inherit GDAL's and the BLAS library's locks.
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there,), daemon=True)
    process.start()
    there.close()
    try:
        yield here
    finally:
        here.close()
        process.join()


def serve(pipe: Pipe) -> None:
    """Answer windows until the other end of the pipe is closed."""
    die_with_parent()
    while True:
        try:
            function, item = pipe.recv()
        except EOFError:
            return
        try:
            answer = (True, function(item))
        except Exception as error:
            answer = (False, error)
        pipe.send(answer)


def die_with_parent() -> None:
    """A killed parent must not leave its pool behind (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
