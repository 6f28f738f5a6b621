"""The server that splits off children: each alone in its folder and group, told of, and stopped."""

import asyncio
import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from shanhai.processes.kit.task import Outcome, Task
from shanhai_worker import child_process
from shanhai_worker.child_process import Child, Crashed, ForkServer
from shanhai_worker.child_protocol import ORDER, OUTCOME, ChildOrder, ProgressReport
from shanhai_worker.fork_server import PR_SET_CHILD_SUBREAPER
from tests.support.workers import children_of, eventually, is_running, servers_of

WAIT_S = 30


@pytest.fixture
async def server() -> AsyncIterator[ForkServer]:
    server = ForkServer()
    yield server
    await asyncio.wait_for(server.close(), WAIT_S)


def write_order(folder: Path, message: str, pause: float) -> None:
    inputs = {"message": message, "pause": pause}
    order = ChildOrder(task=Task(process="echo", inputs=inputs), memory_limit_mb=1024)
    folder.mkdir(exist_ok=True)
    (folder / ORDER).write_text(order.model_dump_json())


async def start(
    server: ForkServer, folder: Path, *, message: str = "one", pause: float = 0.1
) -> tuple[Child, list[ProgressReport]]:
    """A child that returns a message after a while, and what it tells."""
    write_order(folder, message, pause)
    told: list[ProgressReport] = []
    return await asyncio.wait_for(server.start(folder, told.append), WAIT_S), told


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


async def gone(*processes: int) -> None:
    async def ended() -> bool:
        return not any(map(is_running, processes))

    await eventually(ended)


async def test_each_child_computes_its_own_order(server: ForkServer, tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(4)]
    begun = [await start(server, folder, message=folder.name) for folder in folders]
    codes = await asyncio.wait_for(asyncio.gather(*(child.wait() for child, _ in begun)), WAIT_S)
    assert codes == [0] * 4
    outcomes = [Outcome.model_validate_json((folder / OUTCOME).read_text()) for folder in folders]
    assert [outcome.values["message"] for outcome in outcomes] == ["0", "1", "2", "3"]
    assert all(told for _, told in begun)


async def test_a_child_is_at_home_in_its_workspace(server: ForkServer, tmp_path: Path) -> None:
    child, _ = await start(server, tmp_path, pause=600)
    home = Path(f"/proc/{child.pid}")
    assert (home / "cwd").readlink() == tmp_path
    assert os.getpgid(child.pid) == os.getsid(child.pid) == child.pid
    open_ = {entry.readlink().name for entry in (home / "fd").iterdir()}
    sockets = [name for name in open_ if name.startswith("socket")]
    assert len(sockets) == 1, "what it tells goes down one stream; no other is left open"
    assert await child.stop() == -signal.SIGKILL


async def test_only_the_child_that_is_stopped_ends(server: ForkServer, tmp_path: Path) -> None:
    one, _ = await start(server, tmp_path / "1", pause=600)
    other, _ = await start(server, tmp_path / "2", pause=600)
    assert await asyncio.wait_for(one.stop(), WAIT_S) == -signal.SIGKILL
    assert not is_running(one.pid)
    assert is_running(other.pid)
    assert await asyncio.wait_for(other.stop(), WAIT_S) == -signal.SIGKILL


async def test_a_killed_server_takes_its_children_along_and_is_replaced(
    server: ForkServer, tmp_path: Path
) -> None:
    child, _ = await start(server, tmp_path / "1", pause=600)
    first = parent_of(child.pid)
    os.kill(first, signal.SIGKILL)
    assert await asyncio.wait_for(child.wait(), WAIT_S) == -signal.SIGKILL
    await gone(child.pid, first)

    async def replaced() -> bool:
        try:
            following, _ = await start(server, tmp_path / "2")
        except Crashed:  # asked for before its end was noticed
            return False
        assert parent_of(following.pid) != first
        return await following.wait() == 0

    await eventually(replaced)


