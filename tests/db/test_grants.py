"""The accounts by role: what each may do, and that nothing else can be done with it."""

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from shanhai.cli import doctor
from shanhai.cli.operations import provision
from shanhai.db import grants
from shanhai.db.migrate import upgrade
from shanhai.db.observations.partitions import make_months, month_of, months_ahead
from shanhai.db.queries import accounts, audit_chain
from shanhai.db.queries.audit import Act, record
from shanhai.errors import InvalidInput, Unavailable
from shanhai.local.places import Home
from shanhai.local.servers import PrivatePostgres, Surroundings
from tests.support.accounts import account_url
from tests.support.job_rows import open_sessions
from tests.support.run_directory import run_directory
from tests.support.servers import FleetingPostgres
from tests.support.workers import eventually

SERVICES: tuple[grants.DatabaseRole, ...] = ("api", "worker", "tiles")
DENIED = "permission denied|must be owner"
PATHS = text(
    """SELECT p.oid::regprocedure::text FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef
          AND NOT coalesce('search_path=public, pg_temp' = ANY (p.proconfig), false)
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"""
)
FOR_ALL = text(
    """SELECT p.oid::regprocedure::text FROM pg_proc p,
              LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) right_
        WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef AND right_.grantee = 0
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"""
)
OWNERS = text(
    """SELECT DISTINCT relowner::regrole::text FROM pg_class c
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'S')
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')"""
)
ENTRY = "INSERT INTO audit_log (actor, action, object_table, object_id) VALUES ('a', 'b', 'c', 'd')"


async def execute(url: str, *statements: str) -> None:
    async with open_sessions(url) as sessions, sessions.begin() as session:
        for statement in statements:
            await session.execute(text(statement))


async def scalars(url: str, statement: str) -> list[object]:
    async with open_sessions(url) as sessions, sessions() as session:
        return list(await session.scalars(text(statement)))


async def test_what_each_may_do_with_every_table_is_declared(database_url: str) -> None:
    async with open_sessions(database_url) as sessions, sessions() as session:
        relations = (await session.execute(grants.RELATIONS)).all()
        tables = {one.name for one in relations if one.kind != "S"}
        assert len(tables) > 150
        assert [name for name in tables if grants.grants_of(name) is None] == []
        named = [*grants.CONTENT.split(), *grants.LEDGERS.split(), *grants.SHAPES.split()]
        assert grants.CATALOGUED.isdisjoint(named)
        declared = {*named, *grants.CATALOGUED, *grants.SPECIAL, *grants.OF_TILES}
        assert len(named) == len({*named})
        assert declared <= tables
        assert grants.FUNCTIONS.keys() <= {*await session.scalars(grants.AS_OWNER)}
        assert (await session.scalars(FOR_ALL)).all() == []
        assert (await session.scalars(PATHS)).all() == []
        assert (await session.scalars(OWNERS)).all() == [grants.ACCOUNTS["owner"]]


async def test_no_account_is_mighty(database_url: str) -> None:
    names = ", ".join(f"'{name}'" for name in grants.ACCOUNTS.values())
    mighty = "rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls"
    query = f"SELECT rolname FROM pg_roles WHERE rolname IN ({names})"
    assert len(await scalars(database_url, query)) == len(grants.ACCOUNTS)
    assert await scalars(database_url, f"{query} AND ({mighty})") == []
    assert await scalars(database_url, f"{query} AND rolreplication") == ["shanhai_backup"]
    for role in SERVICES:
        account = grants.ACCOUNTS[role]
        query = f"SELECT pg_has_role('{account}', 'shanhai_owner', 'MEMBER')"
        assert await scalars(database_url, query) == [False]


@pytest.mark.parametrize("role", SERVICES)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor = 'x'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "ALTER TABLE audit_log DISABLE TRIGGER ALL",
        "DELETE FROM audit_chain",
        "TRUNCATE audit_chain",
        "INSERT INTO audit_chain SELECT * FROM audit_chain",
        "INSERT INTO audit_range VALUES (1, 2)",
        "SELECT setval(pg_get_serial_sequence('audit_log', 'id'), 1)",
        "SELECT audit_add_link(1, 1, 1, ''::bytea)",
        "UPDATE zone_history SET code = 'x'",
        "DELETE FROM plan_decision",
        "DROP TABLE zone",
        "CREATE TABLE mine_own ()",
        "SET session_replication_role = replica",
    ],
)
async def test_no_service_changes_what_is_kept_for_ever(
    database_url: str, role: grants.DatabaseRole, statement: str
) -> None:
    with pytest.raises(DBAPIError, match=DENIED):
        await execute(account_url(database_url, role), statement)


