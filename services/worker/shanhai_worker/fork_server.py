"""Stands by with everything loaded that a job's process needs, and splits one off for each job.

Loading takes longer than a small job. The server has one thread, neither address nor secret of
a store, and nothing loaded that a copy could not use: no library with threads of its own, and of
GDAL the code alone, which nothing here calls. What computing jobs need besides is loaded once
nobody has asked for anything for a while.

A request is the path of a workspace, with one end of a stream beside it. Down the stream the new
process tells its number and its progress, and after its end the server tells its exit code, each
as a line of JSON (`child_protocol`). Where its order says so it stays, and takes further orders.
The server ends with its worker, and what it has split off with it.

A process that stays must be to each job as a new one would be. What can be put back is put back:
environment, working folder, file mask, random numbers, names and containers of its own modules.
What cannot ends it: a thread, a helper, an open file, a module of its own loaded meanwhile, memory
that is not given back. Files are the worker's to remove.
"""

import ctypes
import gc
import json
import os
import random
import resource
import selectors
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

import structlog
from pydantic import BaseModel

from shanhai.isolation import confine, die_with_parent, hide_memory, prepare
from shanhai.jobs.messages import classify
from shanhai.loading import as_if_missing, loading
from shanhai.processes.catalogue import CONTRACTS, compute_of
from shanhai.processes.kit.checkout import own_commit
from shanhai.processes.kit.report_pdf import leaving_room, set_pdf
from shanhai.processes.kit.task import Outcome
from shanhai.settings import LogSettings
from shanhai.telemetry import configure_logging
from shanhai_worker import child_protocol

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PR_SET_CHILD_SUBREAPER = 36
CHILDREN = Path("/proc/thread-self/children")
GRACE_S = 5
IDLE_S = 0.5
"""Seconds without a request after which the next of the libraries is loaded."""
COMPUTING = (
    *("scipy.ndimage", "scipy.spatial", "scipy.stats", "shanhai.science.kernels"),
    *("matplotlib.figure", "matplotlib.backends.backend_agg"),
    *("sklearn.cluster", "sklearn.mixture", "sklearn.metrics"),
    *("shanhai.reporting.word", "shanhai.reporting.pages", "rasterio"),
    "shanhai.processes.delineate_zones.compute",  # whose imports most other processes share
)
"""What takes a computing job a second or two to load, in the order it is loaded."""
PREPARED = {
    "shanhai.science.kernels": "load_compiler",
    "shanhai.reporting.pages": "load_templates",
}
"""What is called of a module once it is loaded."""
UNASKED = "pandas"
"""What scikit-learn loads where it is installed, only to know its tables; it brings a thread."""


class ProgressLines:
    """Progress as lines of JSON, one for every new per cent or stage."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._told: tuple[int, str] | None = None

    def __call__(self, percent: float, stage: str) -> None:
        """Tell how far the computation is."""
        if self._told == (int(percent), stage):
            return
        self._told = (int(percent), stage)
        _say(self._stream, child_protocol.ProgressReport(percent=percent, stage=stage))


MOST_GROWTH_MB = 64
"""Memory a process may hold beyond what it began with, and still compute another job."""
CONTAINERS = (dict, list, set, bytearray)


class Beginning:
    """How a process was before its first job.

    Args:
        module: What computes; the modules of its package are put back as they were.
    """

    def __init__(self, module: str) -> None:
        self._package = module.rpartition(".")[0] or module
        self._environment = dict(os.environ)
        self._folder = os.getcwd()
        self._mask = _file_mask()
        self._files = _open_files()
        self._path = list(sys.path)
        self._random = random.getstate()
        self._drawn = _numbers_of_numpy()
        self._names = {module: _contents(module) for module in self._modules()}
        self._loaded = dict(sys.modules)
        self._held_mb = held_mb()

    def restore(self) -> str | None:
        """Put back what a job has changed; why another one must not begin here, if so."""
        os.environ.clear()
        os.environ.update(self._environment)
        os.chdir(self._folder)
        os.umask(self._mask)
        sys.path[:] = self._path
        random.setstate(self._random)
        if "numpy" in sys.modules:
            _draw_anew(self._drawn)
        for module, names in self._names.items():
            _put_back(module, names)
        return self._fault()

    def _fault(self) -> str | None:
        if sys.modules != self._loaded:
            if set(self._modules()) != self._names.keys():
                return "modules"
            self._loaded = dict(sys.modules)
        if threading.active_count() > 1:
            return "threads"
        if CHILDREN.read_text(encoding="ascii"):
            return "processes"
        if _open_files() != self._files:
            return "open files"
        if held_mb() - self._held_mb > MOST_GROWTH_MB:
            gc.collect()
            if held_mb() - self._held_mb > MOST_GROWTH_MB:
                return "memory"
        return None

    def _modules(self) -> Iterator[ModuleType]:
        inside = f"{self._package}."
        for name, module in list(sys.modules.items()):
            if name.startswith(inside) or name == self._package:
                yield module


def held_mb() -> float:
    """The memory this process holds that no file does, MB."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGE_SIZE") / 1024**2


