"""`shanhai doctor` finds what is wrong, and says how to mend it."""

import asyncio
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from redis.asyncio import Redis
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from shanhai.certificates import CertifiedServer, make_certificates
from shanhai.cli import doctor
from shanhai.cli.doctor import (
    check_artifacts,
    check_audit,
    check_clock,
    check_database,
    check_files,
    check_indexes,
    check_writing,
)
from shanhai.db.engine import open_quick_reader
from shanhai.db.queries.audit import Act, record
from shanhai.db.queries.keys import create_key, revoke_key
from shanhai.errors import Unavailable
from shanhai.local.servers import PrivatePostgres, PrivateRedis
from shanhai.settings import DatabaseSettings
from shanhai.vocabulary import Scope
from tests.support.accounts import account_url
from tests.support.issuer import AUDIENCE, local_issuer
from tests.support.job_rows import add_dataset, add_region, open_sessions
from tests.support.object_stores import Environment


@pytest.fixture(autouse=True)
def environment(
    fresh_database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHANHAI_DATABASE_URL", account_url(fresh_database_url, "api"))
    monkeypatch.setenv("SHANHAI_REDIS_URL", redis_url)
    monkeypatch.setenv("SHANHAI_ARTIFACTS_ROOT", str(tmp_path))
    # How full the disk of the machine that runs the tests is says nothing of the stack.
    say_free(monkeypatch, 50)


def say_free(monkeypatch: pytest.MonkeyPatch, percent: int) -> None:
    """Let every disk have so much room."""
    total = 100 * 2**30
    free = total * percent // 100
    usage = SimpleNamespace(total=total, used=total - free, free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)


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
    # Its writes wait for no disk, as nobody needs them after a crash; no worker signs heads.
    assert len(failed) == 2, told
    assert "fsync" in failed[0]
    assert "no signed heads" in failed[1]
    assert len(told) == len(doctor.CHECKS)


@pytest.fixture
def authority(private_postgres: PrivatePostgres, tmp_path: Path) -> Iterator[Path]:
    """PostgreSQL speaks TLS to whoever wants it; the certificate of its authority."""
    folder = private_postgres.data / "tls"
    server = CertifiedServer("postgres", private_postgres.data.stat().st_uid, ("127.0.0.1",))
    make_certificates(folder, [server])
    on = {
        "ssl": "on",
        "ssl_cert_file": "tls/postgres/cert.pem",
        "ssl_key_file": "tls/postgres/key.pem",
    }
    for name, value in on.items():
        private_postgres.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    private_postgres.execute("SELECT pg_reload_conf()")
    yield folder / "ca" / "ca.pem"
    for name in on:
        private_postgres.execute(f"ALTER SYSTEM RESET {name}")
    private_postgres.execute("SELECT pg_reload_conf()")
    shutil.rmtree(folder)


async def test_the_way_to_the_database_is_encrypted_and_its_server_checked(
    authority: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLMODE", "disable")
    assert (await check_database()).endswith(", on this machine")
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    monkeypatch.setenv("PGSSLROOTCERT", str(authority))
    for _ in range(50):  # the server takes new settings in its own time
        try:
            told = await check_database()
            break
        except (OSError, Unavailable):
            await asyncio.sleep(0.1)
    assert told.endswith(", TLSv1.3")
    settings = DatabaseSettings()
    async with open_quick_reader(settings, application="test") as reader:
        assert await reader.scalar(select(func.current_date()), {}) is not None
    make_certificates(tmp_path / "another", [])
    monkeypatch.setenv("PGSSLROOTCERT", str(tmp_path / "another" / "ca" / "ca.pem"))
    with pytest.raises(Unavailable, match="SSLCertVerificationError"):
        await check_database()


async def test_the_database(fresh_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "PostGIS 3" in await check_database()
    assert "s from the database's" in await check_clock()
    await execute(fresh_database_url, "UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(Unavailable, match="shanhai db upgrade"):
        await check_database()
    monkeypatch.setenv("SHANHAI_DATABASE_URL", f"{fresh_database_url}-that-is-not-there")
    with pytest.raises(Unavailable, match="InvalidCatalogNameError"):
        await check_database()


async def test_writing_through(fresh_database_url: str) -> None:
    with pytest.raises(Unavailable, match="fsync, full_page_writes off"):
        await check_writing()


async def test_a_database_that_takes_no_writes(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of the test server nothing need outlive a crash.
    monkeypatch.setattr(doctor, "DURABLE", ())
    assert "a row was written and removed" in await check_writing()
    name = fresh_database_url.rpartition("/")[2]
    await execute(
        fresh_database_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on"
    )
    with pytest.raises(DBAPIError, match="cannot execute INSERT in a read-only transaction"):
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


@pytest.mark.parametrize(("percent", "well"), [(9, False), (10, True)])
async def test_a_tenth_of_the_disk_stays_free(
    monkeypatch: pytest.MonkeyPatch, percent: int, well: bool
) -> None:
    say_free(monkeypatch, percent)
    if well:
        assert f"{percent * 1024} MiB free" in await check_artifacts()
    else:
        with pytest.raises(Unavailable, match="9216 MiB free, less than a tenth; give room"):
            await check_artifacts()


async def test_the_advice_for_a_full_disk_is_of_the_store(
    monkeypatch: pytest.MonkeyPatch, in_bucket: Environment
) -> None:
    say_free(monkeypatch, 9)
    with pytest.raises(Unavailable, match="or see `shanhai artifacts sweep --dry-run`"):
        await check_artifacts()
    for name, value in in_bucket().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Unavailable, match="or lower SHANHAI_ARTIFACTS_CACHE_MB"):
        await check_artifacts()


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


async def test_keys_that_never_end_or_soon(fresh_database_url: str) -> None:
    assert await doctor.check_keys() == "0 valid"
    in_20_days = datetime.now(UTC) + timedelta(days=20)
    async with open_sessions(fresh_database_url) as sessions, sessions.begin() as session:
        soon, endless, revoked = [
            (await create_key(session, name="k", scopes=[Scope.READ], expires_at=end))[4:12]
            for end in (in_20_days, None, None)
        ]
        await create_key(session, name="k", scopes=[Scope.READ])
        await revoke_key(session, revoked, act=Act("a"))
    never = f"UPDATE api_key SET expires_at = NULL WHERE prefix IN ('{endless}', '{revoked}')"
    await execute(fresh_database_url, never)
    told = f"3 valid; without an end: {endless}; to be rotated within 30 days: {soon}"
    assert await doctor.check_keys() == told


async def test_a_role_in_a_region_that_is_not_there(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await doctor.check_roles() == "0 groups have roles"
    for name, value in {
        "ISSUER": "https://id.example",
        "AUDIENCE": "shanhai",
        "ROLES_CLAIM": "groups",
        "ROLES": "office=planner@xiamen,others=auditor",
    }.items():
        monkeypatch.setenv(f"SHANHAI_OIDC_{name}", value)
    with pytest.raises(Unavailable, match=r"SHANHAI_OIDC_ROLES names .* not there: xiamen"):
        await doctor.check_roles()
    async with open_sessions(fresh_database_url) as sessions, sessions.begin() as session:
        await add_region(session, "xiamen")
    assert await doctor.check_roles() == "2 groups have roles"


async def test_issuers_that_give_no_token_that_could_be_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await doctor.check_issuers() == "none: SHANHAI_OIDC_ISSUER is not set"
    with local_issuer() as one, local_issuer() as other:
        monkeypatch.setenv("SHANHAI_OIDC_ISSUER", f"{one.url},{other.url}")
        monkeypatch.setenv("SHANHAI_OIDC_AUDIENCE", AUDIENCE)
        monkeypatch.setenv("SHANHAI_OIDC_ALLOW_LOOPBACK_HTTP", "true")
        assert await doctor.check_issuers() == f"{one.url}, {other.url}"
        one.keys.clear()
        other.answers["/.well-known/openid-configuration"] = {"issuer": one.url}
        with pytest.raises(Unavailable) as refused:
            await doctor.check_issuers()
        keyless, another = refused.value.message.split("; ")
        assert keyless == f"{one.url}: it publishes no key that tokens can be checked by"
        assert another == f"{other.url}: it calls itself {one.url!r}"
        one.rotate("second")
        other.status = 500
        with pytest.raises(Unavailable, match=f"^{other.url}: .* cannot be reached: status 500"):
            await doctor.check_issuers()


async def test_a_collector_that_lacks_the_audit_log(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "is not set" in await doctor.check_export()
    monkeypatch.setenv("SHANHAI_AUDIT_SYSLOG", "tls://logs.example.org")
    async with open_sessions(fresh_database_url) as sessions, sessions.begin() as session:
        record(session, Act("a"), "create", table="region", object_id="1")
    assert await doctor.check_export() == "logs.example.org:6514 has all but 1 links"
    await execute(
        fresh_database_url,
        "SET LOCAL session_replication_role = replica",
        "UPDATE audit_chain SET at = at - interval '1 hour'",
    )
    with pytest.raises(Unavailable, match="lacks 1 links of the audit log, the first 60 min old"):
        await doctor.check_export()
    sent = (
        "INSERT INTO audit_export (collector, seq, last_id) VALUES ('logs.example.org:6514', 1, 1)"
    )
    await execute(fresh_database_url, sent)
    assert await doctor.check_export() == "logs.example.org:6514 has all but 0 links"


async def test_a_broken_audit_log(
    fresh_database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_sessions(fresh_database_url) as sessions, sessions.begin() as session:
        record(session, Act("a"), "create", table="region", object_id="1")
    assert "1 rows in 1 links" in await check_audit()
    await execute(
        fresh_database_url,
        "SET LOCAL session_replication_role = replica",
        "UPDATE audit_log SET actor = 'b'",
    )
    await doctor.examine()
    assert (
        "treat it as an incident, as the runbook says under AuditBroken" in capsys.readouterr().out
    )


async def test_an_index_that_the_fence_makes_useless_is_told(fresh_database_url: str) -> None:
    assert "found by their index" in await doctor.check_fence()
    function = "geometry_overlaps(geometry, geometry)"
    await execute(fresh_database_url, f"ALTER FUNCTION {function} NOT LEAKPROOF")
    told = await doctor.check_fence()
    assert function in told
    assert "shanhai db provision" in told
