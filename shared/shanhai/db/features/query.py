"""Read features: a page, one item, their number and extent; PostGIS writes the GeoJSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, literal_column, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.entity import Entity
from shanhai.db.features.selection import Selection, column, conditions

COORDINATE_DIGITS = 7
COUNT_LIMIT = 10_000
"""Above this many rows the exact number is not worth counting."""


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """A feature as JSON texts; `key` orders pages."""

    key: int
    code: str
    geometry: str | None
    properties: str

    @classmethod
    def of(cls, row: Row[Any]) -> "FeatureRow":
        """The feature in a row of `feature_columns`."""
        return cls(row.key, row.code, row.geometry, row.properties)


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of features in key order, and whether there is more on either side."""

    rows: Sequence[FeatureRow]
    has_next: bool
    has_previous: bool


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins: after or before a key, or some rows in."""

    after: int | None = None
    before: int | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Extent:
    """The box and period of what a reader may see of an entity."""

    box: tuple[float, float, float, float] | None
    start: date | None
    end: date | None


def feature_columns(entity: Entity) -> "Select[*tuple[Any, ...]]":
    """The select list of features as JSON texts."""
    members = ", ".join(f"'{item.name}', {item.sql}" for item in entity.properties)
    columns: tuple[ColumnElement[Any], ...] = (
        literal_column(entity.key).label("key"),
        literal_column(entity.code).label("code"),
        # Option 0 leaves out the `crs` member, which GeoJSON does not know.
        literal_column(f"ST_AsGeoJSON({entity.geometry}, {COORDINATE_DIGITS}, 0)").label(
            "geometry"
        ),
        literal_column(f"json_build_object({members})::text").label("properties"),
    )
    return select(*columns).select_from(text(entity.source))


async def read_page(
    session: AsyncSession,
    entity: Entity,
    selection: Selection,
    *,
    limit: int,
    position: Position,
) -> Page:
    """The features of a selection from a position on, in the order of their keys."""
    query = feature_columns(entity).where(*conditions(entity, selection)).limit(limit + 1)
    key = column(entity.key)
    if position.before is not None:
        query = query.where(key < position.before).order_by(key.desc())
    else:
        query = query.order_by(key)
    if position.after is not None:
        query = query.where(key > position.after)
    if position.offset:
        query = query.offset(position.offset)
    rows = [FeatureRow.of(row) for row in await session.execute(query)]
    return _page(rows, limit, position)


def _page(rows: list[FeatureRow], limit: int, position: Position) -> Page:
    more, rows = len(rows) > limit, rows[:limit]
    if position.before is not None:
        return Page(rows[::-1], has_next=True, has_previous=more)
    came_from = position.after is not None or position.offset > 0
    return Page(rows, has_next=more, has_previous=came_from)


async def read_feature(
    session: AsyncSession, entity: Entity, selection: Selection
) -> FeatureRow | None:
    """The one feature a selection with a `code` means; the newest when several states match."""
    query = (
        feature_columns(entity)
        .where(*conditions(entity, selection))
        .order_by(column(entity.key).desc())
        .limit(1)
    )
    row = (await session.execute(query)).first()
    return None if row is None else FeatureRow.of(row)


async def count_features(session: AsyncSession, entity: Entity, selection: Selection) -> int | None:
    """How many features match; None when there are more than `COUNT_LIMIT`."""
    found = (
        select(literal_column("1"))
        .select_from(text(entity.source))
        .where(*conditions(entity, selection))
        .limit(COUNT_LIMIT + 1)
        .subquery()
    )
    count = await session.scalar(select(func.count()).select_from(found)) or 0
    return count if count <= COUNT_LIMIT else None


async def read_extent(session: AsyncSession, entity: Entity, selection: Selection) -> Extent:
    """The box and period of all that matches."""
    starts, ends = entity.interval or ("NULL::date", "NULL::date")
    box = f"ST_Extent({entity.geometry})"
    corners = [f"ST_{corner}({box})" for corner in ("XMin", "YMin", "XMax", "YMax")]
    period = (f"min({starts})", f"nullif(max(coalesce({ends}, 'infinity')), 'infinity')")
    columns: list[ColumnElement[Any]] = [literal_column(sql) for sql in (*corners, *period)]
    query = select(*columns).select_from(text(entity.source)).where(*conditions(entity, selection))
    row = (await session.execute(query)).one()
    corners_found = None if row[0] is None else (row[0], row[1], row[2], row[3])
    return Extent(corners_found, row[4], row[5])
