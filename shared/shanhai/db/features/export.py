"""Read all rows of a selection as typed values, in blocks, however many there are."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import asyncpg
from sqlalchemy import (
    DateTime,
    Select,
    bindparam,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from shanhai.db.engine import CANCELLED, LONG_PAUSES
from shanhai.db.features.columns import columns_of, source_of
from shanhai.db.features.crs import Crs, geometry_in
from shanhai.db.features.entity import Entity, Property, decimal_type
from shanhai.db.features.order import Order, order_by, sorted_columns
from shanhai.db.features.query import INTERNAL_ERROR
from shanhai.db.features.selection import QueryShape, Selection, bound_values
from shanhai.db.features.statements import OutputOptions, as_read, rows_of
from shanhai.db.fence import BOUND
from shanhai.db.identity import PUBLIC
from shanhai.errors import InvalidInput, ShanhaiError, Unavailable

BLOCK_ROWS = 4_096
MOST_LICENCES = 20
FETCH_LIMIT_S = 60
"""Seconds one block may take; the first one may have to sort everything."""
SQL_TYPES = {"integer": "bigint", "number": "double precision", "boolean": "boolean"}
TIMED = {"date": "date", "date-time": "timestamptz"}


@dataclass(frozen=True, slots=True)
class Export:
    """What is read, and how it is written; `limit` of None is all there is."""

    entity: Entity
    selection: Selection
    form: OutputOptions
    order: Order = ()
    limit: int | None = None

    @property
    def properties(self) -> list[Property]:
        """The properties of each row, in their order."""
        wanted = self.form.members
        listed = self.entity.properties
        return [item for item in listed if wanted is None or item.name in wanted]


@asynccontextmanager
async def reading_rows(
    session: AsyncSession, export: Export
) -> AsyncIterator[AsyncIterator[Sequence[Sequence[Any]]]]:
    """Blocks of rows, geometry as WKB first, all of one moment; values follow `properties`.

    No row is read that is not the caller's to reach.
    """
    connection = await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    limit = f"SET LOCAL statement_timeout = '{FETCH_LIMIT_S}s'"
    await connection.execute(text(limit))
    await connection.execute(LONG_PAUSES)
    await connection.execute(text(BOUND.get().reading(local=True)))
    yield _blocks(connection, export)


async def licences(session: AsyncSession, export: Export) -> Sequence[str]:
    """The licences the rows of a selection name, if its entity tells them."""
    item = export.entity.declared("licence")
    if item is None:
        return []
    question = QueryShape.of(export.entity, export.selection)
    query: Select[Any] = (
        select(literal_column(item.sql).label("licence"))
        .select_from(text(source_of(export.entity, former=question.former)))
        .where(*map(text, question.conditions), text(f"{item.sql} IS NOT NULL"))
        .distinct()
        .order_by(text("licence"))
        .limit(MOST_LICENCES)
    )
    with _in_words(export):
        return (await session.scalars(query, bound_values(export.selection))).all()


@dataclass(frozen=True, slots=True)
class PublishedRows:
    """What everybody may see of an entity: how many rows, the newest change, named licences."""

    rows: int
    updated_at: datetime | None
    licences: Sequence[str]


async def read_published(session: AsyncSession, entity: Entity) -> PublishedRows:
    """Count what everybody may see of an entity today, as its lists and files have it."""
    export = Export(entity, Selection(PUBLIC), OutputOptions())
    question = QueryShape.of(entity, export.selection)
    changed = f"max({entity.alias}.updated_at)" if "updated_at" in columns_of(entity) else "NULL"
    query = (
        select(func.count(), literal_column(f"{changed}::timestamptz", DateTime))
        .select_from(text(source_of(entity, former=question.former)))
        .where(*map(text, question.conditions))
    )
    rows, updated_at = (await session.execute(query, bound_values(export.selection))).one()
    return PublishedRows(rows, updated_at, await licences(session, export) if rows else ())


async def _blocks(
    connection: AsyncConnection, export: Export
) -> AsyncIterator[Sequence[Sequence[Any]]]:
    query = _query(
        export.entity, QueryShape.of(export.entity, export.selection), export.form, export.order
    )
    values = {**bound_values(export.selection), "wanted": export.limit}
    with _in_words(export):
        async with connection.stream(
            query, values, execution_options={"max_row_buffer": BLOCK_ROWS}
        ) as result:
            async for block in result.partitions(BLOCK_ROWS):
                yield block


@contextmanager
def _in_words(export: Export) -> Iterator[None]:
    """Tell what a reader can do about an error of the database."""
    try:
        yield
    except (DBAPIError, asyncpg.PostgresError) as error:
        # While rows are fetched the driver's own errors come through.
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise _told(getattr(cause, "sqlstate", None), export.form.crs) or error from error


def _told(sqlstate: str | None, crs: Crs) -> ShanhaiError | None:
    """What a reader is told of an error of the database, if it is about the request."""
    if sqlstate == CANCELLED:
        return Unavailable(
            "the rows could not be read in time; ask for fewer",
            message_zh="读取超时，请缩小范围",
        )
    # PostGIS has no code of its own for what lies outside a projection.
    if sqlstate == INTERNAL_ERROR and not crs.as_stored:
        return InvalidInput(
            f"a feature lies where {crs.uri} is not defined",
            message_zh=f"有要素位于 {crs.uri} 的定义范围之外",
            pointer="crs",
        )
    return None


@lru_cache(maxsize=256)
def _query(entity: Entity, question: QueryShape, form: OutputOptions, order: Order) -> Select[Any]:
    columns = {"shape": _wkb(entity, form.crs)}
    for item in as_read(entity, question).properties:
        if form.members is None or item.name in form.members:
            columns[f"p_{item.name}"] = typed(item)
    columns |= {"key": entity.key, **sorted_columns(entity, order)}
    rows = (
        rows_of(entity, question, **columns)
        .order_by(text(order_by(order, None)))
        .limit(bindparam("wanted"))
        .subquery()
    )
    kept = [rows.c[name] for name in columns if name == "shape" or name.startswith("p_")]
    return select(*kept)


def _wkb(entity: Entity, crs: Crs) -> str:
    """The geometry, easting or longitude first, as every file format has it."""
    if entity.geometry is None:
        return "NULL::bytea"
    return f"ST_AsBinary({geometry_in(entity.geometry, replace(crs, flipped=False))})"


def typed(item: Property) -> str:
    """SQL of a property's value as the type its schema means; nested values as JSON text."""
    kind = item.schema["type"]
    if item.schema.get("format") == "decimal":
        return f"CAST({item.sql} AS {decimal_type(item.schema)})"
    if kind in {"array", "object"}:
        return f"to_json({item.sql})::text"
    if kind == "string":
        return f"CAST({item.sql} AS {TIMED.get(item.schema.get('format', ''), 'text')})"
    if item.attribute is not None:
        return f"CAST(nullif({item.sql}, 'null'::jsonb) AS {SQL_TYPES[kind]})"
    return f"CAST({item.sql} AS {SQL_TYPES[kind]})"
