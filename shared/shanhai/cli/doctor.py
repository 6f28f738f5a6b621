"""`shanhai settings`, `shanhai doctor`."""

import asyncio
import hashlib
import importlib.metadata
import shutil
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai import crypto, isolation
from shanhai.cli.kit import advice_on, all_settings, as_env, faults_of, in_transaction
from shanhai.db.authentication import roles_by_group
from shanhai.db.fence import LEAKPROOF
from shanhai.db.migrate import demand_known, demand_utf8
from shanhai.db.queries import audit_chain
from shanhai.db.queries.files import read_references
from shanhai.db.queries.keys import list_keys
from shanhai.db.revision import expected_revision, present_schema
from shanhai.db.standby import LOOKS, REPLAYED, WRITTEN
from shanhai.db.tables.zone import Region
from shanhai.errors import ShanhaiError, Unavailable
from shanhai.oidc import TokenVerifier
from shanhai.settings import (
    ArtifactSettings,
    AuditSettings,
    DaskSettings,
    DatabaseSettings,
    OidcSettings,
    OutgoingSettings,
    QueueSettings,
    RedisSettings,
    WorkerSettings,
)
from shanhai.storage.artifacts import find_orphans, missing_files, open_store
from shanhai.syslog import LogCollector

OLDEST_SERVER, NEWEST_SERVER = 15, 18
OLDEST_POSTGIS = (3, 3)
MOST_OFFSET_S = 2.0
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
LARGE_BYTES = 100 * 1024**2
OLD_HEADS = 3
"""Looks of the workers after which the last signed head is old."""
SOON_DAYS = 30
LATE_EXPORT_S = 600.0
"""Seconds after which a collector should have an entry of the audit log."""
MIGHTY = text(
    """SELECT rolname, CASE WHEN rolsuper THEN 'a superuser' ELSE 'who owns tables' END AS kind
         FROM pg_roles
        WHERE rolsuper
           OR pg_has_role(oid, (SELECT relowner FROM pg_class
                                 WHERE oid = to_regclass('public.audit_log')), 'MEMBER')"""
)
LEAKY = text(
    """SELECT name FROM unnest(CAST(:names AS text[])) name
        WHERE NOT (SELECT proleakproof FROM pg_proc WHERE oid = to_regprocedure(name))"""
)
CONNECTED = text(
    """SELECT DISTINCT application_name, usename FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'shanhai-%'
          AND application_name NOT LIKE 'shanhai-cli%' ORDER BY 1, 2"""
)
OWN_ACCOUNTS = (
    "whoever has it can change the audit log; make accounts with `shanhai db provision`, and give"
    " each service its own, as docs/operations.md says"
)
INVALID = text(
    """SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
         JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE NOT i.indisvalid AND n.nspname = 'public' ORDER BY 1"""
)
# Since statistics were last reset; those of constraints serve even if nobody reads by them.
UNUSED = text(
    """SELECT s.indexrelname FROM pg_stat_user_indexes s JOIN pg_index i USING (indexrelid)
        WHERE s.idx_scan = 0 AND NOT i.indisunique AND s.schemaname = 'public'
          AND pg_relation_size(s.indexrelid) > :large ORDER BY 1"""
)
WAY = text(
    """SELECT ssl, version, inet_server_addr() IS NULL
                          OR inet_server_addr() <<= ANY (ARRAY['127.0.0.0/8', '::1'::inet]) AS near
         FROM pg_stat_ssl WHERE pid = pg_backend_pid()"""
)
BARE = text(
    """SELECT con.conrelid::regclass::text || '.' || a.attname FROM pg_constraint con
         JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = con.conkey[1]
         JOIN pg_class c ON c.oid = con.conrelid
        WHERE con.contype = 'f' AND con.connamespace = 'public'::regnamespace
          AND pg_relation_size(c.oid) > :large
          AND NOT EXISTS (SELECT FROM pg_index i
                           WHERE i.indrelid = con.conrelid AND i.indkey[0] = con.conkey[1])
        ORDER BY 1"""
)

