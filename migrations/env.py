"""Alembic environment: a transaction a revision, short waits, the tables of `shanhai.db.tables`.

The services go on meanwhile. A statement that waits for a lock makes all later ones wait behind it,
so it gives up soon; `shanhai.db.migrate` then tries again.
"""

import asyncio
import re
from typing import Any, Literal

from alembic import context
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

import shanhai.db.tables  # noqa: F401  (fills the metadata)
from shanhai.db.base import Base
from shanhai.db.migrate import demand_known, demand_utf8, serves_since
from shanhai.db.revision import stored_schema

NOTE = text("UPDATE alembic_version SET serves_since = :since")
LOCK = 7_405_231_866_014_512_001
SKIPPED_TABLES = re.compile(r"spatial_ref_sys|\w+_history|observation_y\d{4}m\d{2}(d\d{2})?(h\d+)?")


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


def note_served(ctx: MigrationContext, heads: set[str], **_: Any) -> None:
    """Keep with the revision just reached which older code can go on."""
    since = serves_since(next(iter(heads), None))
    if since is not None and ctx.connection is not None:
        ctx.connection.execute(NOTE, {"since": since})


def run(connection: Connection) -> None:
    """Migrate over an open connection."""
    demand_utf8(str(connection.scalar(text("SHOW server_encoding"))))
    connection.execute(text("SET lock_timeout = '2s'"))
    # A limit that the server gives everybody is for statements of services.
    connection.execute(text("SET statement_timeout = 0"))
    # One at a time: two would find the same revision.
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
    demand_known(stored_schema(connection))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_name=include_name,
        compare_type=True,
        transaction_per_migration=True,
        on_version_apply=note_served,
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_online() -> None:
    """Connect with the URL of the configuration and migrate."""
    engine = create_async_engine(context.config.get_main_option("sqlalchemy.url", ""))
    try:
        async with engine.connect() as connection:
            await connection.run_sync(run)
    finally:
        # A connection that is left open would go on holding the lock.
        await engine.dispose()


asyncio.run(run_online())
