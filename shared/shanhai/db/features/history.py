"""Where an entity's rows are read from: the present, or the present and all former states."""

from functools import lru_cache

import shanhai.db.tables  # noqa: F401 - fills the metadata
from shanhai.db.base import Base
from shanhai.db.features.entity import Entity


@lru_cache(maxsize=256)
def source_of(entity: Entity, *, former: bool) -> str:
    """SQL of the rows, what follows `FROM`.

    With `former` states PostgreSQL plans the two tables apart, each with its own indexes, since
    both sides of the union are plain selections of the same columns.
    """
    if not former:
        return entity.source
    columns = ", ".join(f'"{name}"' for name in columns_of(entity))
    # Constants of this code.
    present = f"SELECT {columns} FROM {entity.table}"  # noqa: S608
    past = f"SELECT {columns} FROM {entity.table}_history"  # noqa: S608
    return f"({present} UNION ALL {past}) {entity.alias}{entity.joins}"


def columns_of(entity: Entity) -> list[str]:
    """The columns of an entity's table."""
    return [column.name for column in Base.metadata.tables[entity.table].columns]
