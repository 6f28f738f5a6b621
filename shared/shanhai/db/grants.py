"""The database's accounts by role: who may do what with which table, and how that is granted.

The owner has all objects and runs migrations; no service connects as it, nor as a superuser. A
table that is neither the catalogue's nor named here is granted to nobody, which a test refuses.
"""

import asyncio
import base64
import hashlib
import hmac
import re
import secrets
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Literal

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from shanhai.db.collections.catalogue import COLLECTIONS, ENTITIES
from shanhai.db.engine import DATABASE_ERRORS, async_url, is_outage, refusal
from shanhai.db.fence import LEAKPROOF
from shanhai.errors import Unavailable

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

DatabaseRole = Literal["owner", "api", "worker", "tiles", "backup"]
ACCOUNTS: Mapping[DatabaseRole, str] = {
    "owner": "shanhai_owner",
    "api": "shanhai_api",
    "worker": "shanhai_worker",
    "tiles": "shanhai_tiles",
    "backup": "shanhai_backup",
}
"""Names of the accounts; they are the cluster's, so several databases of it share them."""
Grants = Mapping[DatabaseRole, str]

READ = "SELECT"
ADD = "SELECT, INSERT"
WRITE = "SELECT, INSERT, UPDATE, DELETE"

CATALOGUED = frozenset(one.table for one in ENTITIES)
"""Tables of collections and records: API and worker change them, and add to their history."""
# What API and worker change beside the tables of the catalogue: ledgers, jobs, observations, cases.
CONTENT = """
    alert alert_due alert_event alert_notice alert_rule alert_watch archived_series bulletin
    compensation_event compensation_settlement complaint compliance_exception contact_detail
    data_finding datastream delivery duty_report duty_review exception_request historical_location
    hj212_device idempotency_key indicator_target job job_dataset lead_case location notice_comment
    notice_summary observation observation_archive observation_change observation_day
    observation_hold observation_hour observation_latest observation_month observation_refusal
    observation_revision
    observation_source observed_property plan_check plan_project project_measure project_problem
    project_region project_state project_transition proposal proposal_evidence rollup_due
    sampling_feature schedule schedule_run sensor spent_challenge station_range subscription
    unsampled_station upload webhook zone_adjustment zone_town
"""
# Rows are added, and never changed or removed.
LEDGERS = """
    bulletin_template case_event evaluation_snapshot fund_entry indicator_value mine_deposit_entry
    mine_report plan_decision project_event proposal_event
"""
# Simple shapes of what is drawn, and what has changed on maps: triggers note it, workers do it.
SHAPES = """
    control_area_shape corridor_node_shape corridor_shape dataset_shape pattern_component_shape
    problem_shape project_shape region_shape zone_shape tile_change tile_floor tile_pending
"""
DRAWN = """
    document job job_dataset party pattern plan_membership programme project_measure project_problem
    project_region project_state proposal region_link species zone_class zone_town
"""
"""What decides who sees a tile, and what it says, beside the tables of what is drawn."""
# Whoever signs in is noted, in tiles, too: nothing else is written there.
KEY_NOTES = "UPDATE (last_used_at)"
SESSION_NOTES = "UPDATE (used_at)"
ACCOUNT_NOTES = "INSERT (issuer, subject, name, email), UPDATE (last_seen_at, signed_in_at, groups)"
SPECIAL: Mapping[str, Grants] = {
    "account": {"api": WRITE, "worker": f"{READ}, {ACCOUNT_NOTES}"},
    "account_credential": {"api": WRITE},
    "account_security_key": {"api": WRITE},
    "sign_in_failure": {"api": WRITE},
    "session": {"api": WRITE},
    "account_role": {"api": WRITE, "worker": READ, "tiles": READ},
    "api_key": {"api": WRITE, "worker": f"{READ}, {KEY_NOTES}"},
    "audit_log": {"api": ADD, "worker": ADD},
    "audit_chain": {"api": READ, "worker": READ},
    "audit_export": {"api": READ, "worker": "SELECT, INSERT, UPDATE"},
    "audit_range": {"api": READ, "worker": READ},
    "backup_mark": {"api": READ, "worker": READ, "backup": "SELECT, INSERT, UPDATE"},
    "worker_presence": {"api": READ, "worker": WRITE},
    "alembic_version": {"api": READ, "worker": READ, "tiles": READ, "backup": READ},
    "plan_membership": {"api": READ, "worker": READ},
}
HISTORY = "_history"
OF_TILES: Mapping[str, str] = {
    **dict.fromkeys((*(one.table for one in COLLECTIONS), *DRAWN.split(), *SHAPES.split()), READ),
    # What was drawn on a former day (`as_of`).
    **dict.fromkeys((f"{one.table}{HISTORY}" for one in COLLECTIONS if one.historic), READ),
    "account": f"{READ}, {ACCOUNT_NOTES}",
    "api_key": f"{READ}, {KEY_NOTES}",
    "session": f"{READ}, {SESSION_NOTES}",
    "audit_log": "INSERT",
}

