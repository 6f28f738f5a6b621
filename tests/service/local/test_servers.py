import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shanhai.errors import Unavailable
from shanhai.local.background import read_process
from shanhai.local.places import Home
from shanhai.local.servers import PrivateBroker, PrivatePostgres, PrivateRedis, Surroundings
from tests.support.run_directory import run_directory
from tests.support.serving import PATIENCE_S

Server = PrivateBroker | PrivatePostgres | PrivateRedis

pytestmark = [pytest.mark.db, pytest.mark.redis]


@pytest.fixture(scope="module")
def surroundings() -> Iterator[Surroundings]:
    with run_directory() as directory:
        yield Surroundings.of_home(Home(directory), bound=True)


@pytest.fixture(params=[PrivateBroker, PrivatePostgres, PrivateRedis])
def server(request: pytest.FixtureRequest, surroundings: Surroundings) -> Iterator[Server]:
    server: Server = request.param(surroundings)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def postgres(surroundings: Surroundings) -> Iterator[PrivatePostgres]:
    server = PrivatePostgres(surroundings)
    server.start()
    yield server
    server.stop()


def pid_of(server: Server) -> int:
    process = server.process()
    assert process is not None
    return process.pid


def kill(server: Server) -> int:
    pid = pid_of(server)
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_S
    while server.process() is not None:
        assert time.monotonic() < deadline, "what was killed goes on"
        time.sleep(0.01)
    return pid


def test_starting_twice_starts_once(server: Server, surroundings: Surroundings) -> None:
    pid = pid_of(server)
    type(server)(surroundings).start()
    assert pid_of(server) == pid


def test_a_killed_server_starts_again_on_its_port(server: Server) -> None:
    port, pid = server.port, kill(server)
    server.start()
    assert server.is_running()
    assert server.port == port
    assert pid_of(server) != pid


def test_a_server_does_not_run_as_root(server: Server) -> None:
    status = Path(f"/proc/{pid_of(server)}/status").read_text().splitlines()
    uids = next(line for line in status if line.startswith("Uid:")).split()[1:]
    assert "0" not in uids


def test_stopping_twice_is_harmless(server: Server) -> None:
    server.stop()
    server.stop()
    assert not server.is_running()


def test_a_taken_port_is_left_to_its_owner(server: Server) -> None:
    server.stop()
    with socket.socket() as owner:
        owner.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        owner.bind(("127.0.0.1", server.port))
        owner.listen()
        taken = server.port
        server.start()
        assert server.is_running()
        assert server.port != taken


def test_the_port_of_a_running_postgres_is_found_again(
    postgres: PrivatePostgres, surroundings: Surroundings
) -> None:
    port, pid = postgres.port, pid_of(postgres)
    surroundings.ports.path.unlink()
    postgres.start()
    assert (postgres.port, pid_of(postgres)) == (port, pid)


def test_a_redis_nobody_knows_the_port_of_is_replaced(surroundings: Surroundings) -> None:
    redis = PrivateRedis(surroundings)
    redis.start()
    book = json.loads(surroundings.ports.path.read_text())
    book.pop("redis")
    surroundings.ports.path.write_text(json.dumps(book))
    redis.start()
    assert redis.is_running()
    redis.stop()


def test_a_password_is_needed(postgres: PrivatePostgres) -> None:
    command = ["/usr/lib/postgresql/15/bin/psql", "-w", "-c", "SELECT 1"]
    right = postgres.url()
    wrong = right.replace(postgres.password, "guess")
    assert subprocess.run([*command, right], capture_output=True).returncode == 0
    assert b"authentication failed" in subprocess.run([*command, wrong], capture_output=True).stderr


def test_data_outlive_a_kill(postgres: PrivatePostgres) -> None:
    postgres.execute("CREATE TABLE IF NOT EXISTS kept (n int); INSERT INTO kept VALUES (1)")
    kill(postgres)
    postgres.start()
    postgres.execute("SELECT 1 / count(*) FROM kept")


def test_a_dead_lock_file_naming_a_living_process_is_no_hindrance(
    postgres: PrivatePostgres,
) -> None:
    lock = postgres.data / "postmaster.pid"
    postgres.stop()
    lock.write_text(f"{os.getpid()}\n{postgres.data}\n0\n5432\n\n127.0.0.1\n0 0\nready\n")
    postgres.start()
    assert postgres.is_running()


def test_a_refused_statement_is_an_error(postgres: PrivatePostgres) -> None:
    with pytest.raises(Unavailable, match="does not exist"):
        postgres.execute("SELECT * FROM nowhere")


def test_an_interrupted_initialisation_is_done_again() -> None:
    with run_directory() as directory:
        postgres = PrivatePostgres(Surroundings.of_home(Home(directory), bound=True))
        partial = postgres.data.with_name("data.partial")
        partial.mkdir()
        (partial / "PG_VERSION").write_text("15\n")
        postgres.start()
        assert postgres.is_running()
        assert not partial.exists()
        postgres.stop()


def test_a_removed_home_does_not_leave_its_server_in_the_way() -> None:
    with run_directory() as directory:
        home = Home(directory / "home")
        redis = PrivateRedis(Surroundings.of_home(home, bound=True))
        redis.start()
        pid = pid_of(redis)
        shutil.rmtree(home.path)
        again = PrivateRedis(Surroundings.of_home(home, bound=True))
        again.start()
        assert pid_of(again) != pid
        assert read_process(pid) is None
        again.stop()
        redis.stop()
