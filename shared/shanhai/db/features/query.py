"""Read features: a page, one item, what lies at a point; PostGIS writes the GeoJSON."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import cos, radians
from typing import Any, NamedTuple

import orjson
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import STORAGE_SRID
from shanhai.db.collections.catalogue import seen_by
from shanhai.db.engine import Executor
from shanhai.db.features import statements
from shanhai.db.features.entity import Entity
from shanhai.db.features.order import SHAPELESS, Order, OrderPosition, PageStart, Side
from shanhai.db.features.selection import QueryShape, Selection, bound_values, near_box
from shanhai.errors import InvalidInput

INTERNAL_ERROR = "XX000"
Composer = Callable[
    [Entity, QueryShape, statements.PageOptions, Side | None, tuple[bool, ...]],
    statements.Statement,
]
"""Composes the statement of a page."""


class FeatureRow(NamedTuple):
    """A feature ready for orjson; `key` is the row's number, the geometry a JSON text."""

    key: int
    code: str
    version: int
    geometry: str | None
    properties: dict[str, Any]

    @classmethod
    def all_of(
        cls, found: Iterable[Any], entity: Entity, form: statements.OutputOptions
    ) -> "list[FeatureRow]":
        """Rows in the order of `row_columns`."""
        told = statements.wires(entity, form.members)
        names = [wire.name for wire in told]
        ready = [wire.name for wire in told if wire.is_json]
        made = []
        for row in found:
            properties = dict(zip(names, row[HEAD:], strict=False))
            for name in ready:
                value = properties[name]
                if value is not None:
                    properties[name] = orjson.Fragment(value)
            made.append(cls(row[0], row[1], row[2], row[3], properties))
        return made

    def plain(self) -> dict[str, Any]:
        """The properties as a reader of the JSON has them."""
        members: dict[str, Any] = orjson.loads(orjson.dumps(self.properties))
        return members


HEAD = 4
"""Columns before those of the properties."""


@dataclass(frozen=True, slots=True)
class PageRange:
    """A stretch of an order: where it begins and ends, and whether there is more beyond.

    `matched` is the number of all features of the selection, None where it was not counted;
    `estimate` what PostgreSQL expects it to be, where that was asked.
    """

    first: OrderPosition | None
    last: OrderPosition | None
    has_next: bool
    has_previous: bool
    matched: int | None
    estimate: int | None


@dataclass(frozen=True, slots=True)
class FeaturePage(PageRange):
    """A stretch with its features."""

    rows: Sequence[FeatureRow]


@dataclass(frozen=True, slots=True)
class LongPage(PageRange):
    """A stretch too long to be held, with the numbers of its rows; `read_rows` reads them."""

    keys: Sequence[int]


@dataclass(frozen=True, slots=True)
class CollectionExtent:
    """The box and period of what a reader may see of an entity."""

    box: tuple[float, float, float, float] | None
    start: date | None
    end: date | None
    features: int