# Who calls what runs as the owner. Nobody else may: a trigger asks for no right when it fires, but
# whoever may call its function may put it on a temporary table of theirs.
FUNCTIONS: Mapping[str, tuple[DatabaseRole, ...]] = {
    "audit_reserve(bigint)": ("api", "worker"),
    "note_tile_change(text,box2d)": ("api", "worker"),
    "make_observation_month(date)": ("api", "worker"),
    "empty_observation_month(date)": ("api", "worker"),
}
WITHOUT_NUMBERS = frozenset({"audit_log"})
"""Tables whose numbers nobody may draw but the triggers."""
PARTITION = re.compile(r"observation_y\d{4}m\d{2}(d\d{2})?(h\d+)?")


def grants_of(table: str) -> Grants | None:
    """What each role may do with a table or view; None where that is not declared."""
    if PARTITION.fullmatch(table):
        return grants_of("observation")
    name = table.removesuffix(HISTORY)
    found: dict[DatabaseRole, str] = {}
    if name in CATALOGUED or name in CONTENT.split():
        rights = WRITE if name == table else ADD
        found = {"api": rights, "worker": rights}
    elif table in LEDGERS.split():
        found = {"api": ADD, "worker": ADD}
    elif table in SHAPES.split():
        found = {"api": READ, "worker": WRITE}
    elif table in SPECIAL:
        found = {**SPECIAL[table]}
    if table in OF_TILES:
        found["tiles"] = OF_TILES[table]
    return found or None


# What belongs to an extension is not ours.
RELATIONS = text(
    """SELECT c.relname AS name, c.relkind::text AS kind,
              pg_has_role(c.relowner, 'USAGE') AS owned,
              (SELECT t.relname FROM pg_depend d JOIN pg_class t ON t.oid = d.refobjid
                WHERE d.objid = c.oid AND d.deptype IN ('a', 'i')
                  AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_class'::regclass
                LIMIT 1) AS of_table
         FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
        ORDER BY 1"""
)
TAKE_TURNS = text("SELECT pg_advisory_xact_lock(7405231866014512002)")
PRESENT = text("SELECT rolname FROM pg_roles WHERE rolname = ANY (:names)")
AS_OWNER = text(
    """SELECT p.oid::regprocedure::text FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace
          AND (p.prosecdef OR p.proname = 'audit_add_link')
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"""
)


async def apply_grants(url: str) -> None:
    """Grant each account what is declared, and nothing else; in one transaction.

    Raises:
        Unavailable: the account of the URL does not own the tables.
    """
    async with connected(url) as connection:
        # Two who grant at once would change the same rows of the catalogue.
        await connection.execute(TAKE_TURNS)
        names = [name for role, name in ACCOUNTS.items() if role != "owner"]
        present = set(await connection.scalars(PRESENT, {"names": names}))
        if not present:
            log.warning("no accounts by role: run `shanhai db provision`")
            return
        await _grant(connection, {role: name for role, name in ACCOUNTS.items() if name in present})


