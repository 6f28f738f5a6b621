"""Migrations: they make exactly the tables declared, and go both ways."""

import asyncio

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
from shanhai.testing.job_rows import open_sessions


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
