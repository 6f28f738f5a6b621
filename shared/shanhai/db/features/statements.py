"""The statements that read features: composed once for each shape of a question, then kept."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import sqlalchemy as sa

from shanhai.db.engine import PLAN_ANEW
from shanhai.db.features.columns import columns_in_order, source_of
from shanhai.db.features.crs import CRS84, Crs, digits_of, geometry_in
from shanhai.db.features.entity import Entity, Property, decimal_type
from shanhai.db.features.order import (
    SHAPELESS,
    Order,
    Side,
    beside,
    order_by,
    place_column,
    sorted_columns,
)
from shanhai.db.features.selection import QueryShape

Counting = Literal["capped", "exact", "estimate", "none"]
Statement = sa.Select[*tuple[Any, ...]]

DAY = " CROSS JOIN (SELECT CAST(:as_of AS date) AS day) asked"
"""The day asked for, for properties that other tables tell."""
# A colon before a letter would be a bind.
RFC3339 = 'YYYY-MM-DD"T"HH24":"MI":"SS.MS"Z"'
MEMBERS_IN_CALL = 50
"""PostgreSQL's functions take a hundred arguments, and each member is two."""


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """How features are written: in which system, and which of their properties; None is all."""

    crs: Crs = CRS84
    members: frozenset[str] | None = None


PLAIN = OutputOptions()
COUNT_LIMIT = 10_000
"""Above this many rows the exact number is counted only on request."""
CAP = COUNT_LIMIT + 1


@dataclass(frozen=True, slots=True)
class PageOptions:
    """How a page is asked for, beside what is asked.

    Attributes:
        cap: Where counting stops, and where the rows end that a first page is taken from.
    """

    order: Order = ()
    form: OutputOptions = PLAIN
    counting: Counting = "capped"
    cap: int = CAP


USUAL = PageOptions()


def feature_query(entity: Entity, question: QueryShape, form: OutputOptions = PLAIN) -> Statement:
    """Features that meet the conditions, as `row_columns` has them, in no order."""
    return rows_of(entity, question, **row_columns(as_read(entity, question), form))


def as_read(entity: Entity, question: QueryShape) -> Entity:
    """The entity as its members are read: as they are, or as they were on a day."""
    return on_a_day(entity) if question.former else entity


@lru_cache(maxsize=64)
def on_a_day(entity: Entity) -> Entity:
    """The entity with the properties other tables tell as they were on the day `asked.day`."""
    if all(item.former is None for item in entity.properties):
        return entity
    properties = (
        item if item.former is None else replace(item, sql=item.former)
        for item in entity.properties
    )
    return replace(entity, properties=tuple(properties))


def feature_columns(entity: Entity, form: OutputOptions) -> dict[str, str]:
    """SQL of a feature whose properties are one JSON text, for whoever keeps or compares it."""
    wanted = [
        item for item in entity.properties if form.members is None or item.name in form.members
    ]
    return {**_head(entity, form.crs), "properties": _members(wanted)}


def row_columns(entity: Entity, form: OutputOptions) -> dict[str, str]:
    """SQL of a feature with a column for each member of its properties, as `wires` has them.

    PostgreSQL takes twice as long to write the members as one JSON object.
    """
    members = {f"m{number}": wire.sql for number, wire in enumerate(wires(entity, form.members))}
    return {**_head(entity, form.crs), **members}


def _head(entity: Entity, crs: Crs) -> dict[str, str]:
    versioned = "row_version" in columns_in_order(entity)
    return {
        "key": entity.key,
        "code": entity.code,
        "version": f"{entity.alias}.row_version" if versioned else "1",
        "geometry": _geojson(entity, crs),
    }


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """How a member of the properties comes from PostgreSQL.

    Attributes:
        is_json: The value is JSON text already, not a value to be written as JSON.
    """

    name: str
    sql: str
    is_json: bool


@lru_cache(maxsize=1024)
def wires(entity: Entity, members: frozenset[str] | None) -> tuple[OutputColumn, ...]:
    """The members wanted, in the order they are declared; None is all."""
    return tuple(
        _wire(item) for item in entity.properties if members is None or item.name in members
    )


