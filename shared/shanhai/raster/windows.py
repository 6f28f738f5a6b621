"""Run a function over windows, here or in other processes, with results in window order.

A function that reads only its window (and halo) and writes only its window gives the same bytes
whatever the number of processes, and may be run again when a worker of a cluster is lost.

The processes of this machine are reached over pipes alone. The pools of the standard library need
named semaphores, and so a writable /dev/shm, which hardened machines and containers do not always
give.

Finished windows and steps are kept so that another attempt at a job need not compute them again.
What a function writes of a window through a `ScratchStore`, and what it returns, is kept as one
file in a folder of this machine. Another attempt makes the same steps in the same order; where it
comes to a window that is kept, the same is written and returned. So a layer is, after every step,
what it would be without memory, and what is lost is computed anew. A file that is not whole, or
that another function or window left, counts as lost. A step that works on the whole raster is kept
like one window that writes nothing. Only what took long is kept: reading a cheap window back is no
gain.
"""

import ctypes
import hashlib
import math
import multiprocessing
import os
import pickle
import shutil
import signal
import socket
import stat
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from io import BufferedReader
from itertools import count
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkContext, SpawnContext
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar, cast
from urllib.parse import urlsplit

from shanhai.raster.store import WindowRecord, recording
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
        apart: Whether its workers may be on machines that share no folder with this one.
    """

    scheduler: str
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    apart: bool = field(default=False, kw_only=True)

    @classmethod
    def named_in(cls, settings: DaskSettings, *, apart: bool = False) -> "Cluster | None":
        """The cluster the settings name, if they do."""
        if not settings.scheduler:
            return None
        tls = (settings.tls_ca, settings.tls_cert, settings.tls_key)
        return cls(settings.scheduler, *tls, apart=apart)

    def resolved(self) -> "Cluster":
        """The same with the scheduler's address as a number, for who cannot ask for names.

        Unchanged where nobody knows the name now.
        """
        parts = urlsplit(self.scheduler)
        try:
            found = socket.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_STREAM)
        except OSError:
            return self
        number = str(found[0][4][0])
        host = f"[{number}]" if ":" in number else number
        return replace(self, scheduler=f"{parts.scheme}://{host}:{parts.port}")


class WindowRunner:
    """Runs windows one after the other in this process."""

    def run(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Results of `function` in the order of `items`, windows as a rule."""
        return map(function, items)

    def beside(
        self, function: Callable[[Item], Result], items: Sequence[Item]
    ) -> Callable[[], list[Result]]:
        """Begin work whose results are wanted later, where there are other processes for it.

        Returns:
            Waits for the results, which are in the order of `items`, and raises what `function`
            raised; called once.
        """
        return lambda: list(self.run(function, items))

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

    def end_part(self) -> None:
        """Say that what was done until now may be left out by another attempt as a whole."""


