"""One object on two days: what differs, and how much of its shape is new."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import STORAGE_SRID
from shanhai.db.features.columns import source_of
from shanhai.db.features.entity import Entity
from shanhai.db.features.selection import QueryShape, Selection, bound_values
from shanhai.db.features.statements import PLAIN, feature_columns
from shanhai.db.identity import Viewer

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
    selection = Selection(viewer, code=code, as_of=day)
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
