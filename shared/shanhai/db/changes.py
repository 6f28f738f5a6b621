"""What changed of the collections since a position, and one object on two days."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from string import Formatter
from typing import Any, Literal

import orjson
from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import STORAGE_SRID
from shanhai.db.collections.catalogue import ENTITIES, seen_by
from shanhai.db.features.columns import source_of
from shanhai.db.features.entity import Entity
from shanhai.db.features.selection import (
    QueryShape,
    Selection,
    bound_values,
    viewer_values,
    visibility,
)
from shanhai.db.features.statements import PLAIN, feature_columns
from shanhai.db.identity import Viewer

BY_NUMBER = "{key} = ANY(CAST(:wanted AS bigint[]))"
BY_CODE = "{code} = ANY(CAST(:wanted AS text[]))"
State = tuple[int, int]
"""The number of a row, and its version."""


@dataclass(frozen=True, slots=True)
class RowReference:
    """A row as it is referred to: by its number, or else by its code and perhaps its version."""

    row_id: int | None
    code: str = ""
    version: int | None = None


@dataclass(frozen=True, slots=True)
class AuditedRow:
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
    session: AsyncSession, entity: Entity, viewer: Viewer, named: Collection[RowReference]
) -> dict[RowReference, AuditedRow]:
    """The row each name means, the newest of several; names that mean none are left out."""
    visible = tuple(visibility(entity, viewer))
    wanted: dict[str, list[int] | list[str]] = {
        BY_NUMBER: sorted({item.row_id for item in named if item.row_id is not None}),
        BY_CODE: sorted({item.code for item in named if item.row_id is None}),
    }
    rows = [
        AuditedRow(row.row_id, row.code, row.version, row.visible, row.bound)
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


def _meant(
    item: RowReference, by_number: Mapping[int, AuditedRow], rows: Sequence[AuditedRow]
) -> AuditedRow | None:
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
              AND action NOT IN ('read', 'download')
            ORDER BY id LIMIT :block) l
        WHERE c.start >= coalesce((SELECT max(start) FROM audit_chain WHERE start <= :after), 0)
        ORDER BY c.start, l.id LIMIT :block"""
)
HEAD = text(
    """SELECT coalesce(max(start + rows), 0)
         FROM (SELECT * FROM audit_chain ORDER BY start DESC LIMIT 1) last"""
)


@dataclass(frozen=True, slots=True)
class ChangeEntry:
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
class FeedPage:
    """Changes in order; `seen` is the place up to which all are told, `more` that others follow."""

    changes: Sequence[ChangeEntry]
    seen: int
    more: bool


async def read_changes(
    session: AsyncSession,
    viewer: Viewer,
    entities: Sequence[Entity] = ENTITIES,
    *,
    after: int,
    limit: int,
) -> FeedPage:
    """The changes after a place that a reader may know of.

    A write after which the object is out of the reader's sight is told as a deletion to who could
    see it before, and not at all to others.
    """
    by_table = {entity.table: entity for entity in entities}
    found: list[ChangeEntry] = []
    for _ in range(MOST_BLOCKS):
        values = {"after": after, "tables": sorted(by_table), "block": BLOCK}
        block = (await session.execute(ENTRIES, values)).all()
        for row, change in await _judged(session, viewer, by_table, block):
            if len(found) == limit:
                return FeedPage(found, after, more=True)
            after = row.place
            found.extend([] if change is None else [change])
        if len(block) < BLOCK:
            return FeedPage(found, after, more=False)
    return FeedPage(found, after, more=True)


async def read_head(session: AsyncSession) -> int:
    """The place after all that has been committed."""
    return int(await session.scalar(HEAD) or 0)


async def _judged(
    session: AsyncSession,
    viewer: Viewer,
    by_table: Mapping[str, Entity],
    block: Sequence[Row[Any]],
) -> list[tuple[Row[Any], ChangeEntry | None]]:
    """Each entry with what may be told of it."""
    told: dict[int, ChangeEntry] = {}
    for table, entity in by_table.items():
        rows = [row for row in block if row.object_table == table]
        if rows:
            told |= await _of_entity(session, viewer, entity, rows)
    return [(row, told.get(row.place)) for row in block]


async def _of_entity(
    session: AsyncSession, viewer: Viewer, entity: Entity, rows: Sequence[Row[Any]]
) -> dict[int, ChangeEntry]:
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


def _kind(row: Row[Any], known: AuditedRow, visible: frozenset[State]) -> Kind | None:
    """What a reader is told a write was; None when nothing."""
    if not known.visible:
        before, after = (row.former_id, row.former_version), (row.row_id, row.row_version)
        return "deleted" if before in visible and after not in visible else None
    if row.action == "delete":
        return "deleted"
    return "created" if row.made and row.action in CREATING else "updated"


def _change(entity: Entity, row: Row[Any], known: AuditedRow, kind: Kind) -> ChangeEntry:
    return ChangeEntry(
        row.place, row.at, entity, known.code, kind, row.row_version, known.version, known.bound
    )