class PooledRunner(WindowRunner):
    """Runs windows in other processes; `function` must be picklable.

    Each process is told of all work beside at once, and takes the next piece of it while no window
    waits for it.

    Args:
        pipes: To each of the processes.
        tickets: From which all of them take what piece is next.
    """

    def __init__(self, pipes: Sequence[Pipe], tickets: Pipe) -> None:
        self.pipes = pipes
        self._tickets = tickets
        self._works = count()

    def beside(
        self, function: Callable[[Item], Result], items: Sequence[Item]
    ) -> Callable[[], list[Result]]:
        """Begin work whose results are wanted later; past 8,192 waiting pieces, wait for some.

        Raises:
            RuntimeError: when its results are asked for: a process of the pool ended.
        """
        work = next(self._works)
        told = ForkingPickler.dumps(_Dealt(work, function, items))
        for pipe in self.pipes:
            pipe.send_bytes(told)
        for at in range(len(items)):
            os.write(self._tickets.fileno(), _TICKET.pack(work, at))

        def collect() -> list[Result]:
            for pipe in self.pipes:
                pipe.send(_Wanted(work))
            done = dict[int, tuple[bool, Any]]()
            for pipe in self.pipes:
                done |= receive(pipe)[1]
            for at in range(len(items)):
                succeeded, value = done[at]
                if not succeeded:
                    raise value
            return [done[at][1] for at in range(len(items))]

        return collect

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
                        pipe.send(_Window(function, item))
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
            every worker of the cluster must see under the same path unless it is one apart.

    Raises:
        Unavailable: the cluster does not answer, or is not fit for the work.
    """
    if cluster is None:
        with _home_runner(processes) as runner:
            yield runner
        return
    # Here, because it takes a second to load and few machines have a cluster.
    from shanhai.raster.dask_windows import dask_runner

    with (
        _home_runner(processes if cluster.apart else 1) as home,
        dask_runner(cluster, shared, home) as runner,
    ):
        yield runner


@contextmanager
def _home_runner(processes: int) -> Iterator[WindowRunner]:
    if processes <= 1:
        yield WindowRunner()
    else:
        with pooled_runner(processes) as runner:
            yield runner


@contextmanager
def pooled_runner(processes: int) -> Iterator[PooledRunner]:
    """A runner with processes of its own, which end with it."""
    taken, given = multiprocessing.Pipe(duplex=False)
    os.set_blocking(taken.fileno(), False)
    with taken, given, ExitStack() as stack:
        pipes = [stack.enter_context(_pooled_process(taken)) for _ in range(processes)]
        taken.close()
        yield PooledRunner(pipes, given)
        for pipe in pipes:  # so that they end together
            pipe.close()


@contextmanager
def _pooled_process(tickets: Pipe) -> Iterator[Pipe]:
    """A process that serves windows over a pipe until the pipe is closed."""
    copied = _may_fork()
    context: ForkContext | SpawnContext = (
        multiprocessing.get_context("fork") if copied else multiprocessing.get_context("spawn")
    )
    here, there = context.Pipe()
    _ENDS.append(here)
    inherited = tuple(_ENDS) if copied else ()
    process = context.Process(target=serve, args=(there, tickets, inherited), daemon=True)
    process.start()
    there.close()
    try:
        yield here
    finally:
        _ENDS.remove(here)
        here.close()
        process.join()


_ENDS: list[Pipe] = []
"""This process's ends of the pipes to its pools."""


def _may_fork() -> bool:
    """Whether a copy of this process can compute, which saves it to load everything again.

    It cannot where another thread may hold a lock of the BLAS library's or the allocator's, or
    once GDAL was used, whose open files would be read from one place by both.
    """
    gdal = sys.modules.get("rasterio._env")
    alone = len(os.listdir("/proc/self/task")) == 1
    return alone and (gdal is None or gdal.driver_count() == 0)


class _Window(NamedTuple):
    """A window that is waited for."""

    function: Callable[[Any], Any]
    item: Any


class _Dealt(NamedTuple):
    """Work that nobody waits for yet, of which each ticket is a piece."""

    work: int
    function: Callable[[Any], Any]
    items: Sequence[Any]


class _Wanted(NamedTuple):
    """A request for the results of work that was dealt."""

    work: int


_TICKET = struct.Struct("<II")
"""The number of a work, and of one of its items; read whole by one process, as it was written."""


def serve(pipe: Pipe, tickets: Pipe, inherited: Sequence[Pipe] = ()) -> None:
    """Answer windows until the other end of the pipe is closed, and do what was dealt meanwhile.

    Args:
        pipe: Where windows come from.
        tickets: Where all processes of the pool take the pieces of what was dealt.
        inherited: Ends of its parent's pipes, of which this process must not keep a copy.
    """
    die_with_parent()
    for end in inherited:
        end.close()
    beside = _Beside(tickets)
    while True:
        while not pipe.poll() and beside.go_on():
            pass
        if pipe not in wait([pipe, tickets]):
            continue
        try:
            asked: _Window | _Dealt | _Wanted = pipe.recv()
        except EOFError:
            return
        match asked:
            case _Dealt():
                beside.take(asked)
            case _Wanted(work):
                pipe.send((True, beside.finish(work)))
            case _Window(function, item):
                pipe.send(_answer(function, item))


