"""Read features: a page, one item, their number and extent; PostGIS writes the GeoJSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Row,
    ScalarSelect,
    Select,
    bindparam,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.entity import Entity
from shanhai.db.features.selection import Selection, bound_values, conditions

Question = tuple[str, ...]
"""The conditions of a selection without their values."""
Side = Literal["before", "after"]
Statement = Select[*tuple[Any, ...]]

COORDINATE_DIGITS = 7
COUNT_LIMIT = 10_000
"""Above this many rows the exact number is not worth counting."""


class FeatureRow(NamedTuple):
    """A feature as JSON texts, in the order of `feature_columns`; `key` orders pages."""

    key: int
    code: str
    geometry: str | None
    properties: str


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of features in key order, and whether there is more on either side.

    `matched` is the number of all features of the selection, None where it was not counted.
    """

    rows: Sequence[FeatureRow]
    has_next: bool
    has_previous: bool
    matched: int | None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins: after or before a key, or some rows in."""

    after: int | None = None
    before: int | None = None
    offset: int = 0

    @property
    def side(self) -> Side | None:
        """On which side of a key the page lies; None for a page counted from the beginning."""
        if self.before is not None:
            return "before"
        return None if self.after is None else "after"


@dataclass(frozen=True, slots=True)
class Extent:
    """The box and period of what a reader may see of an entity."""

    box: tuple[float, float, float, float] | None
    start: date | None
    end: date | None


async def read_page(
    session: AsyncSession,
    entity: Entity,
    selection: Selection,
    *,
    limit: int,
    position: Position,
) -> Page:
    """The features of a selection from a position on, in the order of their keys."""
    query = _page_query(entity, conditions(entity, selection), position.side)
    place = {
        "edge": position.before if position.side == "before" else position.after,
        "wanted": limit + 1,
        "skipped": position.offset,
        "most": max(COUNT_LIMIT, position.offset + limit) + 1,
    }
    found = (await session.execute(query, {**bound_values(selection), **place})).all()
    matched = await _matched(session, entity, selection, found)
    rows, more = [_feature(row) for row in found[:limit]], len(found) > limit
    if position.side == "before":
        return Page(rows[::-1], has_next=True, has_previous=more, matched=matched)
    came_from = position.side == "after" or position.offset > 0
    return Page(rows, has_next=more, has_previous=came_from, matched=matched)


async def read_feature(
    session: AsyncSession, entity: Entity, selection: Selection
) -> FeatureRow | None:
    """The one feature a selection with a `code` means; the newest when several states match."""
    query = _feature_query(entity, conditions(entity, selection))
    row = (await session.execute(query, bound_values(selection))).first()
    return None if row is None else _feature(row)


async def count_features(session: AsyncSession, entity: Entity, selection: Selection) -> int | None:
    """How many features match; None when there are more than `COUNT_LIMIT`."""
    query = select(_number(entity, conditions(entity, selection)))
    count = await session.scalar(query, {**bound_values(selection), "most": COUNT_LIMIT + 1})
    return _exact(count or 0)


async def read_extent(session: AsyncSession, entity: Entity, selection: Selection) -> Extent:
    """The box and period of all that matches."""
    query = _extent_query(entity, conditions(entity, selection))
    west, south, east, north, start, last = (
        await session.execute(query, bound_values(selection))
    ).one()
    return Extent(None if west is None else (west, south, east, north), start, last)


def feature_query(entity: Entity, question: Question) -> Statement:
    """Features that meet the conditions, as JSON texts, in no order."""
    members = ", ".join(f"'{item.name}', {item.sql}" for item in entity.properties)
    return _of_rows(
        entity,
        question,
        key=entity.key,
        code=entity.code,
        # Option 0 leaves out the `crs` member, which GeoJSON does not know.
        geometry=f"ST_AsGeoJSON({entity.geometry}, {COORDINATE_DIGITS}, 0)",
        properties=f"json_build_object({members})::text",
    )


@lru_cache(maxsize=1024)
def _page_query(entity: Entity, question: Question, side: Side | None) -> Statement:
    """A page and, on each of its rows, how many match: one round trip for both.

    Keys come first, so that JSON is written for the rows of the page only; from the beginning on
    the keys are also those that are counted.
    """
    keys = _of_rows(entity, question, key=entity.key)
    if side is None:
        found = keys.order_by(text("key")).limit(bindparam("most")).cte("found")
        chosen, number = select(found.c.key), _count_of(found)
    else:
        chosen = keys.where(text(f"{entity.key} {'<' if side == 'before' else '>'} :edge"))
        number = _number(entity, question)
    order = text("key DESC" if side == "before" else "key")
    page = chosen.order_by(order).limit(bindparam("wanted")).offset(bindparam("skipped"))
    query = feature_query(entity, ()).add_columns(number.label("matched"))
    return query.where(literal_column(entity.key).in_(page)).order_by(order)


@lru_cache(maxsize=1024)
def _feature_query(entity: Entity, question: Question) -> Statement:
    return feature_query(entity, question).order_by(text(f"{entity.key} DESC")).limit(1)


@lru_cache(maxsize=1024)
def _extent_query(entity: Entity, question: Question) -> Statement:
    starts, ends = entity.interval or ("NULL::date", "NULL::date")
    box = f"ST_Extent({entity.geometry})"
    return _of_rows(
        entity,
        question,
        west=f"ST_XMin({box})",
        south=f"ST_YMin({box})",
        east=f"ST_XMax({box})",
        north=f"ST_YMax({box})",
        start=f"min({starts})",
        last=f"nullif(max(coalesce({ends}, 'infinity')), 'infinity')",
    )


def _number(entity: Entity, question: Question) -> ScalarSelect[int]:
    """How many rows meet the conditions; the counting stops at the bind `most`."""
    return _count_of(_of_rows(entity, question, one="1").limit(bindparam("most")).subquery())


def _count_of(rows: FromClause) -> ScalarSelect[int]:
    return select(func.count()).select_from(rows).scalar_subquery()


def _of_rows(entity: Entity, question: Question, **columns: str) -> Statement:
    """Named expressions over the rows that meet the conditions."""
    listed: list[ColumnElement[Any]] = [
        literal_column(sql).label(name) for name, sql in columns.items()
    ]
    return select(*listed).select_from(text(entity.source)).where(*map(text, question))


def _feature(row: Row[Any]) -> FeatureRow:
    return FeatureRow._make(row[:4])


async def _matched(
    session: AsyncSession, entity: Entity, selection: Selection, found: Sequence[Row[Any]]
) -> int | None:
    """The number on the rows; a page that lies beyond the last feature has none to read it from."""
    return _exact(found[0].matched) if found else await count_features(session, entity, selection)


def _exact(count: int) -> int | None:
    return count if count <= COUNT_LIMIT else None
