"""The child process that computes a job: started, held to its limits, and stopped."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import structlog

import shanhai
from shanhai.isolation import Confinement
from shanhai.jobs.messages import Failure, out_of_memory, out_of_time
from shanhai.processes.catalogue import CONTRACTS
from shanhai.processes.kit.contract import USUAL_LIMITS, Limits
from shanhai.processes.kit.task import Task
from shanhai.raster.environment import FIXED_COMPUTING
from shanhai.settings import WorkerSettings
from shanhai.vocabulary import Label
from shanhai_worker.child_protocol import LINE, NEXT, Began, Done, Ended, News, ProgressReport

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PASSED_ON = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "LD_LIBRARY_PATH"),
    "NUMBA_CACHE_DIR",  # beside the code nothing can be written in a container
)
PASSED_ON_PREFIXES = (
    *("SHANHAI_LOG_", "GDAL_", "CPL_", "PROJ_", "XDG_", "MPL", "COVERAGE_"),
    "OPENBLAS_",  # its kernels differ in the last digits, and runs on files heed the choice of one
)


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables a child may see: none that hold the addresses or secrets of the stores."""
    passed = {
        name: value
        for name, value in environment.items()
        if name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)
    }
    return {**passed, **FIXED_COMPUTING}


def confinement_of(task: Task, settings: WorkerSettings) -> Confinement:
    """What the process of a task may do beyond writing its workspace.

    The tile service is reached through the worker, so that no address but that is; a Dask scheduler
    at its port. Whoever reads what others sent has neither, and no folder that other jobs use.
    """
    read = [*task.files.values()]
    write: list[str] = []
    if task.upload_uri is None:
        write += [folder for folder in (task.kept, task.windows, task.steps) if folder is not None]
        write += compile_folders()
    if task.cluster is not None:
        parts = (task.cluster.tls_ca, task.cluster.tls_cert, task.cluster.tls_key)
        read += [str(part) for part in parts if part is not None]
    return Confinement(
        read=tuple(read),
        write=tuple(write),
        relay=task.tiles is not None,
        port=None if task.cluster is None else urlsplit(task.cluster.scheduler).port,
        uid=settings.account,
        required=settings.isolation == "required",
    )


@cache
def compile_folders() -> list[str]:
    """Where numba and matplotlib keep what they have made once for all jobs."""
    home = Path(os.environ.get("HOME", "/nonexistent"))
    fonts = os.environ.get("MPLCONFIGDIR") or str(home / ".cache" / "matplotlib")
    given = os.environ.get("NUMBA_CACHE_DIR")
    if given:
        with suppress(OSError):
            Path(given).mkdir(parents=True, exist_ok=True)
        return [given, fonts]
    # Beside the code, where it is that of whoever works on it.
    science = Path(shanhai.__path__[0]) / "science"
    beside = {source.parent / "__pycache__" for source in science.rglob("*.py")}
    with suppress(OSError):
        for folder in beside:
            folder.mkdir(exist_ok=True)
    return [*sorted(map(str, beside)), fonts]


def hand_over(settings: WorkerSettings, *paths: Path) -> None:
    """Give files and folders to the account the processes of jobs run as, where there is one."""
    if settings.account is not None:
        for path in paths:
            os.chown(path, settings.account, settings.account)


FOLDERS = "shanhai-job-"
"""What the names of folders of jobs begin with."""


def make_folder(scratch: Path | None) -> TemporaryDirectory[str]:
    """A folder of a job; one of a worker that is killed is left for `remove_folders`."""
    return TemporaryDirectory(prefix=FOLDERS, dir=scratch, ignore_cleanup_errors=True)


class Crashed(Exception):
    """The child ended without a word; says how."""

    def __init__(self, how: Label) -> None:
        self.how = how