@dataclass(slots=True)
class _Beside:
    """The work beside as one process of a pool knows it, and what it has done of it.

    Attributes:
        tickets: Where the processes take their pieces, in the order in which they were dealt.
        dealt: Each work by its number.
        done: By work and item, whether it succeeded and what came of it.
        held: A ticket that was taken and is not done yet.
    """

    tickets: Pipe
    dealt: dict[int, _Dealt] = field(default_factory=dict)
    done: dict[int, dict[int, tuple[bool, Any]]] = field(default_factory=dict)
    held: tuple[int, int] | None = None

    def take(self, dealt: _Dealt) -> None:
        """Know of more work."""
        self.dealt[dealt.work] = dealt
        self.done[dealt.work] = {}

    def go_on(self, last: float = math.inf) -> bool:
        """Do the next piece of the work up to a number; False where there is none now."""
        if self.held is None:
            self.held = self._take_ticket()
        if self.held is None:
            return False
        work, at = self.held
        # Its ticket may have come before the work, which is then the next that the pipe tells.
        if work > last or work not in self.dealt:
            return False
        self.held = None
        dealt = self.dealt[work]
        self.done[work][at] = _answer(dealt.function, dealt.items[at])
        return True

    def finish(self, work: int) -> dict[int, tuple[bool, Any]]:
        """Do what nobody has taken of a work; what came of the pieces that were done here."""
        while self.go_on(work):
            pass
        del self.dealt[work]
        return self.done.pop(work)

    def _take_ticket(self) -> tuple[int, int] | None:
        try:
            return _TICKET.unpack(os.read(self.tickets.fileno(), _TICKET.size))
        except BlockingIOError:
            return None


def _answer(function: Callable[[Any], Any], item: Any) -> tuple[bool, Any]:
    try:
        return True, function(item)
    except Exception as error:
        return False, error


def die_with_parent() -> None:
    """A killed parent must not leave its pool behind (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


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
            # Parents made on the way would not be ours alone.
            place.mkdir(mode=0o700, exist_ok=True)
            require_own(place)
        return sum(1 for _ in self.folder.glob(f"*{SUFFIX}"))


def require_own(place: Path) -> None:
    """Refuse a folder that others may write to.

    Raises:
        PermissionError: They may, so what it holds cannot be trusted.
    """
    status = place.stat()
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(f"{place} can be written by others")


def has_room(place: Path) -> bool:
    """Whether more may be kept in a folder."""
    return shutil.disk_usage(place).free > LEAST_FREE_BYTES


_STEPS_OF_A_PART = 10_000


class CheckpointingRunner(WindowRunner):
    """A runner whose `remembered` side keeps what it finishes."""

    def __init__(self, runner: WindowRunner, memory: CheckpointFolder) -> None:
        self.runner = runner
        self.memory = memory
        self.parts = count(1)
        self.steps = count()

    def end_part(self) -> None:
        """Number steps from a round number on, however many were made until now."""
        self.steps = count(next(self.parts) * _STEPS_OF_A_PART)

    def run(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Results of `function` in the order of `items`; nothing is kept."""
        return self.runner.run(function, items)

    def beside(
        self, function: Callable[[Item], Result], items: Sequence[Item]
    ) -> Callable[[], list[Result]]:
        """Begin work whose results are wanted later; nothing is kept."""
        return self.runner.beside(function, items)

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
    if took_long and has_room(memory.folder):
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
    try:
        kept: _Kept = pickle.loads(payload)  # noqa: S301
    except (AttributeError, ImportError, TypeError, pickle.UnpicklingError):
        return None  # by a class that has gone, or was changed, since
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
    write_digested(aside, [kept])
    aside.rename(path)


def write_digested(path: Path, parts: Iterable[Any]) -> None:
    """Write the parts one after the other, and before them the digest of all."""
    with path.open("wb") as file:
        file.write(bytes(DIGEST_BYTES))
        digested = _Digested(file)
        for part in parts:
            # Straight into the file: a step may hold as much as a job has room for only once.
            pickle.dump(part, digested, protocol=pickle.HIGHEST_PROTOCOL)
        file.seek(0)
        file.write(digested.digest.digest())


def is_whole(file: BufferedReader) -> bool:
    """Whether the file is what was written; it is then read from its first part on."""
    digest = file.read(DIGEST_BYTES)
    whole = hashlib.file_digest(file, "sha256").digest() == digest
    file.seek(DIGEST_BYTES)
    return whole
