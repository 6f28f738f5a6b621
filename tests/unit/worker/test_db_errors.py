"""What is tried again, and what is not."""

import asyncio
import errno
import socket

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from shanhai_api.kit import errors
from shanhai_worker.context import TRIES, is_outage, outlast


class Refused(Exception):
    """An error of the server with its code."""

    def __init__(self, sqlstate: str, severity: str = "ERROR") -> None:
        self.sqlstate = sqlstate
        self.severity_en = severity


def wrapped(sqlstate: str, severity: str = "ERROR") -> DBAPIError:
    return DBAPIError("SELECT 1", {}, Refused(sqlstate, severity))


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        OSError(errno.EHOSTUNREACH, "No route to host"),
        Refused("57P03"),  # starting up
        wrapped("08006"),  # connection lost
        wrapped("40P01"),  # deadlock
        wrapped("53300"),  # too many connections
        wrapped("53100"),  # disk full
        wrapped("25006"),  # read-only
        wrapped("58030"),  # the disk fails
        wrapped("XX000", "FATAL"),  # a connection ends as it begins: no room for its files
        DBAPIError("SELECT 1", {}, Refused("00000"), connection_invalidated=True),
    ],
)
def test_outages_pass(error: BaseException) -> None:
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        IntegrityError("INSERT", {}, Refused("23505")),
        wrapped("57014"),  # statement timeout: it would take as long again
        wrapped("42601"),
        wrapped("XX000"),
        ValueError(),
        FileNotFoundError(),
    ],
)
def test_mistakes_do_not(error: BaseException) -> None:
    assert not is_outage(error)


@pytest.mark.parametrize(
    ("error", "outage"),
    [
        (wrapped("58030"), True),
        (wrapped("XX000", "FATAL"), True),
        (wrapped("XX000"), False),
        (asyncpg.CannotConnectNowError(), True),
        (asyncpg.InvalidPasswordError(), False),
    ],
)
def test_requests_are_told_the_same(error: Exception, outage: bool) -> None:
    assert errors.is_outage(error) is outage


class Flaky:
    """Fails a number of times, then answers how often it was called."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.failures = failures
        self.error = error
        self.calls = 0

    async def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return self.calls


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that would have been made."""
    made: list[float] = []

    async def sleep(seconds: float) -> None:
        made.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return made


async def test_an_outage_is_outlasted_with_growing_pauses(pauses: list[float]) -> None:
    assert await outlast(Flaky(3, ConnectionResetError())) == 4
    assert len(pauses) == 3
    assert all(0.5 * 0.2 * 2**n <= pause <= 0.2 * 2**n for n, pause in enumerate(pauses))


async def test_a_long_outage_is_raised_in_the_end(pauses: list[float]) -> None:
    operation = Flaky(99, ConnectionResetError())
    with pytest.raises(ConnectionResetError):
        await outlast(operation)
    assert operation.calls == TRIES


async def test_a_mistake_is_raised_at_once(pauses: list[float]) -> None:
    operation = Flaky(99, ValueError())
    with pytest.raises(ValueError):  # noqa: PT011  (it has no text)
        await outlast(operation)
    assert operation.calls == 1
