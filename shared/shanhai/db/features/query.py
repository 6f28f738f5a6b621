"""Read features: a page, one item, their number and extent; PostGIS writes the GeoJSON."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

import orjson
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.entity import Entity
from shanhai.db.features.order import Order, Place, Position, Side
from shanhai.db.features.seen import seen_by
from shanhai.db.features.selection import Selection, bound_values
from shanhai.db.features.statements import (
    COUNT_LIMIT,
    PLAIN,
    USUAL,
    Ask,
    Form,
    Question,
    Statement,
    count_query,
    estimate_query,
    extent_query,
    keys_query,
    one_feature_query,
    page_query,
    rows_query,
    wires,
)
from shanhai.db.quick import Asked
from shanhai.errors import InvalidInput

INTERNAL_ERROR = "XX000"
Composer = Callable[[Entity, Question, Ask, Side | None, tuple[bool, ...]], Statement]
"""Composes the statement of a page."""


class FeatureRow(NamedTuple):
    """A feature ready for orjson; `key` is the row's number, the geometry a JSON text."""

    key: int
    code: str
    version: int
    geometry: str | None
    properties: dict[str, Any]

    @classmethod
    def all_of(cls, found: Iterable[Any], entity: Entity, form: Form) -> "list[FeatureRow]":
        """Rows in the order of `row_columns`."""
        told = wires(entity, form.members)
        names = [wire.name for wire in told]
        ready = [wire.name for wire in told if wire.is_json]
        made = []
        for row in found:
            properties = dict(zip(names, row[HEAD:], strict=False))
            for name in ready:
                text = properties[name]
                if text is not None:
                    properties[name] = orjson.Fragment(text)
            made.append(cls(row[0], row[1], row[2], row[3], properties))
        return made

    def plain(self) -> dict[str, Any]:
        """The properties as a reader of the JSON has them."""
        members: dict[str, Any] = orjson.loads(orjson.dumps(self.properties))
        return members


HEAD = 4
"""Columns before those of the properties."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of an order: where it begins and ends, and whether there is more beyond.

    `matched` is the number of all features of the selection, None where it was not counted;
    `estimate` what PostgreSQL expects it to be, where that was asked.
    """

    first: Place | None
    last: Place | None
    has_next: bool
    has_previous: bool
    matched: int | None
    estimate: int | None


@dataclass(frozen=True, slots=True)
class Page(Stretch):
    """A stretch with its features."""

    rows: Sequence[FeatureRow]


@dataclass(frozen=True, slots=True)
class LongPage(Stretch):
    """A stretch too long to be held, with the numbers of its rows; `read_rows` reads them."""

    keys: Sequence[int]


