"""The statements of a write: an entity's members as columns of its table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, Column, ColumnElement, Table, Text, cast, func, literal_column, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import STORAGE_SRID
from shanhai.db.features.entity import Entity, Property
from shanhai.db.features.geometry import Shape
from shanhai.db.features.keeping import table_of
from shanhai.db.features.sameness import same_shapes
from shanhai.db.features.values import python_value

REPAIR = "geometry_repair"
"""The attribute that tells what a repair did to the geometry, and keeps the original."""


@dataclass(slots=True)
class Contents:
    """What is to be written to a row: columns, and members of `attrs` (None removes one)."""

    columns: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)


def contents_of(entity: Entity, values: Mapping[str, Any]) -> Contents:
    """The members given, by property name with row ids for references, as columns."""
    table, contents = table_of(entity), Contents()
    for name, value in values.items():
        item = entity.declared(name)
        if item is None:
            raise LookupError(f"{entity.name} has no property {name}")
        if item.column is not None:
            contents.columns[item.column] = _bindable(item, table.columns[item.column], value)
        elif item.attribute is not None:
            contents.attributes[item.attribute] = value
    return contents


def add_shape(entity: Entity, contents: Contents, shape: Shape | None) -> None:
    """Write a geometry, or that there is none."""
    column = str(entity.geometry_column)
    contents.columns[column] = (
        None if shape is None else func.ST_GeomFromWKB(shape.wkb, STORAGE_SRID)
    )
    contents.attributes[REPAIR] = None if shape is None else shape.mended


def _bindable(item: Property, column: Column[Any], value: Any) -> Any:
    if item.refers_to is None:
        value = python_value(item.schema, value)
    if isinstance(value, float) and getattr(column.type, "asdecimal", False):
        return Decimal(repr(value))
    return value


async def insert(session: AsyncSession, entity: Entity, contents: Contents) -> int:
    """A new row; its number."""
    table = table_of(entity)
    given = {name: value for name, value in contents.columns.items() if value is not None}
    attributes = {name: value for name, value in contents.attributes.items() if value is not None}
    if "attrs" in table.columns:
        given["attrs"] = attributes
    query = table.insert().values(given).returning(table.columns["id"])
    return int((await session.execute(query)).scalar_one())


async def overwrite(session: AsyncSession, entity: Entity, row_id: int, contents: Contents) -> None:
    """New contents of a row; what is emptied gets the column's default."""
    table = table_of(entity)
    default: ColumnElement[Any] = literal_column("DEFAULT")
    given = {name: default if v is None else v for name, v in contents.columns.items()}
    if contents.attributes and "attrs" in table.columns:
        given["attrs"] = _attributes(table, contents.attributes)
    query = table.update().where(table.columns["id"] == row_id)
    await session.execute(query.values({**given, **_touched(table)}))


async def bury(session: AsyncSession, entity: Entity, row_id: int) -> None:
    """Mark a row as deleted from today on; without such a mark it is really deleted."""
    table = table_of(entity)
    here = table.columns["id"] == row_id
    if "deleted_at" not in table.columns:
        await session.execute(table.delete().where(here))
        return
    given = {"deleted_at": func.now(), **_touched(table)}
    if "valid_to" in table.columns:
        start, end = table.columns["valid_from"], table.columns["valid_to"]
        today = text("current_date")
        given["valid_to"] = func.greatest(start, func.least(end, today))
    await session.execute(table.update().where(here).values(given))


def _touched(table: Table) -> dict[str, Any]:
    columns = table.columns
    found: dict[str, Any] = {}
    if "row_version" in columns:
        found["row_version"] = columns["row_version"] + 1
    if "updated_at" in columns:
        found["updated_at"] = func.now()
    return found


def _attributes(table: Table, attributes: Mapping[str, Any]) -> Any:
    """`attrs` with some members set and some removed; those nobody declared stay."""
    removed = [name for name, value in attributes.items() if value is None]
    kept = {name: value for name, value in attributes.items() if value is not None}
    without = table.columns["attrs"].op("-")(cast(removed, ARRAY(Text)))
    return without.op("||")(cast(kept, JSONB))


async def has_moved(session: AsyncSession, entity: Entity, row_id: int, shape: Shape) -> bool:
    """Whether a geometry differs from the row's in more than the order of its rings and digits."""
    query = text(
        f"SELECT ST_AsBinary({entity.geometry_column}) FROM {entity.table} WHERE id = :row_id"  # noqa: S608
    )
    kept = await session.scalar(query, {"row_id": row_id})
    return not same_shapes([kept], [shape.wkb])[0]
