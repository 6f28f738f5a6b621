"""The writes of the plan's objects in the order of their commits, as far as a reader may know.

Links of the audit chain are made under a lock that is held until the commit, and each knows how
many rows those before it have. So whoever sees a place in the chain sees every lower one that will
ever be there, and reading on from a place misses nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.changes.objects import Known, Named, State, find_objects, find_states
from shanhai.db.features.catalogue import ENTITIES
from shanhai.db.features.entity import Entity
from shanhai.db.identity import Viewer

Kind = Literal["created", "updated", "deleted"]
BLOCK = 1_000
MOST_BLOCKS = 20
"""A page reads no more than so many blocks of the log, however few of its rows may be told."""
CREATING = frozenset({"create", "seed", "publish", "begin_version"})
ENTRIES = text(
    """SELECT c.start + l.id - c.first_id + 1 AS place, l.*
         FROM audit_chain c CROSS JOIN LATERAL (
           SELECT id, at, action, object_table, object_id, before IS NULL AS made,
                  before->'id' AS former_id, before->'row_version' AS former_version,
                  after->'id' AS row_id, after->'row_version' AS row_version
             FROM audit_log
            WHERE id >= c.first_id + greatest(:after - c.start, 0) AND id <= c.last_id
              AND object_table = ANY(CAST(:tables AS text[]))
            ORDER BY id LIMIT :block) l
        WHERE c.start >= coalesce((SELECT max(start) FROM audit_chain WHERE start <= :after), 0)
        ORDER BY c.start, l.id LIMIT :block"""
)
HEAD = text(
    """SELECT coalesce(max(start + rows), 0)
         FROM (SELECT * FROM audit_chain ORDER BY start DESC LIMIT 1) last"""
)


@dataclass(frozen=True, slots=True)
class Change:
    """A write of an object.

    Attributes:
        seq: Its place; later commits have higher ones.
        row_version: The version the write left; None where the log does not tell.
        bound: The codes in the path of the object, by property name.
    """

    seq: int
    at: datetime
    entity: Entity
    code: str
    kind: Kind
    row_version: int | None
    version: int | None
    bound: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Changes in order; `seen` is the place up to which all are told, `more` that others follow."""

    changes: Sequence[Change]
    seen: int
    more: bool


async def read_changes(
    session: AsyncSession,
    viewer: Viewer,
    entities: Sequence[Entity] = ENTITIES,
    *,
    after: int,
    limit: int,
) -> Stretch:
    """The changes after a place that a reader may know of.

    A write after which the object is out of the reader's sight is told as a deletion to who could
    see it before, and not at all to others.
    """
    by_table = {entity.table: entity for entity in entities}
    found: list[Change] = []
    for _ in range(MOST_BLOCKS):
        values = {"after": after, "tables": sorted(by_table), "block": BLOCK}
        block = (await session.execute(ENTRIES, values)).all()
        for row, change in await _judged(session, viewer, by_table, block):
            if len(found) == limit:
                return Stretch(found, after, more=True)
            after = row.place
            found.extend([] if change is None else [change])
        if len(block) < BLOCK:
            return Stretch(found, after, more=False)
    return Stretch(found, after, more=True)


async def read_head(session: AsyncSession) -> int:
    """The place after all that has been committed."""
    return int(await session.scalar(HEAD) or 0)


async def _judged(
    session: AsyncSession,
    viewer: Viewer,
    by_table: Mapping[str, Entity],
    block: Sequence[Row[Any]],
) -> list[tuple[Row[Any], Change | None]]:
    """Each entry with what may be told of it."""
    told: dict[int, Change] = {}
    for table, entity in by_table.items():
        rows = [row for row in block if row.object_table == table]
        if rows:
            told |= await _of_entity(session, viewer, entity, rows)
    return [(row, told.get(row.place)) for row in block]


async def _of_entity(
    session: AsyncSession, viewer: Viewer, entity: Entity, rows: Sequence[Row[Any]]
) -> dict[int, Change]:
    named = {row.place: _named(entity, row) for row in rows}
    objects = await find_objects(session, entity, viewer, named.values())
    states = [state for row in rows for state in _states(row)]
    hidden = {item.row_id for item in objects.values() if not item.visible}
    asked = [state for state in states if state[0] in hidden]
    visible = await find_states(session, entity, viewer, asked) if asked else frozenset()
    changes = ((row, objects.get(named[row.place])) for row in rows)
    return {
        row.place: _change(entity, row, known, kind)
        for row, known in changes
        if known is not None and (kind := _kind(row, known, visible)) is not None
    }


def _kind(row: Row[Any], known: Known, visible: frozenset[State]) -> Kind | None:
    """What a reader is told a write was; None when nothing."""
    if not known.visible:
        before, after = (row.former_id, row.former_version), (row.row_id, row.row_version)
        return "deleted" if before in visible and after not in visible else None
    if row.action == "delete":
        return "deleted"
    return "created" if row.made and row.action in CREATING else "updated"


def _change(entity: Entity, row: Row[Any], known: Known, kind: Kind) -> Change:
    return Change(
        row.place, row.at, entity, known.code, kind, row.row_version, known.version, known.bound
    )


def _states(row: Row[Any]) -> list[State]:
    pairs = ((row.former_id, row.former_version), (row.row_id, row.row_version))
    return [(row_id, version) for row_id, version in pairs if row_id and version]


def _named(entity: Entity, row: Row[Any]) -> Named:
    """The object an entry is about: by the row's number, or as its writer called it."""
    row_id = row.row_id or row.former_id
    if isinstance(row_id, int):
        return Named(row_id)
    code, _, version = row.object_id.partition("@")
    if ":" in code:
        # Data that ships with the product is named by what holds it, zonings by their version.
        holder, _, rest = code.rpartition(":")
        code, version = (holder, rest) if entity.name == "zone_schemes" else (rest, "")
    return Named(None, code, int(version) if version.isdigit() else None)