Check = Callable[[], Coroutine[Any, Any, str]]


def on_database(look: Callable[[AsyncSession], Awaitable[str]]) -> Check:
    """A check that is one look into the database."""

    @wraps(look)
    async def check() -> str:
        return await in_transaction(look)

    return check


@on_database
async def check_database(session: AsyncSession) -> str:
    """PostgreSQL and PostGIS of versions that are known to do, at the expected revision."""
    number = int(str(await session.scalar(text("SHOW server_version_num")))) // 10_000
    version = await session.scalar(text("SHOW server_version"))
    if not OLDEST_SERVER <= number <= NEWEST_SERVER:
        raise Unavailable(
            f"PostgreSQL {version}: versions {OLDEST_SERVER} to {NEWEST_SERVER} are supported"
        )
    demand_utf8(str(await session.scalar(text("SHOW server_encoding"))))
    postgis = await session.scalar(
        text("SELECT extversion FROM pg_extension WHERE extname = 'postgis'")
    )
    if postgis is None:
        raise Unavailable("the extension postgis is missing: run `shanhai db provision`")
    if tuple(map(int, postgis.split(".")[:2])) < OLDEST_POSTGIS:
        raise Unavailable(f"PostGIS {postgis}: 3.3 or newer is needed; update the extension")
    schema = await present_schema(session)
    present, expected = schema.revision, expected_revision()
    demand_known(schema)
    if not schema.serves(expected):
        raise Unavailable(f"at revision {present}, expected {expected}: run `shanhai db upgrade`")
    way = await _way(session)
    return f"PostgreSQL {version}, PostGIS {postgis}, UTF8, revision {present}, {way}"


async def _way(session: AsyncSession) -> str:
    """How the way to the server is protected."""
    way = (await session.execute(WAY)).one()
    if way.ssl:
        return str(way.version)
    if not way.near:
        raise Unavailable(
            "what is said to the database is not encrypted: set PGSSLMODE=verify-full, and"
            " PGSSLROOTCERT where the server's certificate is of an authority of your own"
        )
    return "on this machine"


@on_database
async def check_writing(session: AsyncSession) -> str:
    """The database takes writes, and keeps what it has acknowledged."""
    if await session.scalar(text("SELECT pg_is_in_recovery()")):
        raise Unavailable("the server is a replica, or still recovering: name the primary")
    off = [name for name in DURABLE if await session.scalar(text(f"SHOW {name}")) == "off"]
    if off:
        raise Unavailable(f"{', '.join(off)} off: a crash loses what was acknowledged; set to on")
    row = {"row": f"doctor-{uuid.uuid4()}"}
    await session.execute(text("INSERT INTO spent_challenge VALUES (:row, now())"), row)
    await session.execute(text("DELETE FROM spent_challenge WHERE sha256 = :row"), row)
    return "a row was written and removed, and what is acknowledged is kept"


@on_database
async def check_months(session: AsyncSession) -> str:
    """What the database says of splitting months of observations can be used."""
    split = (await session.execute(text("SELECT * FROM observation_split()"))).one()
    if split.fault:
        raise Unavailable(f"{split.fault}: not split so; ALTER DATABASE … SET it anew, or RESET it")
    parts = [*["by day"] * split.days, *[f"in {split.hashes} by station"] * (split.hashes > 1)]
    return f"new months are {'split ' + ' and '.join(parts) if parts else 'whole'}"


