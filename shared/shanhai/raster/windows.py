"""Run a function over windows, here or in other processes, with results in window order.

A function that reads only its window (and halo) and writes only its window gives the same bytes
whatever the number of processes.

The processes are reached over pipes alone. The pools of the standard library need named semaphores,
and so a writable /dev/shm, which hardened machines and containers do not always give.
"""

import ctypes
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar, cast

Item = TypeVar("Item")
Result = TypeVar("Result")
Pipe = Connection

_PR_SET_PDEATHSIG = 1
_AHEAD = 4
"""Windows each process may be ahead of the one that is waited for, so results stay few."""


class WindowRunner:
    """Runs windows one after the other in this process."""

    def run(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Results of `function` in the order of `items`, windows as a rule."""
        return map(function, items)


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
        limit = _AHEAD * len(self.pipes)
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
def window_runner(processes: int) -> Iterator[WindowRunner]:
    """A runner with as many processes; 1 means this one."""
    if processes <= 1:
        yield WindowRunner()
        return
    with ExitStack() as stack:
        yield PooledRunner([stack.enter_context(pooled_process()) for _ in range(processes)])


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
