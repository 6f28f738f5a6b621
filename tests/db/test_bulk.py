"""Many objects at once: created, changed, left alone or refused like single ones."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import Sessions
from shanhai.db.features.bulk import Tally, write_many
from shanhai.db.features.regions import REGIONS
from shanhai.db.identity import Grant, Identity
from shanhai.db.queries.audit import Act
from shanhai.db.queries.audit_chain import verify_chain
from shanhai.testing.feature_rows import forget_features
from shanhai.testing.job_rows import add_region, open_sessions
from shanhai.vocabulary import Role, Scope

BOX = shapely.MultiPolygon([shapely.box(118, 24, 118.5, 24.5)])
EDITOR = Identity("editor", frozenset({Scope.WRITE}))
ACT = Act("editor", "request-1")
NAMES = ("name_zh", "name_en", "level", "parent")


@pytest.fixture
async def sessions(database_url: str) -> AsyncIterator[Sessions]:
    async with open_sessions(database_url) as sessions:
        async with sessions.begin() as session:
            await forget_features(session)
        yield sessions


def row(
    number: int, *, name: str = "区", level: str = "district", parent: str | None = None
) -> Any:
    values = (f"{name}{number}", f"Place {number}", level, parent)
    texts = (None if value is None else json.dumps(value) for value in values)
    return (number, f"place-{number}", shapely.to_wkb(BOX), None, *texts)


async def write(
    sessions: Sessions, rows: Sequence[Any], *, identity: Identity = EDITOR, partly: bool = False
) -> Tally:
    async def blocks() -> AsyncIterator[Sequence[Any]]:
        yield rows

    properties = [item for item in REGIONS.receivables if item.name in NAMES]
    async with sessions.begin() as session:
        return await write_many(
            session, REGIONS, identity, ACT, properties, blocks(), shaped=True, partly=partly
        )


async def scalar(session: AsyncSession, query: str) -> Any:
    return await session.scalar(text(query))


async def test_rows_are_created_with_history_and_audit(sessions: Sessions) -> None:
    tally = await write(sessions, [row(1), row(2), row(3)])
    assert (tally.created, tally.updated, tally.unchanged, tally.rejected) == (3, 0, 0, 0)
    async with sessions() as session:
        assert await scalar(session, "SELECT count(*) FROM region WHERE geom IS NOT NULL") == 3
        entry = await scalar(
            session,
            "SELECT after FROM audit_log WHERE object_id = 'place-2' ORDER BY id DESC LIMIT 1",
        )
    assert entry["name_zh"] == "区2"
    assert entry["geometry"]["type"] == "MultiPolygon"
    async with sessions() as session:
        assert (await verify_chain(session)).rows > 0


async def test_the_same_rows_again_change_nothing(sessions: Sessions) -> None:
    await write(sessions, [row(1), row(2)])
    async with sessions() as session:
        before = await scalar(session, "SELECT json_agg(r ORDER BY id)::text FROM region r")
        entries = await scalar(session, "SELECT count(*) FROM audit_log")
    tally = await write(sessions, [row(1), row(2)])
    assert (tally.created, tally.updated, tally.unchanged) == (0, 0, 2)
    async with sessions() as session:
        assert await scalar(session, "SELECT json_agg(r ORDER BY id)::text FROM region r") == before
        assert await scalar(session, "SELECT count(*) FROM audit_log") == entries


async def test_changed_rows_keep_their_former_state(sessions: Sessions) -> None:
    await write(sessions, [row(1), row(2)])
    tally = await write(sessions, [row(1, name="新区"), row(2)])
    assert (tally.updated, tally.unchanged) == (1, 1)
    async with sessions() as session:
        assert (
            await scalar(session, "SELECT name_zh FROM region_history WHERE code = 'place-1'")
            == "区1"
        )
        version = "SELECT row_version FROM region WHERE code = 'place-1'"
        assert await scalar(session, version) == 2
        before = "SELECT before->>'name_zh' FROM audit_log WHERE action = 'update' ORDER BY id DESC"
        assert await scalar(session, f"{before} LIMIT 1") == "区1"


async def test_unknown_references_reject_their_rows(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await add_region(session, "city")
    rows = [row(1, parent="city"), row(2, parent="nowhere")]
    refused = await write(sessions, rows)
    assert [(item.row, item.rule, item.member) for item in refused.rejections] == [
        (2, "reference", "parent")
    ]
    async with sessions() as session:
        assert await scalar(session, "SELECT count(*) FROM region WHERE code LIKE 'place%'") == 0
    partly = await write(sessions, rows, partly=True)
    assert (partly.created, partly.rejected) == (1, 1)
    async with sessions() as session:
        query = "SELECT p.code FROM region r JOIN region p ON p.id = r.parent_id"
        assert await scalar(session, query) == "city"


@pytest.mark.parametrize("partly", [True, False])
async def test_rows_of_foreign_regions_are_rejected(sessions: Sessions, partly: bool) -> None:
    await write(sessions, [row(1)])
    assert REGIONS.editing is not None
    role: Role = sorted(REGIONS.editing.roles)[0]
    stranger = Identity("other", frozenset({Scope.WRITE}), (Grant(role, frozenset({1})),))
    tally = await write(sessions, [row(1, name="新"), row(2)], identity=stranger, partly=partly)
    # Without `partly` the first refusals end it: before anything is written only row 1 is known
    # to lie elsewhere.
    rows = {1, 2} if partly else {1}
    assert {(item.row, item.rule) for item in tally.rejections} == {
        (row, "authority") for row in rows
    }
    assert tally.rejected == len(rows)
    async with sessions() as session:
        assert await scalar(session, "SELECT string_agg(name_zh, '') FROM region") == "区1"
