"""The second fence: what the database shows and takes, whatever a statement asks."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db import engine, fence
from shanhai.db.collections.catalogue import entity_named
from shanhai.db.engine import Sessions, create_sessions
from shanhai.db.features.selection import Box, QueryShape, Selection, bound_values
from shanhai.db.features.statements import USUAL, page_query
from shanhai.db.identity import PUBLIC, Viewer
from shanhai.settings import DatabaseSettings
from tests.support.accounts import account_url
from tests.support.feature_rows import add_job
from tests.support.job_rows import add_dataset, add_region

TABLES = text(
    """SELECT c.relname, c.relrowsecurity, ARRAY(
              SELECT polcmd::text FROM pg_policy WHERE polrelid = c.oid ORDER BY 1) AS commands
         FROM pg_class c
        WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
          AND 2 = (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid
                    AND a.attname IN ('region_id', 'visibility') AND NOT a.attisdropped)"""
)
COUNTED = "SELECT visibility, region_id FROM problem ORDER BY id"
ADDED = (
    "INSERT INTO problem (code, name_zh, name_en, region_id, visibility, type)"
    " VALUES ('{code}', 'x', 'x', {region}, '{visibility}', 'erosion')"
)
VISIBILITIES = ("public", "signed_in", "region")


def settings_of(database_url: str, role: str = "api") -> DatabaseSettings:
    url = account_url(database_url, role)  # type: ignore[arg-type]
    return DatabaseSettings(url=SecretStr(url), pool_size=1)


@pytest.fixture
async def places(sessions: Sessions) -> list[int]:
    """Two regions, each with a problem of each visibility."""
    async with sessions.begin() as session:
        await session.execute(text("DELETE FROM problem"))
        await session.execute(text("DELETE FROM problem_history"))
        found = [(await add_region(session, f"at-{uuid4().hex}")).id for _ in range(2)]
        for region in found:
            for visibility in VISIBILITIES:
                values = {"code": f"{visibility}.{region}", "region": region}
                await session.execute(text(ADDED.format(visibility=visibility, **values)))
    return found


@pytest.fixture
async def writing(database_url: str) -> AsyncIterator[Sessions]:
    """Sessions as the API writes with, over one connection."""
    made = engine.create_writing_engine(settings_of(database_url), application="test")
    yield create_sessions(made)
    await made.dispose()


@contextmanager
def role_in(*regions: int) -> Iterator[None]:
    with fence.bound_to(fence.RowScope.of(frozenset(regions), known=True)):
        yield


async def test_every_table_with_a_region_and_a_visibility_is_fenced(sessions: Sessions) -> None:
    async with sessions() as session:
        found = (await session.execute(TABLES)).all()
    assert len(found) >= 14
    assert [one for one in found if not one.relrowsecurity or one.commands != [*"adrw"]] == []


@pytest.mark.parametrize("role", ["api", "tiles"])
async def test_who_binds_nothing_is_shown_nothing(
    database_url: str, places: list[int], role: str
) -> None:
    settings = settings_of(database_url, role)
    async with engine.open_quick_reader(settings, application="test") as reader:
        assert (await reader.execute(text(COUNTED), {})).all() == []
        if role == "api":
            assert await reader.scalar(text("SELECT count(*) FROM problem_history"), {}) == 0


async def test_a_connection_shows_each_what_is_theirs(database_url: str, places: list[int]) -> None:
    """Over one connection, so that what was bound for one would be seen by the next."""
    here, there = places
    nobody = fence.RowScope.of(frozenset(), known=False)
    expected = {
        fence.PLATFORM: 6,
        nobody: 2,
        fence.NOTHING: 0,
        fence.RowScope.of(frozenset({here}), known=True): 5,
        fence.RowScope.of(frozenset({here, there}), known=True): 6,
        fence.RowScope.of(frozenset(), known=True): 4,
    }
    settings = settings_of(database_url)
    async with engine.open_quick_reader(settings, application="test") as reader:
        for scope, number in [*expected.items(), *reversed(expected.items())]:
            with fence.bound_to(scope):
                assert len((await reader.execute(text(COUNTED), {})).all()) == number


async def test_a_statement_that_failed_leaves_its_connection_bound_to_nobody_else(
    database_url: str, places: list[int]
) -> None:
    settings = settings_of(database_url)
    async with engine.open_quick_reader(settings, application="test") as reader:
        with fence.bound_to(fence.PLATFORM), pytest.raises(DBAPIError):
            await reader.execute(text("SELECT 1 / 0 FROM problem"), {})
        assert (await reader.execute(text(COUNTED), {})).all() == []


async def test_rasters_of_a_job_are_shown_to_others_once_public(
    database_url: str, sessions: Sessions
) -> None:
    async with sessions.begin() as session:
        region, job = await add_region(session, f"at-{uuid4().hex}"), await add_job(session)
        for origin, made_by in (("imported", None), ("computed", job.id)):
            for visibility in VISIBILITIES:
                values = {"origin": origin, "job_id": made_by, "visibility": visibility}
                code = f"{origin}.{visibility}.{region.id}"
                await add_dataset(session, region, "dem", code, **values)
    scope = fence.RowScope.of(frozenset(), known=True)
    query = text(f"SELECT origin, visibility FROM dataset WHERE region_id = {region.id}")
    settings = settings_of(database_url)
    async with engine.open_quick_reader(settings, application="test") as reader:
        with fence.bound_to(scope):
            found = {tuple(row) for row in (await reader.execute(query, {})).all()}
    assert found == {("imported", "public"), ("imported", "signed_in"), ("computed", "public")}


async def write(sessions: Sessions, *statements: str) -> list[int]:
    """The numbers of rows written by each statement, in one transaction."""
    async with sessions.begin() as session:
        return [(await session.execute(text(one))).rowcount for one in statements]  # type: ignore[attr-defined]


class TestWriting:
    async def test_rows_of_other_regions_are_refused(
        self, writing: Sessions, places: list[int]
    ) -> None:
        here, there = places
        own = ADDED.format(code="own", region=here, visibility="region")
        foreign = ADDED.format(code="foreign", region=there, visibility="public")
        with role_in(here):
            assert await write(writing, own) == [1]
            with pytest.raises(DBAPIError, match="row-level security"):
                await write(writing, foreign)
            with pytest.raises(DBAPIError, match="row-level security"):
                await write(writing, f"UPDATE problem SET region_id = {there} WHERE code = 'own'")
            # Without a condition, and so of every row.
            with pytest.raises(DBAPIError, match="row-level security"):
                await write(writing, "UPDATE problem SET name_en = 'y'")
            with pytest.raises(DBAPIError, match="row-level security"):
                await write(writing, f"UPDATE problem SET region_id = {here}")
            within = f"UPDATE problem SET name_en = 'y' WHERE region_id = {here}"
            assert await write(writing, within, "DELETE FROM problem") == [4, 4]

    async def test_who_binds_nothing_writes_nothing(
        self, writing: Sessions, places: list[int]
    ) -> None:
        for code, region in zip("ab", places, strict=True):
            added = ADDED.format(code=code, region=region, visibility="public")
            with pytest.raises(DBAPIError, match="row-level security"):
                await write(writing, added)
        assert await write(writing, "UPDATE problem SET name_en = 'y'") == [0]

    async def test_what_was_bound_ends_with_the_transaction(
        self, writing: Sessions, places: list[int]
    ) -> None:
        here, _ = places
        own = ADDED.format(code="own", region=here, visibility="region")
        with role_in(here):
            assert await write(writing, own) == [1]
        with fence.bound_to(fence.PLATFORM):
            assert await write(writing, "UPDATE problem SET name_en = 'y'") == [7]
        assert await write(writing, "UPDATE problem SET name_en = 'z'") == [0]

    async def test_the_platform_writes_everything(
        self, database_url: str, places: list[int]
    ) -> None:
        made = engine.create_engine(settings_of(database_url, "worker"), application="test")
        assert await write(create_sessions(made), "UPDATE problem SET name_en = 'y'") == [6]
        await made.dispose()


@pytest.mark.parametrize("known", [False, True])
async def test_the_index_on_places_is_used_behind_the_fence(
    database_url: str, session: AsyncSession, places: list[int], known: bool
) -> None:
    here, _ = places
    await session.execute(
        text(
            "INSERT INTO problem (code, name_zh, name_en, region_id, visibility, type, geom)"
            f" SELECT 'p' || n, 'x', 'x', {here}, 'public', 'erosion',"
            " ST_Point(117 + n % 100 / 50.0, 24 + n / 5000.0, 4490)"
            " FROM generate_series(1, 5000) n"
        )
    )
    await session.commit()
    await session.execute(text("ANALYZE problem"))
    await session.commit()
    problems = entity_named("problems")
    regions = frozenset({here})
    viewer = Viewer(True, regions, regions, regions) if known else PUBLIC
    selection = Selection(viewer, box=Box(118.0, 24.4, 118.05, 24.45))
    query = page_query(problems, QueryShape.of(problems, selection), USUAL, None, ())
    values = {**bound_values(selection), "wanted": 11, "skipped": 0}
    scope = fence.RowScope.of(regions if known else frozenset(), known=known)
    settings = settings_of(database_url)
    async with engine.open_quick_reader(settings, application="test") as reader:
        with fence.bound_to(scope):
            rows = await reader.execute(text(f"EXPLAIN {query}"), values)
    plan = "\n".join(row[0] for row in rows)
    assert "current_setting" in plan
    assert "on ix_problem_geom" in plan, plan
