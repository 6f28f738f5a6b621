"""Collections of features served as vector layers, declared once in `shanhai.db.features`."""

import hashlib
import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.catalogue import entity_named
from shanhai.db.features.cql2 import Compiled, compile_filter
from shanhai.db.features.entity import Entity, Property
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import PUBLIC, Viewer
from shanhai.errors import InvalidInput
from shanhai_tiles.grids import Bounds
from shanhai_tiles.sources import SOURCE_JSON, Source

_CODE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")
WORLD: Bounds = (-180.0, -85.0, 180.0, 85.0)
VERSION_LENGTH = 16
FILTER = "filter"
"""The parameter that holds a CQL2 text."""
AS_OF = "as_of"
"""The parameter that holds the day whose state is wanted."""


@dataclass(frozen=True, slots=True)
class Collection:
    """An entity as a vector layer.

    Attributes:
        entity: Where its rows and columns come from.
        properties: The members a tile's features carry.
        filters: The parameters that choose a part of it.
        stamp: SQL that changes whenever a row's shape or attributes do.
        jobs: SQL of the job a row was computed by, whose inputs it rests on.
        labelled: Whether tiles also carry a point to put each name at.
    """

    entity: Entity
    properties: tuple[str, ...]
    filters: tuple[str, ...]
    stamp: str
    jobs: str = "NULL::uuid"
    labelled: bool = False

    @property
    def columns(self) -> tuple[Property, ...]:
        """The declarations of `properties`."""
        found = (self.entity.declared(name) for name in self.properties)
        return tuple(item for item in found if item is not None)

    @property
    def geometry(self) -> str:
        """SQL of the geometry.

        Raises:
            LookupError: records are no layer.
        """
        if self.entity.geometry is None:
            raise LookupError(f"{self.entity.name} has no geometry")
        return self.entity.geometry

    def visible(self, viewer: Viewer, read: Set[str] = frozenset(), *, dated: bool = False) -> str:
        """SQL that holds for the rows of today that a viewer may see and that have a shape.

        A filter that reads the state itself looks beyond what is in force today; `dated` asks for
        what was in force on the day of the bind `:as_of`.
        """
        entity = self.entity
        today = [] if entity.history.intersection(read) else [entity.current]
        conditions = (
            entity.live,
            *visibility(entity, viewer),
            *([entity.as_of] if dated else today),
            f"{self.geometry} IS NOT NULL",
        )
        return " AND ".join(f"({condition})" for condition in conditions)


@dataclass(frozen=True, slots=True)
class Selection:
    """The part of a collection a caller asked for, of what they may see.

    Attributes:
        equal: Properties and their values.
        filter: A filter expression, and what it was compiled to.
        as_of: The day whose state is wanted; None for today.
    """

    equal: tuple[tuple[str, str], ...] = ()
    viewer: Viewer = PUBLIC
    filter: tuple[str, Compiled] | None = None
    as_of: date | None = None

    @property
    def asked(self) -> dict[str, str]:
        """The parameters that ask for it."""
        filtered = {} if self.filter is None else {FILTER: self.filter[0]}
        dated = {} if self.as_of is None else {AS_OF: self.as_of.isoformat()}
        return dict(self.equal) | filtered | dated

    def sql(self, collection: Collection) -> str:
        """The condition, over the binds of `values`."""
        read = self.filter[1].properties if self.filter else frozenset()
        parts = [collection.visible(self.viewer, read, dated=self.as_of is not None)]
        for name, value in self.equal:
            column = collection.entity.declared(name)
            if name not in collection.filters or column is None:
                raise _no_filter(collection, name)
            _require_code(name, value)
            parts.append(f" AND {column.sql} = :only_{name}")
        if self.filter:
            parts.append(f" AND ({self.filter[1].sql})")
        return "".join(parts)

    @property
    def values(self) -> dict[str, object]:
        """The bound values."""
        only = {f"only_{name}": value for name, value in self.equal}
        asked = self.filter[1].values if self.filter else {}
        dated = {} if self.as_of is None else {AS_OF: self.as_of}
        return {**only, **viewer_values(self.viewer), **asked, **dated}


