"""Upgrades while the database is used."""

import asyncio
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from asyncpg.exceptions import DuplicateTableError
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from shanhai.cli.doctor import check_database
from shanhai.db import migrate, revision
from shanhai.db.migrate import upgrade
from shanhai.db.revision import (
    DatabaseState,
    Schema,
    expected_revision,
    look_into_database,
    present_schema,
)
from shanhai.errors import Conflict, Unavailable
from shanhai.local.servers import PrivatePostgres
from tests.support.databases import downgrade
from tests.support.job_rows import open_sessions
from tests.support.serving import PATIENCE_S

LATER = """
from alembic import op

revision = "9000"
down_revision = {newest!r}
{more}


def upgrade() -> None:
    op.execute("ALTER TABLE job ADD colour varchar")
    op.execute({last!r})


def downgrade() -> None:
    op.execute("ALTER TABLE job DROP colour")
    op.execute("DROP TABLE IF EXISTS pigment")
"""
BASELINE = "0051"
GOOD, BAD = "CREATE TABLE pigment (name varchar)", "CREATE TABLE job (name varchar)"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Migrations of the test's own, a copy of the product's."""
    copied = tmp_path / "migrations"
    shutil.copytree(revision.MIGRATIONS, copied, ignore=shutil.ignore_patterns("__pycache__"))
    for module in (migrate, revision):
        monkeypatch.setattr(module, "MIGRATIONS", copied)
    return copied


def add_revision(folder: Path, last: str = GOOD, more: str = "") -> None:
    """A revision after the newest, which changes the table `job` and ends with a statement."""
    path = folder / "versions/9000_add_colour.py"
    path.unlink(missing_ok=True)
    path.write_text(LATER.format(newest=expected_revision(), last=last, more=more), "utf-8")


async def write(url: str, stop: threading.Event) -> int:
    """Submit jobs as the release before does, until told to stop; how many."""
    made = text(
        "INSERT INTO job (kind, inputs, task, requested_by) VALUES ('echo', '{}', '{}', 'test')"
    )
    number = 0
    async with open_sessions(url) as sessions:
        while not stop.is_set():
            async with sessions.begin() as session:
                await session.execute(made)
            number += 1
            await asyncio.sleep(0.01)
    return number


async def read_slowly(url: str, reads: asyncio.Event, seconds: float) -> None:
    """Hold the table as a report that takes long does."""
    async with open_sessions(url) as sessions, sessions() as session:
        await session.execute(text("SET idle_in_transaction_session_timeout = 0"))
        await session.execute(text("SELECT count(*) FROM job"))
        reads.set()
        await asyncio.sleep(seconds)


async def look(url: str) -> tuple[str | None, int]:
    async with open_sessions(url) as sessions, sessions() as session:
        number = await session.scalar(text("SELECT count(*) FROM job"))
        return (await present_schema(session)).revision, int(number or 0)


async def test_writers_and_readers_go_on(fresh_database_url: str, folder: Path) -> None:
    url = fresh_database_url
    add_revision(folder)
    stop, reads = threading.Event(), asyncio.Event()
    async with asyncio.timeout(60):
        writing = asyncio.create_task(write(url, stop))
        reading = asyncio.create_task(read_slowly(url, reads, 3))
        await reads.wait()
        # The reader holds the table for longer than one try waits.
        await asyncio.to_thread(upgrade, url, pause_s=0.2)
        assert reading.done()
        await asyncio.sleep(0.1)
        stop.set()
        number = await writing
        await reading
    assert await look(url) == (expected_revision(), number)


async def test_a_table_that_stays_in_use_is_told(fresh_database_url: str, folder: Path) -> None:
    url = fresh_database_url
    add_revision(folder)
    reads = asyncio.Event()
    reading = asyncio.create_task(read_slowly(url, reads, 30))
    await reads.wait()
    with pytest.raises(Unavailable, match="shanhai db upgrade"):
        await asyncio.to_thread(upgrade, url, patience_s=0)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await asyncio.to_thread(upgrade, url)
    assert (await look(url))[0] == expected_revision()


async def test_down_to_the_baseline_and_up_again(fresh_database_url: str, folder: Path) -> None:
    url, baseline = fresh_database_url, expected_revision()
    before = await shape(url)
    add_revision(folder, "CREATE TABLE pigment AS SELECT '' AS name FROM pg_sleep(1.5)")
    # The server's own limit does not end a migration of large tables.
    name = url.rpartition("/")[2]
    await execute(url, f"ALTER DATABASE {name} SET statement_timeout = '1s'")
    await asyncio.to_thread(upgrade, url)
    after = await shape(url)
    assert (after[0], after[1] - before[1]) == ("9000", {("job", "colour"), ("pigment", "name")})
    await asyncio.to_thread(downgrade, url, str(baseline))
    assert await shape(url) == before
    await asyncio.to_thread(upgrade, url)
    assert await shape(url) == after


async def test_there_is_nothing_before_the_baseline(fresh_database_url: str) -> None:
    await asyncio.to_thread(downgrade, fresh_database_url, BASELINE)
    before = await shape(fresh_database_url)
    with pytest.raises(Conflict, match="nothing before the baseline"):
        await asyncio.to_thread(downgrade, fresh_database_url, "base")
    assert await shape(fresh_database_url) == before
    assert before[0] == BASELINE


async def test_every_revision_after_the_baseline_is_undone_and_done_again(
    fresh_database_url: str,
) -> None:
    before = await shape(fresh_database_url)
    await asyncio.to_thread(downgrade, fresh_database_url, BASELINE)
    assert (await shape(fresh_database_url))[0] == BASELINE
    await asyncio.to_thread(upgrade, fresh_database_url)
    assert await shape(fresh_database_url) == before


async def test_a_database_at_the_newest_revision_stays_as_it_is(fresh_database_url: str) -> None:
    before = await shape(fresh_database_url), await objects(fresh_database_url)
    await asyncio.to_thread(upgrade, fresh_database_url)
    assert (await shape(fresh_database_url), await objects(fresh_database_url)) == before


async def test_a_revision_that_fails_leaves_nothing(fresh_database_url: str, folder: Path) -> None:
    url = fresh_database_url
    before = await shape(url)
    add_revision(folder, BAD)
    with pytest.raises(ProgrammingError, match="already exists"):
        await asyncio.to_thread(upgrade, url)
    assert await shape(url) == before
    add_revision(folder, GOOD)
    await asyncio.to_thread(upgrade, url)
    assert (await shape(url))[0] == "9000"


async def test_a_baseline_that_fails_leaves_nothing(empty_url: str, folder: Path) -> None:
    broken = folder / "baseline/99_broken.sql"
    broken.write_text(f"{GOOD}; {BAD};", "utf-8")
    with pytest.raises(DuplicateTableError):
        await asyncio.to_thread(upgrade, empty_url)
    assert await shape(empty_url) == (None, set())
    broken.unlink()
    await asyncio.to_thread(upgrade, empty_url)
    assert (await shape(empty_url))[0] == expected_revision()


@pytest.mark.long
async def test_two_who_upgrade_at_once_do_so_one_after_the_other(empty_url: str) -> None:
    program = "import sys; from shanhai.db.migrate import upgrade; upgrade(sys.argv[1])"
    command = (sys.executable, "-c", program, empty_url)
    both = [await asyncio.create_subprocess_exec(*command) for _ in range(2)]
    async with asyncio.timeout(PATIENCE_S):
        assert [await one.wait() for one in both] == [0, 0]
    assert (await shape(empty_url))[0] == expected_revision()


@pytest.mark.parametrize(
    ("revision", "english", "chinese"),
    [("0040", "shanhai plan export", "导出规划"), ("9999", "newer than", "更新")],
)
async def test_a_revision_without_migrations_is_refused(
    fresh_database_url: str,
    run: Callable[..., tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
    revision: str,
    english: str,
    chinese: str,
) -> None:
    url = fresh_database_url
    monkeypatch.setenv("SHANHAI_DATABASE_URL", url)
    await execute(
        url, f"UPDATE alembic_version SET version_num = '{revision}', serves_since = '{revision}'"
    )
    before = await shape(url)
    with pytest.raises(Unavailable, match=english) as caught:
        await asyncio.to_thread(upgrade, url)
    assert revision in caught.value.message
    assert revision in caught.value.message_zh
    assert chinese in caught.value.message_zh
    with pytest.raises(Unavailable, match=english):
        await check_database()
    code, said = await asyncio.to_thread(run, "db", "upgrade")
    assert (code, english in " ".join(said.split()), "Traceback" in said) == (1, True, False)
    assert await shape(url) == before


async def test_code_of_the_release_before_goes_on(
    fresh_database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is ready, and has nothing to migrate, where the newer revision takes nothing from it."""
    url, former = fresh_database_url, str(expected_revision())
    monkeypatch.setenv("SHANHAI_DATABASE_URL", url)
    before = await schema(url)
    assert before == Schema(former, before.serves_since)
    add_revision(folder)
    await asyncio.to_thread(upgrade, url)
    assert await schema(url) == Schema("9000", before.serves_since)
    (folder / "versions/9000_add_colour.py").unlink()
    assert await readiness(url, former) == DatabaseState("ok", "ok")
    assert "revision 9000" in await check_database()
    as_it_was = await shape(url)
    await asyncio.to_thread(upgrade, url)
    assert await shape(url) == as_it_was


