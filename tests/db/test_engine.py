"""Engines: what a connection may do, and what becomes of one that died."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from shanhai.db.engine import (
    ask_alone,
    create_engine,
    create_reading_engine,
    create_sessions,
    driver_transaction,
    read_today,
)
from shanhai.settings import DatabaseSettings

NAME = "shanhai-test-engine"


@pytest.fixture
def settings(database_url: str) -> DatabaseSettings:
    return DatabaseSettings(url=SecretStr(database_url), pool_size=3)


@pytest.fixture
async def reading(settings: DatabaseSettings) -> AsyncIterator[AsyncEngine]:
    engine = create_reading_engine(settings, application=NAME)
    yield engine
    await engine.dispose()


async def ask(engine: AsyncEngine, statement: str) -> object:
    async with engine.connect() as connection:
        return await connection.scalar(text(statement))


async def test_reading_engine_cannot_write(reading: AsyncEngine) -> None:
    with pytest.raises(DBAPIError, match="read-only transaction"):
        await ask(reading, "DELETE FROM audit_log RETURNING 1")


async def test_reading_engine_leaves_no_transaction_open(reading: AsyncEngine) -> None:
    async with reading.connect() as connection:
        first = await connection.scalar(text("SELECT now()"))
        assert await connection.scalar(text("SELECT now()")) > first


async def test_connections_that_died_at_rest_are_replaced(
    settings: DatabaseSettings, reading: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shanhai.db.engine.TRUSTED_S", 0.0)
    await asyncio.gather(*(ask(reading, "SELECT pg_sleep(0.05)") for _ in range(3)))
    other = create_engine(settings, application="other")
    ended = await ask(
        other,
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        f" WHERE application_name = '{NAME}'",
    )
    await other.dispose()
    assert ended == 3
    answers = await asyncio.gather(*(ask(reading, "SELECT 1") for _ in range(3)))
    assert answers == [1, 1, 1]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
async def test_today_is_that_of_the_zone(settings: DatabaseSettings, zone: str) -> None:
    """The two zones are 26 hours apart: at any moment one has another day than UTC."""
    there = settings.model_copy(update={"timezone": zone})
    for create in (create_engine, create_reading_engine):
        engine = create(there, application=NAME)
        async with create_sessions(engine)() as session:
            expected = await session.scalar(text(f"SELECT (now() AT TIME ZONE '{zone}')::date"))
            assert await read_today(session) == expected
        await engine.dispose()


async def test_a_refused_connection_is_the_same_error_whatever_asks(
    settings: DatabaseSettings,
) -> None:
    """Callers outlast a server that starts by what this error tells."""
    url = make_url(settings.url.get_secret_value()).set(database="no_such_database")
    elsewhere = settings.model_copy(
        update={"url": SecretStr(url.render_as_string(hide_password=False))}
    )
    engine = create_engine(elsewhere, application=NAME)
    sessions = create_sessions(engine)

    async def by_session() -> None:
        async with sessions() as session:
            await session.execute(select(1))

    async def by_driver() -> None:
        async with driver_transaction(sessions) as transaction:
            await transaction.execute(select(1), {})

    for asking in (by_session(), by_driver(), ask_alone(sessions, select(1))):
        with pytest.raises(DBAPIError) as refused:
            await asking
        assert getattr(refused.value.orig, "sqlstate", None) == "3D000"
    await engine.dispose()


def test_today_is_that_of_china_unless_told(settings: DatabaseSettings) -> None:
    assert settings.timezone == "Asia/Shanghai"
