"""An upgrade bounds the catalogue's indicators as `shanhai seed` does."""

import asyncio

from sqlalchemy import text

from shanhai.db.engine import Sessions
from shanhai.db.migrate import upgrade
from shanhai.db.queries.audit import Act
from shanhai.db.queries.audit_chain import verify_chain
from shanhai.db.seeds.load import seed_cities
from tests.support.databases import downgrade

READ = "SELECT code, attrs FROM indicator ORDER BY code"


async def bounds(sessions: Sessions) -> dict[str, object]:
    async with sessions() as session:
        return {row.code: row.attrs for row in await session.execute(text(READ))}


async def test_an_upgrade_bounds_what_was_there_before(
    fresh_sessions: Sessions, fresh_database_url: str
) -> None:
    async with fresh_sessions.begin() as session:
        await seed_cities(session, ["xiamen", "banan"], [], act=Act("tester"))
    seeded = await bounds(fresh_sessions)
    async with fresh_sessions.begin() as session:
        before = "UPDATE indicator SET attrs = attrs - 'least' - 'most'"
        own = "UPDATE indicator SET unit = 'ha' WHERE code = 'red_line_area'"
        chosen = """UPDATE indicator SET attrs = '{"most": 90}' WHERE code = 'forest_cover_rate'"""
        for statement in (before, own, chosen):
            await session.execute(text(statement))
    await asyncio.to_thread(downgrade, fresh_database_url, "0100")
    for _ in range(2):
        await asyncio.to_thread(upgrade, fresh_database_url)
    left = {"red_line_area": {}, "forest_cover_rate": {"most": 90}}
    assert await bounds(fresh_sessions) == {**seeded, **left}
    async with fresh_sessions() as session:
        told = text("SELECT count(*) FROM audit_log WHERE after ? 'least' AND action = 'update'")
        bounded = [attrs for code, attrs in seeded.items() if code not in left and attrs]
        assert await session.scalar(told) == len(bounded) > 30
    async with fresh_sessions() as session:
        await verify_chain(session)