async def check_standby() -> str:
    """The standby, where one is named, comes within its bound to where the primary is."""
    settings = DatabaseSettings()
    if not settings.read_url.get_secret_value():
        return "none: SHANHAI_DATABASE_READ_URL is not set"
    written, own = (await in_transaction(lambda session: session.execute(text(WRITTEN)))).one()
    for _ in range(LOOKS):
        seen = await in_transaction(lambda session: session.execute(text(REPLAYED)), at="read_url")
        replayed, followed = seen.one()
        if replayed is None:
            raise Unavailable(
                "the server of SHANHAI_DATABASE_READ_URL is no standby, or was promoted: make one"
                " with pg_basebackup; the primary is read from"
            )
        if followed != own:
            raise Unavailable(
                f"SHANHAI_DATABASE_READ_URL leads to {followed}, SHANHAI_DATABASE_URL to {own}"
                " (account, database, cluster, timeline): name the same, and make the standby anew"
                " after a restore; the primary is read from"
            )
        if replayed >= written:
            return f"no more than {settings.read_lag_s:g} s behind"
        await asyncio.sleep(settings.read_lag_s / LOOKS)
    raise Unavailable(
        f"the standby is more than {settings.read_lag_s:g} s behind, SHANHAI_DATABASE_READ_LAG_S,"
        f" and lacks {written - replayed} bytes of log: the primary is read from"
    )


@on_database
async def check_clock(session: AsyncSession) -> str:
    """This machine's clock is that of the database."""
    now = await session.scalar(text("SELECT extract(epoch FROM clock_timestamp())"))
    offset = time.time() - float(now or 0)
    if abs(offset) > MOST_OFFSET_S:
        raise Unavailable(
            f"{offset:+.1f} s from the database's: let both follow a time service (NTP)"
        )
    return f"{offset:+.3f} s from the database's"


@on_database
async def check_indexes(session: AsyncSession) -> str:
    """No index is invalid; large ones that nobody reads, and missing ones, are told."""
    invalid = list(await session.scalars(INVALID))
    if invalid:
        raise Unavailable(
            f"invalid: {', '.join(invalid)}; mend each with REINDEX INDEX CONCURRENTLY"
        )
    large = {"large": LARGE_BYTES}
    unused, bare = [list(await session.scalars(one, large)) for one in (UNUSED, BARE)]
    told = ["all valid"]
    told += [f"large and not read so far: {', '.join(unused)}"] if unused else []
    told += [f"large tables without an index for: {', '.join(bare)}"] if bare else []
    return "; ".join(told)


async def check_files() -> str:
    """Every result file that a row names is there; what no row names is told."""
    store = open_store(ArtifactSettings())
    referenced = await in_transaction(read_references)
    missing = missing_files(store, referenced)
    if missing:
        raise Unavailable(
            f"{len(missing)} of {len(referenced)} files are missing, {missing[0]} first: restore"
            " them with `shanhai db restore`, or from a copy of the store"
        )
    orphans, number = find_orphans(store, referenced)
    size = sum(file.bytes for file in orphans) // 2**20
    rest = f"; {len(orphans)} named by no row ({size} MiB): `shanhai artifacts sweep`"
    return f"{len(referenced)} named by rows, {number} there{rest if orphans else ''}"


@on_database
async def check_accounts(session: AsyncSession) -> str:
    """No service comes as a superuser or as the owner of the tables, who could change the audit."""
    mighty = {row.rolname: row.kind for row in await session.execute(MIGHTY)}
    mine = str(await session.scalar(text("SELECT current_user")))
    if mine in mighty:
        raise Unavailable(f"SHANHAI_DATABASE_URL names {mine}, {mighty[mine]}: {OWN_ACCOUNTS}")
    for service, account in await session.execute(CONNECTED):
        if account in mighty:
            raise Unavailable(
                f"{service} is connected as {account}, {mighty[account]}: {OWN_ACCOUNTS}"
            )
    return f"{mine} owns nothing"


@on_database
async def check_fence(session: AsyncSession) -> str:
    """Whether the index on places is used behind the second fence, which slows nothing else."""
    leaky = (await session.scalars(LEAKY, {"names": [*LEAKPROOF]})).all()
    if not leaky:
        return "rows are fenced, and places are found by their index"
    return (
        f"rows are fenced, but every row is read to find a place: {leaky[0]} is not marked"
        " LEAKPROOF. `shanhai db provision` marks it, as a superuser"
    )


