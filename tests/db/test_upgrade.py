"""Upgrades while the database is used."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from shanhai.cli.doctor import check_database
from shanhai.db.migrate import downgrade, expected_revision, present_revision, upgrade
from shanhai.errors import Unavailable
from shanhai.local.servers import PrivatePostgres
from tests.support.job_rows import open_sessions

BEFORE = "0023"
"""A later revision changes the table `job`."""

AREA, LINE = "POLYGON((0 0,1 0,1 1,0 1,0 0))", "LINESTRING(0 0,1 0,1 1)"


async def write(url: str, stop: threading.Event) -> int:
    """Submit jobs as the release before does, until told to stop; how many."""
    made = text(
        "INSERT INTO job (kind, inputs, task, requested_by) VALUES ('echo', '{}', '{}', 'test')"
    )
    number = 0
    async with open_sessions(url) as sessions:
        while not stop.is_set():
            async with sessions.begin() as session:
                await session.execute(made)
            number += 1
            await asyncio.sleep(0.01)
    return number


async def read_slowly(url: str, reads: asyncio.Event, seconds: float) -> None:
    """Hold the table as a report that takes long does."""
    async with open_sessions(url) as sessions, sessions() as session:
        await session.execute(text("SET idle_in_transaction_session_timeout = 0"))
        await session.execute(text("SELECT count(*) FROM job"))
        reads.set()
        await asyncio.sleep(seconds)


async def look(url: str) -> tuple[str | None, int]:
    async with open_sessions(url) as sessions, sessions() as session:
        number = await session.scalar(text("SELECT count(*) FROM job"))
        return await present_revision(session), int(number or 0)


async def test_writers_and_readers_go_on(fresh_database_url: str) -> None:
    url = fresh_database_url
    await asyncio.to_thread(downgrade, url, BEFORE)
    stop, reads = threading.Event(), asyncio.Event()
    async with asyncio.timeout(60):
        writing = asyncio.create_task(write(url, stop))
        reading = asyncio.create_task(read_slowly(url, reads, 3))
        await reads.wait()
        # The reader holds the table for longer than one try waits.
        await asyncio.to_thread(upgrade, url, pause_s=0.2)
        assert reading.done()
        await asyncio.sleep(0.1)
        stop.set()
        number = await writing
        await reading
    assert await look(url) == (expected_revision(), number)


async def test_a_table_that_stays_in_use_is_told(fresh_database_url: str) -> None:
    url = fresh_database_url
    await asyncio.to_thread(downgrade, url, BEFORE)
    reads = asyncio.Event()
    reading = asyncio.create_task(read_slowly(url, reads, 30))
    await reads.wait()
    with pytest.raises(Unavailable, match="shanhai db upgrade"):
        await asyncio.to_thread(upgrade, url, patience_s=0)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await asyncio.to_thread(upgrade, url)
    assert (await look(url))[0] == expected_revision()


NODES = f"""
INSERT INTO corridor_node (code, kind, region_id, geom)
SELECT code, 'source', (SELECT min(id) FROM region), ST_GeomFromText(shape, 4490)
  FROM (VALUES ('area', '{AREA}'), ('line', '{LINE}'), ('point', 'POINT(3 3)'), ('none', NULL))
    AS given (code, shape)
"""
REGION = """
INSERT INTO region (code, name_zh, name_en, level) VALUES ('city', '市', 'City', 'city')
"""
LATER = "UPDATE corridor_node SET score = 1, valid_from = current_date"


async def execute(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """The rows of the last statement, if it tells any."""
    async with open_sessions(url) as sessions, sessions.begin() as session:
        for statement in statements:
            result = await session.execute(text(statement))
        return [tuple(row) for row in result] if result.returns_rows else []


async def test_nodes_become_points_beside_their_outlines(fresh_database_url: str) -> None:
    url = fresh_database_url
    await asyncio.to_thread(downgrade, url, "0040")
    await execute(url, REGION, NODES, LATER, "DELETE FROM tile_pending")
    measured = "SELECT code, area_m2 FROM corridor_node ORDER BY code"
    area = dict(await execute(url, measured))["area"]
    assert area is not None
    await asyncio.to_thread(upgrade, url)
    for table in ("corridor_node", "corridor_node_history"):
        query = (
            "SELECT code, ST_GeometryType(geom), ST_AsText(footprint),"
            f" coalesce(ST_Covers(footprint, geom), false) FROM {table} ORDER BY code"
        )
        assert await execute(url, query) == [
            ("area", "ST_Point", f"MULTI{AREA.replace('((', '(((').replace('))', ')))')}", True),
            ("line", "ST_Point", None, False),
            ("none", None, None, False),
            ("point", "ST_Point", None, False),
        ]
    assert await execute(url, measured) == [
        ("area", area),
        *((code, None) for code in ("line", "none", "point")),
    ]
    # Maps draw anew what lies elsewhere now.
    waiting = "SELECT n.code FROM tile_pending w JOIN corridor_node n USING (id) ORDER BY 1"
    assert await execute(url, waiting) == [("area",), ("line",)]
    await execute(url, "UPDATE corridor_node SET score = 2")
    kept = (
        "SELECT ST_AsText(footprint) FROM corridor_node_history WHERE score = 1 AND code = 'area'"
    )
    assert (await execute(url, kept))[0][0].startswith("MULTIPOLYGON")
    await asyncio.to_thread(downgrade, url, "0040")
    shapes = "SELECT DISTINCT code, ST_AsText(geom), attrs FROM {} ORDER BY code"
    for table in ("corridor_node", "corridor_node_history"):
        again = await execute(url, shapes.format(table))
        assert [(code, attrs) for code, _, attrs in again] == [
            (code, {}) for code in ("area", "line", "none", "point")
        ]
        assert [shape for _, shape, _ in again][1:] == [LINE, None, "POINT(3 3)"]
        assert again[0][1].startswith("MULTIPOLYGON")
    assert [one[0] for one in await execute(url, measured)] == ["area", "line", "none", "point"]
    assert dict(await execute(url, measured))["area"] == area
    await asyncio.to_thread(upgrade, url)


@pytest.fixture
def ascii_url(private_postgres: PrivatePostgres) -> Iterator[str]:
    """An empty database whose encoding knows no character beyond ASCII."""
    name = "only_ascii"
    private_postgres.execute(
        f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'"
        " TEMPLATE template0"
    )
    yield private_postgres.url(name)
    private_postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_database_that_cannot_hold_chinese_is_refused(
    ascii_url: str, run: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unavailable, match="encoding is SQL_ASCII") as caught:
        upgrade(ascii_url)
    assert "数据库编码为 SQL_ASCII" in caught.value.message_zh
    monkeypatch.setenv("SHANHAI_DATABASE_URL", ascii_url)
    code, said = run("db", "upgrade")
    assert (code, "ENCODING 'UTF8'" in said, "Traceback" in said) == (1, True, False)
    with pytest.raises(Unavailable, match="encoding is SQL_ASCII"):
        asyncio.run(check_database())
    assert asyncio.run(tables(ascii_url)) == 0


async def tables(url: str) -> int:
    async with open_sessions(url) as sessions, sessions() as session:
        counted = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        return int(await session.scalar(text(counted)) or 0)
