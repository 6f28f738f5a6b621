"""The tables entities are kept in."""

from sqlalchemy import Table

import shanhai.db.tables  # noqa: F401  # fills the metadata
from shanhai.db.base import Base
from shanhai.db.features.entity import Entity


def table_of(entity: Entity) -> Table:
    """The table of an entity."""
    return Base.metadata.tables[entity.table]


def columns_of(entity: Entity) -> frozenset[str]:
    """The names of its columns."""
    return frozenset(table_of(entity).columns.keys())