@pytest.mark.parametrize("role", SERVICES)
async def test_every_service_adds_to_the_audit_log_and_the_chain_holds(
    database_url: str, role: grants.DatabaseRole
) -> None:
    await execute(account_url(database_url, role), ENTRY)
    async with open_sessions(database_url) as sessions, sessions() as session:
        head = await audit_chain.verify_chain(session)
    assert [head.rows] == await scalars(database_url, "SELECT count(*) FROM audit_log")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO zone_class (code) VALUES ('x')",
        "UPDATE region SET name_en = 'x'",
        "UPDATE api_key SET scopes = '{admin}'",
        "UPDATE account SET disabled_at = NULL",
        "INSERT INTO account_role (account_id, role) VALUES (1, 'admin')",
        "DELETE FROM tile_change",
        "SELECT * FROM contact_detail",
        "SELECT * FROM webhook",
        "SELECT * FROM complaint",
        "SELECT * FROM audit_log",
        "SELECT * FROM observation",
        "SELECT note_tile_change('zones', 'BOX(0 0,1 1)'::box2d)",
    ],
)
async def test_tiles_are_drawn_by_who_can_do_no_more(database_url: str, statement: str) -> None:
    with pytest.raises(DBAPIError, match=DENIED):
        await execute(account_url(database_url, "tiles"), statement)


@pytest.mark.parametrize("role", SERVICES)
async def test_every_service_notes_who_signed_in(
    database_url: str, role: grants.DatabaseRole
) -> None:
    first = datetime.now(UTC)
    signings = [(first, ["a"]), (first, ["b"]), (first + timedelta(seconds=1), ["c"])]
    async with open_sessions(account_url(database_url, role)) as sessions:
        async with sessions.begin() as session:
            made = await accounts.register(
                session, issuer="https://id.example", subject=role, name=role, email=None
            )
            account_id = made.account.id
        for signed_in_at, groups in signings:
            async with sessions.begin() as session:
                holder = await accounts.read_holder(session, account_id)
                await accounts.note_seen(session, holder, signed_in_at, groups)
            async with sessions() as session:
                noted = (await accounts.read_holder(session, account_id)).account
                assert (noted.signed_in_at, noted.groups) == (signed_in_at, groups)


async def test_workers_give_out_no_keys_and_backups_read_no_rows(database_url: str) -> None:
    for role, statement in (
        ("worker", "UPDATE api_key SET scopes = '{admin}'"),
        ("worker", "INSERT INTO account_role (account_id, role) VALUES (1, 'admin')"),
        ("backup", "SELECT * FROM api_key"),
        ("backup", "UPDATE region SET name_en = 'x'"),
        ("api", "DELETE FROM tile_change"),
    ):
        with pytest.raises(DBAPIError, match=DENIED):
            await execute(account_url(database_url, role), statement)  # type: ignore[arg-type]


async def test_a_temporary_table_stands_for_none_of_ours(database_url: str) -> None:
    """The chain is written where it is, whatever the caller has by its name."""
    before = await scalars(database_url, "SELECT count(*) FROM audit_chain")
    await execute(
        account_url(database_url, "api"),
        "CREATE TEMPORARY TABLE audit_chain (LIKE public.audit_chain INCLUDING ALL) ON COMMIT DROP",
        "CREATE TEMPORARY TABLE audit_range (LIKE public.audit_range) ON COMMIT DROP",
        ENTRY,
        "DO $$ BEGIN ASSERT (SELECT count(*) = 0 FROM pg_temp.audit_chain); END $$",
    )
    after = await scalars(database_url, "SELECT count(*) FROM audit_chain")
    assert after == [int(str(before[0])) + 1]


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_no_trigger_of_ours_is_put_on_a_temporary_table(
    database_url: str, role: grants.DatabaseRole
) -> None:
    """A link of the chain was made so, of rows that are in no log."""
    with pytest.raises(DBAPIError, match="permission denied for function audit_log_link"):
        await execute(
            account_url(database_url, role),
            "CREATE TEMPORARY TABLE made_up (id bigint, digest bytea) ON COMMIT DROP",
            "CREATE TRIGGER link AFTER INSERT ON made_up REFERENCING NEW TABLE AS added"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit_log_link()",
            "INSERT INTO made_up VALUES (9999999, 'x')",
        )


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_months_are_made_by_services_and_are_theirs_to_fill(
    fresh_database_url: str, role: grants.DatabaseRole
) -> None:
    url = account_url(fresh_database_url, role)
    [now] = await scalars(fresh_database_url, "SELECT now()")
    months = months_ahead(now, 3)  # type: ignore[arg-type]  # a time
    async with open_sessions(url) as sessions:
        async with sessions.begin() as session:
            assert len(await make_months(session, months)) >= 1
        async with sessions.begin() as session:
            assert await make_months(session, months) == []
    table = f"observation_y{month_of(now):%Y}m{month_of(now):%m}"  # type: ignore[arg-type]
    for other in ("api", "worker"):
        await execute(
            account_url(fresh_database_url, other),
            f"SELECT count(*) FROM {table}",
            f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE",
            f"SELECT empty_observation_month('{month_of(now)}')",  # type: ignore[arg-type]
        )
    with pytest.raises(DBAPIError, match="not the first day"):
        await execute(url, "SELECT make_observation_month('2031-02-02')")


