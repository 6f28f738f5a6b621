"""Engine and sessions, and how much of a pool of connections is in use."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import asyncpg
import structlog
from sqlalchemy import URL, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, SQLAlchemyError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool

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
PROBE_AGE_S = 15
"""Seconds after which probes take a new connection."""
TRUSTED_S = 1.0
"""Seconds a connection may have rested and still be used without asking whether it lives."""


def async_url(url: str) -> URL:
    """The URL with the asyncpg driver named, whatever driver the setting names."""
    return make_url(url).set(drivername="postgresql+asyncpg")


def create_engine(settings: DatabaseSettings, *, application: str) -> AsyncEngine:
    """An engine whose connections carry the application's name, a statement timeout and the zone
    whose day is today."""
    return _engine(settings, _server_settings(settings, application))


def create_probe_engine(settings: DatabaseSettings, *, application: str) -> AsyncEngine:
    """An engine for probes: one connection, which must not queue behind requests, and no old one.

    A connection that lives on has loaded what new ones may no longer find.
    """
    alone = settings.model_copy(update={"pool_size": 1})
    return _engine(alone, _server_settings(alone, application), pool_recycle=PROBE_AGE_S)


def create_reading_engine(settings: DatabaseSettings, *, application: str) -> AsyncEngine:
    """An engine that cannot write; each statement is its own transaction, and one round trip."""
    read_only = reading_settings(settings, application)
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
    dialect = engine.dialect

    def note_return(connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        entry.info["rests_since"] = time.monotonic()

    def check(
        connection: DBAPIConnection, entry: ConnectionPoolEntry, proxy: PoolProxiedConnection
    ) -> None:
        now = time.monotonic()
        if now - entry.info.get("rests_since", now) < TRUSTED_S:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    event.listen(engine.sync_engine, "checkin", note_return)
    event.listen(engine.sync_engine, "checkout", check)


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