async def check_keys() -> str:
    """How many keys are valid; those that never end, or soon, are told by name."""
    alive = await in_transaction(lambda session: list_keys(session, alive=True))
    soon = datetime.now(UTC) + timedelta(days=SOON_DAYS)
    endless = [row.prefix for row in alive if row.expires_at is None]
    ending = [row.prefix for row in alive if row.expires_at is not None and row.expires_at <= soon]
    told = [f"{len(alive)} valid"]
    told += [f"without an end: {', '.join(endless)}"] if endless else []
    told += [f"to be rotated within {SOON_DAYS} days: {', '.join(ending)}"] if ending else []
    return "; ".join(told)


@on_database
async def check_roles(session: AsyncSession) -> str:
    """Groups of identity providers have roles in regions that are there."""
    groups = roles_by_group(OidcSettings().roles)
    named = {role.region for roles in groups.values() for role in roles if role.region}
    if lost := sorted(named - {*await session.scalars(select(Region.code))}):
        raise Unavailable(f"SHANHAI_OIDC_ROLES names regions that are not there: {', '.join(lost)}")
    return f"{len(groups)} groups have roles"


async def check_issuers() -> str:
    """Issuers of tokens answer as who they are, with keys that tokens can be checked by."""
    settings, faults = OidcSettings(), []
    for url, issuer in TokenVerifier(settings, OutgoingSettings()).issuers.items():
        try:
            await issuer.read()
        except Unavailable as error:
            faults.append(f"{url}: {error.message}")
    if faults:
        raise Unavailable("; ".join(faults))
    return ", ".join(settings.issuer) or "none: SHANHAI_OIDC_ISSUER is not set"


@on_database
async def check_audit(session: AsyncSession) -> str:
    """The audit log is as it was written."""
    head = await audit_chain.verify_chain(session)
    return f"{head.rows} rows in {head.seq} links as they were written"


async def check_heads() -> str:
    """Signed heads are kept outside the database, fresh, and all in the chain."""
    settings = AuditSettings()
    if settings.heads is None or settings.public_key is None:
        raise Unavailable(
            "no signed heads are kept, so the end of the log could be cut off unseen: set"
            " SHANHAI_AUDIT_HEADS and SHANHAI_AUDIT_KEY_FILE for the workers, outside the database"
        )
    if not settings.public_key.exists() or not settings.heads.exists():
        raise Unavailable(f"{settings.heads} or {settings.public_key} is missing: start a worker")
    key = audit_chain.read_public_key(settings.public_key)
    heads = audit_chain.read_heads(settings.heads, key)
    await in_transaction(
        lambda session: audit_chain.demand_links(session, [one.head for one in heads])
    )
    newest = max((one.at for one in heads), default=None)
    if newest is None:
        raise Unavailable(f"{settings.heads} is empty: no worker has signed a head")
    age_s = (datetime.now(UTC) - newest).total_seconds()
    if age_s > OLD_HEADS * settings.every_s:
        raise Unavailable(
            f"the last head was signed {age_s / 3600:.1f} h ago: no worker runs, or none can write"
            f" {settings.heads}"
        )
    return f"{len(heads)} in the chain, the last of {newest.isoformat(timespec='seconds')}"


async def check_export() -> str:
    """The collector of logs, where one is named, has the audit log but for what is new."""
    settings = AuditSettings()
    if not settings.syslog:
        return "none: SHANHAI_AUDIT_SYSLOG is not set"
    collector = LogCollector.named(settings.syslog).name
    links, age_s = await in_transaction(
        lambda session: audit_chain.export_backlog(session, collector)
    )
    if age_s > LATE_EXPORT_S:
        raise Unavailable(
            f"{collector} lacks {links} links of the audit log, the first {age_s / 60:.0f} min old:"
            " the logs of the workers say why it does not take them"
        )
    return f"{collector} has all but {links} links"


