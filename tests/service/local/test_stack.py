import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shanhai.backup.encryption import make_identity
from shanhai.backup.repository import BackupFolder
from shanhai.errors import Unavailable
from shanhai.local import stack as stack_module
from shanhai.local.background import read_process
from shanhai.local.places import Home
from shanhai.local.services import SERVICES, ServiceSpec
from shanhai.local.stack import Stack
from shanhai.settings import ALL_SETTINGS
from tests.support.run_directory import run_directory
from tests.support.serving import PATIENCE_S, join

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.long]

READY = """
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

port = int(os.environ["SHANHAI_%s_PORT"])
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home whose services do nothing but say that they are ready."""
    with run_directory() as directory:
        for spec in SERVICES:
            (directory / f"ready_{spec.name}.py").write_text(READY % spec.name.upper())
        ready = [ServiceSpec(spec.name, f"ready_{spec.name}", 8000) for spec in SERVICES]
        monkeypatch.setattr(stack_module, "SERVICES", ready)
        monkeypatch.setenv("PYTHONPATH", str(directory))
        yield Home(directory / "home")


@pytest.fixture
def stack(home: Home) -> Iterator[Stack]:
    stack = Stack(home, bound=True)
    stack.up()
    yield stack
    stack.down()


def pids(stack: Stack) -> dict[str, int]:
    """Of all services, which must run."""
    found = {condition.name: condition.pid for condition in stack.status()}
    assert None not in found.values()
    return {name: pid for name, pid in found.items() if pid is not None}


