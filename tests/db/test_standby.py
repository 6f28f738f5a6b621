"""Reading from a standby: a real one, that follows the tests' own PostgreSQL."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from shanhai.cli.doctor import check_standby
from shanhai.db.engine import FastReader, open_quick_reader
from shanhai.db.standby import LOOKS, MAY_LAG
from shanhai.errors import Unavailable
from shanhai.local.places import Home, run_as
from shanhai.local.servers import PROGRAMS, PrivatePostgres, Surroundings
from shanhai.settings import DatabaseSettings
from tests.support.run_directory import quick_place, run_directory
from tests.support.servers import FleetingPostgres

LAG_S = 1.0
WHERE = text("SELECT pg_is_in_recovery()")
FOUND = text("SELECT count(*) FROM kept WHERE name = :name")


class StandbyPostgres(FleetingPostgres):
    """A copy of another server that follows it.

    It must lie where the other does: it replays each new database, 1,600 files, and on a disk that
    others write to it falls behind one that lies in memory.
    """

    def __init__(self, surroundings: Surroundings, primary: PrivatePostgres) -> None:
        super().__init__(surroundings)
        self._primary = primary

    def _initialise(self, data: Path) -> None:
        # There is no slot: what a copy that waits for a core has not fetched would be dropped.
        self._primary.execute("ALTER SYSTEM SET wal_keep_size = '256MB'")
        self._primary.execute("SELECT pg_reload_conf()")
        partial = data.with_name("data.partial")
        shutil.rmtree(partial, ignore_errors=True)
        primary = f"--dbname={self._primary.url('postgres')}"
        command = [str(PROGRAMS / "pg_basebackup"), primary, f"--pgdata={partial}"]
        options = ["--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream"]
        run_as(self._place.account, [*command, *options], directory=self._place.directory)
        partial.rename(data)


@pytest.fixture(scope="module")
def standby(private_postgres: PrivatePostgres) -> Iterator[StandbyPostgres]:
    with run_directory(quick_place()) as directory:
        server = StandbyPostgres(
            Surroundings.of_home(Home(directory), bound=True), private_postgres
        )
        server.start()
        yield server
        server.stop()


@pytest.fixture
def standby_settings(
    fresh_database_url: str,
    private_postgres: PrivatePostgres,
    standby: StandbyPostgres,
    monkeypatch: pytest.MonkeyPatch,
) -> DatabaseSettings:
    name = fresh_database_url.rpartition("/")[2]
    # The copy has the primary's passwords.
    read_url = private_postgres.url(name).replace(f":{private_postgres.port}/", f":{standby.port}/")
    monkeypatch.setenv("SHANHAI_DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("SHANHAI_DATABASE_READ_URL", read_url)
    monkeypatch.setenv("SHANHAI_DATABASE_READ_LAG_S", str(LAG_S))
    return DatabaseSettings()


@pytest.fixture
async def lagging_reader(standby_settings: DatabaseSettings) -> AsyncIterator[FastReader]:
    async with open_quick_reader(standby_settings, application="test") as one:
        yield one


@contextmanager
def lagging() -> Iterator[None]:
    token = MAY_LAG.set(True)
    try:
        yield
    finally:
        MAY_LAG.reset(token)


async def until_followed(reader: FastReader) -> None:
    """Wait until the standby is read from."""
    for _ in range(300):
        if await at_standby(reader):
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("the standby is not read from")


async def tell(url: SecretStr, sql: str) -> None:
    connection = await asyncpg.connect(url.get_secret_value())
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def write(settings: DatabaseSettings) -> str:
    """A new row of the primary; its name."""
    connection = await asyncpg.connect(settings.url.get_secret_value())
    name = uuid4().hex
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS kept (name text)")
        await connection.execute("INSERT INTO kept VALUES ($1)", name)
    finally:
        await connection.close()
    return name


async def at_standby(reader: FastReader) -> bool:
    with lagging():
        return bool(await reader.scalar(WHERE, {}))


async def test_only_what_may_lag_is_read_there(lagging_reader: FastReader) -> None:
    await until_followed(lagging_reader)
    assert await lagging_reader.scalar(WHERE, {}) is False


async def test_it_misses_nothing_older_than_the_bound(
    lagging_reader: FastReader, standby_settings: DatabaseSettings
) -> None:
    await write(standby_settings)
    await until_followed(lagging_reader)
    assert await check_standby() == "no more than 1 s behind"
    await tell(standby_settings.read_url, "SELECT pg_wal_replay_pause()")
    try:
        name = await write(standby_settings)
        # What was just written is found at once where it must be.
        assert await lagging_reader.scalar(FOUND, {"name": name}) == 1
        await asyncio.sleep(LAG_S)
        with lagging():
            assert await lagging_reader.scalar(FOUND, {"name": name}) == 1
            assert await lagging_reader.scalar(WHERE, {}) is False
        with pytest.raises(Unavailable, match="more than 1 s behind"):
            await check_standby()
    finally:
        await tell(standby_settings.read_url, "SELECT pg_wal_replay_resume()")
    await until_followed(lagging_reader)
    with lagging():
        assert await lagging_reader.scalar(FOUND, {"name": name}) == 1


async def test_the_primary_answers_while_it_is_away(
    lagging_reader: FastReader, standby: StandbyPostgres
) -> None:
    await until_followed(lagging_reader)
    standby.stop()
    try:
        with lagging():
            answers = [await lagging_reader.scalar(WHERE, {}) for _ in range(5)]
        assert answers == [False] * 5
        with pytest.raises(Unavailable, match="READ_URL does not answer"):
            await check_standby()
    finally:
        standby.start()
    await until_followed(lagging_reader)


async def test_a_statement_at_fault_is_told_as_by_the_primary(lagging_reader: FastReader) -> None:
    await until_followed(lagging_reader)
    with lagging(), pytest.raises(Exception, match="division by zero"):
        await lagging_reader.scalar(text("SELECT 1 / 0"), {})
    assert await at_standby(lagging_reader)


async def test_one_of_another_database_is_not_read_from(
    standby_settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = standby_settings.read_url.get_secret_value().rpartition("/")[0] + "/postgres"
    monkeypatch.setenv("SHANHAI_DATABASE_READ_URL", elsewhere)
    with pytest.raises(Unavailable, match=r"READ_URL leads to \w+ postgres \d+ timeline 1"):
        await check_standby()
    await never_read(DatabaseSettings())


async def never_read(settings: DatabaseSettings) -> None:
    """Look for some time whether the standby is read from after all."""
    async with open_quick_reader(settings, application="test") as reader:
        for _ in range(2 * LOOKS):
            assert not await at_standby(reader)
            await asyncio.sleep(LAG_S / LOOKS)


async def test_one_of_the_former_primary_is_not_read_from_after_a_restore(
    lagging_reader: FastReader,
    standby_settings: DatabaseSettings,
    private_postgres: PrivatePostgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = await write(standby_settings)
    with run_directory(quick_place()) as directory:
        surroundings = Surroundings.of_home(Home(directory), bound=True)
        restored = StandbyPostgres(surroundings, private_postgres)
        restored.start()
        url = standby_settings.url.get_secret_value()
        url = url.replace(f":{private_postgres.port}/", f":{restored.port}/")
        await tell(SecretStr(url), "SELECT pg_promote()")
        # What the former primary goes on to do is none of the restored one's.
        await write(standby_settings)
        await until_followed(lagging_reader)
        monkeypatch.setenv("SHANHAI_DATABASE_URL", url)
        try:
            assert await write(DatabaseSettings()) != name
            with pytest.raises(Unavailable, match=r"timeline 1, .* timeline 2"):
                await check_standby()
            await never_read(DatabaseSettings())
        finally:
            restored.stop()


async def test_one_that_was_promoted_is_not_read_from(
    lagging_reader: FastReader, standby_settings: DatabaseSettings, standby: StandbyPostgres
) -> None:
    """The last here, for it follows no more. Its log is soon longer than the primary's."""
    await until_followed(lagging_reader)
    await tell(standby_settings.read_url, "SELECT pg_promote()")
    longer = "CREATE TABLE own AS SELECT repeat('x', 500) FROM generate_series(1, 20000)"
    await tell(standby_settings.read_url, longer)
    process = standby.process()
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    await asyncio.sleep(LAG_S)
    standby.start()
    with pytest.raises(Unavailable, match="promoted"):
        await check_standby()
    for _ in range(2 * LOOKS):
        with lagging():
            assert await lagging_reader.scalar(text("SELECT to_regclass('own')"), {}) is None
        await asyncio.sleep(LAG_S / LOOKS)