SM3_OF_ABC = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
"""GB/T 32905-2016, A.1."""


@on_database
async def check_cryptography(session: AsyncSession) -> str:
    """The database can hash by the chosen suite, and how much of the audit log is of which."""
    suite = crypto.chosen_suite()
    if suite == "commercial":
        query = text("SELECT encode(audit_hash('sm3', 'abc'), 'hex')")
        try:
            hashed = await session.scalar(query)
        except DBAPIError as error:
            raise Unavailable(
                "the database has no SM3, so no entry of the audit log can be written: as a"
                f" superuser, CREATE EXTENSION pgcrypto ({type(error.orig).__name__})"
            ) from error
        if hashed != SM3_OF_ABC:
            raise Unavailable("the database's SM3 is not that of GB/T 32905")
    counted = text("SELECT algorithm, count(*) FROM audit_chain GROUP BY 1 ORDER BY 1")
    links = [f"{number} links by {name}" for name, number in await session.execute(counted)]
    return "; ".join([crypto.TOLD[suite], *links])


FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path("~/.fonts"))
CHINESE_FONTS = ("DroidSansFallback*", "NotoSansCJK*", "NotoSansSC*", "SourceHanSans*", "wqy-*")
REDIS_TIMEOUT_S = 2.0
LEAST_FREE = 0.1


def settings(
    env: Annotated[bool, typer.Option("--env", help="As a file of variables.")] = False,
) -> None:
    """List every SHANHAI_* variable with type, default and meaning."""
    listed = all_settings()
    if env:
        typer.echo(as_env(listed), nl=False)
        return
    for item in listed:
        default = "required" if item.default is None else f"default {item.default or 'none'}"
        typer.echo(f"{item.name}  ({item.kind}; {default})\n    {item.meaning}")


def doctor() -> None:
    """Check what the services need; exit 1 when something is missing."""
    if not asyncio.run(examine()):
        raise typer.Exit(1)


async def examine() -> bool:
    """Make every check, print what it found, and tell whether all is well."""
    well = True
    advice: tuple[str, ...] = ()
    told = set()
    for name, check in CHECKS.items():
        try:
            typer.echo(f"ok    {name}: {await check()}")
        except (ShanhaiError, SQLAlchemyError, RedisError, OSError, ValueError) as error:
            well, reason = False, _reason(error)
            typer.echo(f"FAIL  {name}: {'as above' if reason in told else reason}")
            told.add(reason)
            if isinstance(error, ValidationError):
                advice = advice_on(error) or advice
    for line in advice:
        typer.echo(line)
    return well


def _reason(error: Exception) -> str:
    """What is wrong in one line: settings by name, else the first line of the error."""
    if isinstance(error, ValidationError):
        return "; ".join(faults_of(error))
    if isinstance(error, audit_chain.AuditBroken):
        return f"{error.message}: treat it as an incident, as the runbook says under AuditBroken"
    return next(iter(str(error).splitlines()), type(error).__name__)


async def check_redis() -> str:
    """Redis answers, where it is used."""
    url = RedisSettings().address
    if url is None:
        if QueueSettings().queue == "redis":
            raise Unavailable(
                "SHANHAI_REDIS_URL is not set; without Redis, set SHANHAI_QUEUE=postgres"
            )
        return "none; workers are woken by PostgreSQL"
    client: Redis = Redis.from_url(
        url, socket_connect_timeout=REDIS_TIMEOUT_S, socket_timeout=REDIS_TIMEOUT_S
    )
    try:
        info, user = await client.info(), await client.acl_whoami()
    finally:
        await client.aclose()
    if user == "default":
        raise Unavailable(
            "SHANHAI_REDIS_URL names no user, so it is Redis' own, who may do everything;"
            " give Redis a user with the rules of docs/operations.md, and no default user"
        )
    policy = info.get("maxmemory_policy")
    if policy != "noeviction":
        raise Unavailable(
            f"maxmemory-policy is {policy}: wake-ups could vanish; set it to noeviction"
        )
    return f"Redis {info['redis_version']}, {policy}"


