"""All the states an object has had, the newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.entity import Entity
from shanhai.db.features.history import source_of
from shanhai.db.features.seen import seen_by
from shanhai.db.features.selection import Selection, bound_values, visibility
from shanhai.db.features.statements import PLAIN, feature_columns

MOST_VERSIONS = 1_000


@dataclass(frozen=True, slots=True)
class Version:
    """A state of an object.

    Attributes:
        recorded_from: When it was written.
        recorded_to: When the next state was; None for the newest.
        deleted: It is the state in which the object was deleted.
        properties: Its members, as JSON text.
    """

    key: int
    row_version: int
    valid_from: date | None
    valid_to: date | None
    recorded_from: datetime
    recorded_to: datetime | None
    deleted: bool
    properties: str


async def read_versions(
    session: AsyncSession, entity: Entity, selection: Selection, *, limit: int
) -> Sequence[Version]:
    """The states of the object a selection means by its code, of those the viewer may see.

    Whoever may not see the object as it is now sees none: what was withdrawn is to be read no more.
    """
    entity, names = seen_by(entity, selection.viewer), tuple(sorted(selection.filters))
    query = _versions_query(entity, tuple(visibility(entity, selection.viewer)), names)
    values = {**bound_values(selection), "most": limit}
    return [Version(*tuple(row)) for row in await session.execute(query, values)]


@lru_cache(maxsize=256)
def _versions_query(entity: Entity, visible: tuple[str, ...], names: tuple[str, ...]) -> TextClause:
    own = entity.alias
    places = [f"({_sql_of(entity, name)}) = :is_{name}" for name in names]
    seen_now = " AND ".join((*visible, f"{entity.code} = :code"))
    # Inside, the names of the tables mean the rows there are now.
    now = f"{entity.key} IN (SELECT {entity.key} FROM {entity.source} WHERE {seen_now})"  # noqa: S608
    met = " AND ".join((*visible, f"{entity.code} = :code", *places, *([now] if visible else [])))
    following = f"lead({own}.updated_at) OVER (PARTITION BY {own}.id ORDER BY {own}.row_version)"
    # Constants of this code; callers' values are bound.
    return text(
        f"SELECT {own}.id, {own}.row_version, {own}.valid_from, {own}.valid_to,"  # noqa: S608
        f" {own}.updated_at, {following}, {own}.deleted_at IS NOT NULL,"
        f" {feature_columns(entity, PLAIN)['properties']}"
        f" FROM {source_of(entity, former=True)} WHERE {met}"
        f" ORDER BY {own}.id DESC, {own}.row_version DESC LIMIT :most"
    )


def _sql_of(entity: Entity, name: str) -> str:
    declared: Any = entity.declared(name)
    if declared is None:
        raise LookupError(f"{entity.name} has no property {name}")
    return str(declared.sql)
