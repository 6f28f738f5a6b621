"""pytest plugin: the servers a test run starts for itself, and the rules of who may use them.

Fixtures: `database_url` (a migrated database per module), `fresh_database_url` (one per test), both
as the superuser; services get `account_url` of their own role, as where they are deployed.
`redis_url` (emptied per module). A test that asks for one of them is marked `db` or `redis` by
that; tests without a mark get no network.

Each process of a run that has several starts servers of its own.
"""

import os
import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import ClassVar, TypeVar

import pytest

from shanhai.errors import Unavailable
from shanhai.local.places import Home
from shanhai.local.servers import PrivatePostgres, PrivateRedis, Surroundings
from tests.support.accounts import migrate_with_accounts
from tests.support.browser import find_browser
from tests.support.keycloak import find_keycloak
from tests.support.mosquitto import find_mosquitto
from tests.support.run_directory import quick_place, run_directory

TEMPLATE = "shanhai_template"
MARK_BY_FIXTURE = {"private_postgres": "db", "private_redis": "redis", "bucket": "bucket"}
MARK_BY_FOLDER = {"db": "db", "service": "service", "e2e": "e2e", "long": "long"}
NEED = re.compile(r"Skipped: needs (\w+): (.*)")
NETWORK_MARKS = frozenset({"db", "redis", "bucket", "service", "compose", "e2e"})


class FleetingPostgres(PrivatePostgres):
    """A PostgreSQL whose data nobody needs after a crash: its writes wait for no disk."""

    options: ClassVar[Mapping[str, str]] = {
        **PrivatePostgres.options,
        "fsync": "off",
        "full_page_writes": "off",
        "max_wal_size": "256MB",  # it may be memory
        "shared_preload_libraries": "postgis-3",
    }


Started = TypeVar("Started")

_numbers = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test by what it uses and where it lies."""
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            _mark(item, MARK_BY_FIXTURE.get(fixture))
        for folder in item.path.parts:
            _mark(item, MARK_BY_FOLDER.get(folder))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what was not tested because a server could not be started."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = (report.longrepr[2] for report in skipped)
    absent = Counter(match.groups() for match in map(NEED.match, reasons) if match)
    for (need, reason), number in absent.items():
        line = f"NOT TESTED: {number} tests need {need}, which is absent ({reason})"
        terminalreporter.write_line(line, red=True, bold=True)


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections to tests that are not marked as needing them."""
    if any(mark.name in NETWORK_MARKS for mark in request.node.iter_markers()):
        return
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family != socket.AF_UNIX:
            pytest.fail(f"a test without a mark of {sorted(NETWORK_MARKS)} connects to {address}")
        connect(self, address)  # type: ignore[arg-type]  # whatever the caller passed

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def server_surroundings() -> Iterator[Surroundings]:
    """A directory for this run's servers, removed with all they wrote."""
    with run_directory(quick_place()) as directory:
        yield Surroundings.of_home(Home(directory), bound=True)


@pytest.fixture(scope="session")
def private_postgres(server_surroundings: Surroundings) -> Iterator[PrivatePostgres]:
    """A PostgreSQL of this run's own, holding a migrated template database."""
    server = FleetingPostgres(server_surroundings)
    _start_or_skip(server.start, "db")
    server.execute(f"CREATE DATABASE {TEMPLATE}")
    migrate_with_accounts(server, TEMPLATE)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def private_redis(server_surroundings: Surroundings) -> Iterator[PrivateRedis]:
    """A Redis of this run's own."""
    server = PrivateRedis(server_surroundings)
    _start_or_skip(server.start, "redis")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def database_url(private_postgres: PrivatePostgres) -> Iterator[str]:
    """A migrated, empty database shared by the tests of one module."""
    yield from _database(private_postgres)


@pytest.fixture
def fresh_database_url(private_postgres: PrivatePostgres) -> Iterator[str]:
    """A migrated, empty database for one test."""
    yield from _database(private_postgres)


@pytest.fixture(scope="module")
def redis_url(private_redis: PrivateRedis) -> str:
    """An empty Redis shared by the tests of one module."""
    private_redis.flush()
    return private_redis.url()


@pytest.fixture(scope="session")
def browser() -> None:
    """Chromium, for tests that look at a page."""
    _start_or_skip(find_browser, "browser")


@pytest.fixture(scope="session")
def mosquitto() -> None:
    """The program Mosquitto, for tests that need a broker."""
    _start_or_skip(find_mosquitto, "mqtt")


@pytest.fixture(scope="session")
def identity_provider() -> None:
    """The program Keycloak, for tests that sign in through a provider that is not ours."""
    _start_or_skip(find_keycloak, "keycloak")


def _mark(item: pytest.Item, name: str | None) -> None:
    if name is not None:
        item.add_marker(name)


def _start_or_skip(start: Callable[[], object], need: str) -> None:
    try:
        start()
    except (Unavailable, OSError) as error:
        if need in os.environ.get("SHANHAI_TEST_REQUIRE", "").split(","):
            raise
        pytest.skip(f"needs {need}: {error}")


def _database(server: PrivatePostgres) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    # Without durability a copy of files takes half of what its way through the log does.
    server.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    yield server.url(name)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")