async def check_dask() -> str:
    """The scheduler of Dask, where one is named, answers and has workers."""
    settings = DaskSettings()
    if not settings.scheduler:
        return "none: SHANHAI_DASK_SCHEDULER is not set"
    version, tls = (
        _version_of("distributed"),
        (settings.tls_ca, settings.tls_cert, settings.tls_key),
    )
    # Not every service has these.
    from shanhai.raster.dask_windows import connected
    from shanhai.raster.windows import Cluster

    with connected(Cluster(settings.scheduler, *tls)) as client:
        number = len(client.nthreads())
    return f"{settings.scheduler} has {number} workers, of distributed {version}"


async def check_artifacts() -> str:
    """The artifact store can be written, and the folder of it or of what was fetched has room."""
    settings = ArtifactSettings()
    root, store = settings.folder, open_store(settings)
    probe, upload = uuid.uuid4().bytes, uuid.uuid4()
    with store.receive(upload, 0) as sink:
        sink.write(probe)
    found = store.upload_digest(upload)
    store.drop_upload(upload)
    if found != hashlib.sha256(probe).hexdigest():
        raise Unavailable(f"{settings.root} gives back others than the bytes stored in it")
    root.mkdir(parents=True, exist_ok=True)
    usage = shutil.disk_usage(root)
    if usage.free < LEAST_FREE * usage.total:
        # Of a bucket, only what was fetched lies here.
        sweep = "see `shanhai artifacts sweep --dry-run`"
        remedy = sweep if settings.bucket is None else "lower SHANHAI_ARTIFACTS_CACHE_MB"
        raise Unavailable(
            f"{root}: {usage.free // 2**20} MiB free, less than a tenth; give room, or {remedy}"
        )
    return f"{settings.root} is writable; {root} has {usage.free // 2**20} MiB free"


async def check_fonts() -> str:
    """A font with Chinese characters is installed: maps are lettered with it."""
    for folder in FONT_FOLDERS:
        for pattern in CHINESE_FONTS:
            found = next(iter(sorted(folder.expanduser().rglob(pattern))), None)
            if found is not None:
                return str(found)
    raise Unavailable("no Chinese font found; install fonts-droid-fallback")


async def check_rasters() -> str:
    """The raster libraries are installed."""
    return f"rasterio {_version_of('rasterio')}, which brings GDAL"


def _version_of(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError as error:
        where = "install shanhai[all], or ask a worker's doctor"
        raise Unavailable(f"no {library}; {where}") from error


async def check_isolation() -> str:
    """The kernel can isolate the processes of jobs."""
    settings = WorkerSettings()
    found = isolation.probe(settings.account)
    told = "; ".join(f"{one.name} {one.told}" for one in found)
    faults = isolation.lacking(found, port=bool(DaskSettings().scheduler))
    if faults and settings.isolation == "required":
        raise Unavailable(f"SHANHAI_WORKER_ISOLATION=required, and missing: {'; '.join(faults)}")
    return told


CHECKS: dict[str, Check] = {
    "database": check_database,
    "writing": check_writing,
    "standby": check_standby,
    "clock": check_clock,
    "months": check_months,
    "indexes": check_indexes,
    "accounts": check_accounts,
    "second fence": check_fence,
    "keys": check_keys,
    "roles": check_roles,
    "issuers": check_issuers,
    "audit log": check_audit,
    "audit heads": check_heads,
    "audit export": check_export,
    "cryptography": check_cryptography,
    "redis": check_redis,
    "dask": check_dask,
    "artifacts": check_artifacts,
    "files": check_files,
    "fonts": check_fonts,
    "rasters": check_rasters,
    "isolation": check_isolation,
}
