"""The machine while something is measured: its load, and what work that is not ours takes of it."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

PROC = Path("/proc")
ROOT = "BENCH_ROOT_PID"
"""In the environment: the process whose family a measurement is, for those it starts."""
IDLE_SHARE = 0.1
"""Of the processor time there is: the most that others may take on a machine called idle."""
_TICKS = os.sysconf("SC_CLK_TCK")
_CORES = os.cpu_count() or 1


def family(pid: int) -> list[int]:
    """The process and all it started that still run, and what these started."""
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop()
        found.append(parent)
        for task in (PROC / str(parent) / "task").glob("*/children"):
            waiting += map(int, text_of(task).split())
    return found


def text_of(path: Path) -> str:
    """What a file of the kernel says, nothing once the process is gone."""
    try:
        return path.read_text()
    except OSError:
        return ""


def root() -> int:
    """The process at the head of the measurement."""
    return int(os.environ.get(ROOT, os.getpid()))


def processor_seconds(pids: list[int] | None = None) -> float:
    """Processor time of processes and of their children that ended, s; of the whole family without.

    What a process took that ended is its parent's from then on, so the sum never falls.
    """
    return sum(map(_seconds, family(root()) if pids is None else pids))


def _seconds(pid: int) -> float:
    # The name may have spaces and brackets in it; user, system, and both of ended children follow.
    fields = text_of(PROC / str(pid) / "stat").rpartition(") ")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS


def _busy_seconds() -> float:
    """Processor time of the machine that was not idle, since its start."""
    user, nice, system, _, _, *rest = map(int, text_of(PROC / "stat").split("\n")[0].split()[1:9])
    return (user + nice + system + sum(rest)) / _TICKS


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment of the machine.

    Attributes:
        load: Its load average of the last minute.
        at_s: Seconds of a clock that only goes forward.
        busy_s: Processor time of the whole machine.
        own_s: Processor time of the measurement's processes.
    """

    load: float = field(default_factory=lambda: os.getloadavg()[0])
    at_s: float = field(default_factory=time.monotonic)
    busy_s: float = field(default_factory=_busy_seconds)
    own_s: float = field(default_factory=processor_seconds)


def share_of_others(began: Moment, ended: Moment) -> float:
    """The part of all processor time there was that went to work that is not ours, 0 to 1."""
    there_was = (ended.at_s - began.at_s) * _CORES
    others = (ended.busy_s - began.busy_s) - (ended.own_s - began.own_s)
    # Less than a tick of each core tells nothing.
    return min(1.0, max(0.0, others / there_was)) if there_was > _CORES / _TICKS else 0.0
