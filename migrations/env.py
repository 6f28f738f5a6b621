"""Alembic environment: one transaction, short lock waits, the tables of `shanhai.db.tables`."""

import asyncio
import re
from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

import shanhai.db.tables  # noqa: F401  (fills the metadata)
from shanhai.db.base import Base

SKIPPED_TABLES = re.compile(r"spatial_ref_sys|\w+_history|observation_y\d{4}m\d{2}")


def include_name(
    name: str | None,
    kind: Literal[
        "schema", "table", "column", "index", "unique_constraint", "foreign_key_constraint"
    ],
    parents: Any,
) -> bool:
    """Leave out of comparisons the tables of PostGIS, those of former states, and partitions.

    The latter two are made from the tables they belong to; a test compares those of former states.
    """
    return not (kind == "table" and SKIPPED_TABLES.fullmatch(name or ""))


def run(connection: Connection) -> None:
    """Migrate over an open connection."""
    connection.execute(text("SET lock_timeout = '4s'"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_name=include_name,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_online() -> None:
    """Connect with the URL of the configuration and migrate."""
    engine = create_async_engine(context.config.get_main_option("sqlalchemy.url", ""))
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


asyncio.run(run_online())
