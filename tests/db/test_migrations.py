"""Migrations: they make exactly the tables declared, and what keeps former states."""

from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import text

from shanhai.db.migrate import migration_config
from shanhai.db.revision import expected_revision
from tests.support.job_rows import open_sessions


def test_tables_and_migrations_agree(database_url: str) -> None:
    command.check(migration_config(database_url))


# What the function of a table has to do, told for one row: slow, and plain to read.
KEPT_BY_ROW = (
    "DROP TRIGGER keep_history ON control_area",
    """
    CREATE FUNCTION keep_history() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW.row_version := OLD.row_version;
      NEW.updated_at := OLD.updated_at;
      IF NEW IS NOT DISTINCT FROM OLD THEN
        RETURN NULL;
      END IF;
      IF NEW.valid_from IS NOT NULL
         AND (OLD.valid_from IS NULL OR NEW.valid_from > OLD.valid_from) THEN
        OLD.valid_to := least(OLD.valid_to, NEW.valid_from);
      ELSE
        OLD.valid_from := coalesce(OLD.valid_from, current_date);
        OLD.valid_to := OLD.valid_from;
      END IF;
      EXECUTE format('INSERT INTO %I SELECT clock_timestamp(), ($1).*', TG_TABLE_NAME || '_history')
        USING OLD;
      RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER keep_history AFTER UPDATE ON control_area"
    " FOR EACH ROW EXECUTE FUNCTION keep_history()",
)
KEPT_BY_STATEMENT = (
    "DROP TRIGGER keep_history ON control_area",
    "SELECT keep_history_of('control_area')",
)

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
        "INSERT INTO control_area (visibility, code, name_zh, name_en, kind, region_id)"
        " SELECT 'public',"
        " code, '线', 'a', 'red_line', :region FROM unnest(CAST(:codes AS text[])) code"
    )
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


async def execute(url: str, statements: tuple[str, ...]) -> None:
    async with open_sessions(url) as sessions, sessions.begin() as session:
        for statement in statements:
            await session.execute(text(statement))


async def test_history_kept_by_statement_is_that_kept_by_row(fresh_database_url: str) -> None:
    await execute(fresh_database_url, KEPT_BY_ROW)
    by_row = await change(fresh_database_url, ("a", "b"))
    await execute(fresh_database_url, KEPT_BY_STATEMENT)
    by_statement = await change(fresh_database_url, ("c", "d"))
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


def test_the_newest_revision_is_that_of_the_files_in_order() -> None:
    script = ScriptDirectory.from_config(migration_config("postgresql://"))
    assert expected_revision() == script.get_current_head()
