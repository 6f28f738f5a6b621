"""The rows of a package that have a shape, as layers to look at."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal

from geoalchemy2 import Geometry
from sqlalchemy import ARRAY, JSON, Column, Float, Integer, Numeric, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.packages.holdings import Holding, in_order
from shanhai.db.packages.reading import ROWS_AT_ONCE, Contents

Kind = Literal["text", "integer", "number"]
PLAIN: dict[Kind, str] = {"number": "double precision", "integer": "bigint", "text": "text"}


def drawn(contents: Contents) -> list[Holding]:
    """The tables with a shape of which there are rows."""
    return [
        holding
        for holding in in_order()
        if holding.numbered and holding.shapes() and contents.rows.get(holding.table)
    ]


def shown_columns(holding: Holding) -> list[tuple[str, Kind]]:
    """The plain columns of a layer and their kinds."""
    return [
        (column.name, _kind(column))
        for column in holding.kept
        if not isinstance(column.type, Geometry | JSON | ARRAY)
    ]


def _kind(column: Column[object]) -> Kind:
    if isinstance(column.type, Integer):
        return "integer"
    return "number" if isinstance(column.type, Numeric | Float) else "text"


async def read_shapes(
    session: AsyncSession, holding: Holding, contents: Contents
) -> AsyncIterator[Sequence[Sequence[Any]]]:
    """Blocks of rows that are drawn: the shape as WKB, then the plain columns."""
    shape = f"o.{holding.shapes()[0]}"
    listed = "".join(
        f', CAST(o."{name}" AS {PLAIN[kind]})' for name, kind in shown_columns(holding)
    )
    query = text(
        f"SELECT o.id, ST_AsBinary({shape}){listed} FROM {holding.table} o"  # noqa: S608 - ours
        f" WHERE o.id = ANY(:ids) AND {shape} IS NOT NULL"
    )
    rows = contents.rows[holding.table]
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[start : start + ROWS_AT_ONCE]
        found = {row[0]: row[1:] for row in (await session.execute(query, {"ids": part})).all()}
        yield [found[number] for number in part if number in found]