async def test_a_child_that_does_not_begin_is_waited_for_no_longer_than_bounded(
    server: ForkServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = await start(server, tmp_path / "1", pause=600)
    above = parent_of(first.pid)
    os.kill(above, signal.SIGSTOP)
    with monkeypatch.context() as patched:
        patched.setattr(child_process, "BEGIN_S", 0.2)
        with pytest.raises(Crashed):
            await start(server, tmp_path / "2", pause=600)
    os.kill(above, signal.SIGCONT)

    async def alone() -> bool:
        return children_of(os.getpid()) == [first.pid]

    child, _ = await start(server, tmp_path / "3")
    assert await asyncio.wait_for(child.wait(), WAIT_S) == 0
    await eventually(alone)  # the second ends, since nobody hears what it tells


MISUSING = """
import os, sys, time
import shanhai_worker.fork_server as server
from shanhai.processes.kit.task import Outcome

def compute(task, workspace, progress):
    {body}

server.compute_of = lambda process: compute
sys.exit(server.main(*map(int, sys.argv[1:])))
"""
SAYING = (
    "said = [fd for fd in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{{fd}}')"
    " and os.readlink(f'/proc/self/fd/{{fd}}').startswith('socket')];"
    " os.write(int(said[0]), {said!r}); progress(5, 'on'); time.sleep(600)"
)


class Misusing(ForkServer):
    """A server all of whose children run the Python line `body`."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self._program = MISUSING.format(body=body)

    async def _start(self, requests: socket.socket) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", self._program, str(os.getpid()), str(requests.fileno())),
            pass_fds=(requests.fileno(),),
            env=child_process.child_environment(os.environ),
            start_new_session=True,
        )


@asynccontextmanager
async def misusing(body: str) -> AsyncIterator[ForkServer]:
    server = Misusing(body)
    try:
        yield server
    finally:
        await asyncio.wait_for(server.close(), WAIT_S)


SAID = {
    "an end": b'{"code":0}\n',
    "a long line": b"x" * 100_000 + b"\n",
    "no text": b"\xff\n",
}


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
async def test_a_child_is_stopped_whatever_it_has_said(said: bytes, tmp_path: Path) -> None:
    async with misusing(SAYING.format(said=said)) as server:
        child, told = await start(server, tmp_path)
        done = asyncio.ensure_future(child.wait())

        async def going_on() -> bool:
            return bool(told)

        await eventually(going_on)
        assert [report.stage for report in told] == ["on"]
        assert not done.done()
        assert is_running(child.pid)
        assert await asyncio.wait_for(child.stop(), WAIT_S) == -signal.SIGKILL
        assert not is_running(child.pid)
        assert await asyncio.wait_for(done, WAIT_S) == -signal.SIGKILL


LEAVING = (
    "helpers = [os.fork() or time.sleep(600) for _ in range(3)];"
    " helpers += [os.fork() or os.setsid() or time.sleep(600)];"
    " progress(5, ' '.join(map(str, helpers))); {then}"
)


def is_known(pid: int) -> bool:
    """Whether a process runs, or has ended and was not reaped."""
    return Path(f"/proc/{pid}").exists()


@pytest.fixture
def first_process() -> Iterator[None]:
    """Have this process be left what ends below it, as the first of a container is."""
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    yield
    prctl(PR_SET_CHILD_SUBREAPER, 0)


@pytest.mark.parametrize("then", ["time.sleep(600)", "return Outcome()"])
async def test_what_a_child_leaves_running_is_ended_and_reaped(
    first_process: None, then: str, tmp_path: Path
) -> None:
    async def leave(server: ForkServer) -> None:
        child, told = await start(server, tmp_path)

        async def told_all() -> bool:
            return bool(told)

        async def reaped() -> bool:
            return not any(map(is_known, (child.pid, *helpers)))

        await eventually(told_all)
        helpers = [*map(int, str(told[0].stage).split())]
        assert len(helpers) == 4
        if "sleep" in then:
            assert all(map(is_running, helpers))
            await asyncio.wait_for(child.stop(), WAIT_S)
        await eventually(reaped)

    async with misusing(LEAVING.format(then=then)) as server:
        await leave(server)
        await leave(server)  # it serves on


async def test_a_child_that_ends_before_it_has_read_its_next_order_has_ended(
    server: ForkServer, tmp_path: Path
) -> None:
    child, told = await start(server, tmp_path, pause=600)
    child.go_on(told.append)  # it is busy, so this is never read
    os.kill(parent_of(child.pid), signal.SIGKILL)
    assert await asyncio.wait_for(child.wait(), WAIT_S) == -signal.SIGKILL
    assert await asyncio.wait_for(child.stop(), WAIT_S) == -signal.SIGKILL


async def test_a_stopped_server_leaves_nothing(tmp_path: Path) -> None:
    server = ForkServer()
    child, _ = await start(server, tmp_path, pause=600)
    above = parent_of(child.pid)
    await asyncio.wait_for(server.close(), WAIT_S)
    await gone(child.pid, above)


async def test_the_servers_of_a_dead_worker_ends(tmp_path: Path) -> None:
    """However the worker ends: here it is a process that is killed."""
    write_order(tmp_path, "", 600)
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WORKER, str(tmp_path)), stdout=asyncio.subprocess.PIPE
    )
    assert worker.stdout is not None
    child = int(await asyncio.wait_for(worker.stdout.readline(), WAIT_S))
    (above,) = servers_of(worker.pid)
    assert children_of(worker.pid) == [child]
    worker.kill()
    await asyncio.wait_for(worker.wait(), WAIT_S)
    await gone(child, above)


WORKER = """
import asyncio, sys
from pathlib import Path
from shanhai_worker.child_process import ForkServer

async def work():
    child = await ForkServer().start(Path(sys.argv[1]), print)
    print(child.pid, flush=True)
    await child.wait()

asyncio.run(work())
"""


def test_a_server_without_its_worker_does_not_serve() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "shanhai_worker.fork_server", "1", "0"],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert ended.returncode != 0
    assert "the process 1 has ended" in ended.stderr


def test_the_server_has_loaded_nothing_that_a_copy_could_not_use() -> None:
    """One thread, no library that holds threads or connections, and GDAL as it was never used."""
    code = (
        "import sys, threading, shanhai_worker.fork_server as server\n"
        "held = {'osgeo', 'pyogrio', 'pyarrow', 'asyncpg', 'sqlalchemy', 'redis'}\n"
        "tell = lambda: print(sorted(held & set(sys.modules)), threading.active_count(),"
        " open('/proc/self/status').read().partition('Threads:')[2].split()[0])\n"
        "tell()\n"
        "assert tuple(server.load_ahead()) == server.COMPUTING and 'numba' in sys.modules\n"
        "tell()\n"
        "print(sys.modules['rasterio._env'].driver_count())"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=WAIT_S, check=True
    )
    assert told.stdout.splitlines() == ["[] 1 1", "[] 1 1", "0"]