async def test_a_revision_that_takes_something_away_ends_code_before_it(
    fresh_database_url: str, folder: Path
) -> None:
    url, former = fresh_database_url, str(expected_revision())
    before = await schema(url)
    add_revision(folder, more='serves_since = "9000"')
    await asyncio.to_thread(upgrade, url)
    assert await schema(url) == Schema("9000", "9000")
    assert (await readiness(url, former)).reading == f"at revision 9000, expected {former}"
    assert (await readiness(url, "9000")).reading == "ok"
    await asyncio.to_thread(downgrade, url, former)
    assert await schema(url) == before


async def schema(url: str) -> Schema:
    async with open_sessions(url) as sessions, sessions() as session:
        return await present_schema(session)


async def readiness(url: str, known: str) -> DatabaseState:
    async with open_sessions(url) as sessions, sessions() as session:
        return await look_into_database(session, known)


@pytest.mark.parametrize(
    ("known", "serves"), [("0087", False), ("0088", True), ("0089", True), ("0090", True)]
)
def test_a_database_serves_from_one_revision_to_its_own(known: str, serves: bool) -> None:
    assert Schema("0090", "0088").serves(known) is serves


@pytest.mark.parametrize(
    "database", [Schema("0087"), Schema("0089"), Schema("0089", "0090"), Schema(None)]
)
def test_it_serves_none_other(database: Schema) -> None:
    """Older than the code, without a word on older code, or not migrated."""
    assert not database.serves("0088")


