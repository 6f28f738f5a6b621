"""Statements that are asked again and again, sent through asyncpg itself.

A session costs several times what the driver does, which is most of a short answer's time. Here
each statement is composed once, prepared once per connection, and is its own transaction; nothing
can be written. Results and errors are those of a session.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

import asyncpg
from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql import asyncpg as dialects
from sqlalchemy.exc import DBAPIError, InterfaceError

from shanhai.db.engine import async_url, reading_settings
from shanhai.settings import DatabaseSettings

PATIENCE_S = 5.0
"""Seconds to wait for a connection."""
DIALECT = dialects.dialect()  # type: ignore[no-untyped-call]


class Rows(Protocol):
    """What a statement found."""

    def all(self) -> Sequence[Any]:
        """The rows, whose columns are attributes."""


class Asked(Protocol):
    """Who answers statements: a session, or `QuickReader`."""

    async def execute(self, statement: Executable, params: Mapping[str, Any]) -> Rows:
        """The rows a statement finds."""

    async def scalar(self, statement: Executable, params: Mapping[str, Any]) -> Any:
        """The first column of the first row; None without one."""


class Row(asyncpg.Record):  # type: ignore[misc]
    """A row whose columns are attributes."""

    def __getattr__(self, name: str) -> Any:
        """A column by its name."""
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Found(list[Row]):
    """The rows of an answer."""

    def all(self) -> Sequence[Row]:
        """The rows."""
        return self


class QuickReader:
    """Asks statements, each over any connection that is free."""

    def __init__(self, pool: "asyncpg.Pool[Row]") -> None:
        self._pool = pool

    async def execute(self, statement: Executable, params: Mapping[str, Any]) -> Found:
        """The rows a statement finds.

        Raises:
            DBAPIError: PostgreSQL refused the statement, or ended the connection.
            TimeoutError: no connection was free for long.
        """
        sql, names, fixed = _composed(statement)
        values = [params[name] if name in params else fixed[name] for name in names]
        try:
            # A clock is only set for those who have to wait.
            patience = None if self._pool.get_idle_size() else PATIENCE_S
            async with self._pool.acquire(timeout=patience) as connection:
                return Found(await connection.fetch(sql, *values))
        except asyncpg.InterfaceError as error:
            raise InterfaceError(sql, None, error) from error
        except asyncpg.PostgresError as error:
            raise DBAPIError(sql, None, error) from error

    async def scalar(self, statement: Executable, params: Mapping[str, Any]) -> Any:
        """The first column of the first row; None without one."""
        found = await self.execute(statement, params)
        return found[0][0] if found else None


@lru_cache(maxsize=2048)
def _composed(statement: Executable) -> tuple[str, tuple[str, ...], Mapping[str, Any]]:
    """The text of a statement, the binds it reads in order, and the values of those it fixes."""
    compiled = statement.compile(dialect=DIALECT)  # type: ignore[attr-defined]
    fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
    return str(compiled), tuple(compiled.positiontup or ()), fixed


@contextlib.asynccontextmanager
async def open_quick_reader(
    settings: DatabaseSettings, *, application: str
) -> AsyncIterator[QuickReader]:
    """A reader, whose connections are opened when they are needed."""
    url = async_url(settings.url.get_secret_value()).set(drivername="postgresql")
    pool = await asyncpg.create_pool(
        url.render_as_string(hide_password=False),
        min_size=0,
        max_size=settings.pool_size,
        timeout=PATIENCE_S,
        # Nothing a statement does here outlives it.
        reset=_leave_as_is,
        max_cached_statement_lifetime=0,
        server_settings=reading_settings(settings, application),
        record_class=Row,
    )
    try:
        yield QuickReader(pool)
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await pool.close()


async def _leave_as_is(connection: object) -> None:
    """Spare the round trip that would forget what nobody set."""
