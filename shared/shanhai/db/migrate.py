"""Bring a database to the newest revision, or say which revision it has."""

import time
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import async_url
from shanhai.errors import Unavailable

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PACKAGED = Path(__file__).with_name("migrations")
MIGRATIONS = PACKAGED if PACKAGED.is_dir() else Path(__file__).resolve().parents[3] / "migrations"
"""The revisions: packed into the wheel, or beside the packages in a checkout."""

LOCK_NOT_AVAILABLE = "55P03"


def migration_config(url: str) -> Config:
    """Alembic's configuration for the database at `url`."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    rendered = async_url(url).render_as_string(hide_password=False)
    config.set_main_option("sqlalchemy.url", rendered.replace("%", "%%"))
    return config


def upgrade(
    url: str, revision: str = "head", *, patience_s: float = 120, pause_s: float = 1
) -> None:
    """Run the migrations up to `revision`, while the services go on.

    A table that is in use is tried again, for services wait behind whoever waits for it.

    Raises:
        Unavailable: It was in use all the time. Revisions before it have been reached. Or the
            database's encoding cannot hold every text; nothing has been done.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            command.upgrade(migration_config(url), revision)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"a table was in use for {patience_s:g} s: end the transaction that holds it,"
                    " and run `shanhai db upgrade` again",
                    message_zh=f"数据表被占用达 {patience_s:g} 秒：请结束占用它的事务后重新执行"
                    " `shanhai db upgrade`",
                ) from error
            log.info("a table is in use; trying again", pause_s=pause_s)
            time.sleep(pause_s)
        else:
            return


def demand_utf8(encoding: str) -> None:
    """Refuse a database that cannot hold every text.

    Raises:
        Unavailable: its encoding is another.
    """
    if encoding == "UTF8":
        return
    raise Unavailable(
        f"the database's encoding is {encoding}; make one with CREATE DATABASE … ENCODING 'UTF8'"
        " TEMPLATE template0 and name it in SHANHAI_DATABASE_URL",
        message_zh=f"数据库编码为 {encoding}，须为 UTF8：请用 CREATE DATABASE … ENCODING 'UTF8'"
        " TEMPLATE template0 新建数据库，并在 SHANHAI_DATABASE_URL 中指定",
    )


def downgrade(url: str, revision: str) -> None:
    """Run the migrations down to `revision`."""
    command.downgrade(migration_config(url), revision)


def expected_revision() -> str | None:
    """The newest revision this code knows."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config).get_current_head()


async def present_revision(session: AsyncSession) -> str | None:
    """The revision the database is at; None when it was never migrated."""
    exists = await session.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
    if not exists:
        return None
    revision: str | None = await session.scalar(text("SELECT version_num FROM alembic_version"))
    return revision
