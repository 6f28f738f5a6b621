"""The tables of entities, and where their rows are read from: the present, or all states."""

from functools import lru_cache

from sqlalchemy import Table

import shanhai.db.tables  # noqa: F401  # fills the metadata  # noqa: F401 - fills the metadata
from shanhai.db.base import Base
from shanhai.db.features.entity import Entity


def table_of(entity: Entity) -> Table:
    """The table of an entity."""
    return Base.metadata.tables[entity.table]


def columns_of(entity: Entity) -> frozenset[str]:
    """The names of its columns."""
    return frozenset(table_of(entity).columns.keys())


@lru_cache(maxsize=256)
def source_of(entity: Entity, *, former: bool) -> str:
    """SQL of the rows, what follows `FROM`.

    With `former` states PostgreSQL plans the two tables apart, each with its own indexes, since
    both sides of the union are plain selections of the same columns.
    """
    return f"{rows_of(entity, former=former)} {entity.alias}{entity.joins}"


@lru_cache(maxsize=256)
def rows_of(entity: Entity, *, former: bool) -> str:
    """SQL of an entity's own table, or of that and all its former states."""
    if not former:
        return entity.table
    columns = ", ".join(f'"{name}"' for name in columns_in_order(entity))
    # Constants of this code.
    present = f"SELECT {columns} FROM {entity.table}"  # noqa: S608
    past = f"SELECT {columns} FROM {entity.table}_history"  # noqa: S608
    return f"({present} UNION ALL {past})"


@lru_cache(maxsize=16)
def stated_rows(table: str, day: str) -> str:
    """SQL of the rows of a table on a day, where only its history tells when a state ended.

    Args:
        table: `indicator_target` or `project_measure`, whose rows say since when they hold.
        day: SQL of the day.
    """
    columns = ", ".join(f'"{column.name}"' for column in Base.metadata.tables[table].columns)
    return (
        f"(SELECT {columns} FROM (SELECT {columns}, NULL::date AS valid_to FROM {table}"  # noqa: S608
        f" UNION ALL SELECT {columns}, valid_to FROM {table}_history) stated"
        f" WHERE daterange(valid_from, valid_to) @> {day})"
    )


def columns_in_order(entity: Entity) -> list[str]:
    """The columns of an entity's table."""
    return [column.name for column in Base.metadata.tables[entity.table].columns]
