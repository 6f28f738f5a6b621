"""Migrations: they make exactly the tables declared, and go both ways."""

import asyncio
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text

from shanhai.db.migrate import (
    downgrade,
    expected_revision,
    migration_config,
    present_revision,
    upgrade,
)
from tests.support.job_rows import open_sessions


async def look(url: str) -> tuple[str | None, int]:
    async with open_sessions(url) as sessions, sessions() as session:
        tables = await session.scalar(
            text(
                "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
                " AND table_name NOT IN ('spatial_ref_sys', 'alembic_version')"
                " AND table_type = 'BASE TABLE'"
            )
        )
        return await present_revision(session), tables or 0


def test_tables_and_migrations_agree(database_url: str) -> None:
    command.check(migration_config(database_url))


def test_down_and_up_again(fresh_database_url: str) -> None:
    before = asyncio.run(look(fresh_database_url))
    assert before[0] == expected_revision()
    downgrade(fresh_database_url, "base")
    assert asyncio.run(look(fresh_database_url)) == (None, 0)
    upgrade(fresh_database_url)
    assert asyncio.run(look(fresh_database_url)) == before


CHANGES = (
    "name_en = 'b', valid_from = '2024-01-01'",
    "name_en = 'c'",
    "row_version = row_version + 1, updated_at = now()",
    "valid_to = '2026-01-01', row_version = row_version + 1",
    "valid_from = '2030-01-01', valid_to = NULL, attrs = '{\"a\": 1}'",
    "valid_from = NULL, geom = ST_MakeEnvelope(118, 24, 119, 25, 4490)",
    "name_zh = '名', name_en = 'd'",
    "valid_from = '2020-01-01', geom = ST_MakeEnvelope(118, 24, 119, 26, 4490)",
    "deleted_at = '2026-02-02', geom = NULL",
)


async def change(url: str, codes: tuple[str, ...]) -> list[list[tuple[Any, ...]]]:
    """Make lines and change them together, two changes a transaction; their former states."""
    made = text(
        "INSERT INTO control_area (code, name_zh, name_en, kind, region_id)"
        " SELECT code, '线', 'a', 'red_line', :region FROM unnest(CAST(:codes AS text[])) code"
    )
    # In words of SQL: the declared table has columns that came later.
    place = text(
        "INSERT INTO region (code, name_zh, name_en, level) VALUES (:code, '区', 'a', 'city')"
        " RETURNING id"
    )
    async with open_sessions(url) as sessions:
        async with sessions.begin() as session:
            region = await session.scalar(place, {"code": codes[0]})
            await session.execute(made, {"codes": list(codes), "region": region})
        for first, second in zip(CHANGES[::2], (*CHANGES[1::2], CHANGES[0]), strict=True):
            async with sessions.begin() as session:
                for assigned in (first, second):
                    query = text(f"UPDATE control_area SET {assigned} WHERE code = ANY(:codes)")
                    await session.execute(query, {"codes": list(codes)})
        columns = "name_zh, name_en, valid_from, valid_to, row_version, attrs, area_m2, deleted_at"
        kept = text(
            f"SELECT {columns}, ST_AsText(geom) FROM control_area_history WHERE code = :code"
            " ORDER BY recorded_to"
        )
        async with sessions() as session:
            found = [await session.execute(kept, {"code": code}) for code in codes]
            return [[tuple(row) for row in rows] for rows in found]


def test_history_kept_by_statement_is_that_kept_by_row(fresh_database_url: str) -> None:
    downgrade(fresh_database_url, "0003")
    by_row = asyncio.run(change(fresh_database_url, ("a", "b")))
    upgrade(fresh_database_url)
    by_statement = asyncio.run(change(fresh_database_url, ("c", "d")))
    assert by_statement == by_row
    assert len(by_row[0]) == len(CHANGES)


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"]
)
async def test_audit_log_is_append_only(database_url: str, statement: str) -> None:
    async with open_sessions(database_url) as sessions:
        async with sessions.begin() as session:
            await session.execute(
                text(
                    "INSERT INTO audit_log (actor, action, object_table, object_id)"
                    " VALUES ('a', 'b', 'c', 'd')"
                )
            )
        async with sessions() as session:
            with pytest.raises(Exception, match="append-only"):
                await session.execute(text(statement))
