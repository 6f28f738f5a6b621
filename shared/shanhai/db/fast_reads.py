"""Statements that are asked again and again, sent through asyncpg itself.

A session costs several times what the driver does, which is most of a short answer's time. Here
each statement is composed once, prepared once per connection, and is its own transaction; nothing
can be written. Results and errors are those of a session.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple, Protocol, TypeVar, overload

import asyncpg
from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql import asyncpg as dialects
from sqlalchemy.exc import DBAPIError, InterfaceError

from shanhai.db.engine import async_url, reading_settings
from shanhai.settings import DatabaseSettings

PATIENCE_S = 5.0
"""Seconds to wait for a connection."""
BRIEF = {"max_parallel_workers_per_gather": "0"}
"""Starting parallel workers takes longer than a page does."""
PLAN_ANEW = "plan_anew"
"""The execution option of statements whose best plan depends on their values.

PostgreSQL keeps one plan of a prepared statement for all values once that seems no dearer, with a
guess of how many rows they mean.
"""
DIALECT = dialects.dialect()  # type: ignore[no-untyped-call]

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
Question = Coroutine[Any, Any, A]


class ResultRows(Protocol):
    """What a statement found."""

    def all(self) -> Sequence[Any]:
        """The rows, whose columns are attributes."""


class Executor(Protocol):
    """Who answers statements: a session, or `FastReader`."""

    async def execute(self, statement: Executable, params: Mapping[str, Any]) -> ResultRows:
        """The rows a statement finds."""

    async def scalar(self, statement: Executable, params: Mapping[str, Any]) -> Any:
        """The first column of the first row; None without one."""


class FetchedRow(asyncpg.Record):  # type: ignore[misc]
    """A row whose columns are attributes."""

    def __getattr__(self, name: str) -> Any:
        """A column by its name."""
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class FetchedRows(list[FetchedRow]):
    """The rows of an answer."""

    def all(self) -> Sequence[FetchedRow]:
        """The rows."""
        return self


class ConnectionStack:
    """Connections that are opened when they are needed, the one used last given first.

    asyncpg's own pool makes tasks and rounds of the loop of each use, which take as long as a
    short statement does.
    """

    def __init__(
        self, connect: "Callable[[], Awaitable[asyncpg.Connection[FetchedRow]]]", most: int
    ) -> None:
        self._connect = connect
        self._most = most
        self._room = asyncio.Semaphore(most)
        self._idle: list[asyncpg.Connection[FetchedRow]] = []

    async def fetch(
        self, sql: str, values: Sequence[object], *, anew: bool = False
    ) -> list[FetchedRow]:
        """The rows a statement finds, over a connection nobody else uses meanwhile.

        Args:
            anew: Plan it for these values, and keep no plan.

        Raises:
            TimeoutError: none was free for long.
        """
        await self._enter()
        try:
            connection = await self._take()
            try:
                source = await connection.prepare(sql, name="") if anew else None
                found: list[FetchedRow] = await (
                    connection.fetch(sql, *values) if source is None else source.fetch(*values)
                )
            except (asyncpg.PostgresError, asyncpg.InterfaceError):
                raise
            except BaseException:
                # Whoever left off in the middle leaves an answer on its way.
                connection.terminate()
                raise
            finally:
                if not connection.is_closed():
                    self._idle.append(connection)
        finally:
            self._room.release()
        return found

    async def _enter(self) -> None:
        # A clock is only set for those who have to wait.
        if self._room.locked():
            async with asyncio.timeout(PATIENCE_S):
                await self._room.acquire()
        else:
            await self._room.acquire()

    async def _take(self) -> "asyncpg.Connection[FetchedRow]":
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await self._connect()

    async def close(self) -> None:
        """Close them as they come back; those that are not back in time are cut off."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                for _ in range(self._most):
                    await self._room.acquire()
        for connection in self._idle:
            connection.terminate()


class FastReader:
    """Asks statements, each over any connection that is free."""

    def __init__(self, connections: ConnectionStack) -> None:
        self._connections = connections

    async def execute(self, statement: Executable, params: Mapping[str, Any]) -> FetchedRows:
        """The rows a statement finds.

        Raises:
            DBAPIError: PostgreSQL refused the statement, or ended the connection.
            TimeoutError: no connection was free for long.
        """
        sql, names, fixed, anew = _composed(statement)
        values = [params[name] if name in params else fixed[name] for name in names]
        try:
            return FetchedRows(await self._connections.fetch(sql, values, anew=anew))
        except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            # The latter, too, when the server's last word has come and the socket is still open.
            raise InterfaceError(sql, None, error) from error
        except asyncpg.PostgresError as error:
            raise DBAPIError(sql, None, error) from error

    async def scalar(self, statement: Executable, params: Mapping[str, Any]) -> Any:
        """The first column of the first row; None without one."""
        found = await self.execute(statement, params)
        return found[0][0] if found else None


@overload
async def together(
    asked: Executor, one: Question[A], two: Question[B], three: Question[C], /
) -> tuple[A, B, C]: ...
@overload
async def together(
    asked: Executor, one: Question[A], two: Question[B], three: Question[C], four: Question[D], /
) -> tuple[A, B, C, D]: ...
async def together(asked: Executor, *questions: Question[Any]) -> tuple[Any, ...]:
    """The answers of questions that do not need one another.

    `FastReader` is asked at once, over as many connections; a session one after another.
    """
    if isinstance(asked, FastReader):
        return tuple(await asyncio.gather(*questions))
    try:
        return tuple([await question for question in questions])
    finally:
        for question in questions:
            question.close()


class ComposedStatement(NamedTuple):
    """The text of a statement, the binds it reads in order, and the values of those it fixes.

    Attributes:
        anew: It has the option `PLAN_ANEW`.
    """

    sql: str
    names: tuple[str, ...]
    fixed: Mapping[str, Any]
    anew: bool


@lru_cache(maxsize=2048)
def _composed(statement: Executable) -> ComposedStatement:
    compiled = statement.compile(dialect=DIALECT)  # type: ignore[attr-defined]
    fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
    anew = bool(statement.get_execution_options().get(PLAN_ANEW))
    return ComposedStatement(str(compiled), tuple(compiled.positiontup or ()), fixed, anew)


@contextlib.asynccontextmanager
async def open_quick_reader(
    settings: DatabaseSettings, *, application: str
) -> AsyncIterator[FastReader]:
    """A reader, whose connections are opened when they are needed."""
    url = async_url(settings.url.get_secret_value()).set(drivername="postgresql")
    connect = partial(
        asyncpg.connect,
        url.render_as_string(hide_password=False),
        timeout=PATIENCE_S,
        max_cached_statement_lifetime=0,
        server_settings={**reading_settings(settings, application), **BRIEF},
        record_class=FetchedRow,
    )
    connections = ConnectionStack(connect, settings.pool_size)
    try:
        yield FastReader(connections)
    finally:
        await connections.close()