def _open_files() -> frozenset[str]:
    return frozenset(os.listdir("/proc/self/fd"))


def _file_mask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _numbers_of_numpy() -> Any:
    numpy = sys.modules.get("numpy")
    return None if numpy is None else numpy.random.get_state()


def _draw_anew(state: Any) -> None:
    numpy: Any = sys.modules["numpy"]
    if state is None:
        numpy.random.seed()
    else:
        numpy.random.set_state(state)


def _contents(module: ModuleType) -> dict[str, tuple[Any, Any]]:
    """Its names, what they mean, and what was in those that can be filled."""
    return {
        name: (value, value.copy() if type(value) in CONTAINERS else None)
        for name, value in vars(module).items()
        if name != "__builtins__"
    }


def _put_back(module: ModuleType, names: Mapping[str, tuple[Any, Any]]) -> None:
    now = vars(module)
    for name in now.keys() - names.keys() - {"__builtins__"}:
        del now[name]
    for name, (value, contents) in names.items():
        now[name] = value
        if contents is None:
            continue
        value.clear()
        if isinstance(value, dict | set):
            value.update(contents)
        else:
            value.extend(contents)


def compute_jobs(workspace: Path) -> int:
    """Carry out the order that lies in the workspace, and further ones where it says to stay.

    Returns:
        The exit code of the process: 1 when it has left a failure, after which it does no more.
    """
    order = _read_order(workspace)
    configure_logging(LogSettings())
    stream = _keep_stdout_for_progress()
    # Before anything of the first job can change it.
    beginning = Beginning(compute_of(order.task.process).__module__) if order.stays else None
    code = compute_job(workspace, order, stream, begin=partial(_isolate, order, workspace))
    for number in range(1, child_protocol.MOST_JOBS):
        if beginning is None or code != 0:
            return code
        if (fault := beginning.restore()) is not None:
            log.info("computes no more", left=fault)
            return 0
        _say(stream, child_protocol.Done(done=number))
        if os.read(stream.fileno(), 1) != child_protocol.NEXT:
            return 0
        code = compute_job(workspace, _read_order(workspace), stream)
    return code


def compute_job(
    workspace: Path,
    order: child_protocol.ChildOrder,
    stream: TextIO,
    begin: Callable[[], None] = lambda: None,
) -> int:
    """Carry out one order and leave the outcome or the failure in the workspace."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**order.log_context)
    try:
        begin()
        outcome = _compute(order, workspace / child_protocol.WORK, ProgressLines(stream))
        child_protocol.write_durably(workspace / child_protocol.OUTCOME, outcome.model_dump_json())
    except Exception as error:
        failure = classify(error, memory_limit_mb=order.memory_limit_mb, memory_mb=most_held_mb())
        if failure.kind == "invalid":
            log.warning("computation refused", reason=failure.detail.en)
        else:
            log.exception("computation failed", failure=failure.kind)
        # The disk may be full: the reason takes the room that was kept for it.
        (workspace / child_protocol.RESERVE).unlink(missing_ok=True)
        child_protocol.write_durably(
            workspace / child_protocol.FAILURE, json.dumps(failure.document(), ensure_ascii=False)
        )
        return 1
    return 0


def _read_order(workspace: Path) -> child_protocol.ChildOrder:
    return child_protocol.ChildOrder.model_validate_json(
        (workspace / child_protocol.ORDER).read_bytes()
    )


def _isolate(order: child_protocol.ChildOrder, workspace: Path) -> None:
    """Leave this process its workspace and what its order needs, before it looks at anything."""
    if order.caches is not None:
        os.environ["NUMBA_CACHE_DIR"] = order.caches
        if kernels := sys.modules.get("shanhai.science.kernels"):  # which the server has loaded
            kernels.keep_in(order.caches)
    write = (*order.confinement.write, str(workspace))
    found = confine(order.confinement.model_copy(update={"write": write}))
    missing = [one.name for one in found if one.fault is not None]
    log.debug("isolated", missing=missing)
    limit_memory(order.memory_limit_mb)
    if order.upload_limits is not None:
        limit_upload(order.upload_limits)


def limit_memory(limit_mb: int) -> None:
    """Make allocations beyond the limit fail here instead of exhausting the machine."""
    limit = limit_mb * 1024**2
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def most_held_mb() -> float:
    """The most memory this process ever held, MB.

    Not what `getrusage` tells, which begins with what the process held that this one came from.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def limit_upload(limits: child_protocol.UploadLimits) -> None:
    """Bound what a file from outside can make its reader do: compute on and on, or fill the disk.

    The first ends this process by a signal, the second fails the write.
    """
    cpu_s = limits.cpu_s
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + GRACE_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file_bytes, limits.file_bytes))