def _states(row: Row[Any]) -> list[State]:
    pairs = ((row.former_id, row.former_version), (row.row_id, row.row_version))
    return [(row_id, version) for row_id, version in pairs if row_id and version]


def _named(entity: Entity, row: Row[Any]) -> RowReference:
    """The object an entry is about: by the row's number, or as its writer called it."""
    row_id = row.row_id or row.former_id
    if isinstance(row_id, int):
        return RowReference(row_id)
    code, _, version = row.object_id.partition("@")
    if ":" in code:
        # Data that ships with the product is named by what holds it, zonings by their version.
        holder, _, rest = code.rpartition(":")
        code, version = (holder, rest) if entity.name == "zone_schemes" else (rest, "")
    return RowReference(None, code, int(version) if version.isdigit() else None)


# On the ellipsoid, and against what both have: pieces cut out of a shape have other edges than the
# shape, and the sum of their areas is not quite its area.
_SIZES = text(
    f"""WITH shapes AS (
          SELECT ST_GeomFromWKB(CAST(:former AS bytea), {STORAGE_SRID}) AS a,
                 ST_GeomFromWKB(CAST(:later AS bytea), {STORAGE_SRID}) AS b),
        common AS (SELECT a, b, ST_Intersection(a, b) AS c FROM shapes)
        SELECT ST_Area(a::geography), ST_Area(b::geography),
               ST_Area(ST_CollectionExtract(c, 3)::geography),
               ST_Length(ST_CollectionExtract(a, 2)::geography),
               ST_Length(ST_CollectionExtract(b, 2)::geography),
               ST_Length(ST_CollectionExtract(c, 2)::geography)
          FROM common"""  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class DayState:
    """An object on a day."""

    row_version: int
    properties: Mapping[str, Any]
    geometry: bytes | None


@dataclass(frozen=True, slots=True)
class Size:
    """An area in square metres or a length in metres, on both days."""

    former: float
    later: float
    common: float

    @property
    def added(self) -> float:
        """What is there on the later day only."""
        return self.later - self._shared

    @property
    def removed(self) -> float:
        """What was there on the former day only."""
        return self.former - self._shared

    @property
    def _shared(self) -> float:
        return min(self.common, self.former, self.later)


@dataclass(frozen=True, slots=True)
class ObjectComparison:
    """An object on two days; a state is None on a day on which it was not there."""

    former: DayState | None
    later: DayState | None
    area: Size | None
    length: Size | None

    @property
    def geometry_changed(self) -> bool:
        """Whether the shape differs."""
        return _shape(self.former) != _shape(self.later)

    @property
    def changed(self) -> list[str]:
        """The names of the properties that differ; none where one of the states is missing."""
        if self.former is None or self.later is None:
            return []
        former, later = self.former.properties, self.later.properties
        return [name for name in later if former.get(name) != later[name]]


async def compare_days(
    session: AsyncSession, entity: Entity, viewer: Viewer, code: str, days: tuple[date, date]
) -> ObjectComparison | None:
    """The object of a code on two days; None if the viewer knows of it on neither."""
    former, later = [await _on(session, entity, viewer, code, day) for day in days]
    if former is None and later is None:
        return None
    shapes = (_shape(former), _shape(later))
    area, length = await _sizes(session, *shapes) if any(shapes) else (None, None)
    return ObjectComparison(former, later, area, length)


async def _on(
    session: AsyncSession, entity: Entity, viewer: Viewer, code: str, day: date
) -> DayState | None:
    entity, selection = seen_by(entity, viewer), Selection(viewer, code=code, as_of=day)
    query = _state_query(entity, QueryShape.of(entity, selection))
    row = (await session.execute(query, bound_values(selection))).first()
    return None if row is None else DayState(row[0], orjson.loads(row[1]), row[2])


async def _sizes(
    session: AsyncSession, former: bytes | None, later: bytes | None
) -> tuple[Size | None, Size | None]:
    row = (await session.execute(_SIZES, {"former": former, "later": later})).one()
    area, length = (Size(*(part or 0.0 for part in row[at : at + 3])) for at in (0, 3))
    return (
        area if area.former or area.later else None,
        length if length.former or length.later else None,
    )


def _shape(state: DayState | None) -> bytes | None:
    return None if state is None else state.geometry


@lru_cache(maxsize=256)
def _state_query(entity: Entity, question: QueryShape) -> TextClause:
    columns = feature_columns(entity, PLAIN)
    shape = f"ST_AsBinary({entity.geometry})" if entity.geometry else "NULL::bytea"
    # Constants of this code; callers' values are bound.
    return text(
        f"SELECT {columns['version']}, {columns['properties']}, {shape}"  # noqa: S608
        f" FROM {source_of(entity, former=question.former)}"
        f" WHERE {' AND '.join(question.conditions)}"
        f" ORDER BY {entity.key} DESC LIMIT 1"
    )
