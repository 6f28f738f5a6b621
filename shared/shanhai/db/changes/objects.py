"""The rows that entries of the audit log are about, and whether a reader may know of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from string import Formatter

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.entity import Entity
from shanhai.db.features.history import source_of
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Viewer

BY_NUMBER = "{key} = ANY(CAST(:wanted AS bigint[]))"
BY_CODE = "{code} = ANY(CAST(:wanted AS text[]))"
State = tuple[int, int]
"""The number of a row, and its version."""


@dataclass(frozen=True, slots=True)
class Named:
    """A row as it is referred to: by its number, or else by its code and perhaps its version."""

    row_id: int | None
    code: str = ""
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A row as it is now, deleted or not.

    Attributes:
        version: Its version, of what has several beside each other.
        bound: The codes that its path holds.
        visible: The reader may know of it.
    """

    row_id: int
    code: str
    version: int | None
    visible: bool
    bound: Mapping[str, str] = field(default_factory=dict)


async def find_objects(
    session: AsyncSession, entity: Entity, viewer: Viewer, named: Collection[Named]
) -> dict[Named, Known]:
    """The row each name means, the newest of several; names that mean none are left out."""
    visible = tuple(visibility(entity, viewer))
    wanted: dict[str, list[int] | list[str]] = {
        BY_NUMBER: sorted({item.row_id for item in named if item.row_id is not None}),
        BY_CODE: sorted({item.code for item in named if item.row_id is None}),
    }
    rows = [
        Known(row.row_id, row.code, row.version, row.visible, row.bound)
        # Apart, so that the key of a large table is used: few entries name their object by code.
        for by, listed in wanted.items()
        if listed
        for row in await session.execute(
            _objects_query(entity, visible, by), {"wanted": listed, **viewer_values(viewer)}
        )
    ]
    by_number = {row.row_id: row for row in rows}
    return {item: row for item in named if (row := _meant(item, by_number, rows)) is not None}


async def find_states(
    session: AsyncSession, entity: Entity, viewer: Viewer, states: Collection[State]
) -> frozenset[State]:
    """Those states of rows, former or present, that the reader may know of."""
    query = _states_query(entity, tuple(visibility(entity, viewer)))
    values = {
        "numbers": [number for number, _ in states],
        "versions": [version for _, version in states],
        **viewer_values(viewer),
    }
    return frozenset((row[0], row[1]) for row in await session.execute(query, values))


def _meant(item: Named, by_number: Mapping[int, Known], rows: Sequence[Known]) -> Known | None:
    if item.row_id is not None:
        return by_number.get(item.row_id)
    fitting = (row for row in rows if row.code == item.code and item.version in {None, row.version})
    return max(fitting, key=lambda row: row.row_id, default=None)


@lru_cache(maxsize=256)
def _objects_query(entity: Entity, visible: tuple[str, ...], by: str) -> TextClause:
    names = [name for _, name, _, _ in Formatter().parse(entity.path or "") if name]
    bound = ", ".join(f"'{name}', {_sql_of(entity, name)}" for name in names)
    version = _sql_of(entity, "version") if "version" in entity.history else "NULL::int"
    # Constants of this code; values are bound.
    return text(
        f"SELECT {entity.key} AS row_id, {entity.code} AS code, {version} AS version,"  # noqa: S608
        f" coalesce({' AND '.join(visible) or 'true'}, false) AS visible,"
        f" jsonb_build_object({bound}) AS bound FROM {entity.source}"
        f" WHERE {by.format(key=entity.key, code=entity.code)}"
    )


@lru_cache(maxsize=256)
def _states_query(entity: Entity, visible: tuple[str, ...]) -> TextClause:
    met = " AND ".join((*visible, _AMONG.format(alias=entity.alias)))
    source = source_of(entity, former=True)
    return text(
        f"SELECT {entity.key}, {entity.alias}.row_version FROM {source} WHERE {met}"  # noqa: S608
    )


_AMONG = (
    "({alias}.id, {alias}.row_version) IN"
    " (SELECT * FROM unnest(CAST(:numbers AS bigint[]), CAST(:versions AS bigint[])))"
)


def _sql_of(entity: Entity, name: str) -> str:
    declared = entity.declared(name)
    if declared is None:
        raise LookupError(f"{entity.name} has no property {name}")
    return declared.sql
