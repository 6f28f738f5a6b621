"""Starting and idling: the command line's help, until services are ready, what they take at rest.

Each is beside its limit; what the least takes that could be started, `python -c pass` or uvicorn
with one route of Starlette, stands with it. The modules are compiled before, as after an install.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.report import Row, Setup, Table
from benchmarks.timing import Sample
from benchmarks.workbench import Workbench
from shanhai.client import ApiClient
from shanhai.errors import Unavailable
from shanhai.local.services import HOST, SERVICES, ServiceSpec, is_ready
from tests.support.workers import free_port

ROUNDS = 5
HELP = Sample((0.4,))
READY = Sample((1.5,))
IDLE = Sample((0.005,))
"""Seconds of processor time in a second."""
REST_S = 60.0
"""How long services are watched."""
SETTLE_S = 30.0
"""After their start, when they do what is due."""
LOOK_S = 0.005
PATIENCE_S = 60.0
PAUSE_S = 5.0
BARE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
routes = [Route("/health/ready", lambda request: PlainTextResponse("ready"))]
uvicorn.run(Starlette(routes=routes), port=int(sys.argv[1]), log_config=None)
"""
ALONE = {"SHANHAI_HJ212_HOST": "", "SHANHAI_MQTT_URL": ""}
"""A second worker: what comes from devices goes to the first."""
PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")

SETUP = Setup(
    settings="each service alone on the machine beside an idle stack; at rest all of them",
    warm="compiled modules, what the system keeps of files",
    processes=(1, 0),
)


def run(bench: Workbench) -> Table:
    """The command line; each service; the stack at rest."""
    table = Table("starting", "starting and idling", "limit", setup=SETUP)
    # As after an install, whatever the environment of this process and the checkout's files are.
    cache = str(bench.made("bytecode"))
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": cache}
    table.rows.append(_help(compiled))
    least = _rounds(lambda: _until_ready([sys.executable, "-c", BARE], compiled))
    for spec in SERVICES:
        settings = bench.stack.environment_of(spec.name) | ALONE | compiled
        table.rows.append(_ready(spec, settings, least))
    table.rows += _at_rest(bench)
    return table


def _help(compiled: Mapping[str, str]) -> Row:
    script = str(Path(sys.executable).with_name("shanhai"))
    ours = _rounds(lambda: _seconds_of([script, "--help"], compiled))
    least = _rounds(lambda: _seconds_of([sys.executable, "-c", "pass"], compiled))
    return Row("shanhai --help", ours, HELP, 1.0, {**_least(least), "former s": 2.3})


def _least(sample: Sample) -> dict[str, float]:
    return {"least, ms": 1000 * sample.median}


def _rounds(seconds: Callable[[], float]) -> Sample:
    """After one round that fills caches and is not counted."""
    seconds()
    return Sample(tuple(seconds() for _ in range(ROUNDS)))


def _seconds_of(command: Sequence[str], settings: Mapping[str, str]) -> float:
    environment = {**os.environ, **settings}
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - started


def _ready(spec: ServiceSpec, settings: Mapping[str, str], least: Sample) -> Row:
    command = [sys.executable, "-m", spec.module]

    def ours() -> float:
        return _until_ready(command, settings, f"{spec.variable}PORT")

    return Row(f"{spec.name} until it is ready", _rounds(ours), READY, 1.0, _least(least))


def _until_ready(command: Sequence[str], settings: Mapping[str, str], port_in: str = "") -> float:
    """Seconds from the start of a server to its first answer that it is ready.

    Args:
        command: What starts it.
        settings: Its environment beside ours.
        port_in: The variable that tells it its port, or nothing where an argument does.

    Raises:
        Unavailable: It ended, or did not become ready.
    """
    port = free_port()
    told = {port_in: str(port)} if port_in else {}
    arguments = [] if port_in else [str(port)]
    started = time.perf_counter()
    with _process([*command, *arguments], {**os.environ, **settings, **told}) as process:
        while not is_ready(port):
            if process.poll() is not None or time.perf_counter() - started > PATIENCE_S:
                raise Unavailable(f"{' '.join(command[:3])} did not become ready")
            time.sleep(LOOK_S)
        return time.perf_counter() - started


@contextmanager
def _process(
    command: Sequence[str], environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _at_rest(bench: Workbench) -> Iterator[Row]:
    """Each service with the processes it keeps: processor time in a second, private memory."""
    groups = {spec.name: _family(_pid(bench, spec)) for spec in SERVICES}
    time.sleep(SETTLE_S)
    before = {name: _processor_s(pids) for name, pids in groups.items()}
    time.sleep(REST_S)
    for name, pids in groups.items():
        used = (_processor_s(pids) - before[name]) / REST_S
        # A tick of the clock is the least that is told.
        ours = Sample((max(used, 1 / TICKS / REST_S),))
        facts = {"MiB of its own": _private_mib(pids[0])}
        if name == "worker":
            facts["former ms"] = 30.0
            facts["MiB of the process jobs split off"] = _private_mib(pids[-1])
            facts["MiB of a job before it computes"] = _job_mib(bench, pids[-1])
        yield Row(f"{name} at rest, of a second", ours, IDLE, 1.0, facts)


def _pid(bench: Workbench, spec: ServiceSpec) -> int:
    process = bench.stack.services[spec.name].process()
    if process is None:
        raise Unavailable(f"{spec.name} does not run on {HOST}")
    return process.pid


def _family(pid: int) -> list[int]:
    """A process and those it started, in order."""
    return [pid, *(one for child in _children(pid) for one in _family(child))]


def _children(pid: int) -> list[int]:
    threads = (PROC / str(pid) / "task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text().split()]


def _processor_s(pids: Sequence[int]) -> float:
    fields = [(PROC / str(pid) / "stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in fields) / TICKS


def _private_mib(pid: int) -> float:
    """What would be free without the process: pages it shares with others left out."""
    lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def _job_mib(bench: Workbench, server: int) -> float:
    """Of the process of a job that does nothing for a while."""
    with ApiClient(bench.stack.api_url, bench.key) as api:
        api.submit("echo", {"message": "memory", "pause": PAUSE_S})
        deadline = time.monotonic() + PATIENCE_S
        while not (started := _children(server)):
            if time.monotonic() > deadline:
                raise Unavailable("no process was split off for a job")
            time.sleep(LOOK_S)
        time.sleep(PAUSE_S / 2)
        return _private_mib(started[0])
