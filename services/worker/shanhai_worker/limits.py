"""What an attempt at a job may use, and what it does use: its process and all it has started."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import structlog

from shanhai.jobs.failures import Failure, out_of_memory, out_of_time
from shanhai.processes.catalogue import CONTRACTS
from shanhai.processes.kit.contract import USUAL_LIMITS, Limits
from shanhai.settings import WorkerSettings

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PROC = Path("/proc")
MEASURE_S = 0.5
"""Seconds between looks at what a computation holds."""
OWN_MEMORY = ("RssAnon:", "RssShmem:")
"""What no file holds as well: pages of files can be taken away and read again."""
GONE = (FileNotFoundError, ProcessLookupError)
"""What reading of a process that has ended raises."""


def limits_of(process: str, settings: WorkerSettings) -> Limits:
    """The limits set for the process; else its own, as far as those of all jobs allow."""
    given = settings.limits_of(process)
    if given is not None:
        return Limits(*given)
    contract = CONTRACTS.get(process)
    declared = USUAL_LIMITS if contract is None else contract.limits
    return Limits(
        min(declared.memory_mb, settings.memory_limit_mb),
        min(declared.time_s, settings.job_timeout_s),
    )


async def exceed(limits: Limits, pid: int) -> Failure:
    """Wait until a process that starts now exceeds its limits, for ever if it never does."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    while True:
        left_s = started + limits.time_s - loop.time()
        if left_s <= 0:
            return out_of_time(limits.time_s, limits.time_s - left_s)
        try:
            held = held_mb(pid)
        except Exception:
            # Looking is our own affair: a look that fails is told, and fails no job.
            log.exception("memory not measured", pid=pid)
            held = 0.0
        if held > limits.memory_mb:
            return out_of_memory(limits.memory_mb, held)
        await asyncio.sleep(min(MEASURE_S, left_s))


def held_mb(pid: int) -> float:
    """The memory that a process and those below it hold, MB; 0 once it has ended."""
    return sum(map(_own_kb, _tree(pid))) / 1024


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for child in _children(pid):
        yield from _tree(child)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    tasks = PROC / str(pid) / "task"
    with suppress(*GONE):
        for task in os.listdir(tasks):
            with suppress(*GONE):
                found.extend(map(int, (tasks / task / "children").read_text().split()))
    return found


def _own_kb(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
    except GONE:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(OWN_MEMORY))
