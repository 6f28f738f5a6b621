"""What probes see of a database whose server has lost a part of itself."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shanhai.db.engine import Sessions, create_probe_engine, create_sessions
from shanhai.db.revision import DatabaseState, expected_revision, look_into_database
from shanhai.settings import DatabaseSettings

RELINK = "UPDATE pg_proc SET probin = :library WHERE proname = ANY(:names)"
GONE = "$libdir/replaced"


@pytest.fixture
async def probing_sessions(fresh_database_url: str) -> AsyncIterator[Sessions]:
    """Sessions of new connections each, as nothing is kept of a library that is gone."""
    settings = DatabaseSettings(url=fresh_database_url)
    engine = create_probe_engine(settings, application="tests")
    yield create_sessions(engine)
    await engine.dispose()


async def look(sessions: Sessions, revision: str | None) -> DatabaseState:
    await sessions.kw["bind"].dispose()
    async with sessions() as session:
        return await look_into_database(session, revision)


async def lose(sessions: Sessions, *names: str) -> None:
    """What an upgrade of packages does to a server that runs on."""
    async with sessions.begin() as session:
        await session.execute(text(RELINK), {"library": GONE, "names": list(names)})


async def test_a_sound_database_is_read_and_written(probing_sessions: Sessions) -> None:
    assert await look(probing_sessions, expected_revision()) == DatabaseState("ok", "ok")


async def test_where_functions_do_not_run_nothing_can_be_written(
    probing_sessions: Sessions,
) -> None:
    await lose(probing_sessions, "plpgsql_call_handler", "plpgsql_inline_handler")
    found = await look(probing_sessions, expected_revision())
    assert found.reading == "ok"
    assert found.writing.startswith("PL/pgSQL does not run (SQLSTATE 58P01)")
    assert found.fault == found.writing
    with pytest.raises(DBAPIError):
        async with probing_sessions.begin() as session:
            await session.execute(text("INSERT INTO audit_log (actor, action) VALUES ('a', 'b')"))


async def test_where_geometry_cannot_be_read_nothing_can_be_done(
    probing_sessions: Sessions,
) -> None:
    await lose(probing_sessions, "st_makepoint")
    found = await look(probing_sessions, expected_revision())
    assert found.reading.startswith("PostGIS does not run")
    assert found.writing == found.reading


async def test_another_revision_is_told(probing_sessions: Sessions) -> None:
    found = await look(probing_sessions, "9999")
    assert found.reading == f"at revision {expected_revision()}, expected 9999"