@dataclass(frozen=True, slots=True)
class Extent:
    """The box and period of what a reader may see of an entity."""

    box: tuple[float, float, float, float] | None
    start: date | None
    end: date | None


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a page."""

    session: Asked
    entity: Entity
    selection: Selection
    limit: int
    position: Position
    ask: Ask

    async def rows(self, composed: Composer) -> Sequence[Any]:
        """The rows of a page and one more, which tells whether there are any beyond."""
        place = {
            "wanted": self.limit + 1,
            "skipped": self.position.offset,
            **self.position.bound_values(),
        }
        question = Question.of(self.entity, self.selection)
        ask = replace(self.ask, cap=self._cap())
        query = composed(self.entity, question, ask, self.position.side, self.position.gaps)
        values = {**bound_values(self.selection), **place}
        return await _rows(self.session, query, values, self.ask.form)

    def _cap(self) -> int:
        """Where counting stops: beyond the page. Doubled, so that few statements serve all."""
        cap = COUNT_LIMIT
        while cap < self.position.offset + self.limit:
            cap *= 2
        return cap + 1

    def kept(self, found: Sequence[Any]) -> Sequence[Any]:
        """The rows of the page, in its order."""
        rows = found[: self.limit]
        return rows[::-1] if self.position.side == "before" else rows

    async def bounds(
        self, found: Sequence[Any], kept: Sequence[Any]
    ) -> tuple[Place | None, Place | None, bool, bool, int | None, int | None]:
        """What a `Stretch` holds."""
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
        return count if exact or count <= COUNT_LIMIT else None

    async def _estimate(self) -> int | None:
        if self.ask.counting != "estimate":
            return None
        return await estimate_features(self.session, self.entity, self.selection)


async def read_page(
    session: Asked,
    entity: Entity,
    selection: Selection,
    *,
    limit: int,
    position: Position,
    ask: Ask = USUAL,
) -> Page:
    """The features of a selection from a position on."""
    entity = seen_by(entity, selection.viewer)
    reading = Reading(session, entity, selection, limit, position, ask)
    found = await reading.rows(page_query)
    kept = reading.kept(found)
    return Page(*await reading.bounds(found, kept), FeatureRow.all_of(kept, entity, ask.form))


async def read_long_page(
    session: Asked,
    entity: Entity,
    selection: Selection,
    *,
    limit: int,
    position: Position,
    ask: Ask = USUAL,
) -> LongPage:
    """The row numbers of a page that is too long to be held."""
    entity = seen_by(entity, selection.viewer)
    reading = Reading(session, entity, selection, limit, position, ask)
    found = await reading.rows(keys_query)
    kept = reading.kept(found)
    return LongPage(*await reading.bounds(found, kept), [row.key for row in kept])


async def read_rows(
    session: Asked,
    entity: Entity,
    selection: Selection,
    keys: Sequence[int],
    form: Form = PLAIN,
) -> list[FeatureRow]:
    """The features of a selection with these row numbers, in their order.

    Those that left the selection since their numbers were read are left out.
    """
    entity = seen_by(entity, selection.viewer)
    query = rows_query(entity, Question.of(entity, selection), form)
    found = await _rows(session, query, {**bound_values(selection), "keys": list(keys)}, form)
    rows = {row.key: row for row in FeatureRow.all_of(found, entity, form)}
    return [rows[key] for key in keys if key in rows]


async def read_feature(
    session: Asked, entity: Entity, selection: Selection, form: Form = PLAIN
) -> FeatureRow | None:
    """The one feature a selection with a `code` means; the newest when several states match."""
    entity = seen_by(entity, selection.viewer)
    query = one_feature_query(entity, Question.of(entity, selection), form)
    found = await _rows(session, query, bound_values(selection), form)
    return next(iter(FeatureRow.all_of(found, entity, form)), None)


async def count_features(
    session: Asked, entity: Entity, selection: Selection, *, capped: bool = True
) -> int | None:
    """How many features match; None when there are more than `COUNT_LIMIT` and it is `capped`."""
    cap = COUNT_LIMIT + 1 if capped else None
    entity = seen_by(entity, selection.viewer)
    query = count_query(entity, Question.of(entity, selection), cap)
    count = await session.scalar(query, bound_values(selection)) or 0
    return None if capped and count > COUNT_LIMIT else count


async def estimate_features(session: Asked, entity: Entity, selection: Selection) -> int:
    """How many features PostgreSQL expects to match, without counting them."""
    entity = seen_by(entity, selection.viewer)
    query = estimate_query(entity, Question.of(entity, selection))
    plan = await session.scalar(query, bound_values(selection))
    described = orjson.loads(plan) if isinstance(plan, str) else plan
    return int(described[0]["Plan"]["Plan Rows"])


async def read_extent(session: AsyncSession, entity: Entity, selection: Selection) -> Extent:
    """The box and period of all that matches."""
    entity = seen_by(entity, selection.viewer)
    query = extent_query(entity, Question.of(entity, selection))
    west, south, east, north, start, last = (
        await session.execute(query, bound_values(selection))
    ).one()
    return Extent(None if west is None else (west, south, east, north), start, last)


async def _rows(
    session: Asked, query: Statement, values: Mapping[str, object], form: Form
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


def _place(row: Any, order: Order) -> Place:
    return Place(row.key, tuple(orjson.loads(row.place)) if order else ())
