"""Former states: every entity's table has a history like itself, filled by what really changed."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import ENTITIES
from tests.support.feature_rows import add_scheme, add_zone
from tests.support.job_rows import add_region

TABLES = sorted({entity.table for entity in ENTITIES} | {"compliance_exception"})


async def columns_of(session: AsyncSession, table: str) -> list[tuple[str, str]]:
    found = await session.execute(
        text(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = CAST(:table AS regclass) AND attnum > 0 AND NOT attisdropped"
            " ORDER BY attnum"
        ),
        {"table": table},
    )
    return [(name, kind) for name, kind in found]


async def history_of(session: AsyncSession, table: str, code: str) -> list[Row[Any]]:
    # The name is one of this file's.
    query = text(f"SELECT * FROM {table}_history WHERE code = :code ORDER BY recorded_to")
    return list(await session.execute(query, {"code": code}))


@pytest.mark.parametrize("table", TABLES)
async def test_history_has_the_columns_of_its_table(session: AsyncSession, table: str) -> None:
    former = await columns_of(session, f"{table}_history")
    assert former[0] == ("recorded_to", "timestamp with time zone")
    assert former[1:] == await columns_of(session, table)


@pytest.mark.parametrize("table", TABLES)
async def test_history_is_found_by_code_and_place(session: AsyncSession, table: str) -> None:
    indexes = await session.scalars(
        text("SELECT indexdef FROM pg_indexes WHERE tablename = :table"),
        {"table": f"{table}_history"},
    )
    methods = " ".join(indexes)
    assert "(code)" in methods
    shapes = [name for name, kind in await columns_of(session, table) if "geometry" in kind]
    assert methods.count("USING gist") == len(shapes)


@pytest.mark.parametrize("table", TABLES)
async def test_history_is_kept_of_every_column(session: AsyncSession, table: str) -> None:
    query = text(
        """SELECT prosrc, history_body(CAST(:table AS regclass)), proconfig
             FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
            WHERE tgrelid = CAST(:table AS regclass) AND tgname = 'keep_history'"""
    )
    present, due, settings = (await session.execute(query, {"table": table})).one()
    assert present == due, f"a migration changed {table} and did not call keep_history_of"
    # Else a plan made for one row would compare each of many with all others.
    assert settings == ["enable_nestloop=off", "enable_hashjoin=on"]


async def test_rows_of_one_statement_are_kept_apart(session: AsyncSession) -> None:
    ids = [(await add_region(session, code)).id for code in ("one", "two", "three")]
    await session.execute(
        text(
            "UPDATE region SET name_en = 'New', valid_from ="
            " CASE code WHEN 'one' THEN CAST('2025-03-01' AS date) ELSE valid_from END,"
            " name_zh = CASE code WHEN 'two' THEN '新' ELSE name_zh END WHERE id = ANY(:ids)"
        ),
        {"ids": ids},
    )
    for code, ends in (("one", date(2025, 3, 1)), ("two", date(1900, 1, 1))):
        (former,) = await history_of(session, "region", code)
        assert (former.id, former.name_en, former.valid_to) == (
            ids[code == "two"],
            f"Region {code}",
            ends,
        )


async def test_a_state_holds_until_the_next_begins(session: AsyncSession) -> None:
    region = await add_region(session, "here")
    await session.execute(
        text("UPDATE region SET name_en = 'New', valid_from = '2025-03-01' WHERE id = :id"),
        {"id": region.id},
    )
    (former,) = await history_of(session, "region", "here")
    assert (former.name_en, former.valid_from) == ("Region here", date(1900, 1, 1))
    assert former.valid_to == date(2025, 3, 1)
    assert former.area_m2 == pytest.approx(region.area_m2)
    assert former.geom is not None


async def test_a_closed_state_keeps_its_end(session: AsyncSession) -> None:
    region = await add_region(session, "here")
    for change in ("valid_to = '2020-01-01'", "valid_from = '2024-01-01', valid_to = NULL"):
        await session.execute(
            text(f"UPDATE region SET {change} WHERE id = :id"),
            {"id": region.id},
        )
    assert [row.valid_to for row in await history_of(session, "region", "here")] == [
        date(1900, 1, 1),
        date(2020, 1, 1),
    ]


async def test_a_corrected_state_never_held(session: AsyncSession) -> None:
    region = await add_region(session, "here")
    await session.execute(
        text("UPDATE region SET name_en = 'Right' WHERE id = :id"), {"id": region.id}
    )
    (former,) = await history_of(session, "region", "here")
    assert former.valid_from == former.valid_to == date(1900, 1, 1)


async def test_a_state_without_beginning_that_was_corrected(session: AsyncSession) -> None:
    scheme = await add_scheme(session, await add_region(session, "here"), status="draft")
    zone = await add_zone(session, scheme, "key_protection", None)
    await session.execute(text("UPDATE zone SET name_en = 'x' WHERE id = :id"), {"id": zone.id})
    (former,) = await history_of(session, "zone", zone.code)
    assert former.valid_from is not None
    assert former.valid_from == former.valid_to


async def test_counting_up_is_no_change(session: AsyncSession) -> None:
    region = await add_region(session, "here")
    for change in ("name_en = name_en", "row_version = row_version + 1, updated_at = now()"):
        await session.execute(
            text(f"UPDATE region SET {change} WHERE id = :id"),
            {"id": region.id},
        )
    assert await history_of(session, "region", "here") == []


async def test_one_live_row_per_code(session: AsyncSession) -> None:
    region = await add_region(session, "here")
    await session.execute(
        text("UPDATE region SET deleted_at = now() WHERE id = :id"), {"id": region.id}
    )
    await add_region(session, "here")
    with pytest.raises(IntegrityError, match="uq_region_code_live"):
        await add_region(session, "here")


PROJECT = (
    "INSERT INTO project (visibility, code, name_zh, name_en, region_id, start_year, end_year)"
    " VALUES ('public', 'p', 'p', 'p', :region, 2024, 2026) RETURNING id"
)
EVENT = (
    "INSERT INTO project_event (project_id, seq, from_state, to_state, actor)"
    " VALUES (:project, :seq, 'draft', :state, 'tester')"
)


async def test_no_step_but_those_there_are(session: AsyncSession) -> None:
    region = await add_region(session, "here")
    project = await session.scalar(text(PROJECT), {"region": region.id})
    await session.execute(text(EVENT), {"project": project, "seq": 1, "state": "proposed"})
    with pytest.raises(IntegrityError, match="fk_project_event_step"):
        await session.execute(text(EVENT), {"project": project, "seq": 2, "state": "acceptance"})


@pytest.mark.parametrize(
    ("table", "column"),
    [("project_event", "seq"), ("indicator_value", "year"), ("evaluation_snapshot", "year")],
)
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = 1", "DELETE FROM {} WHERE {} = 1"])
async def test_some_rows_never_change(
    session: AsyncSession, table: str, column: str, statement: str
) -> None:
    with pytest.raises(DBAPIError, match="append-only"):
        await session.execute(text(statement.format(table, column)))


async def test_every_state_is_reached_and_only_the_last_are_final(session: AsyncSession) -> None:
    states = {
        row.state: row.terminal
        for row in await session.execute(text("SELECT state, terminal FROM project_state"))
    }
    steps = list(await session.execute(text("SELECT * FROM project_transition")))
    assert {step.from_state for step in steps} == {s for s, final in states.items() if not final}
    assert {step.to_state for step in steps} == set(states)
    assert all(step.roles for step in steps)
    assert len(steps) == 23
