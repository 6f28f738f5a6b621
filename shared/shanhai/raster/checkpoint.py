"""Finished windows and steps, kept so that another attempt at a job need not compute them again.

What a function writes of a window through a `ScratchStore`, and what it returns, is kept as one
file in a folder of this machine. Another attempt makes the same steps in the same order; where it
comes to a window that is kept, the same is written and returned. So a layer is, after every step,
what it would be without memory, and what is lost is computed anew. A file that is not whole, or
that another function or window left, counts as lost. A step that works on the whole raster is kept
like one window that writes nothing.

Only what took long is kept: reading a cheap window back is no gain.
"""

import hashlib
import os
import pickle
import shutil
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from shanhai.raster.store import WindowRecord, recording
from shanhai.raster.windows import Item, Result, WindowRunner

LEAST_FREE_BYTES = 5 * 1024**3
"""Nothing is kept where less is free."""
SUFFIX = ".window"
DIGEST_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True, slots=True)
class CheckpointFolder:
    """Where finished windows are kept.

    Attributes:
        folder: Of one task and one version of all that computes it.
        workspace: The folder of the attempt, below which its stores are.
        least_s: Seconds a window must have taken to be kept.
    """

    folder: Path
    workspace: Path
    least_s: float

    def open(self) -> int:
        """Make the folder, unless it is there; how many windows it holds.

        Raises:
            PermissionError: Others may write there, so what it holds cannot be trusted.
        """
        job = self.folder.parent
        job.parent.parent.mkdir(parents=True, exist_ok=True)
        for place in (job.parent, job, self.folder):
            place.mkdir(
                mode=0o700, exist_ok=True
            )  # parents made on the way would not be ours alone
            status = place.stat()
            if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise PermissionError(f"{place} can be written by others")
        return sum(1 for _ in self.folder.glob(f"*{SUFFIX}"))


class CheckpointingRunner(WindowRunner):
    """A runner whose `remembered` side keeps what it finishes."""

    def __init__(self, runner: WindowRunner, memory: CheckpointFolder) -> None:
        self.runner = runner
        self.memory = memory
        self.steps = count()

    def run(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Results of `function` in the order of `items`; nothing is kept."""
        return self.runner.run(function, items)

    def remembered(self) -> WindowRunner:
        """The side for functions that write through scratch stores and nowhere else."""
        return _Remembered(self)


class _Remembered(WindowRunner):
    def __init__(self, owner: CheckpointingRunner) -> None:
        self._owner = owner

    def run(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        step = next(self._owner.steps)
        work = partial(_recall_or_compute, function, self._owner.memory, step)
        return self._owner.runner.run(work, list(enumerate(items)))

    def step(self, function: Callable[[], Result]) -> Result:
        return _recall_or_return(function, self._owner.memory, next(self._owner.steps))

    def remembered(self) -> WindowRunner:
        return self


class _Kept(NamedTuple):
    """What was left of a window: whose it is, what was written, what was returned."""

    said: str
    writes: list[WindowRecord]
    result: Any


def _recall_or_compute(
    function: Callable[[Item], Result],
    memory: CheckpointFolder,
    step: int,
    numbered: tuple[int, Item],
) -> Result:
    number, item = numbered
    path = memory.folder / f"{step}-{number}{SUFFIX}"
    said = f"{_name_of(function)} {item!r}"
    kept = _recall(path, said)
    if kept is not None:
        for write in kept.writes:
            write.repeat(memory.workspace)
        result: Result = kept.result
        return result
    started = time.perf_counter()
    with recording(memory.workspace) as writes:
        result = function(item)
    _keep_if_long(path, _Kept(said, writes, result), memory, started)
    return result


def _recall_or_return(
    function: Callable[[], Result], memory: CheckpointFolder, step: int
) -> Result:
    path = memory.folder / f"{step}{SUFFIX}"
    said = _name_of(function)
    kept = _recall(path, said)
    if kept is not None:
        found: Result = kept.result
        return found
    started = time.perf_counter()
    result = function()
    _keep_if_long(path, _Kept(said, [], result), memory, started)
    return result


def _keep_if_long(path: Path, kept: _Kept, memory: CheckpointFolder, started: float) -> None:
    took_long = time.perf_counter() - started >= memory.least_s
    if took_long and shutil.disk_usage(memory.folder).free > LEAST_FREE_BYTES:
        _keep(path, kept)


def _name_of(function: Callable[..., Any]) -> str:
    inner: Any = function
    while isinstance(inner, partial):
        inner = inner.func
    return f"{inner.__module__}.{inner.__qualname__}"


def _recall(path: Path, said: str) -> _Kept | None:
    """What is kept under the name, if it is whole and of the same function and item."""
    try:
        content = memoryview(path.read_bytes())
    except FileNotFoundError:
        return None
    digest, payload = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
    if hashlib.sha256(payload).digest() != digest:
        return None
    # Written by this account in a folder nobody else writes to.
    kept: _Kept = pickle.loads(payload)  # noqa: S301
    return kept if kept.said == said else None


@dataclass(slots=True)
class _Digested:
    """A file that takes the digest of what is written to it."""

    file: BinaryIO
    digest: Any = field(default_factory=hashlib.sha256)

    def write(self, content: Any) -> int:
        self.digest.update(content)
        return self.file.write(content)


def _keep(path: Path, kept: _Kept) -> None:
    # Another attempt may still be at the same window: each writes a file of its own.
    aside = path.with_suffix(f".{os.getpid()}.part")
    with aside.open("wb") as file:
        file.write(bytes(DIGEST_BYTES))
        digested = _Digested(file)
        # Straight into the file: a step may hold as much as a job has room for only once.
        pickle.dump(kept, digested, protocol=pickle.HIGHEST_PROTOCOL)
        file.seek(0)
        file.write(digested.digest.digest())
    aside.rename(path)