@dataclass(frozen=True, slots=True)
class PageRead:
    """One reading of a page."""

    session: Executor
    entity: Entity
    selection: Selection
    limit: int
    position: PageStart
    ask: statements.PageOptions

    async def rows(self, composed: Composer) -> Sequence[Any]:
        """The rows of a page and one more, which tells whether there are any beyond."""
        place = {
            "wanted": self.limit + 1,
            "skipped": self.position.offset,
            **self.position.bound_values(),
        }
        question = QueryShape.of(self.entity, self.selection)
        cap = self._cap()
        ask = self.ask if self.ask.cap == cap else replace(self.ask, cap=cap)
        query = composed(self.entity, question, ask, self.position.side, self.position.gaps)
        values = {**bound_values(self.selection), **place}
        return await _rows(self.session, query, values, self.ask.form)

    def _cap(self) -> int:
        """Where counting stops: beyond the page. Doubled, so that few statements serve all."""
        cap = statements.COUNT_LIMIT
        while cap < self.position.offset + self.limit:
            cap *= 2
        return cap + 1

    def kept(self, found: Sequence[Any]) -> Sequence[Any]:
        """The rows of the page, in its order."""
        rows = found[: self.limit]
        return rows[::-1] if self.position.side == "before" else rows

    async def bounds(
        self, found: Sequence[Any], kept: Sequence[Any]
    ) -> tuple[OrderPosition | None, OrderPosition | None, bool, bool, int | None, int | None]:
        """What a `PageRange` holds."""
        more, side = len(found) > self.limit, self.position.side
        came_from = side == "after" or self.position.offset > 0
        return (
            _place(kept[0], self.ask.order) if kept else None,
            _place(kept[-1], self.ask.order) if kept else None,
            side == "before" or more,
            more if side == "before" else came_from,
            await self._matched(found),
            await self._estimate(),
        )

    async def _matched(self, found: Sequence[Any]) -> int | None:
        """The number on the rows; a page beyond the last feature has none to read it from."""
        if self.ask.counting in {"none", "estimate"}:
            return None
        exact = self.ask.counting == "exact"
        if not found:
            return await count_features(self.session, self.entity, self.selection, capped=not exact)
        count: int = found[0].matched
        return count if exact or count <= statements.COUNT_LIMIT else None

    async def _estimate(self) -> int | None:
        if self.ask.counting != "estimate":
            return None
        return await estimate_features(self.session, self.entity, self.selection)


async def read_page(
    session: Executor,
    entity: Entity,
    selection: Selection,
    *,
    limit: int,
    position: PageStart,
    ask: statements.PageOptions = statements.USUAL,
) -> FeaturePage:
    """The features of a selection from a position on."""
    entity = seen_by(entity, selection.viewer)
    reading = PageRead(session, entity, selection, limit, position, ask)
    found = await reading.rows(statements.page_query)
    kept = reading.kept(found)
    return FeaturePage(
        *await reading.bounds(found, kept), FeatureRow.all_of(kept, entity, ask.form)
    )


async def read_long_page(
    session: Executor,
    entity: Entity,
    selection: Selection,
    *,
    limit: int,
    position: PageStart,
    ask: statements.PageOptions = statements.USUAL,
) -> LongPage:
    """The row numbers of a page that is too long to be held."""
    entity = seen_by(entity, selection.viewer)
    reading = PageRead(session, entity, selection, limit, position, ask)
    found = await reading.rows(statements.keys_query)
    kept = reading.kept(found)
    return LongPage(*await reading.bounds(found, kept), [row.key for row in kept])


async def read_rows(
    session: Executor,
    entity: Entity,
    selection: Selection,
    keys: Sequence[int],
    form: statements.OutputOptions = statements.PLAIN,
) -> list[FeatureRow]:
    """The features of a selection with these row numbers, in their order.

    Those that left the selection since their numbers were read are left out.
    """
    entity = seen_by(entity, selection.viewer)
    query = statements.rows_query(entity, QueryShape.of(entity, selection), form)
    found = await _rows(session, query, {**bound_values(selection), "keys": list(keys)}, form)
    rows = {row.key: row for row in FeatureRow.all_of(found, entity, form)}
    return [rows[key] for key in keys if key in rows]


async def read_feature(
    session: Executor,
    entity: Entity,
    selection: Selection,
    form: statements.OutputOptions = statements.PLAIN,
) -> FeatureRow | None:
    """The one feature a selection with a `code` means; the newest when several states match."""
    entity = seen_by(entity, selection.viewer)
    query = statements.one_feature_query(entity, QueryShape.of(entity, selection), form)
    found = await _rows(session, query, bound_values(selection), form)
    return next(iter(FeatureRow.all_of(found, entity, form)), None)


async def count_features(
    session: Executor, entity: Entity, selection: Selection, *, capped: bool = True
) -> int | None:
    """How many features match; None when there are more than `COUNT_LIMIT` and it is `capped`."""
    cap = statements.COUNT_LIMIT + 1 if capped else None
    entity = seen_by(entity, selection.viewer)
    query = statements.count_query(entity, QueryShape.of(entity, selection), cap)
    count = await session.scalar(query, bound_values(selection)) or 0
    return None if capped and count > statements.COUNT_LIMIT else count


