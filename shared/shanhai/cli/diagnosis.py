"""`shanhai settings`, `shanhai doctor`."""

import asyncio
import importlib.metadata
import shutil
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from shanhai.cli.examining import (
    check_audit,
    check_clock,
    check_database,
    check_files,
    check_indexes,
    check_writing,
)
from shanhai.cli.settings_listing import advice_on, all_settings, as_env, faults_of
from shanhai.errors import Unavailable
from shanhai.settings import ArtifactSettings, QueueSettings, RedisSettings

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
