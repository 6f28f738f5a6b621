"""Time and memory of the demo's steps: wall seconds, and the peak of the whole process tree."""

import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PROC = Path("/proc")
INTERVAL_S = 0.1


@dataclass(frozen=True, slots=True)
class StepUsage:
    """What one step took: seconds, and the peak resident memory of all processes in MiB."""

    step: str
    seconds: float
    peak_mib: float


@dataclass(slots=True)
class Meter:
    """Measures steps of this program together with the background processes in `roots`."""

    roots: list[int] = field(default_factory=list)
    readings: list[StepUsage] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure what happens inside the block."""
        peak = _Peak(self.roots)
        started = time.perf_counter()
        with peak:
            yield
        self.readings.append(StepUsage(name, time.perf_counter() - started, peak.mib))


class _Peak:
    """Samples resident memory in a thread while the block runs."""

    def __init__(self, roots: list[int]) -> None:
        self._roots = roots
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.mib = 0.0

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *exc: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.mib = max(self.mib, resident_mib([os.getpid(), *self._roots]))
            if self._done.wait(INTERVAL_S):
                return


def resident_mib(roots: Iterable[int]) -> float:
    """Resident memory of the processes in `roots` and all below them; shared pages count once
    for each process, so servers with shared buffers are overstated."""
    children: dict[int, list[int]] = defaultdict(list)
    pages: dict[int, int] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (facts := _facts(entry)) is not None:
            parent, resident = facts
            pid = int(entry.name)
            children[parent].append(pid)
            pages[pid] = resident
    tree, waiting = set[int](), list(roots)
    while waiting:
        pid = waiting.pop()
        if pid not in tree:
            tree.add(pid)
            waiting.extend(children[pid])
    return sum(pages.get(pid, 0) for pid in tree) * os.sysconf("SC_PAGE_SIZE") / 1024**2


def _facts(entry: Path) -> tuple[int, int] | None:
    """Parent and resident pages of a process; None when it has just ended."""
    try:
        after_name = (entry / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(after_name[1]), int(after_name[21])
