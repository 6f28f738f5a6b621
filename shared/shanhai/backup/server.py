"""The PostgreSQL server of a backup: its programs, its place in the log, marks of backups."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import structlog
from pydantic import SecretStr
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import DATABASE_ERRORS, create_engine, create_sessions
from shanhai.db.migrate import present_revision
from shanhai.db.queries.system_status import put_mark
from shanhai.errors import Unavailable
from shanhai.settings import DatabaseSettings

DEBIAN = Path("/usr/lib/postgresql")
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY")


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A PostgreSQL server as its programs are told of it: the password not on the command line."""

    address: str
    environment: dict[str, str]

    @classmethod
    def at(cls, url: str) -> "PostgresServer":
        """The server of a URL, whatever driver that names."""
        parsed = make_url(url).set(drivername="postgresql")
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        if parsed.password:
            environment["PGPASSWORD"] = parsed.password
        # The URL's class has no way to take a password away but to make it anew.
        bare = parsed._replace(password=None)
        return cls(bare.render_as_string(hide_password=False), environment)


def find_program(name: str) -> str:
    """The path of one of PostgreSQL's programs, the newest version's where there are several.

    Raises:
        Unavailable: it is not installed.
    """
    versions = sorted(
        (path for path in DEBIAN.glob(f"*/bin/{name}") if path.parts[-3].isdecimal()),
        key=lambda path: int(path.parts[-3]),
    )
    found = str(versions[-1]) if versions else shutil.which(name)
    if found is None:
        raise Unavailable(
            f"{name} is not installed; it comes with postgresql-client",
            message_zh=f"没有安装 {name}，它在 postgresql-client 中",
        )
    return found


APPLICATION = "shanhai-backup"
LOOK = text(
    """SELECT clock_timestamp() AS at, pg_walfile_name(pg_current_wal_lsn()) AS segment,
              (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size')
                AS segment_bytes,
              current_setting('server_version') AS version,
              (SELECT system_identifier::text FROM pg_control_system()) AS system_identifier"""
)

# Reserved at once: without that a server begins to keep its log when it is first asked for it.
SLOT = text(
    """SELECT pg_create_physical_replication_slot(:name, true)
        WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = :name)"""
)


@dataclass(frozen=True, slots=True)
class ServerPosition:
    """A server at one moment of its own clock."""

    at: datetime
    segment: str
    segment_bytes: int
    version: str
    system_identifier: str
    revision: str | None


async def read_position(url: str) -> ServerPosition:
    """Ask a server where it stands.

    Raises:
        Unavailable: it does not answer.
    """
    async with _asking(url) as session:
        row = (await session.execute(LOOK)).one()
        revision = await present_revision(session)
        return ServerPosition(**row._mapping, revision=revision)


async def make_slot(url: str, name: str) -> None:
    """Let a server keep its log from now on until it was received; once made, a slot stays.

    Raises:
        Unavailable: it does not answer, or the account may not replicate.
    """
    async with _asking(url) as session:
        await session.execute(SLOT, {"name": name})
        await session.commit()


@asynccontextmanager
async def _asking(url: str) -> AsyncIterator[AsyncSession]:
    engine = create_engine(DatabaseSettings(url=SecretStr(url)), application=APPLICATION)
    try:
        async with create_sessions(engine)() as session:
            yield session
    except DATABASE_ERRORS as error:
        reason = str(getattr(error, "orig", error))
        raise Unavailable(
            f"the database refuses: {reason}", message_zh=f"数据库拒绝：{reason}"
        ) from error
    finally:
        await engine.dispose()


log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a part of the backup reaches: every change up to `reached` is in it."""

    part: Literal["base", "archive"]
    reached: datetime
    detail: dict[str, Any]


async def note(url: str, mark: Mark) -> None:
    """Write a note, in a transaction of its own; backups do not fail for want of it."""
    engine = create_engine(DatabaseSettings(url=SecretStr(url)), application=APPLICATION)
    try:
        async with create_sessions(engine).begin() as session:
            await put_mark(session, mark.part, mark.reached, mark.detail)
    except DATABASE_ERRORS as error:
        log.warning("backup not noted", part=mark.part, error=type(error).__name__)
    finally:
        await engine.dispose()
