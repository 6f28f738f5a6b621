"""`shanhai settings`, `shanhai doctor`."""

import asyncio
import importlib.metadata
import shutil
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.cli.kit import advice_on, all_settings, as_env, faults_of, in_transaction
from shanhai.db.migrate import demand_known, demand_utf8, expected_revision, present_revision
from shanhai.db.queries.audit_chain import AuditBroken, verify_chain
from shanhai.db.queries.files import read_references
from shanhai.errors import Unavailable
from shanhai.settings import ArtifactSettings, QueueSettings, RedisSettings
from shanhai.storage.artifacts import find_orphans, missing_files

OLDEST_SERVER, NEWEST_SERVER = 15, 18
OLDEST_POSTGIS = (3, 3)
MOST_OFFSET_S = 2.0
LARGE_BYTES = 100 * 1024**2
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


async def check_database() -> str:
    """PostgreSQL and PostGIS of versions that are known to do, at the expected revision."""

    async def look(session: AsyncSession) -> str:
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
            raise Unavailable("the extension postgis is missing: run `shanhai db upgrade`")
        if tuple(map(int, postgis.split(".")[:2])) < OLDEST_POSTGIS:
            raise Unavailable(f"PostGIS {postgis}: 3.3 or newer is needed; update the extension")
        present = await present_revision(session)
        demand_known(present)
        if present != expected_revision():
            raise Unavailable(
                f"at revision {present}, expected {expected_revision()}: run `shanhai db upgrade`"
            )
        return f"PostgreSQL {version}, PostGIS {postgis}, UTF8, revision {present}"

    return await in_transaction(look)


async def check_writing() -> str:
    """The database takes writes, and keeps what it has acknowledged."""

    async def look(session: AsyncSession) -> str:
        if await session.scalar(text("SELECT pg_is_in_recovery()")):
            raise Unavailable("the server is a replica, or still recovering: name the primary")
        off = [
            name
            for name in ("fsync", "full_page_writes", "synchronous_commit")
            if await session.scalar(text(f"SHOW {name}")) == "off"
        ]
        if off:
            raise Unavailable(
                f"{', '.join(off)} off: a crash loses what was acknowledged; set to on"
            )
        return "written through"

    return await in_transaction(look)


async def check_clock() -> str:
    """This machine's clock is that of the database."""

    async def look(session: AsyncSession) -> str:
        now = await session.scalar(text("SELECT extract(epoch FROM clock_timestamp())"))
        offset = time.time() - float(now or 0)
        if abs(offset) > MOST_OFFSET_S:
            raise Unavailable(
                f"{offset:+.1f} s from the database's: let both follow a time service (NTP)"
            )
        return f"{offset:+.3f} s from the database's"

    return await in_transaction(look)


async def check_indexes() -> str:
    """No index is invalid; large ones that nobody reads, and missing ones, are told."""

    async def look(session: AsyncSession) -> str:
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

    return await in_transaction(look)


async def check_files() -> str:
    """Every result file that a row names is there; what no row names is told."""
    root = ArtifactSettings().root
    referenced = await in_transaction(read_references)
    missing = missing_files(root, referenced)
    if missing:
        raise Unavailable(
            f"{len(missing)} of {len(referenced)} files are missing, {missing[0]} first: restore"
            " them with `shanhai db restore`, or from a copy of the store"
        )
    orphans, number = find_orphans(root, referenced)
    size = sum(file.bytes for file in orphans) // 2**20
    rest = f"; {len(orphans)} named by no row ({size} MiB): `shanhai artifacts sweep`"
    return f"{len(referenced)} named by rows, {number} there{rest if orphans else ''}"


async def check_audit() -> str:
    """The audit log is as it was written."""
    try:
        head = await in_transaction(verify_chain)
    except AuditBroken as error:
        raise Unavailable(
            f"{error.message}: treat it as an incident, as the runbook says under AuditBroken"
        ) from error
    return f"{head.rows} rows in {head.seq} links as they were written"


FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path("~/.fonts"))
CHINESE_FONTS = ("DroidSansFallback*", "NotoSansCJK*", "NotoSansSC*", "SourceHanSans*", "wqy-*")
REDIS_TIMEOUT_S = 2.0
LEAST_FREE = 0.1
Check = Callable[[], Awaitable[str]]


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
    for name, check in CHECKS.items():
        try:
            typer.echo(f"ok    {name}: {await check()}")
        except (Unavailable, SQLAlchemyError, RedisError, OSError, ValueError) as error:
            well = False
            typer.echo(f"FAIL  {name}: {_reason(error)}")
            if isinstance(error, ValidationError):
                advice = advice_on(error) or advice
    for line in advice:
        typer.echo(line)
    return well


def _reason(error: Exception) -> str:
    """What is wrong in one line: settings by name, else the first line of the error."""
    if isinstance(error, ValidationError):
        return "; ".join(faults_of(error))
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


async def check_artifacts() -> str:
    """The artifact folder can be written."""
    root = ArtifactSettings().root
    root.mkdir(parents=True, exist_ok=True)
    probe = root / f".doctor-{uuid.uuid4().hex}"
    probe.touch(exist_ok=False)
    probe.unlink()
    usage = shutil.disk_usage(root)
    if usage.free < LEAST_FREE * usage.total:
        raise Unavailable(
            f"{root}: {usage.free // 2**20} MiB free, less than a tenth; give room, or see"
            " `shanhai artifacts sweep --dry-run`"
        )
    return f"{root} is writable, {usage.free // 2**20} MiB free"


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
    try:
        version = importlib.metadata.version("rasterio")
    except importlib.metadata.PackageNotFoundError as error:
        raise Unavailable("rasterio is not installed; install shanhai[all]") from error
    return f"rasterio {version}, which brings GDAL"


CHECKS: dict[str, Check] = {
    "database": check_database,
    "writing": check_writing,
    "clock": check_clock,
    "indexes": check_indexes,
    "audit log": check_audit,
    "redis": check_redis,
    "artifacts": check_artifacts,
    "files": check_files,
    "fonts": check_fonts,
    "rasters": check_rasters,
}
