"""A plan taken out of one database and rebuilt in another, the same to the last digit."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import Sessions, is_outage
from shanhai.db.identity import Identity
from shanhai.db.plan_packages.export import read_contents, read_lines
from shanhai.db.plan_packages.layout import by_table, in_order
from shanhai.db.plan_packages.restore import Rebuilt, read_row, rebuild
from shanhai.db.queries.audit import Act
from shanhai.db.seeds.load import seed_cities
from shanhai.errors import InvalidInput
from shanhai.vocabulary import Scope
from tests.support.job_rows import open_sessions
from tests.support.serving import PATIENCE_S

EVERYWHERE = Identity("tester", frozenset({Scope.WRITE, Scope.JOBS}))
PLANS = ("banan-restoration-2021", "xiamen-demonstration", "xiamen-practice-2024")
Lines = dict[str, list[str]]


async def packed(session: AsyncSession, code: str) -> Lines:
    plan_id = await session.scalar(
        text("SELECT id FROM plan WHERE code = :code AND deleted_at IS NULL"), {"code": code}
    )
    contents = await read_contents(session, plan_id)
    return {
        item.table: [line async for line in read_lines(session, item, contents)]
        for item in in_order()
    }


async def unpacked(
    session: AsyncSession, code: str, lines: Lines, identity: Identity = EVERYWHERE
) -> Rebuilt:
    counts = {table: len(listed) for table, listed in lines.items()}
    given = {
        table: [read_row(by_table()[table], n, line, counts) for n, line in enumerate(listed, 1)]
        for table, listed in lines.items()
    }
    return await rebuild(session, identity, code, given, Anywhere())


class Anywhere(dict[str, str]):
    """Every file is kept somewhere."""

    def __missing__(self, sha256: str) -> str:
        return f"objects/{sha256[:2]}/{sha256}"


HAPPENED = (
    """INSERT INTO job (id, kind, requested_by, status)
    VALUES ('11111111-1111-1111-1111-111111111111', 'build-network', 'tester', 'successful')""",
    """UPDATE corridor SET origin = 'computed', job_id = '11111111-1111-1111-1111-111111111111',
    geom = ST_Multi(ST_SetSRID(ST_MakeLine(ST_MakePoint(118 + 1 / 3.0, 24 + id / 70.0),
    ST_MakePoint(118.1 + id / 700.0, 24.5)), 4490)) WHERE id % 2 = 0""",
    """INSERT INTO corridor_node (code, kind, region_id, plan_id, corridor_ids, geom, footprint)
    SELECT 'node-' || id, 'source', region_id, plan_id, ARRAY[id], ST_PointN(ST_GeometryN(geom, 1),
    1), ST_Multi(ST_Buffer(geom, 0.01)) FROM corridor
    WHERE geom IS NOT NULL AND plan_id IS NOT NULL""",
    """INSERT INTO fund_source (code, name_zh, name_en, kind, year, amount, region_id)
    SELECT 'fund.1', '专项', 'Fund', 'central', 2024, 1234567890.12, id FROM region
    WHERE code = 'banan'""",
    """INSERT INTO fund_entry (source_id, project_id, kind, amount, actor, note)
    SELECT s.id, p.id, 'allocation', 100.10, 'tester', '第一笔' FROM fund_source s, project p
    WHERE p.code = 'banan.PRJ02'""",
    """INSERT INTO project_event (project_id, seq, from_state, to_state, actor, documents)
    SELECT id, 1, 'draft', 'proposed', 'tester', '{}' FROM project WHERE code = 'banan.PRJ02'""",
    """INSERT INTO document (code, owner_collection, owner_code, title_zh, kind, filename,
    media_type, bytes, sha256, uri, uploaded_by) VALUES ('document-1', 'projects', 'banan.PRJ02',
    '可研', 'feasibility', 'a.pdf', 'application/pdf', 3, repeat('a', 64), 'objects/aa/a', 't')""",
    """UPDATE problem SET quantity = 1234567890.12345678901234567890,
    geom = ST_SetSRID(ST_MakePoint(106.5 + id / 7.0, 29.3 + id / 70.0), 4490) WHERE id % 2 = 0""",
)


@pytest.fixture(autouse=True)
async def both_cities(sessions: Sessions) -> None:
    """A database with both cities and something that happened there."""
    async with sessions.begin() as session:
        if not await session.scalar(text("SELECT count(*) FROM plan")):
            await seed_cities(session, ["xiamen", "banan"], [], act=Act("tester"))
            for statement in HAPPENED:
                await session.execute(text(statement))


@pytest.fixture
async def empty(fresh_database_url: str) -> AsyncIterator[Sessions]:
    async with open_sessions(fresh_database_url) as sessions:
        yield sessions


@pytest.mark.parametrize("code", PLANS)
async def test_a_plan_is_rebuilt_in_an_empty_database(
    sessions: Sessions, empty: Sessions, code: str
) -> None:
    async with sessions() as session:
        lines = await packed(session, code)
        assert await packed(session, code) == lines
    async with empty.begin() as session:
        done = await unpacked(session, code, lines)
    assert done.made == {table: len(rows) for table, rows in lines.items() if rows}
    async with empty() as session:
        again = await packed(session, code)
    for table, rows in lines.items():
        assert again[table] == rows, table


async def test_what_passes_is_not_taken_for_a_fault_of_the_package(
    sessions: Sessions, empty: Sessions
) -> None:
    async with sessions() as session:
        lines = await packed(session, PLANS[0])
    pid: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def write() -> None:
        async with empty.begin() as session:
            pid.set_result(await session.scalar(text("SELECT pg_backend_pid()")))
            await unpacked(session, PLANS[0], lines)

    async with empty() as other, asyncio.timeout(PATIENCE_S):
        await other.execute(text("LOCK TABLE plan IN EXCLUSIVE MODE"))
        writing = asyncio.create_task(write())
        waits = text("SELECT count(*) FROM pg_locks WHERE pid = :pid AND NOT granted")
        while not await other.scalar(waits, {"pid": await pid}):  # noqa: ASYNC110 - others tell
            await asyncio.sleep(0.02)
        await other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": await pid})
        with pytest.raises(DBAPIError) as raised:
            await writing
    assert is_outage(raised.value)


async def test_a_row_the_database_cannot_hold_is_refused(
    sessions: Sessions, empty: Sessions
) -> None:
    async with sessions() as session:
        lines = await packed(session, PLANS[0])
    spoilt = json.loads(lines["plan"][0])
    spoilt["row"]["first_year"] = "never"
    lines["plan"][0] = json.dumps(spoilt)
    with pytest.raises(InvalidInput, match="plan: "):
        async with empty.begin() as session:
            await unpacked(session, PLANS[0], lines)