class Child:
    """A computing process, leader of a group of its own so that its helpers end with it.

    Attributes:
        pid: Its process id.
    """

    def __init__(self, pid: int, stream: "Stream", told: Callable[[ProgressReport], None]) -> None:
        self.pid = pid
        self._stream = stream
        self._told = told
        self._done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._ended = asyncio.create_task(self._listen())

    @property
    def waits(self) -> bool:
        """Whether it has done its job and could compute another."""
        return self._done.done() and not self._ended.done()

    async def wait(self) -> int:
        """Wait until it is done or has ended; the exit code, negative for a signal."""
        return await asyncio.shield(self._done)

    def go_on(self, told: Callable[[ProgressReport], None]) -> None:
        """Have one that waits compute the order that lies in its workspace now."""
        self._told = told
        self._done = asyncio.get_running_loop().create_future()
        self._stream.send(NEXT)

    async def stop(self) -> int:
        """Kill it with all it started, unless it has ended; nothing it holds is worth a delay."""
        if not self._ended.done():
            with suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
        return await self._ended

    async def _listen(self) -> int:
        # Where nobody is left to tell, the server was killed, and the child with it.
        code = -signal.SIGKILL
        with self._stream:
            async for news in self._stream:
                match news:
                    case ProgressReport():
                        self._told(news)
                    case Done() if not self._done.done():
                        self._done.set_result(0)
                    # The child can say so, too; the server does once there is no such process.
                    case Ended() if not (PROC / str(self.pid)).exists():
                        code = news.code
                        break
                    case _:
                        log.warning("unexpected", news=type(news).__name__)
        if not self._done.done():
            self._done.set_result(code)
        return code


class Stream:
    """What a child and its server tell, until neither is left; closed as a context."""

    def __init__(self, lines: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines = lines
        self._writer = writer

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *error: object) -> None:
        self._writer.close()

    def send(self, content: bytes) -> None:
        """Say something to the child; to one that has ended, nothing."""
        self._writer.write(content)

    async def __aiter__(self) -> AsyncIterator[News]:
        while not self._lines.at_eof():
            line = b""
            try:
                line = await self._lines.readline()
                if line.strip():
                    yield LINE.validate_json(line)
            except ConnectionError:  # what was said to the child is not read any more
                return
            except ValueError:  # also of a line that is too long, which is passed over
                log.warning("unreadable progress", line=line[:200])


BEGIN_S = 60.0
"""Seconds a child has to tell its number, which takes it milliseconds."""


class ForkServer:
    """The process that splits children off, started when first needed and again when it is gone."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._requests: socket.socket | None = None
        self._starting = asyncio.Lock()

    async def stand_by(self) -> socket.socket:
        """Have it running; where to send requests."""
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                await self._stop()
                self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                with theirs:
                    self._process = await self._start(theirs)
            assert self._requests is not None  # noqa: S101  (made above)
            return self._requests

    async def start(self, workspace: Path, told: Callable[[ProgressReport], None]) -> Child:
        """Start a child on the order in `workspace`; `told` is called with each progress.

        Raises:
            Crashed: The server was killed before it could, the machine has no room, or none began
                in time: waited for without end it would hold its slot, and obey no cancel.
        """
        requests = await self.stand_by()
        ours, theirs = socket.socketpair()
        with theirs, suppress(ConnectionError):  # told below by a stream nobody writes to
            socket.send_fds(requests, [os.fsencode(workspace)], [theirs.fileno()])
        stream = Stream(*await asyncio.open_connection(sock=ours))
        with suppress(TimeoutError):
            async with asyncio.timeout(BEGIN_S):
                async for news in stream:
                    if isinstance(news, Began):
                        return Child(news.pid, stream, told)
        with stream:
            raise Crashed(Label("作业进程未能启动", "the process of the job was not started"))

    async def close(self) -> None:
        """End it, and the children that may be left."""
        async with self._starting:
            await self._stop()

    async def _start(self, requests: socket.socket) -> asyncio.subprocess.Process:
        module, worker = "shanhai_worker.fork_server", os.getpid()
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", module, str(worker), str(requests.fileno())),
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=(requests.fileno(),),
            env=child_environment(os.environ),
            start_new_session=True,
        )

    async def _stop(self) -> None:
        if self._requests is not None:
            self._requests.close()
            self._requests = None
        if self._process is not None:
            await self._process.wait()
            self._process = None


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


async def exceed(limits: Limits, pid: int, started: float) -> Failure:
    """Wait until a process exceeds its limits, for ever if it never does.

    Args:
        started: When its job began, by the clock of the loop.
    """
    loop = asyncio.get_running_loop()
    while True:
        left_s = started + limits.time_s - loop.time()
        if left_s <= 0:
            return out_of_time(limits.time_s, limits.time_s - left_s)
        # First a pause: it holds nothing yet when it starts.
        await asyncio.sleep(min(MEASURE_S, left_s))
        try:
            held = held_mb(pid)
        except Exception:
            # Looking is our own affair: a look that fails is told, and fails no job.
            log.exception("memory not measured", pid=pid)
            held = 0.0
        if held > limits.memory_mb:
            return out_of_memory(limits.memory_mb, held)


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