@pytest.fixture
def of_a_superuser(private_postgres: PrivatePostgres) -> Iterator[str]:
    """A database as it was before there were accounts by role: all is the superuser's."""
    private_postgres.execute("CREATE DATABASE before_accounts")
    url = private_postgres.url("before_accounts")
    upgrade(url)
    yield url
    private_postgres.execute("DROP DATABASE before_accounts WITH (FORCE)")


@pytest.mark.long
def test_an_older_installation_gets_accounts(
    of_a_superuser: str, private_postgres: PrivatePostgres
) -> None:
    asyncio.run(execute(of_a_superuser, ENTRY))
    assert asyncio.run(scalars(of_a_superuser, str(OWNERS))) == ["shanhai"]
    passwords = dict.fromkeys(grants.ACCOUNTS, private_postgres.password)
    for _ in range(2):
        asyncio.run(grants.provision(of_a_superuser, passwords))
        upgrade(account_url(of_a_superuser, "owner"))
    assert asyncio.run(scalars(of_a_superuser, str(OWNERS))) == ["shanhai_owner"]
    asyncio.run(execute(account_url(of_a_superuser, "worker"), ENTRY))
    with pytest.raises(DBAPIError, match=DENIED):
        asyncio.run(execute(account_url(of_a_superuser, "api"), "DELETE FROM audit_log"))
    temporary = "CREATE TEMPORARY TABLE zone_class (code text)"
    asyncio.run(execute(account_url(of_a_superuser, "api"), temporary))
    with pytest.raises(DBAPIError, match=DENIED):
        asyncio.run(execute(account_url(of_a_superuser, "tiles"), temporary))
    asyncio.run(
        execute(of_a_superuser, "CREATE SCHEMA own", "ALTER EXTENSION pgcrypto SET SCHEMA own")
    )
    with pytest.raises(Unavailable, match="pgcrypto in own"):
        asyncio.run(grants.provision(of_a_superuser, passwords))


def test_a_database_that_was_not_provisioned_is_told_so(private_postgres: PrivatePostgres) -> None:
    private_postgres.execute("CREATE DATABASE bare")
    private_postgres.execute("CREATE DATABASE owned OWNER shanhai_owner")
    try:
        for name in ("bare", "owned"):
            with pytest.raises(Unavailable, match="run `shanhai db provision` first"):
                upgrade(account_url(private_postgres.url(name), "owner"))
    finally:
        for name in ("bare", "owned"):
            private_postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_services_do_not_upgrade_and_only_superusers_make_accounts(database_url: str) -> None:
    for role in ("api", "worker", "tiles", "backup"):
        with pytest.raises(Unavailable, match=r"must be owner of .*then this as shanhai_owner"):
            upgrade(account_url(database_url, role))
    with pytest.raises(Unavailable, match="Connect call failed"):
        upgrade("postgresql://shanhai_owner@127.0.0.1:1/plans")
    with pytest.raises(Unavailable, match="must name a superuser"):
        asyncio.run(grants.provision(account_url(database_url, "owner"), {}))
    wrong = database_url.replace("://shanhai:", "://shanhai:not-")
    with pytest.raises(Unavailable, match="password authentication failed"):
        asyncio.run(grants.provision(wrong, {}))


@pytest.fixture
def replaying_server() -> Iterator[PrivatePostgres]:
    """A server that is not started and, once it is, replays its log until it is promoted."""
    with run_directory() as directory:
        server = FleetingPostgres(Surroundings.of_home(Home(directory), bound=True))
        server.start()
        server.stop()
        owner, signal = server.data.stat(), server.data / "standby.signal"
        signal.touch()
        os.chown(signal, owner.st_uid, owner.st_gid)
        yield server
        server.stop()


async def test_a_server_that_starts_or_replays_its_log_is_waited_for(
    replaying_server: PrivatePostgres,
) -> None:
    url, passwords = replaying_server.url(), dict.fromkeys(grants.ACCOUNTS, "sixteen_letters_of_it")
    with pytest.raises(Unavailable, match="Connect call failed"):
        await grants.provision(url, passwords, patience_s=0)
    with capture_logs() as told:

        async def has_said(reason: str) -> bool:
            return any(reason in entry.get("reason", "") for entry in told)

        making = asyncio.create_task(grants.provision(url, passwords, pause_s=0.05))
        await eventually(lambda: has_said("Connect call failed"))
        await asyncio.to_thread(replaying_server.start)
        assert replaying_server.url() == url
        await eventually(lambda: has_said("in a read-only transaction"))
        await asyncio.to_thread(replaying_server.execute, "SELECT pg_promote()")
        await making
    names = await scalars(url, "SELECT rolname FROM pg_roles WHERE rolname LIKE 'shanhai\\_%'")
    assert {*names} == {*grants.ACCOUNTS.values()}


