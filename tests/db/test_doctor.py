"""`shanhai doctor` finds what is wrong, and says how to mend it."""

from pathlib import Path

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from shanhai.cli import doctor
from shanhai.cli.doctor import (
    check_audit,
    check_clock,
    check_database,
    check_files,
    check_indexes,
    check_writing,
)
from shanhai.db.queries.audit import Act, record
from shanhai.errors import Unavailable
from shanhai.local.servers import PrivateRedis
from tests.support.job_rows import add_dataset, add_region, open_sessions


@pytest.fixture(autouse=True)
def environment(
    fresh_database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHANHAI_DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("SHANHAI_REDIS_URL", redis_url)
    monkeypatch.setenv("SHANHAI_ARTIFACTS_ROOT", str(tmp_path))


async def execute(url: str, *statements: str) -> None:
    async with open_sessions(url) as sessions, sessions.begin() as session:
        for statement in statements:
            await session.execute(text(statement))


async def test_a_sound_stack_is_well_but_for_the_tests_own_server(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert not await doctor.examine()
    told = capsys.readouterr().out.splitlines()
    failed = [line for line in told if line.startswith("FAIL")]
    # Its writes wait for no disk, as nobody needs them after a crash.
    assert len(failed) == 1, told
    assert "fsync" in failed[0]
    assert len(told) == len(doctor.CHECKS)


async def test_the_database(fresh_database_url: str) -> None:
    assert "PostGIS 3" in await check_database()
    assert "s from the database's" in await check_clock()
    await execute(fresh_database_url, "UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(Unavailable, match="shanhai db upgrade"):
        await check_database()


async def test_writing_through(fresh_database_url: str) -> None:
    with pytest.raises(Unavailable, match="fsync, full_page_writes off"):
        await check_writing()


async def test_invalid_indexes(fresh_database_url: str) -> None:
    assert await check_indexes() == "all valid"
    await execute(
        fresh_database_url,
        "CREATE INDEX broken ON region (level)",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken'::regclass",
    )
    with pytest.raises(Unavailable, match="broken; mend each with REINDEX"):
        await check_indexes()


async def test_missing_files(fresh_database_url: str) -> None:
    assert await check_files() == "0 named by rows, 0 there"
    uri = f"objects/ab/{'ab' * 32}.tif"
    async with open_sessions(fresh_database_url) as sessions, sessions.begin() as session:
        await add_dataset(session, await add_region(session, "r"), "dem", "lost", uri=uri)
    with pytest.raises(Unavailable, match="1 of 1 files are missing"):
        await check_files()


async def test_redis_must_not_evict(private_redis: PrivateRedis) -> None:
    assert (await doctor.check_redis()).endswith("noeviction")
    client: Redis = Redis.from_url(private_redis.administrator_url())
    try:
        await client.config_set("maxmemory-policy", "allkeys-lru")
        with pytest.raises(Unavailable, match="set it to noeviction"):
            await doctor.check_redis()
    finally:
        await client.config_set("maxmemory-policy", "noeviction")
        await client.aclose()


async def test_redis_must_not_be_open_to_all(
    private_redis: PrivateRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHANHAI_REDIS_URL", f"redis://127.0.0.1:{private_redis.port}/0")
    client: Redis = Redis.from_url(private_redis.administrator_url())
    try:
        await client.acl_setuser("default", enabled=True, nopass=True, categories=["+@all"])
        with pytest.raises(Unavailable, match="names no user"):
            await doctor.check_redis()
    finally:
        await client.acl_setuser("default", enabled=False)
        await client.aclose()


async def test_a_broken_audit_log(fresh_database_url: str) -> None:
    async with open_sessions(fresh_database_url) as sessions, sessions.begin() as session:
        record(session, Act("a"), "create", table="region", object_id="1")
    assert "1 rows in 1 links" in await check_audit()
    await execute(
        fresh_database_url,
        "SET LOCAL session_replication_role = replica",
        "UPDATE audit_log SET actor = 'b'",
    )
    with pytest.raises(Unavailable, match="AuditBroken"):
        await check_audit()