def not_the_owner(reason: str) -> Unavailable:
    """What an account is told that may not change the tables."""
    return Unavailable(
        f"the database refuses: {reason}; run `shanhai db provision` first, as a superuser, then"
        " this as shanhai_owner",
        message_zh=f"数据库拒绝：{reason}；请先以超级用户执行 `shanhai db provision`，"
        "再以 shanhai_owner 执行本命令",
    )


async def _grant(connection: AsyncConnection, accounts: Mapping[DatabaseRole, str]) -> None:
    relations = (await connection.execute(RELATIONS)).all()
    foreign = next((one.name for one in relations if not one.owned), None)
    if foreign is not None:
        raise not_the_owner(f"must be owner of {foreign}")
    tables = [one.name for one in relations if one.kind != "S"]
    numbers = {one.name: one.of_table for one in relations if one.kind == "S"}
    for role, account in accounts.items():
        for statement in _of_role(role, account, tables, numbers):
            await connection.execute(text(statement))
    for name in (await connection.scalars(AS_OWNER)).all():
        await connection.execute(text(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC"))
        for account in [accounts[role] for role in FUNCTIONS.get(name, ()) if role in accounts]:
            await connection.execute(text(f"GRANT EXECUTE ON FUNCTION {name} TO {account}"))


def _of_role(
    role: DatabaseRole, account: str, tables: list[str], numbers: Mapping[str, str | None]
) -> Iterator[str]:
    """The statements that leave an account what is declared, and nothing else.

    Args:
        numbers: The table of each sequence.
    """
    yield f"REVOKE ALL ON {', '.join(tables)} FROM {account}"
    yield f"REVOKE ALL ON SEQUENCE {', '.join(numbers)} FROM {account}"
    yield f"GRANT USAGE ON SCHEMA public TO {account}"
    by_rights = defaultdict(list)
    for table in tables:
        rights = (grants_of(table) or {}).get(role)
        if rights:
            by_rights[rights].append(table)
    for rights, named in by_rights.items():
        yield f"GRANT {rights} ON {', '.join(named)} TO {account}"
    # Who adds rows to whole tables draws their numbers ahead, for what refers to them.
    drawn = [
        name
        for name, table in numbers.items()
        if table not in WITHOUT_NUMBERS
        and "INSERT" in (grants_of(table or "") or {}).get(role, "").split(", ")
    ]
    if drawn:
        yield f"GRANT USAGE ON SEQUENCE {', '.join(drawn)} TO {account}"


EXTENSIONS = ("postgis", "btree_gist", "pg_trgm", "pgcrypto")
# Functions of ours look for theirs there alone.
ELSEWHERE = text(
    """SELECT string_agg(extname || ' in ' || extnamespace::regnamespace, ', ')
         FROM pg_extension
        WHERE extname = ANY (:names) AND extnamespace <> 'public'::regnamespace"""
)
ATTRIBUTES = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS INHERIT"
# What a former owner has goes to the new one, but for what belongs to an extension.
TAKE_OVER = """
DO $$
DECLARE
  own record;
BEGIN
  FOR own IN
    SELECT format('ALTER %s %s OWNER TO {owner}',
                  CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
                  c.oid::regclass) AS statement
      FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
       AND c.relowner <> '{owner}'::regrole
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid
                        AND d.classid = 'pg_class'::regclass
                        AND (d.deptype = 'e' OR c.relkind = 'S' AND d.deptype IN ('a', 'i')))
    UNION ALL
    SELECT format('ALTER ROUTINE %s OWNER TO {owner}', p.oid::regprocedure)
      FROM pg_proc p
     WHERE p.pronamespace = 'public'::regnamespace AND p.proowner <> '{owner}'::regrole
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid
                        AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e')
  LOOP
    EXECUTE own.statement;
  END LOOP;
END $$
"""
SUPERUSER = text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")


async def provision(
    url: str, passwords: Mapping[DatabaseRole, str], *, patience_s: float = 900, pause_s: float = 2
) -> None:
    """Make the accounts, or give them these passwords; what there is becomes the owner's.

    It can be repeated. No statement and no log of the server holds a password. A server that starts
    or, after a restore, replays its log is waited for.

    Args:
        url: The database, with a superuser's account.

    Raises:
        Unavailable: the account is no superuser's, an extension is in another schema, or the
            server refuses, or takes no changes for as long as it was waited for.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return await _provision(url, passwords)
        except Unavailable as error:
            passing = error.__cause__ is not None and is_outage(error.__cause__)
            if not passing or time.monotonic() > deadline:
                raise
            log.info("the database takes no changes yet; trying again", reason=str(error))
        await asyncio.sleep(pause_s)


async def _provision(url: str, passwords: Mapping[DatabaseRole, str]) -> None:
    async with connected(url) as connection:
        await connection.execute(TAKE_TURNS)
        if not await connection.scalar(SUPERUSER):
            raise Unavailable(
                "SHANHAI_DATABASE_URL must name a superuser of PostgreSQL to make accounts",
                message_zh="建立数据库账户时，SHANHAI_DATABASE_URL 须为 PostgreSQL 超级用户",
            )
        for role, account in ACCOUNTS.items():
            if not await connection.scalar(text(f"SELECT to_regrole('{account}') IS NOT NULL")):
                await connection.execute(text(f"CREATE ROLE {account}"))
            # Replication is what a backup is made by.
            own = "REPLICATION" if role == "backup" else "NOREPLICATION"
            kept = f"'{verifier(passwords[role])}'"
            await connection.exec_driver_sql(
                f"ALTER ROLE {account} {ATTRIBUTES} {own} PASSWORD {kept}"
            )
        for extension in EXTENSIONS:
            wanted = text(f"CREATE EXTENSION IF NOT EXISTS {extension} SCHEMA public")
            await connection.execute(wanted)
        elsewhere = await connection.scalar(ELSEWHERE, {"names": [*EXTENSIONS]})
        if elsewhere:
            raise Unavailable(
                f"extensions must be in the schema public: {elsewhere}; DROP EXTENSION, or ALTER"
                " EXTENSION … SET SCHEMA public where it lets itself be moved, and begin again",
                message_zh=f"扩展须位于模式 public：{elsewhere}；请执行 DROP EXTENSION"
                "（可迁移者执行 ALTER EXTENSION … SET SCHEMA public）后重试",
            )
        for function in LEAKPROOF:
            await connection.execute(text(f"ALTER FUNCTION {function} LEAKPROOF"))
        database = await connection.scalar(text("SELECT quote_ident(current_database())"))
        owner, api, worker, tiles, backup = ACCOUNTS.values()
        for statement in (
            f"ALTER DATABASE {database} OWNER TO {owner}",
            f"ALTER SCHEMA public OWNER TO {owner}",
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            f"REVOKE ALL ON DATABASE {database} FROM PUBLIC",
            # Large writes are prepared in temporary tables.
            f"GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {api}, {worker}",
            f"GRANT CONNECT ON DATABASE {database} TO {tiles}, {backup}",
            # It tells of statements of the others that hang.
            f"GRANT pg_read_all_stats TO {worker}",
        ):
            await connection.execute(text(statement))
        await connection.exec_driver_sql(TAKE_OVER.format(owner=owner))


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[AsyncConnection]:
    """A transaction of whoever may change tables and accounts."""
    engine = create_async_engine(async_url(url))
    try:
        async with engine.begin() as connection:
            yield connection
    except DATABASE_ERRORS as error:
        raise refusal(error) from error
    finally:
        await engine.dispose()


ROUNDS = 4096


def verifier(password: str) -> str:
    """What PostgreSQL keeps of a password of ASCII characters (RFC 5802, SCRAM-SHA-256)."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    told = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${ROUNDS}:{told[0]}${told[1]}:{told[2]}"
