"""What the process of a job tries beyond its job is refused by the kernel, in the real child."""

import asyncio
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import shanhai
from shanhai import isolation
from shanhai.errors import Unavailable
from shanhai.isolation import Confinement, Protection
from shanhai.processes.kit.task import Outcome, Task, TilesTask
from shanhai.raster.windows import Cluster
from shanhai.settings import DaskSettings, PublicSettings, TileTokenSettings, WorkerSettings
from shanhai_worker.app import examine_isolation
from shanhai_worker.child_process import confinement_of
from shanhai_worker.child_protocol import ORDER, OUTCOME, ChildOrder
from shanhai_worker.context import RELAY, TileAccess
from tests.support.break_out import DONE, setuid_program

WAIT_S = 60
REPOSITORY = Path(__file__).parents[3]
SERVER = """
import sys
import shanhai_worker.fork_server as server
from tests.support.break_out import attempts
server.compute_of = lambda process: attempts
sys.exit(server.main(*map(int, sys.argv[1:])))
"""
READER = """
import json, sys
from pathlib import Path
from shanhai import photos
from tests.support.break_out import listed, result

def attempts(sent):
    given = json.loads(sent)
    found = listed(given, Path(given["workspace"])).items()
    return json.dumps({name: result(attempt) for name, attempt in found}).encode()

photos.redraw = attempts
sys.exit(photos.main())
"""
WORKER = """
import asyncio, os, sys
from pathlib import Path
from shanhai import isolation
from shanhai_worker import child_process

class Trying(child_process.ForkServer):
    async def _start(self, requests):
        return await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-c", sys.argv[2], str(os.getpid()), str(requests.fileno()),
            pass_fds=(requests.fileno(),),
            env=child_process.child_environment(os.environ), start_new_session=True,
        )

async def work():
    server = Trying()
    child = await server.start(Path(sys.argv[1]), lambda report: None)
    code = await child.wait()
    await server.close()
    return code

isolation.hide_memory()
sys.exit(asyncio.run(work()))
"""


@dataclass
class Canaries:
    """Listeners that nobody may reach."""

    folder: Path
    sockets: dict[str, socket.socket] = field(default_factory=dict)

    def open(self) -> None:
        """Listen in every way there is."""
        self.sockets["tcp4"] = socket.create_server(("127.0.0.1", 0))
        self.sockets["tcp6"] = socket.create_server(("::1", 0), family=socket.AF_INET6)
        self.sockets["udp"] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sockets["udp"].bind(("127.0.0.1", 0))
        for name, address in (("path", str(self.folder / "socket")), ("abstract", self.abstract)):
            self.sockets[name] = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sockets[name].bind(address)
            self.sockets[name].listen()
        for one in self.sockets.values():
            one.setblocking(False)

    @property
    def abstract(self) -> str:
        """A name without a file."""
        return f"\0shanhai-{os.getpid()}"

    @property
    def addresses(self) -> dict[str, Any]:
        """Where they are, as the attempts are told."""
        ports = {name: self.sockets[name].getsockname()[1] for name in ("tcp4", "tcp6", "udp")}
        return {**ports, "path": str(self.folder / "socket"), "abstract": self.abstract[1:]}

    def hits(self) -> list[str]:
        """Those that were reached."""
        return [name for name, one in self.sockets.items() if _reached(one)]

    def close(self) -> None:
        """Listen no longer."""
        for one in self.sockets.values():
            one.close()