async def estimate_features(session: Executor, entity: Entity, selection: Selection) -> int:
    """How many features PostgreSQL expects to match, without counting them."""
    entity = seen_by(entity, selection.viewer)
    query = statements.estimate_query(entity, QueryShape.of(entity, selection))
    plan = await session.scalar(query, bound_values(selection))
    described = orjson.loads(plan) if isinstance(plan, str) else plan
    return int(described[0]["Plan"]["Plan Rows"])


async def read_extent(
    session: AsyncSession, entity: Entity, selection: Selection
) -> CollectionExtent:
    """The box and period of all that matches."""
    entity = seen_by(entity, selection.viewer)
    query = statements.extent_query(entity, QueryShape.of(entity, selection))
    *sides, start, last, features = (await session.execute(query, bound_values(selection))).one()
    box = None if sides[0] is None else (sides[0], sides[1], sides[2], sides[3])
    return CollectionExtent(box, start, last, features)


async def _rows(
    session: Executor,
    query: statements.Statement,
    values: Mapping[str, object],
    form: statements.OutputOptions,
) -> Sequence[Any]:
    try:
        return (await session.execute(query, values)).all()
    except DBAPIError as error:
        # PostGIS has no code of its own for what lies outside a projection.
        if form.crs.as_stored or getattr(error.orig, "sqlstate", None) != INTERNAL_ERROR:
            raise
        raise InvalidInput(
            f"a feature lies where {form.crs.uri} is not defined",
            message_zh=f"有要素位于 {form.crs.uri} 的定义范围之外",
            pointer="crs",
        ) from error


def _place(row: Any, order: Order) -> OrderPosition:
    if order == (SHAPELESS,):
        return OrderPosition(row.key, ("true" if row.s0 else "false",))
    return OrderPosition(row.key, tuple(orjson.loads(row.place)) if order else ())


METRES_PER_DEGREE = 111_000.0
"""Of latitude, and of longitude at the equator; somewhat less than the truth, so a box is wide."""


@dataclass(frozen=True, slots=True)
class AtPoint:
    """A filter: areas that hold the point, and lines and points no farther than a distance.

    Attributes:
        lon: Degrees east.
        lat: Degrees north.
        tolerance_m: The distance, on the ellipsoid.
        besides: SQL of one more condition on the row.
    """

    entity: Entity
    lon: float
    lat: float
    tolerance_m: float
    properties: frozenset[str] = frozenset()
    besides: str = "true"

    @classmethod
    def of(cls, entity: Entity, lon: float, lat: float, tolerance_m: float) -> "AtPoint":
        """The filter for an entity that has geometry."""
        return cls(entity, lon, lat, tolerance_m)

    @property
    def sql(self) -> str:
        """The condition; the box is spelled out so that the spatial index serves it."""
        geometry = self.entity.geometry
        corners = ", ".join(f"CAST(:at_{side} AS float8)" for side in _SIDES)
        point = (
            "ST_SetSRID(ST_MakePoint(CAST(:at_lon AS float8), CAST(:at_lat AS float8)),"
            f" {STORAGE_SRID})"
        )
        return (
            f"{near_box(self.entity, f'ST_MakeEnvelope({corners}, {STORAGE_SRID})')}"
            f" AND CASE WHEN ST_Dimension({geometry}) = 2 THEN ST_Intersects({geometry}, {point})"
            f" ELSE ST_DWithin({geometry}::geography, {point}::geography,"
            f" CAST(:at_tolerance AS float8)) END AND {self.besides}"
        )

    @property
    def values(self) -> Mapping[str, object]:
        """The values of its binds."""
        north = self.tolerance_m / METRES_PER_DEGREE
        east = north / max(cos(radians(self.lat)), 0.01)
        corners = (self.lon - east, self.lat - north, self.lon + east, self.lat + north)
        sides = {f"at_{side}": value for side, value in zip(_SIDES, corners, strict=True)}
        place = {"at_lon": self.lon, "at_lat": self.lat, "at_tolerance": self.tolerance_m}
        return {**sides, **place}


_SIDES = ("west", "south", "east", "north")