def _wire(item: Property) -> OutputColumn:
    kind, form = item.schema["type"], item.schema.get("format")
    if form == "decimal" or (form == "date-time" and item.attribute is None):
        return OutputColumn(item.name, shown(item), is_json=False)
    if kind == "string" and form == "date":
        # An infinite date has no value in Python.
        return OutputColumn(item.name, f"CAST({item.sql} AS text)", is_json=False)
    whole = kind in {"integer", "boolean"} and item.column is not None
    if whole or (kind == "string" and form in {None, "uuid"}):
        return OutputColumn(item.name, item.sql, is_json=False)
    # Numbers keep all their digits.
    return OutputColumn(item.name, f"to_json({item.sql})::text", is_json=True)


def _geojson(entity: Entity, crs: Crs) -> str:
    if entity.geometry is None:
        return "NULL::text"
    # Option 0 leaves out the `crs` member, which GeoJSON does not know.
    return f"ST_AsGeoJSON({geometry_in(entity.geometry, crs)}, {digits_of(crs)}, 0)"


def _members(properties: Sequence[Property]) -> str:
    """SQL of a JSON object's text with these members in this order."""
    calls = [
        _object(properties[start : start + MEMBERS_IN_CALL])
        for start in range(0, len(properties), MEMBERS_IN_CALL)
    ]
    if len(calls) < 2:
        return calls[0] if calls else "'{}'"
    inside = " || ',' || ".join(f"btrim({call}, '{{}} ')" for call in calls)
    return f"'{{' || {inside} || '}}'"


def _object(properties: Iterable[Property]) -> str:
    members = ", ".join(f"'{item.name}', {shown(item)}" for item in properties)
    return f"json_build_object({members})::text"


def shown(item: Property) -> str:
    """SQL of a value as JSON has it: money as text, which no reader rounds, and moments in UTC."""
    if item.schema.get("format") == "date-time" and item.attribute is None:
        return f"to_char(({item.sql}) AT TIME ZONE 'UTC', '{RFC3339}')"
    if item.schema.get("format") == "decimal":
        return f"CAST(CAST({item.sql} AS {decimal_type(item.schema)}) AS text)"
    return item.sql


@lru_cache(maxsize=1024)
def page_query(
    entity: Entity,
    question: QueryShape,
    ask: PageOptions,
    side: Side | None,
    gaps: tuple[bool, ...],
) -> Statement:
    """A page and, on each of its rows, how many match: one round trip for both."""
    content = row_columns(as_read(entity, question), ask.form)
    return _placed_query(entity, question, ask, side, gaps, content)


@lru_cache(maxsize=256)
def keys_query(
    entity: Entity,
    question: QueryShape,
    ask: PageOptions,
    side: Side | None,
    gaps: tuple[bool, ...],
) -> Statement:
    """A page's row numbers alone, and how many match."""
    return _placed_query(entity, question, ask, side, gaps, {"key": entity.key})


def _placed_query(
    entity: Entity,
    question: QueryShape,
    ask: PageOptions,
    side: Side | None,
    gaps: tuple[bool, ...],
    content: Mapping[str, str],
) -> Statement:
    """The rows of a page.

    Keys come first, so that JSON is written for the rows of the page only; from the beginning on
    the keys are also those that are counted. Not all that an exact count has, unless a narrow box
    holds it: a page of a whole table is read from an index, much faster than the table is counted.
    """
    # What meets a box has a shape: of its keys the number is left, and numbers sort twice as fast.
    shaped = question.narrow and ask.order == (SHAPELESS,)
    order = sa.text(order_by(() if shaped else ask.order, side))
    # Rows are found again by where they lie, which no index is needed for; a union has no places.
    spot = entity.key if question.former else f"{entity.alias}.ctid"
    sorted_by = sorted_columns(entity, ask.order)
    keys = rows_of(entity, question, key=entity.key, spot=spot, **sorted_by)
    number: sa.ColumnElement[Any] = sa.literal_column("NULL::bigint")
    if side is None and (ask.counting == "capped" or (ask.counting == "exact" and question.narrow)):
        if ask.counting == "capped":
            keys = keys.order_by(order).limit(_number(ask.cap))
        found = keys.cte("found")
        chosen = sa.select(found)
        number = sa.select(sa.func.count()).select_from(found).scalar_subquery()
    else:
        chosen = keys
        if side is not None:
            chosen = keys.where(sa.text(beside(entity, ask.order, side, gaps)))
        if ask.counting in {"capped", "exact"}:
            cap = ask.cap if ask.counting == "capped" else None
            number = count_query(entity, question, cap).scalar_subquery()
    page = (
        chosen.order_by(order)
        .limit(sa.bindparam("wanted"))
        .offset(sa.bindparam("skipped"))
        .subquery()
    )
    placed = sorted_by
    if ask.order != (SHAPELESS,):
        placed = {"place": place_column(entity, ask.order), **sorted_by}
    # A former state has the number of its row: only the conditions tell the two apart.
    again = question if question.former else QueryShape(())
    query = rows_of(entity, again, **content).add_columns(number.label("matched"))
    query = query.add_columns(*_labelled(placed if ask.order else {}))
    spots = sa.select(page.c.spot).scalar_subquery()
    query = query.where(sa.literal_column(spot) == sa.func.any(sa.func.array(spots))).order_by(
        order
    )
    return _planned(query, question)


