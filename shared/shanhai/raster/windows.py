"""Run a function over windows, here or in other processes, with results in window order.

A function that reads only its window (and halo) and writes only its window gives the same bytes
whatever the number of processes.
"""

import ctypes
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_PR_SET_PDEATHSIG = 1


class WindowRunner:
    """Runs windows one after the other in this process."""

    def run(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Results of `function` in the order of `items`, windows as a rule."""
        return map(function, items)


class PooledRunner(WindowRunner):
    """Runs windows in a pool of processes; `function` must be picklable."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self.pool = pool

    def run(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Results of `function` in the order of `items`, windows as a rule."""
        return self.pool.map(function, items)


@contextmanager
def window_runner(processes: int) -> Iterator[WindowRunner]:
    """A runner with as many processes; 1 means this one."""
    if processes <= 1:
        yield WindowRunner()
        return
    # A fresh interpreter: a fork would inherit GDAL's and the BLAS library's locks.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_die_with_parent) as pool:
        yield PooledRunner(pool)


def _die_with_parent() -> None:
    """A killed parent must not leave its pool behind (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
