"""The log of what tiles draw, on PostgreSQL: which boxes a statement writes, and how many."""

import re

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import Base
from shanhai.db.collections.catalogue import COLLECTIONS
from shanhai.db.engine import Sessions
from shanhai.db.features.entity import Entity
from shanhai.db.tiles.simplification import prune_changes
from shanhai.db.tiles.simplified_shapes import drawn_properties
from shanhai.vocabulary import ZONE_CLASSES
from tests.support.feature_rows import add_job, add_scheme, add_zone, forget_features
from tests.support.job_rows import add_dataset, add_region

Box = tuple[float, ...]
WEST, EAST = (118.0, 24.4, 118.1, 24.5), (119.0, 25.0, 119.5, 25.5)
BOTH = (118.0, 24.4, 119.5, 25.5)
EVERYWHERE = (float("-inf"), float("-inf"), float("inf"), float("inf"))


@pytest.fixture(autouse=True)
async def without_features_and_changes(sessions: Sessions) -> None:
    """A database with no object and no change."""
    async with sessions.begin() as session:
        await forget_features(session)
        await session.execute(text("DELETE FROM tile_change"))


async def take_changes(session: AsyncSession) -> list[tuple[str, Box]]:
    """What was logged since it was last taken, in order."""
    query = text("SELECT collection, west, south, east, north FROM tile_change ORDER BY id")
    rows = (await session.execute(query)).all()
    await session.execute(text("DELETE FROM tile_change"))
    return [(row[0], tuple(round(side, 6) for side in row[1:])) for row in rows]


async def run(session: AsyncSession, statement: str) -> dict[str, Box]:
    """The box of each collection that a statement changed."""
    await take_changes(session)
    await session.execute(text(statement))
    changes = await take_changes(session)
    assert len(dict(changes)) == len(changes), "one box for each collection and statement"
    return dict(changes)


MOVE = "ST_Multi(ST_MakeEnvelope(119.0, 25.0, 119.5, 25.5, 4490))"


