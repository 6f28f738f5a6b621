"""Where a server stands: its clock, its place in the log, and what it is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import DATABASE_ERRORS, create_engine, create_sessions
from shanhai.db.migrate import present_revision
from shanhai.errors import Unavailable
from shanhai.settings import DatabaseSettings

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
class Position:
    """A server at one moment of its own clock."""

    at: datetime
    segment: str
    segment_bytes: int
    version: str
    system_identifier: str
    revision: str | None


async def read_position(url: str) -> Position:
    """Ask a server where it stands.

    Raises:
        Unavailable: it does not answer.
    """
    async with _asking(url) as session:
        row = (await session.execute(LOOK)).one()
        revision = await present_revision(session)
        return Position(**row._mapping, revision=revision)


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
