"""Engine and sessions, statements sent through asyncpg itself, and today.

A session costs several times what the driver does, which is most of a short answer's time. Here
each statement is composed once, prepared once per connection, and is its own transaction; nothing
can be written. Results and errors are those of a session.
"""

import asyncio
import contextlib
import errno
import socket
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from datetime import date
from functools import lru_cache, partial
from typing import Any, NamedTuple, Protocol, TypeVar, overload

import asyncpg
import structlog
from pydantic import SecretStr
from sqlalchemy import URL, Connection, Executable, event, func, make_url, select, text
from sqlalchemy.dialects.postgresql import asyncpg as dialects
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool
from sqlalchemy.util import greenlet_spawn

from shanhai.crypto import chosen_suite
from shanhai.db.fence import BOUND, EVERY_ROW, NOTHING, OF_PLATFORM, RowScope
from shanhai.db.standby import FAULTS, Standby, following
from shanhai.errors import Unavailable
from shanhai.settings import DatabaseSettings

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

Sessions = async_sessionmaker[AsyncSession]
DATABASE_ERRORS = (
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""Everything that talking to PostgreSQL raises; asyncpg's own come through while connecting, and
where the server's last word has come and the socket is still open."""
NO_WRITES = frozenset({"25006", "53100"})
"""PostgreSQL's codes for: read-only, disk full. Reading goes on."""
NOT_AVAILABLE = "55P03"
"""PostgreSQL's code for: not locked in time."""
CANCELLED = "57014"
"""PostgreSQL's code of a statement that took longer than any may."""
DATA_SQLSTATES = ("22", "23")
"""Data exceptions, and broken constraints."""
PROBE_AGE_S = 15
"""Seconds after which probes take a new connection."""
LONG_PAUSES = text("SET LOCAL idle_in_transaction_session_timeout = '120s'")
"""For a transaction that does other work between its statements than ten seconds allow."""
PASSING_SQLSTATES = ("08", "25006", "40", "53", "57P")
"""Connection lost, read-only, serialisation or deadlock, out of resources such as disk or
connections, shutting down or starting up."""
TRUSTED_S = 1.0
"""Seconds a connection may have rested and still be used without asking whether it lives."""


def async_url(url: str) -> URL:
    """The URL with the asyncpg driver named, whatever driver the setting names."""
    return make_url(url).set(drivername="postgresql+asyncpg")


def create_engine(settings: DatabaseSettings, *, application: str) -> AsyncEngine:
    """An engine whose connections carry the application's name, a statement timeout and the zone
    whose day is today. It is for the platform's own work, which reaches every row."""
    return _engine(settings, {**_server_settings(settings, application), **OF_PLATFORM})


def create_writing_engine(settings: DatabaseSettings, *, application: str) -> AsyncEngine:
    """An engine for what callers change: rules look at every row, and only those of the regions
    bound to the context are written."""
    reading = {**_server_settings(settings, application), "shanhai.sees": EVERY_ROW}
    engine = _engine(settings, reading)

    def bind(connection: Connection) -> None:
        scope = BOUND.get()
        if scope != NOTHING:
            connection.exec_driver_sql(scope.writing)

    event.listen(engine.sync_engine, "begin", bind)
    return engine


def create_probe_engine(settings: DatabaseSettings, *, application: str) -> AsyncEngine:
    """An engine for probes: one connection, which must not queue behind requests, and no old one.

    A connection that lives on has loaded what new ones may no longer find.
    """
    alone = settings.model_copy(update={"pool_size": 1})
    return _engine(alone, _server_settings(alone, application), pool_recycle=PROBE_AGE_S)


def create_reading_engine(settings: DatabaseSettings, *, application: str) -> AsyncEngine:
    """An engine that cannot write; each statement is its own transaction, and one round trip.

    It reaches every row: some statements ask about those their reader may not know, whether there
    is none or what all of them sum up to.
    """
    read_only = {**reading_settings(settings, application), **OF_PLATFORM}
    return _engine(settings, read_only, isolation_level="AUTOCOMMIT")


def reading_settings(settings: DatabaseSettings, application: str) -> dict[str, str]:
    """What PostgreSQL is told of a connection that cannot write."""
    return {**_server_settings(settings, application), "default_transaction_read_only": "on"}


def _server_settings(settings: DatabaseSettings, application: str) -> dict[str, str]:
    return {
        "application_name": application,
        "statement_timeout": str(int(settings.statement_timeout_s * 1000)),
        "idle_in_transaction_session_timeout": "10000",
        "timezone": settings.timezone,
        # Read by the triggers of the audit log.
        "shanhai.crypto_suite": chosen_suite(),
        # Compiling a statement takes longer than any of ours gains by it.
        "jit": "off",
    }


def _engine(
    settings: DatabaseSettings, server_settings: Mapping[str, str], **options: Any
) -> AsyncEngine:
    engine = create_async_engine(
        async_url(settings.url.get_secret_value()),
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=5,
        connect_args={"timeout": 5, "server_settings": server_settings},
        **options,
    )
    _check_rested_connections(engine)
    return engine


def _check_rested_connections(engine: AsyncEngine) -> None:
    """Ask connections that rested whether they live; asking busy ones costs every request."""

    def note_return(connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        entry.info["rests_since"] = time.monotonic()

    def check(connection: Any, entry: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:
        now = time.monotonic()
        if now - entry.info.get("rests_since", now) < TRUSTED_S:
            return
        try:
            # In one round trip: SQLAlchemy's own ping opens and ends a transaction besides.
            connection.run_async(lambda raw: raw.execute("SELECT"))
        except DATABASE_ERRORS as error:
            raise InvalidatePoolError from error

    event.listen(engine.sync_engine, "checkin", note_return)
    event.listen(engine.sync_engine, "checkout", check)


def refusal(error: Exception, settings: str = "SHANHAI_DATABASE_URL") -> Unavailable:
    """One of `DATABASE_ERRORS` as whoever administers the database is told it, in its own words."""
    reason = str(getattr(error, "orig", error))
    return Unavailable(
        f"the database of {settings} does not answer or refuses: {reason}",
        message_zh=f"{settings} 所指数据库无响应或拒绝：{reason}",
    )


@contextmanager
def writes_if_possible() -> Iterator[None]:
    """Do without what is written in this context while PostgreSQL takes no writes."""
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in NO_WRITES:
            raise
        log.warning("not written", sqlstate=getattr(error.orig, "sqlstate", None))


def create_sessions(engine: AsyncEngine) -> Sessions:
    """A maker of sessions whose objects stay readable after commit."""
    return async_sessionmaker(engine, expire_on_commit=False)


class PoolUse(NamedTuple):
    """Connections a pool may hold, and those in use."""

    size: int
    in_use: int


def pool_use(engine: AsyncEngine) -> PoolUse:
    """Look at an engine's pool."""
    pool = engine.sync_engine.pool
    if not isinstance(pool, QueuePool):
        raise TypeError(f"{type(pool).__name__} holds no fixed number of connections")
    return PoolUse(pool.size(), pool.checkedout())


PATIENCE_S = 5.0
"""Seconds to wait for a connection."""
BRIEF = {"max_parallel_workers_per_gather": "0"}
"""Starting parallel workers takes longer than a page does."""
ONE_PLAN = {
    "plan_cache_mode": "force_generic_plan",
    **dict.fromkeys(("enable_seqscan", "enable_hashjoin", "enable_mergejoin"), "off"),
}
"""To plan a statement of a few rows anew takes longer than to carry it out."""
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
        self._in_use = 0
        self._idle: list[tuple[asyncpg.Connection[FetchedRow], RowScope]] = []

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
        self._in_use += 1
        try:
            scope = BOUND.get()
            connection, former = await self._take(scope)
            try:
                if former != scope:
                    await connection.execute(scope.reading())
                    former = scope
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
                    self._idle.append((connection, former))
        finally:
            self._in_use -= 1
            self._room.release()
        return found

    async def _enter(self) -> None:
        # A clock is only set for those who have to wait.
        if self._room.locked():
            async with asyncio.timeout(PATIENCE_S):
                await self._room.acquire()
        else:
            await self._room.acquire()

    async def _take(self, scope: RowScope) -> "tuple[asyncpg.Connection[FetchedRow], RowScope]":
        """A connection and what it is bound to: to the same rows, if one is.

        A second one is opened rather than one bound anew, for which a short statement waits as long
        as for its answer: who asks is looked up before what they see.
        """
        self._idle = [one for one in self._idle if not one[0].is_closed()]
        for place in reversed(range(len(self._idle))):
            if self._idle[place][1] == scope:
                return self._idle.pop(place)
        if len(self._idle) > 1 or (self._idle and self._in_use >= self._most):
            return self._idle.pop(0)
        try:
            return await self._connect(), NOTHING
        except asyncpg.TooManyConnectionsError:
            if not self._idle:
                raise
            return self._idle.pop(0)

    async def close(self) -> None:
        """Close them as they come back; those that are not back in time are cut off."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                for _ in range(self._most):
                    await self._room.acquire()
        for connection, _ in self._idle:
            connection.terminate()


class FastReader:
    """Asks statements, each over any connection that is free.

    Args:
        standby: Asked instead where what is read may be a little old.
    """

    def __init__(self, connections: ConnectionStack, standby: Standby | None = None) -> None:
        self._connections = connections
        self._standby = standby

    async def execute(self, statement: Executable, params: Mapping[str, Any]) -> FetchedRows:
        """The rows a statement finds.

        Raises:
            DBAPIError: PostgreSQL refused the statement, or ended the connection.
            TimeoutError: no connection was free for long.
        """
        sql, names, fixed, anew = _composed(statement)
        values = [params[name] if name in params else fixed[name] for name in names]
        standby = self._standby
        if standby is not None and standby.asked:
            try:
                async with asyncio.timeout(2 * PATIENCE_S):
                    return FetchedRows(await standby.standby(sql, values, anew=anew))
            except FAULTS as error:
                # The primary tells whether the statement is at fault.
                standby.distrust(error)
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


class DriverTransaction:
    """A transaction of asyncpg itself, asked as a session is."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw

    async def execute(self, statement: Executable, params: Mapping[str, Any]) -> FetchedRows:
        """The rows a statement finds or makes."""
        sql, names, fixed, _ = _composed(statement)
        values = [params[name] if name in params else fixed[name] for name in names]
        return FetchedRows(await self.raw.fetch(sql, *values, record_class=FetchedRow))

    async def scalar(self, statement: Executable, params: Mapping[str, Any]) -> Any:
        """The first column of the first row; None without one."""
        found = await self.execute(statement, params)
        return found[0][0] if found else None


Transaction = AsyncSession | DriverTransaction


@contextlib.asynccontextmanager
async def driver_transaction(sessions: Sessions) -> AsyncIterator[DriverTransaction]:
    """A transaction over a connection of the pool of sessions, without what a session costs.

    Callers' regions are not bound to it: it is for tables that have no fence.

    Raises:
        DBAPIError: as a session raises it.
    """
    async with _driver_connection(sessions) as raw, raw.transaction():
        yield DriverTransaction(raw)


async def ask_alone(sessions: Sessions, statement: Executable) -> FetchedRows:
    """The rows a statement without parameters finds; it is its own transaction and one round trip.

    Raises:
        DBAPIError: as a session raises it.
    """
    async with _driver_connection(sessions) as raw:
        return await DriverTransaction(raw).execute(statement, {})


@contextlib.asynccontextmanager
async def _driver_connection(sessions: Sessions) -> AsyncIterator[Any]:
    engine: AsyncEngine = sessions.kw["bind"]
    try:
        pooled = await engine.raw_connection()
    except engine.dialect.loaded_dbapi.Error as error:
        # Unlike that of a session, this way to a connection leaves the driver's errors as they are.
        raise DBAPIError(None, None, error) from error
    raw: Any = pooled.driver_connection
    try:
        with known_errors():
            yield raw
    except BaseException as error:
        if raw.is_closed() or not isinstance(error, Exception):
            # Whoever leaves off in the middle leaves an answer on its way.
            await greenlet_spawn(pooled.invalidate)
            if isinstance(error, DBAPIError):
                error.connection_invalidated = True
        raise
    finally:
        await greenlet_spawn(pooled.close)


async def driver_of(session: Transaction) -> Any:
    """The connection of asyncpg a session speaks over, in the session's transaction."""
    if isinstance(session, DriverTransaction):
        return session.raw
    connection = await session.connection()
    # The transaction begins with what goes through the session first.
    await connection.exec_driver_sql("SELECT")
    return (await connection.get_raw_connection()).driver_connection


def failed_beneath(error: BaseException | None) -> bool:
    """Whether machine or network failed, not the statement.

    That is PostgreSQL's class 58; a connection that it ended as it began, as where there is no room
    for the files each begins with (XX000); and a host without an address or a way to it, as that of
    a container that is started anew.
    """
    while error is not None:
        if isinstance(error, socket.gaierror):
            return True
        if isinstance(error, OSError) and error.errno in {errno.EHOSTUNREACH, errno.ENETUNREACH}:
            return True
        state = str(getattr(error, "sqlstate", None) or "")
        ended = getattr(error, "severity_en", None) in {"FATAL", "PANIC"}
        if state.startswith("58") or (ended and state == "XX000"):
            return True
        error = getattr(error, "orig", None) or error.__cause__
    return False


def is_outage(error: BaseException) -> bool:
    """Whether trying again may help."""
    if isinstance(error, PoolTimeout | ConnectionError | TimeoutError):
        return True
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError):
        return True
    if failed_beneath(error):
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _is_passing(error.orig)
    return _is_passing(error)


def _is_passing(error: BaseException | None) -> bool:
    return str(getattr(error, "sqlstate", None) or "").startswith(PASSING_SQLSTATES)


def is_of_data(error: BaseException) -> bool:
    """Whether an error is about what was to be stored, so that the same would fail for ever.

    A database that is read-only for a while, or of another release, is no fault of the data.
    """
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, ValueError):  # as asyncpg says it of a value that fits no column
        return True
    if isinstance(error, DATABASE_ERRORS):
        return str(getattr(cause, "sqlstate", None) or "").startswith(DATA_SQLSTATES)
    return isinstance(error, Exception)


@contextmanager
def known_errors() -> Iterator[None]:
    """Errors of asyncpg as SQLAlchemy's, which those who call know."""
    try:
        yield
    except asyncpg.InterfaceError as error:
        raise InterfaceError("asyncpg", None, error) from error
    except asyncpg.PostgresError as error:
        raise DBAPIError("asyncpg", None, error) from error


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
    """A reader, whose connections are opened when they are needed.

    Where a second URL is set, it reads from there what may be a little old (`MAY_LAG`).
    """
    async with contextlib.AsyncExitStack() as at_end:
        primary = _stack(settings, settings.url, application)
        at_end.push_async_callback(primary.close)
        standby = None
        if settings.read_url.get_secret_value():
            other = _stack(settings, settings.read_url, application)
            at_end.push_async_callback(other.close)
            known = Standby(primary.fetch, other.fetch, settings.read_lag_s)
            standby = await at_end.enter_async_context(following(known))
        yield FastReader(primary, standby)


@contextlib.asynccontextmanager
async def open_quick_writer(
    settings: DatabaseSettings, *, application: str, most: int
) -> AsyncIterator[ConnectionStack]:
    """Connections for the platform's own short statements that write, each planned once.

    They must find what they need by indices, whatever their values.
    """
    told = {**_server_settings(settings, application), **OF_PLATFORM, **ONE_PLAN}
    stack = ConnectionStack(_connecting(settings.url, told), most)
    try:
        yield stack
    finally:
        await stack.close()


def _stack(settings: DatabaseSettings, url: SecretStr, application: str) -> ConnectionStack:
    told = {**reading_settings(settings, application), **BRIEF}
    return ConnectionStack(_connecting(url, told), settings.pool_size)


def _connecting(
    url: SecretStr, server_settings: Mapping[str, str]
) -> "Callable[[], Awaitable[asyncpg.Connection[FetchedRow]]]":
    own = async_url(url.get_secret_value()).set(drivername="postgresql")
    return partial(
        asyncpg.connect,
        own.render_as_string(hide_password=False),
        timeout=PATIENCE_S,
        max_cached_statement_lifetime=0,
        server_settings=dict(server_settings),
        record_class=FetchedRow,
    )


TODAY = select(func.current_date())


async def read_today(session: Executor) -> date:
    """The day it is where the plan is carried out."""
    today: date = await session.scalar(TODAY, {})
    return today