def _number(value: int) -> sa.ColumnElement[int]:
    """A number in the text of a statement: with a bind, its plan knows not how few rows it asks."""
    return sa.literal_column(str(value), sa.Integer)


def _planned(query: Statement, question: QueryShape) -> Statement:
    return query.execution_options(**{PLAN_ANEW: True}) if question.wide else query


@lru_cache(maxsize=256)
def rows_query(entity: Entity, question: QueryShape, form: OutputOptions) -> Statement:
    """The features that meet the conditions among the row numbers of the bind `keys`."""
    chosen = sa.text(f"{entity.key} = ANY(CAST(:keys AS bigint[]))")
    return feature_query(entity, question, form).where(chosen)


@lru_cache(maxsize=1024)
def one_feature_query(entity: Entity, question: QueryShape, form: OutputOptions) -> Statement:
    """The newest row that meets the conditions."""
    query = feature_query(entity, question, form)
    return query.order_by(sa.text(f"{entity.key} DESC")).limit(1)


@lru_cache(maxsize=1024)
def count_query(entity: Entity, question: QueryShape, cap: int | None = CAP) -> Statement:
    """How many rows meet the conditions; the counting stops at `cap`."""
    rows = rows_of(entity, question, one="1")
    if cap is not None:
        rows = rows.limit(_number(cap))
    return _planned(sa.select(sa.func.count()).select_from(rows.subquery()), question)


@lru_cache(maxsize=1024)
def estimate_query(entity: Entity, question: QueryShape) -> sa.TextClause:
    """How many rows PostgreSQL expects to meet the conditions, with its plan."""
    where = " AND ".join(f"({condition})" for condition in question.conditions) or "true"
    source = source_of(entity, former=question.former)
    # Constants of this code; callers' values are bound.
    return sa.text(f"EXPLAIN (FORMAT JSON) SELECT 1 FROM {source} WHERE {where}")  # noqa: S608


@lru_cache(maxsize=1024)
def extent_query(entity: Entity, question: QueryShape) -> Statement:
    """The box and period of the rows that meet the conditions."""
    starts, ends = entity.interval or ("NULL::date", "NULL::date")
    box = f"ST_Extent({entity.geometry})" if entity.geometry else "NULL::box2d"
    return rows_of(
        entity,
        question,
        west=f"ST_XMin({box})",
        south=f"ST_YMin({box})",
        east=f"ST_XMax({box})",
        north=f"ST_YMax({box})",
        start=f"min({starts})",
        last=f"nullif(max(coalesce({ends}, 'infinity')), 'infinity')",
        features="count(*)",
    )


def rows_of(entity: Entity, question: QueryShape, **columns: str) -> Statement:
    """Named expressions over the rows that meet the conditions."""
    day = DAY if question.former and on_a_day(entity) is not entity else ""
    source = sa.text(source_of(entity, former=question.former) + day)
    return (
        sa.select(*_labelled(columns)).select_from(source).where(*map(sa.text, question.conditions))
    )


def _labelled(columns: Mapping[str, str]) -> list[sa.ColumnElement[Any]]:
    return [sa.literal_column(sql).label(name) for name, sql in columns.items()]