async def shape(url: str) -> tuple[str | None, set[tuple[str, str]]]:
    """The revision, and the columns there are."""
    columns = text(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name NOT IN"
        " ('spatial_ref_sys', 'geometry_columns', 'geography_columns')"
    )
    async with open_sessions(url) as sessions, sessions() as session:
        found = {(str(table), str(column)) for table, column in await session.execute(columns)}
        return (await present_schema(session)).revision, found


async def objects(url: str) -> list[int]:
    """The numbers of all tables, indexes and functions: those that are made anew get others."""
    numbers = "SELECT oid FROM pg_class UNION ALL SELECT oid FROM pg_proc ORDER BY oid"
    async with open_sessions(url) as sessions, sessions() as session:
        return list(await session.scalars(text(numbers)))


async def execute(url: str, statement: str) -> None:
    async with open_sessions(url) as sessions, sessions.begin() as session:
        await session.execute(text(statement))


@pytest.fixture
def empty_url(private_postgres: PrivatePostgres) -> Iterator[str]:
    """A database in which nothing is made yet."""
    private_postgres.execute("CREATE DATABASE nothing_yet")
    yield private_postgres.url("nothing_yet")
    private_postgres.execute("DROP DATABASE nothing_yet WITH (FORCE)")


@pytest.fixture
def ascii_url(private_postgres: PrivatePostgres) -> Iterator[str]:
    """An empty database whose encoding knows no character beyond ASCII."""
    name = "only_ascii"
    private_postgres.execute(
        f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'"
        " TEMPLATE template0"
    )
    yield private_postgres.url(name)
    private_postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_database_that_cannot_hold_chinese_is_refused(
    ascii_url: str, run: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unavailable, match="encoding is SQL_ASCII") as caught:
        upgrade(ascii_url)
    assert "数据库编码为 SQL_ASCII" in caught.value.message_zh
    monkeypatch.setenv("SHANHAI_DATABASE_URL", ascii_url)
    code, said = run("db", "upgrade")
    assert (code, "ENCODING 'UTF8'" in said, "Traceback" in said) == (1, True, False)
    with pytest.raises(Unavailable, match="encoding is SQL_ASCII"):
        asyncio.run(check_database())
    assert asyncio.run(tables(ascii_url)) == 0


async def tables(url: str) -> int:
    async with open_sessions(url) as sessions, sessions() as session:
        counted = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        return int(await session.scalar(text(counted)) or 0)
