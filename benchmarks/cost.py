"""What work costs: processor time and memory of all processes that take part in it."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.machine import PROC, family, processor_seconds, text_of

INTERVAL_S = 0.05
IDLE_S = 3.0
_PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one piece of work.

    Attributes:
        processor_s: Processor time of all processes, s.
        peak_mib: The most private memory all had at once, above what they had before, MiB.
    """

    processor_s: float
    peak_mib: float


class CostMeter:
    """Measures a process and all it started; what they take while idle is left out."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._idle = 0.0

    def learn_idle(self) -> None:
        """Find out what the processes take while nothing is asked of them."""
        before, started = processor_seconds(family(self.pid)), time.monotonic()
        time.sleep(IDLE_S)
        taken = processor_seconds(family(self.pid)) - before
        self._idle = taken / (time.monotonic() - started)

    @contextmanager
    def measure(self) -> Iterator[list[Cost]]:
        """The cost of the context, in the list once it has ended."""
        found: list[Cost] = []
        before, memory, started = self._taken(), self._private_mib(), time.monotonic()
        watch = _Watch(self)
        watch.start()
        yield found
        watch.stop()
        idle = self._idle * (time.monotonic() - started)
        taken = self._taken() - before - watch.own_s - idle
        found.append(Cost(max(taken, 0.0), max(watch.peak_mib - memory, 0.0)))

    def _taken(self) -> float:
        return processor_seconds(family(self.pid))

    def _private_mib(self) -> float:
        return sum(map(_private_mib, family(self.pid)))


class _Watch:
    """Looks at the memory; what looking takes is counted apart."""

    def __init__(self, meter: CostMeter) -> None:
        self.peak_mib = 0.0
        self.own_s = 0.0
        self._meter = meter
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.start = self._thread.start

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while True:
            ended = self._done.wait(INTERVAL_S)
            self.peak_mib = max(self.peak_mib, self._meter._private_mib())
            self.own_s = time.thread_time()
            if ended:
                return


def _private_mib(pid: int) -> float:
    """Resident memory that is of no file and not shared, MiB."""
    fields = text_of(PROC / str(pid) / "statm").split()
    return (int(fields[1]) - int(fields[2])) * _PAGE_MIB if fields else 0.0