def test_the_log_is_archived_where_there_is_a_key_for_it(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "archive" not in pids(stack)
    monkeypatch.setenv("SHANHAI_BACKUP_RECIPIENT", make_identity(stack.home.path / "key"))
    monkeypatch.setenv("SHANHAI_BACKUP_EVERY_S", "1")
    stack.up()
    assert pids(stack)["archive"] is not None
    folder = BackupFolder(stack.archive.folder)
    deadline = time.monotonic() + PATIENCE_S
    while not folder.segments():
        assert time.monotonic() < deadline, (stack.home.log / "archive.log").read_text()
        # As an hour of use would: `archive_timeout` needs something to have been written.
        stack.postgres.execute("SELECT pg_switch_wal() FROM pg_logical_emit_message(true, '', '')")
        time.sleep(0.5)


def test_up_makes_every_part_ready(stack: Stack) -> None:
    assert all(condition.healthy for condition in stack.status())
    for name, pid in pids(stack).items():
        assert (stack.home.run / f"{name}.pid").read_text().split()[0] == str(pid)


def test_up_twice_changes_nothing(stack: Stack, home: Home) -> None:
    before = pids(stack)
    Stack(home, bound=True).up()
    assert pids(stack) == before


def test_two_ups_at_once_start_one_stack(stack: Stack, home: Home) -> None:
    stack.down()
    # In threads that outlive the start: the parts are bound to the thread that started them.
    others = [Stack(home) for _ in range(2)]
    threads = [threading.Thread(target=other.up) for other in others]
    for thread in threads:
        thread.start()
    join(*threads)
    assert pids(others[0]) == pids(others[1])
    assert all(condition.healthy for condition in others[0].status())
    for other in others:
        other.down()


def test_another_program_at_a_port_does_not_make_a_service_ready(home: Home) -> None:
    folder = home.path.parent
    other = READY % "API"
    (folder / "ready_api.py").write_text(
        "import pathlib, subprocess, sys, time\n"
        f"other = subprocess.Popen([sys.executable, '-c', {other!r}], cwd='/')\n"
        f"pathlib.Path({str(folder / 'other.pid')!r}).write_text(str(other.pid))\n"
        "time.sleep(1)\n"
        "sys.exit('address already in use')\n"
    )
    worker = folder / "ready_worker.py"
    worker.write_text(f"import time; time.sleep(3)\n{worker.read_text()}")
    stack = Stack(home, bound=True)
    try:
        with pytest.raises(Unavailable, match=r"api ended(.|\n)*api\.log(.|\n)*already in use"):
            stack.up()
    finally:
        os.kill(int((folder / "other.pid").read_text()), signal.SIGKILL)
        stack.down()


def test_whatever_was_killed_comes_back(stack: Stack, home: Home) -> None:
    before = pids(stack)
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_S
    while any(read_process(pid) for pid in before.values()):
        assert time.monotonic() < deadline, "what was killed goes on"
        time.sleep(0.01)
    again = Stack(home, bound=True)
    again.up()
    assert all(condition.healthy for condition in again.status())
    assert set(before.values()).isdisjoint(pids(again).values())
    again.down()


def test_the_place_of_webhooks_stays_while_somebody_listens_there(home: Home) -> None:
    stack = Stack(home, bound=True)
    with socket.create_server(("127.0.0.1", stack.receiver_port)) as receiver:
        assert Stack(home, bound=True).receiver_port == receiver.getsockname()[1]


def test_the_place_of_webhooks_moves_when_another_program_has_it(home: Home) -> None:
    stack = Stack(home, bound=True)
    first = stack.receiver_port
    stack.renew_receiver_port()
    assert stack.receiver_port == first
    with socket.create_server(("127.0.0.1", first)):
        stack.renew_receiver_port()
    assert stack.receiver_port != first
    assert Stack(home, bound=True).receiver_port == stack.receiver_port


def test_down_leaves_nothing(stack: Stack) -> None:
    before = pids(stack)
    assert sorted(stack.down()) == sorted(before)
    assert stack.down() == []
    assert all(read_process(pid) is None for pid in before.values())
    assert list(stack.home.run.glob("*.pid")) == []
    assert [condition.pid for condition in stack.status()] == [None] * 6


def test_secrets_are_private_and_complete(stack: Stack) -> None:
    assert stack.home.secrets.stat().st_mode & 0o077 == 0
    assert (stack.secrets.get("postgres_password") or "missing") in stack.database_url
    signing = stack.environment()["SHANHAI_TILE_TOKENS_SECRET"]
    assert len(signing) == 64
    assert stack.environment()["SHANHAI_TILE_TOKENS_SECRET"] == signing
    assert stack.secrets.get("tile_token_secret") == signing


def test_each_service_has_its_own_account_and_no_secret_of_another(stack: Stack) -> None:
    told = {}
    for status in stack.status():
        if status.name in stack.services:
            lines = Path(f"/proc/{status.pid}/environ").read_bytes().decode().split("\0")
            told[status.name] = dict(line.split("=", 1) for line in lines if line)
    superuser = stack.postgres.password
    for name, variables in told.items():
        assert variables["SHANHAI_DATABASE_URL"].startswith(f"postgresql://shanhai_{name}:")
        assert superuser not in " ".join(variables.values())
    of_others = {"SHANHAI_WEBHOOKS_SECRET", "SHANHAI_PARTICIPATION_SECRET", "SHANHAI_MQTT_URL"}
    assert {told["tiles"][name] for name in of_others} == {""}
    assert "SHANHAI_AUDIT_KEY_FILE" not in told["tiles"] | told["api"]
    assert len({one["SHANHAI_DATABASE_URL"] for one in told.values()}) == 3


def test_the_settings_of_a_shell_name_no_home_that_make_finds(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = stack.environment_of_shell()
    assert told["SHANHAI_HOME"] == str(stack.home.path)
    checkout = stack.home.path.parent
    (checkout / ".shanhai").symlink_to(stack.home.path)
    monkeypatch.setattr(stack_module, "CHECKOUT", checkout)
    assert "SHANHAI_HOME" not in stack.environment_of_shell()
    before = pids(stack)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    stack.up()
    assert pids(stack) == before


def test_an_archive_is_of_its_own_database_whatever_the_shell_names(stack: Stack) -> None:
    own = stack.environment_of("backup")
    assert own["SHANHAI_BACKUP_DATABASE_URL"] == own["SHANHAI_DATABASE_URL"]


def test_services_are_given_settings_that_exist(stack: Stack) -> None:
    known = {
        f"{settings.model_config['env_prefix']}{field}".upper()
        for settings in ALL_SETTINGS
        for field in settings.model_fields
    }
    of_commands = {"SHANHAI_HOME", "SHANHAI_API_KEY"}
    assert set(stack.environment_of("worker")) - of_commands <= known