def test_passwords_are_asked_for_by_name(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHANHAI_DATABASE_URL", database_url)
    monkeypatch.setenv("SHANHAI_DB_OWNER_PASSWORD", "sixteen_letters_of_it")
    with pytest.raises(InvalidInput, match=r"^not set: SHANHAI_DB_API_PASSWORD, .*BACKUP_PASSWORD"):
        provision()


async def test_a_wrong_password_opens_nothing(database_url: str) -> None:
    url = account_url(database_url, "api").replace("shanhai_api:", "shanhai_api:not-")
    with pytest.raises(Exception, match="password authentication failed"):
        await execute(url, "SELECT 1")


async def cut_the_tail(url: str) -> None:
    """What a superuser can do to a copy: the newest entry and its link, without a trace."""
    await execute(
        url,
        "SET LOCAL session_replication_role = replica",
        "DELETE FROM audit_log WHERE id > (SELECT last_id FROM audit_chain ORDER BY seq DESC"
        " OFFSET 1 LIMIT 1)",
        "DELETE FROM audit_chain WHERE seq = (SELECT max(seq) FROM audit_chain)",
    )


async def test_a_tail_that_a_superuser_cuts_is_seen_by_signed_heads_alone(
    fresh_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file, heads = tmp_path / "own" / "key.pem", tmp_path / "kept" / "heads.jsonl"
    monkeypatch.setenv("SHANHAI_DATABASE_URL", account_url(fresh_database_url, "worker"))
    with pytest.raises(Unavailable, match="no signed heads are kept"):
        await doctor.check_heads()
    monkeypatch.setenv("SHANHAI_AUDIT_HEADS", str(heads))
    monkeypatch.setenv("SHANHAI_AUDIT_KEY_FILE", str(key_file))
    with pytest.raises(Unavailable, match="is missing: start a worker"):
        await doctor.check_heads()
    audit_chain.make_missing_key(key_file, tmp_path / "kept" / "heads.pub")
    assert key_file.stat().st_mode & 0o077 == 0
    async with open_sessions(fresh_database_url) as sessions:
        for number in ("1", "2"):
            async with sessions.begin() as session:
                record(session, Act("a"), "create", table="region", object_id=number, after={})
        async with sessions() as session:
            head = await audit_chain.verify_chain(session)
        signed = audit_chain.add_head(heads, head, audit_chain.read_signing_key(key_file))
        assert "1 in the chain" in await doctor.check_heads()
        await cut_the_tail(fresh_database_url)
        async with sessions() as session:
            assert (await audit_chain.verify_chain(session)).rows == 1
        async with sessions() as session:
            with pytest.raises(audit_chain.AuditBroken, match="cut off"):
                await audit_chain.verify_chain(session, seen=[signed.head])
    with pytest.raises(audit_chain.AuditBroken, match="cut off"):
        await doctor.check_heads()


async def test_old_heads_and_mighty_accounts_are_told(
    fresh_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads, public = tmp_path / "heads.jsonl", tmp_path / "heads.pub"
    audit_chain.make_missing_key(tmp_path / "key.pem", public)
    audit_chain.make_missing_key(tmp_path / "key.pem", public)
    audit_chain.add_head(
        heads, audit_chain.BEGINNING, audit_chain.read_signing_key(tmp_path / "key.pem")
    )
    monkeypatch.setenv("SHANHAI_AUDIT_HEADS", str(heads))
    monkeypatch.setenv("SHANHAI_AUDIT_PUBLIC_KEY_FILE", str(public))
    monkeypatch.setenv("SHANHAI_DATABASE_URL", account_url(fresh_database_url, "api"))
    assert "1 in the chain" in await doctor.check_heads()
    assert await doctor.check_accounts() == "shanhai_api owns nothing"
    monkeypatch.setenv("SHANHAI_AUDIT_EVERY_S", "1")
    await asyncio.sleep(3.2)
    with pytest.raises(Unavailable, match="h ago: no worker runs"):
        await doctor.check_heads()
    for url, told in (
        (fresh_database_url, "shanhai, a superuser"),
        (account_url(fresh_database_url, "owner"), "shanhai_owner, who owns tables"),
    ):
        monkeypatch.setenv("SHANHAI_DATABASE_URL", url)
        with pytest.raises(Unavailable, match=told):
            await doctor.check_accounts()