def _reached(listener: socket.socket) -> bool:
    try:
        if listener.type == socket.SOCK_DGRAM:
            listener.recv(16)
        else:
            listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder every account can go through."""
    made = Path(tempfile.mkdtemp(prefix="shn-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def canaries(open_folder: Path) -> Iterator[Canaries]:
    listening = Canaries(open_folder)
    listening.open()
    yield listening
    listening.close()


def victims(folder: Path, canaries: Canaries) -> dict[str, Any]:
    outside = folder / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "foreign").write_text("foreign")
    return {
        **canaries.addresses,
        "outside": str(outside),
        "programs": str(Path(shanhai.__path__[0]) / "made-by-a-job"),
        "setuid": setuid_program(folder),
        "test": os.getpid(),
    }


def tried(
    folder: Path, canaries: Canaries, confinement: Confinement
) -> tuple[dict[str, str], dict[str, Any]]:
    """What the attempts of a child of a worker of its own came to."""
    workspace = folder / "workspace"
    workspace.mkdir()
    told = victims(folder, canaries)
    code = WORKER.replace("sys.argv[2]", repr(SERVER))
    order = ChildOrder(
        task=Task(process="tried", inputs={**told, "worker": 0}),
        memory_limit_mb=2048,
        confinement=confinement,
    )
    # The worker's number is known to itself alone when the order is written.
    written = order.model_dump_json().replace('"worker":0', '"worker":WORKER')
    (workspace / ORDER).write_text(written)
    if confinement.uid is not None:
        for path in (workspace, workspace / ORDER):
            os.chown(path, confinement.uid, confinement.uid)
    number = (
        "p = Path(sys.argv[1], 'order.json');"
        " p.write_text(p.read_text().replace('WORKER', str(os.getpid())))\n"
    )
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            code.replace("isolation.hide", number + "isolation.hide"),
            workspace,
        ],
        env={**os.environ, "SHANHAI_DATABASE_URL": "a secret", "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    outcome = Outcome.model_validate_json((workspace / OUTCOME).read_text())
    found: dict[str, str] = outcome.values["tried"]
    return found, outcome.values


def test_a_child_does_nothing_but_its_job(open_folder: Path, canaries: Canaries) -> None:
    found, _ = tried(open_folder, canaries, Confinement(required=True))
    assert [name for name, told in found.items() if told == DONE] == []
    assert canaries.hits() == []
    assert len(found) >= 40
    assert (open_folder / "outside" / "foreign").read_text() == "foreign"


def test_who_reads_a_photo_does_nothing_else(open_folder: Path, canaries: Canaries) -> None:
    told = victims(open_folder, canaries)
    (open_folder / "workspace").mkdir()
    given = {**told, "worker": os.getpid(), "workspace": str(open_folder / "workspace")}
    ended = subprocess.run(
        [sys.executable, "-c", READER],
        input=json.dumps(given).encode(),
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        timeout=WAIT_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert [name for name, came_to in found.items() if came_to == DONE] == []
    assert canaries.hits() == []
    assert len(found) >= 40


def test_a_child_of_another_account_does_neither(open_folder: Path, canaries: Canaries) -> None:
    if os.geteuid() != 0 or not _open_to_all(REPOSITORY, Path(sys.prefix)):
        pytest.skip("only the superuser changes accounts, and others must reach the programs")
    found, values = tried(open_folder, canaries, Confinement(required=True, uid=54321))
    assert values["uid"] == 54321
    assert [name for name, told in found.items() if told == DONE] == []
    assert canaries.hits() == []


def _open_to_all(*folders: Path) -> bool:
    parts = (part for folder in folders for part in (folder, *folder.parents))
    return all(part.stat().st_mode & stat.S_IXOTH for part in parts)


def test_a_child_with_a_port_reaches_that_port_alone(open_folder: Path, canaries: Canaries) -> None:
    port = int(canaries.addresses["tcp4"])
    found, _ = tried(open_folder, canaries, Confinement(required=True, port=port))
    done = {name for name, told in found.items() if told == DONE}
    assert done == {"TCP over IPv4", "IPv4 in IPv6"}
    assert canaries.hits() == ["tcp4"]


def test_a_child_with_a_relay_reaches_sockets_of_the_file_system_alone(
    open_folder: Path, canaries: Canaries
) -> None:
    found, _ = tried(open_folder, canaries, Confinement(required=True, relay=True))
    done = {name for name, told in found.items() if told == DONE}
    assert done == {"a socket of the file system"}


def test_the_attempts_get_through_where_nothing_is_isolated(
    open_folder: Path, canaries: Canaries
) -> None:
    """Otherwise the others could not fail."""
    told = {**victims(open_folder, canaries), "worker": os.getpid()}
    code = (
        "import json, sys; from pathlib import Path\n"
        "from shanhai.processes.kit.task import Task\n"
        "from tests.support.break_out import attempts\n"
        "task = Task(process='tried', inputs=json.loads(sys.argv[1]))\n"
        "print(json.dumps(attempts(task, Path(sys.argv[2]), None).values['tried']))"
    )
    workspace = open_folder / "workspace"
    workspace.mkdir()
    ended = subprocess.run(
        [sys.executable, "-c", code, json.dumps(told), workspace],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=True,
    )
    Path(told["programs"]).unlink(missing_ok=True)
    found = json.loads(ended.stdout)
    through = {name for name, told in found.items() if told == DONE}
    assert {
        *("TCP over IPv4", "TCP over IPv6", "UDP", "a socket of the file system", "listening"),
        *("an abstract socket", "environ of test", "io_uring_setup"),
        *("reading a foreign file", "making a file outside", "signal to the worker"),
        *("writing beside the programs", "running a shell", "running a program of its own"),
    } <= through
    assert set(canaries.hits()) >= {"tcp4", "tcp6", "udp", "path", "abstract"}


def test_this_machine_is_told_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "hide_memory", lambda: None)
    names = [one.name for one in isolation.probe()]
    assert names == [
        *("memory", "account", "rights", "no_new_privileges", "files", "ports", "network")
    ]


@pytest.mark.parametrize(
    ("faults", "port", "missing"),
    [
        ((), False, []),
        (("account",), False, []),
        (("files",), False, []),
        (("files", "account"), False, ["files", "account"]),
        (("network",), False, ["network"]),
        (("memory",), False, ["memory"]),
        (("no_new_privileges",), False, ["no_new_privileges"]),
        (("ports", "rights"), False, []),
        (("ports",), True, ["ports"]),
    ],
)
def test_what_required_asks_for(faults: tuple[str, ...], port: bool, missing: list[str]) -> None:
    found = [Protection(name, "not here") for name in faults]
    assert isolation.lacking(found, port=port) == [f"{name} (not here)" for name in missing]


def test_a_worker_refuses_to_start_where_required_parts_are_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [Protection("network", "seccomp was refused"), Protection("rights")]
    monkeypatch.setattr(isolation, "probe", lambda uid: found)
    states = examine_isolation(WorkerSettings(isolation="preferred"), DaskSettings())
    assert states == {"network": "unavailable: seccomp was refused", "rights": "active"}
    with pytest.raises(Unavailable, match=r"ISOLATION=required.*network .seccomp was refused"):
        examine_isolation(WorkerSettings(isolation="required"), DaskSettings())


def test_who_reads_an_upload_is_given_its_file_alone() -> None:
    given = Task(
        process="import-features",
        inputs={},
        upload_uri="uploads/a",
        files={"uploads/a": "/artifacts/uploads/a"},
        kept="/artifacts/kept/j",
        windows="/scratch/windows/kept/j",
    )
    found = confinement_of(given, WorkerSettings(isolation="required"))
    assert found == Confinement(read=("/artifacts/uploads/a",), required=True)


def test_who_computes_is_given_what_it_keeps_and_the_ways_it_needs() -> None:
    task = Task(
        process="seed-tiles",
        inputs={},
        kept="/artifacts/kept/j",
        windows="/scratch/windows/kept/j",
        cluster=Cluster("tls://10.0.0.1:8786", *map(Path, ("/tls/ca", "/tls/cert", "/tls/key"))),
        tiles=TilesTask(url="http://tiles:8001"),
    )
    found = confinement_of(task, WorkerSettings(account=1234))
    assert found.write[:2] == ("/artifacts/kept/j", "/scratch/windows/kept/j")
    assert found.read == ("/tls/ca", "/tls/cert", "/tls/key")
    assert (found.relay, found.port, found.uid, found.required) == (True, 8786, 1234, False)


def test_the_scheduler_is_named_by_number() -> None:
    assert Cluster("tcp://localhost:8786").resolved().scheduler in {
        "tcp://127.0.0.1:8786",
        "tcp://[::1]:8786",
    }
    unknown = Cluster("tls://nobody.invalid:8786")
    assert unknown.resolved() == unknown


async def test_a_relay_leads_to_the_tile_service(tmp_path: Path) -> None:
    async def answer(asks: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        answers.write((await asks.readline()).upper())
        answers.close()

    service = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = service.sockets[0].getsockname()[1]
    access = TileAccess.named_in(
        PublicSettings(tiles_internal_url=f"http://127.0.0.1:{port}"),
        TileTokenSettings(),
        WorkerSettings(),
    )
    workspace = tmp_path / ("a" * 100)  # longer than the address of a socket may be
    workspace.mkdir()
    async with asyncio.timeout(WAIT_S), service, access.relay(workspace):
        handle = os.open(workspace, os.O_PATH)
        there, back = await asyncio.open_unix_connection(f"/proc/self/fd/{handle}/{RELAY}")
        back.write(b"tile\n")
        assert await there.read() == b"TILE\n"
        back.close()
        os.close(handle)