async def test_insert_update_and_delete_log_where_the_rows_were_and_are(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await add_region(session, "west", box=WEST)
        assert await take_changes(session) == [("regions", WEST)]
        assert await run(session, f"UPDATE region SET geom = {MOVE}") == {"regions": BOTH}
        assert await run(session, "UPDATE region SET name_en = 'East'") == {"regions": EAST}
        assert await run(session, "UPDATE region SET name_en = 'x' WHERE id < 0") == {}
        assert await run(session, "DELETE FROM region") == {"regions": EAST}


async def test_a_row_without_a_shape_changes_no_tile(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await add_region(session, "nowhere", box=None)
        assert await take_changes(session) == []


async def test_a_statement_of_many_rows_logs_one_box(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        changed = await run(
            session,
            "INSERT INTO region (code, name_zh, name_en, level, geom)"
            " SELECT x, '区', 'r', 'city', ST_Multi(ST_MakeEnvelope(x, 20, x + 1, 21, 4490))"
            " FROM generate_series(100, 119) x",
        )
        assert changed == {"regions": (100.0, 20.0, 120.0, 21.0)}


async def test_a_plan_made_for_one_row_serves_many(sessions: Sessions) -> None:
    """Comparing each row with all others would take a minute."""
    async with sessions.begin() as session:
        await add_region(session, "one")
        await session.execute(text("UPDATE region SET code = 'two'"))
        await session.execute(
            text(
                "INSERT INTO region (code, name_zh, name_en, level, geom) SELECT x, '区', 'r',"
                " 'city', ST_Multi(ST_MakeEnvelope(118, 24, 119, 25, 4490))"
                " FROM generate_series(1, 20000) x"
            )
        )
        await session.execute(text("SET LOCAL statement_timeout = '20s'"))
        assert (await run(session, "UPDATE region SET name_en = 'x'")).keys() == {"regions"}


async def test_what_is_rolled_back_is_not_logged(sessions: Sessions) -> None:
    async with sessions() as session:
        await add_region(session, "west", box=WEST)
        await session.rollback()
        assert await take_changes(session) == []


async def test_publishing_changes_the_zones_of_every_version(sessions: Sessions) -> None:
    """A published version takes the place of those before it, which are drawn no more."""
    async with sessions.begin() as session:
        region = await add_region(session, "city", box=EAST)
        for version, box in ((1, WEST), (2, EAST)):
            scheme = await add_scheme(
                session, region, status="draft", version=version, valid=(None, None)
            )
            await add_zone(session, scheme, ZONE_CLASSES[0].code, box)
        published = await run(
            session,
            "UPDATE zone_scheme SET status = 'published', valid_from = '2024-01-01'"
            " WHERE version = 2",
        )
        assert published == {"zone_schemes": EAST, "zones": BOTH}


async def test_a_joint_plan_is_drawn_anew_wherever_its_regions_lie(sessions: Sessions) -> None:
    """The leading region may be drawn by nobody, as an area of cooperation is."""
    async with sessions.begin() as session:
        leading = await add_region(session, "area", box=None)
        members = [await add_region(session, code, box=EAST) for code in ("one", "two")]
        joint = [region.id for region in members]
        await session.execute(
            text(
                "INSERT INTO plan (code, name_zh, name_en, region_id, region_ids, kind, level,"
                " first_year, status) VALUES ('joint', '规划', 'Plan', :leading, :joint, 'k',"
                " 'city', 2024, 'draft')"
            ),
            {"leading": leading.id, "joint": joint},
        )
        for change in (
            "UPDATE plan SET status = 'approved'",
            f"UPDATE region SET geom = {MOVE.replace('119.0', '118.9')} WHERE code = 'two'",
            "UPDATE plan SET region_ids = '{}'",
        ):
            assert (await run(session, change))["plans"] == EVERYWHERE
        moved = f"UPDATE region SET geom = {MOVE} WHERE code = 'two'"
        assert "plans" not in await run(session, moved)


async def test_a_class_that_is_renamed_changes_its_zones(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        scheme = await add_scheme(session, await add_region(session, "city"))
        await add_zone(session, scheme, ZONE_CLASSES[0].code, WEST)
        await add_zone(session, scheme, ZONE_CLASSES[1].code, EAST)
        name = f"WHERE class_code = '{ZONE_CLASSES[1].code}'"
        rename = f"UPDATE zone_class SET name_en = name_en || '!' {name}"
        assert await run(session, rename) == {"zones": EAST}
        assert await run(session, f"UPDATE zone_class SET traits_en = 'x' {name}") == {}


async def test_a_code_that_changes_is_shown_by_what_refers_to_it(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        region = await add_region(session, "city", box=WEST)
        await add_region(session, "town", parent=region, box=EAST)
        scheme = await add_scheme(session, region)
        await add_zone(session, scheme, ZONE_CLASSES[0].code, EAST)
        await add_dataset(session, region, "dem", "dem.city")
        await take_changes(session)
        await session.execute(text("UPDATE region SET code = 'metropolis' WHERE code = 'city'"))
        changes = await take_changes(session)
    assert set(changes) == {
        ("regions", WEST),
        ("regions", EAST),
        ("zone_schemes", WEST),
        ("zones", EAST),
    }


async def test_rasters_change_with_their_rows_and_with_the_end_of_their_job(
    sessions: Sessions,
) -> None:
    async with sessions.begin() as session:
        region = await add_region(session, "city")
        await take_changes(session)
        bare, job = [await add_job(session, status="running") for _ in range(2)]
        await add_dataset(session, region, "dem", "dem.city", job_id=job.id)
        assert await take_changes(session) == [("datasets", EVERYWHERE)]
        assert await run(session, "UPDATE job SET progress = 50") == {}
        finish = "UPDATE job SET status = 'successful' WHERE id = '{}'"
        assert await run(session, finish.format(bare.id)) == {}, "it made no raster"
        assert await run(session, finish.format(job.id)) == {"datasets": EVERYWHERE}
        assert await run(session, "UPDATE dataset SET name_en = 'x' WHERE id < 0") == {}


async def test_links_change_the_project_they_belong_to(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        region = await add_region(session, "city", box=EAST)
        await session.execute(
            text(
                "INSERT INTO project (visibility, code,"
                " name_zh, name_en, region_id, start_year, end_year,"
                " geom) VALUES ('public', 'p', '项目', 'p', :region, 2024, 2025,"
                " ST_MakeEnvelope(118, 24.4, 118.1, 24.5, 4490))"
            ),
            {"region": region.id},
        )
        linked = "INSERT INTO project_region SELECT p.id, r.id FROM project p, region r"
        assert await run(session, linked) == {"projects": WEST}
        assert await run(session, "DELETE FROM project_region") == {"projects": WEST}


async def test_forgetting_raises_the_floor(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await add_region(session, "city")
        for number in range(10):
            rename = text("UPDATE region SET name_en = :name")
            await session.execute(rename, {"name": str(number)})
        await session.execute(text("UPDATE zone_class SET name_en = name_en || '.'"))
        numbers = list(await session.scalars(text("SELECT id FROM tile_change ORDER BY id")))
        assert len(numbers) == 11
        assert await prune_changes(session, most=11, kept=4) == 0
        assert await prune_changes(session, most=10, kept=4) == 7
        left = list(await session.scalars(text("SELECT id FROM tile_change ORDER BY id")))
        assert left == numbers[7:]
        floors = await session.execute(text("SELECT collection, id FROM tile_floor WHERE id > 0"))
        assert [tuple(row) for row in floors] == [("regions", numbers[6])]


def what_is_read(entity: Entity) -> set[tuple[str, str]]:
    """Columns of other tables that what is drawn, or which rows are drawn, depends on."""
    shown = [item.sql for item in (*drawn_properties(entity), *entity.queryables)]
    deciding = (entity.live, entity.published, entity.public, entity.current, entity.as_of)
    sql = " ".join([*shown, *deciding, entity.joins, entity.geometry or "", entity.region or ""])
    named = {found[2]: found[1] for found in re.finditer(r"(?:FROM|JOIN) ([a-z_]+) ([a-z_]+)", sql)}
    tables = {**named, entity.alias: entity.table}
    return {
        (tables[alias], column)
        for alias, column in re.findall(r"\b([a-z_]+)\.([a-z_]+)\b", sql)
        if alias in tables
        and (tables[alias] != entity.table or alias != entity.alias)
        and tables[alias] in Base.metadata.tables
        and column in Base.metadata.tables[tables[alias]].columns
    }


async def watchers(session: AsyncSession) -> dict[str, str]:
    """What is run after a statement that changed rows of each table."""
    query = text(
        "SELECT tgrelid::regclass::text, string_agg(prosrc || coalesce(encode(tgargs, 'escape'),"
        " ''), ' ') FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid"
        " WHERE tgname ~ '^note_tile_(update|change)' GROUP BY 1"
    )
    return {row[0]: row[1] for row in await session.execute(query)}


@pytest.mark.parametrize("entity", COLLECTIONS, ids=lambda entity: entity.name)
async def test_all_that_a_collection_reads_is_watched(sessions: Sessions, entity: Entity) -> None:
    """A property that is declared later is missed here, unless its changes are noted."""
    async with sessions() as session:
        bodies = await watchers(session)
    # By a function of the table's own, or as an argument of one that many share.
    noted_names = (f"'{entity.name}'", f"{entity.name}\\000")
    assert any(name in bodies[entity.table] for name in noted_names)
    for table, column in sorted(what_is_read(entity)):
        # A row keeps its code, and what it was copied from.
        if column in {"id", "state", "copied_from_id"} or (table, column) == (entity.table, "code"):
            continue
        body = bodies.get(table, "")
        noted = entity.name in body and (
            f"was.{column}" in body or column in ALL_NOTED.get(table, ()) or table in WHOLLY_NOTED
        )
        assert noted, f"{entity.name} reads {table}.{column}, whose changes nobody notes"


WHOLLY_NOTED = {
    *("project_state", "project_region", "project_problem", "project_measure", "proposal"),
    *("zone_scheme", "species"),
}
"""Tables of which any change is noted for those who read them."""
ALL_NOTED = {
    "region": ("geom",),
    "pattern": ("plan_id",),
    "programme": ("plan_id",),
    "plan": (
        *("code", "status", "in_force", "supersedes_id", "deleted_at"),
        *("region_id", "region_ids"),
    ),
}