VECTORS: Mapping[str, Collection] = MappingProxyType(
    {
        "zones": Collection(
            entity_named("zones"),
            (
                *("code", "scheme", "version", "region", "class", "class_value", "group"),
                *("name_zh", "name_en", "color", "area_km2", "share_percent"),
            ),
            ("scheme", "region"),
            stamp="concat_ws(':', z.id, s.id, s.row_version, c.color, c.name_zh, c.name_en)",
            jobs="s.job_id",
        ),
        "regions": Collection(
            entity_named("regions"),
            ("code", "name_zh", "name_en", "level", "parent", "area_km2"),
            ("level", "parent"),
            stamp="concat_ws(':', r.id, r.row_version, r.updated_at)",
            labelled=True,
        ),
    }
)


CHOOSING = frozenset(
    {FILTER, AS_OF, *(name for collection in VECTORS.values() for name in collection.filters)}
)
"""The parameters that choose a part of some collection."""


def selection_of(layer: str, parameters: Mapping[str, str], viewer: Viewer) -> Selection:
    """The part of a layer that a request's parameters ask for.

    Raises:
        InvalidInput: the filter is none that the collection can answer, or the day is none.
    """
    named = CHOOSING - {FILTER, AS_OF}
    equal = tuple((name, value) for name, value in parameters.items() if name in named)
    text, day = parameters.get(FILTER), _day(parameters.get(AS_OF))
    if text is None or layer not in VECTORS:
        return Selection(equal, viewer, None, day)
    compiled = compile_filter(text, entity=VECTORS[layer].entity)
    return Selection(equal, viewer, (text, compiled), day)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"as_of is {text[:40]!r}; it must be a day, such as 2025-06-30",
            message_zh=f"as_of 为 {text[:40]!r}；应为日期，如 2025-06-30",
            pointer=AS_OF,
        ) from error


@dataclass(frozen=True, slots=True)
class State:
    """What a vector layer is at this moment."""

    version: str
    bounds: Bounds
    sources: tuple[Source, ...]


async def read_state(session: AsyncSession, collection: Collection, selection: Selection) -> State:
    """Version, extent and sources of the visible rows."""
    query = text(
        f"""WITH seen AS (
              SELECT {collection.geometry} AS geom, {collection.stamp} AS stamp,
                     {collection.jobs} AS job
                FROM {collection.entity.source}
               WHERE {selection.sql(collection)}
            ), box AS (SELECT ST_Extent(geom) AS b FROM seen)
            SELECT (SELECT string_agg(stamp, ',' ORDER BY stamp) FROM seen) AS stamps,
                   ST_XMin(b) AS west, ST_YMin(b) AS south, ST_XMax(b) AS east, ST_YMax(b) AS north,
                   (SELECT coalesce(jsonb_agg({SOURCE_JSON} ORDER BY i.code), '[]'::jsonb)
                      FROM dataset i WHERE i.id IN (
                        SELECT jd.dataset_id FROM job_dataset jd
                         WHERE jd.role = 'input' AND jd.job_id IN (SELECT job FROM seen)
                    )) AS sources
              FROM box"""  # noqa: S608 - constants of this code; callers' text is bound
    )
    row = (await session.execute(query, selection.values)).mappings().one()
    return State(_version(row["stamps"]), _bounds(row), tuple(map(Source.of, row["sources"])))


def _version(stamps: str | None) -> str:
    return hashlib.sha256((stamps or "").encode()).hexdigest()[:VERSION_LENGTH]


def _bounds(row: Mapping[Any, Any]) -> Bounds:
    if row["west"] is None:
        return WORLD
    return (row["west"], row["south"], row["east"], row["north"])


def _require_code(name: str, value: str) -> None:
    if not _CODE.match(value):
        raise InvalidInput(
            f"{name} is {value[:80]!r}; a code has letters, digits, dot, dash and underscore",
            message_zh=f"{name} 为 {value[:80]!r}；代码只含字母、数字、点、连字符和下划线",
            pointer=name,
        )


def _no_filter(collection: Collection, name: str) -> InvalidInput:
    known = ", ".join(collection.filters)
    return InvalidInput(
        f"{name} does not choose among {collection.entity.name}; use {known}",
        message_zh=f"{collection.entity.name} 不支持参数 {name}；可用：{known}",
        pointer=name,
    )