def _compute(order: child_protocol.ChildOrder, work: Path, progress: ProgressLines) -> Outcome:
    work.mkdir(exist_ok=True)
    if order.report is not None:
        return set_pdf(Path(order.report), work)
    process = order.task.process
    return compute_of(process)(order.task, work, leaving_room(progress, CONTRACTS.get(process)))


def _say(stream: TextIO, news: BaseModel) -> None:
    print(news.model_dump_json(), file=stream, flush=True)


def _keep_stdout_for_progress() -> TextIO:
    """Send what libraries print to the log; only progress goes where the worker reads."""
    lines = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return lines


def load_ahead() -> Iterator[str]:
    """Load what computing jobs need, library by library; names what was loaded."""
    for name in COMPUTING:
        try:
            with as_if_missing(UNASKED), loading():
                module = import_module(name)
        except ImportError:  # a worker may be installed without what it never computes
            log.warning("not loaded ahead", module=name)
            continue
        if name in PREPARED:
            getattr(module, PREPARED[name])()
        yield name
    gc.collect()
    gc.freeze()


class ForkingServer:
    """The processes that were split off and still run, and the streams of those they work for."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._watched = selectors.DefaultSelector()
        self._watched.register(requests, selectors.EVENT_READ)
        self._running: dict[int, tuple[int, socket.socket]] = {}

    def serve(self) -> Path | None:
        """Answer requests until there can be no more.

        Returns:
            In a process that was split off, the workspace where its order lies; None in the server.
        """
        ahead: Iterator[str] | None = load_ahead()
        while True:
            asked = self._watched.select(IDLE_S if self._reap() or ahead is not None else None)
            if ahead is not None and not asked and next(ahead, None) is None:
                ahead = None
            for key, _ in asked:
                if key.fd in self._running:
                    self._tell_end(key.fd)
                    continue
                message, handles, _, _ = socket.recv_fds(
                    self._requests, child_protocol.PATH_BYTES, 1
                )
                if not message:
                    return None
                workspace, stream = Path(os.fsdecode(message)), socket.socket(fileno=handles[0])
                if self._split(stream):
                    _settle(workspace, stream)
                    return workspace

    def _split(self, stream: socket.socket) -> bool:
        """Whether this is the new process."""
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError:
            _tell(stream, child_protocol.Ended(code=os.EX_OSERR))
            stream.close()
            return False
        if pid == 0:
            die_with_parent(server)
            self._forget()
            return True
        handle = os.pidfd_open(pid)
        self._watched.register(handle, selectors.EVENT_READ)
        self._running[handle] = (pid, stream)
        return False

    def _tell_end(self, handle: int) -> None:
        pid, stream = self._running.pop(handle)
        self._watched.unregister(handle)
        os.close(handle)
        _, status = os.waitpid(pid, 0)
        _tell(stream, child_protocol.Ended(code=os.waitstatus_to_exitcode(status)))
        stream.close()

    def _reap(self) -> bool:
        """End what processes that have ended left running; whether there was any."""
        children = {*map(int, CHILDREN.read_text(encoding="ascii").split())}
        left = children - {pid for pid, _ in self._running.values()}
        for pid in left:
            with suppress(PermissionError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, os.WNOHANG)
        return bool(left)

    def _forget(self) -> None:
        """Close what only the server needs."""
        self._watched.close()
        self._requests.close()
        for handle, (_, stream) in self._running.items():
            os.close(handle)
            stream.close()


def _settle(workspace: Path, stream: socket.socket) -> None:
    """Lead a group of processes, at home in the workspace, whose output goes down the stream."""
    os.setsid()
    os.chdir(workspace)
    os.environ["TMPDIR"] = str(workspace)
    tempfile.tempdir = None
    os.dup2(stream.fileno(), sys.stdout.fileno())
    _tell(stream, child_protocol.Began(pid=os.getpid()))
    stream.close()


def _tell(stream: socket.socket, news: BaseModel) -> None:
    """Send a line; it begins anew, since who spoke before may have been killed within one."""
    with suppress(ConnectionError):  # nobody waits for it any more
        stream.sendall(b"\n" + news.model_dump_json().encode() + b"\n")


def main(worker_pid: int, handle: int) -> int:
    """Serve the worker; in a process that was split off, compute its job."""
    die_with_parent(worker_pid)
    # What a job leaves running would else be left to the worker, where that is the first process.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    hide_memory()
    prepare()
    own_commit()  # a job's process must not look into a repository
    gc.freeze()  # copies share these pages until somebody writes to them
    with socket.socket(fileno=handle) as requests:
        workspace = ForkingServer(requests).serve()
    if workspace is None:
        return 0
    code = compute_jobs(workspace)
    sys.stderr.flush()
    # Taking so much apart in order would copy it first, and takes longer than a small job.
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
