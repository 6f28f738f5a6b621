"""Bring a database to the newest revision."""

import asyncio
import time

import asyncpg
import structlog
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from shanhai.db.engine import NOT_AVAILABLE, async_url
from shanhai.db.grants import apply_grants, connected, not_the_owner
from shanhai.db.revision import MIGRATIONS, Schema, expected_revision, stored_schema
from shanhai.errors import Unavailable

NOT_ALLOWED = "42501"
"""PostgreSQL's code for: the account may not do that."""
log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def migration_config(url: str) -> Config:
    """Alembic's configuration for the database at `url`."""
    config = _located()
    rendered = async_url(url).render_as_string(hide_password=False)
    config.set_main_option("sqlalchemy.url", rendered.replace("%", "%%"))
    return config


def upgrade(
    url: str, revision: str = "head", *, patience_s: float = 120, pause_s: float = 1
) -> None:
    """Run the migrations up to `revision`, while the services go on, and grant accounts their part.

    A table that is in use is tried again, for services wait behind whoever waits for it. A database
    that a newer version migrated, and that serves this one as well, stays as it is.

    Raises:
        Unavailable: It was in use all the time. Revisions before it have been reached. Or the
            database's encoding cannot hold every text, or there are no migrations from its
            revision; nothing has been done. Or the account does not own the tables,
            or the server does not let it in.
    """
    if asyncio.run(_is_newer(url)):
        log.info("the database is newer, and serves this version")
        return
    deadline = time.monotonic() + patience_s
    while True:
        try:
            command.upgrade(migration_config(url), revision)
        except (DBAPIError, asyncpg.PostgresError) as error:
            told = getattr(error, "orig", error)
            state = getattr(told, "sqlstate", None)
            if state == NOT_ALLOWED:
                raise not_the_owner(str(told)) from error
            if state != NOT_AVAILABLE:
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
            asyncio.run(apply_grants(url))
            return


async def _is_newer(url: str) -> bool:
    """Whether a newer version migrated the database, which serves this one as well."""
    async with connected(url) as connection:
        schema = await connection.run_sync(stored_schema)
    known = expected_revision()
    return schema.revision != known and schema.serves(known)


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


def demand_known(schema: Schema) -> None:
    """Refuse a database at a revision that there are no migrations from, and that serves no former.

    Raises:
        Unavailable: It is older than the first migration, or newer than the last and would not
            serve this version.
    """
    script = ScriptDirectory.from_config(_located())
    first, last = str(script.get_base()), script.get_current_head()
    present = schema.revision
    known = present is None or present in {one.revision for one in script.walk_revisions()}
    if present is None or known or schema.serves(last):
        return
    if present < first:
        raise Unavailable(
            f"the database is at revision {present}, and migrations begin at {first}: export its"
            " plans with the version that made it (`shanhai plan export`), then run `shanhai db"
            " upgrade` on a new database and `shanhai plan import` there",
            message_zh=f"数据库版本为 {present}，而迁移自 {first} 开始：请用建立该库的版本导出规划"
            "（`shanhai plan export`），再对新建的数据库执行 `shanhai db upgrade` 和"
            " `shanhai plan import`",
        )
    raise Unavailable(
        f"the database is at revision {present}, newer than {last}, the last this version knows:"
        " run the version that made it",
        message_zh=f"数据库版本为 {present}，比本版本所知的 {last} 更新：请使用建立该库的版本",
    )


def _located() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def serves_since(revision: str | None) -> str | None:
    """The oldest revision whose code can use a database at `revision`; None before 0088.

    It is what the newest migration up to there says that says anything: one that takes away or
    changes what code of the release before uses says so by `serves_since = revision`.
    """
    script = ScriptDirectory.from_config(_located())
    walked = script.walk_revisions("base", revision) if revision else ()
    stated = (getattr(one.module, "serves_since", None) for one in walked)
    return next((one for one in stated if one is not None), None)
