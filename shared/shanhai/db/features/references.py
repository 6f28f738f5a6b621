"""References between entities: codes in the API, row ids in the tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import ENTITIES, entity_named
from shanhai.db.features.entity import Entity, Property
from shanhai.db.features.input_validation import broken_body
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.features.tables import table_of
from shanhai.db.identity import Viewer
from shanhai.errors import Fault

MOST_NAMED = 5
"""How many of the rows that refer to one are named."""


@dataclass(frozen=True, slots=True)
class Referrer:
    """A live row that refers to another."""

    collection: str
    code: str


async def resolve(
    session: AsyncSession,
    entity: Entity,
    values: Mapping[str, Any],
    viewer: Viewer,
    *,
    under: str,
) -> Mapping[str, Any]:
    """The values with row ids in place of codes.

    Raises:
        InvalidInput: a code is that of no row the viewer may know of.
    """
    references = [
        item for item in entity.receivables if item.refers_to and values.get(item.name) is not None
    ]
    wanted: dict[str, set[str]] = {}
    for item in references:
        wanted.setdefault(str(item.refers_to), set()).update(codes_in(values[item.name]))
    known = {name: await ids_of(session, name, codes, viewer) for name, codes in wanted.items()}
    faults: list[Fault] = []
    found = dict(values)
    for item in references:
        ids = known[str(item.refers_to)]
        missing = [code for code in codes_in(values[item.name]) if code not in ids]
        faults += [_unknown(item, code, under) for code in missing]
        if not missing:
            found[item.name] = _with_ids(values[item.name], ids)
    if faults:
        raise broken_body(faults)
    return found


async def ids_of(
    session: AsyncSession, name: str, codes: Iterable[str], viewer: Viewer
) -> Mapping[str, int]:
    """The row ids of those codes of an entity that exist and the viewer may know of.

    Where versions stand beside each other the newest is meant, for that is the one worked on.
    """
    query = _ids_query(name, tuple(visibility(entity_named(name), viewer)))
    values = {"codes": sorted(codes), **viewer_values(viewer)}
    found = [(row.code, row.id) for row in await session.execute(query, values)]
    return dict(sorted(found))


async def referrers(session: AsyncSession, entity: Entity, row_id: int) -> Sequence[Referrer]:
    """Some of the live rows that refer to a row."""
    query = _referrers_query(entity.name)
    if query is None:
        return []
    return [Referrer(*row) for row in await session.execute(query, {"row_id": row_id})]


def codes_in(value: Any) -> list[str]:
    """The codes of a reference to one row, or to several."""
    return list(value) if isinstance(value, list) else [value]


def _with_ids(value: Any, ids: Mapping[str, int]) -> Any:
    return [ids[code] for code in value] if isinstance(value, list) else ids[value]


def _unknown(item: Property, code: str, under: str) -> Fault:
    return Fault(
        f"{under}/{item.name}",
        f"there is no {code!r} in {item.refers_to}",
        f"{item.refers_to} 中没有 {code!r}",
    )


@lru_cache(maxsize=256)
def _ids_query(name: str, visible: tuple[str, ...]) -> TextClause:
    entity = entity_named(name)
    met = " AND ".join((entity.live, *visible, f"{entity.code} = ANY(CAST(:codes AS text[]))"))
    return text(
        f"SELECT {entity.code} AS code, {entity.key} AS id FROM {entity.source} WHERE {met}"  # noqa: S608
        # Whoever deletes one of them waits for the reference, or it is not found any more.
        f" FOR KEY SHARE OF {entity.alias}"
    )


@lru_cache(maxsize=64)
def _referrers_query(name: str) -> TextClause | None:
    halves = [
        f"(SELECT '{entity.name}' AS name, {entity.code} AS code FROM {entity.source}"  # noqa: S608
        f" WHERE {entity.live} AND {_refers(entity, item)} LIMIT {MOST_NAMED})"
        for entity in ENTITIES
        for item in entity.properties
        if item.refers_to == name and item.column is not None
    ]
    if not halves:
        return None
    found = " UNION ALL ".join(halves)
    return text(f"SELECT name, code FROM ({found}) found LIMIT {MOST_NAMED}")  # noqa: S608


def _refers(entity: Entity, item: Property) -> str:
    column = table_of(entity).columns[str(item.column)]
    of = f"{entity.alias}.{item.column}"
    return f":row_id = ANY({of})" if isinstance(column.type, ARRAY) else f"{of} = :row_id"
