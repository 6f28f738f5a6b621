"""The statements of a write: references by row ids, rows, and constraint errors told."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import STORAGE_SRID, Base
from shanhai.db.collections.catalogue import ENTITIES, entity_named
from shanhai.db.features.columns import table_of
from shanhai.db.features.crs import same_shapes
from shanhai.db.features.entity import NAMES, Entity, Property
from shanhai.db.features.geometry import StoredGeometry
from shanhai.db.features.input_validation import broken_body
from shanhai.db.features.property_values import python_value
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Viewer
from shanhai.errors import Conflict, Fault, InvalidInput, ShanhaiError
from shanhai.vocabulary import Label

NO_NAME = Label("须为一行文字，首尾不得有空白", "must be one line without blanks at its ends")
MOST_NAMED = 5
"""How many of the rows that refer to one are named."""


@dataclass(frozen=True, slots=True)
class Referrer:
    """A live row that refers to another."""

    collection: str
    code: str


async def resolve(
    session: AsyncSession,
    entity: Entity,
    values: Mapping[str, Any],
    viewer: Viewer,
    *,
    under: str,
) -> Mapping[str, Any]:
    """The values that are to differ, with row ids in place of codes.

    Raises:
        InvalidInput: a code is that of no row the viewer may know of, or a name is none.
    """
    references = [
        item for item in entity.receivables if item.refers_to and values.get(item.name) is not None
    ]
    wanted: dict[str, set[str]] = {}
    for item in references:
        wanted.setdefault(str(item.refers_to), set()).update(codes_in(values[item.name]))
    known = {name: await ids_of(session, name, codes, viewer) for name, codes in wanted.items()}
    faults = [
        Fault(f"{under}/{name}", NO_NAME.en, NO_NAME.zh)
        for name in sorted(NAMES & values.keys())
        if (said := values[name] or "") != said.strip() or len(said.splitlines()) > 1
    ]
    found = dict(values)
    for item in references:
        ids = known[str(item.refers_to)]
        missing = [code for code in codes_in(values[item.name]) if code not in ids]
        faults += [_unknown(item, code, under) for code in missing]
        if not missing:
            found[item.name] = _with_ids(values[item.name], ids)
    if faults:
        raise broken_body(faults)
    return found


async def ids_of(
    session: AsyncSession, name: str, codes: Iterable[str], viewer: Viewer
) -> Mapping[str, int]:
    """The row ids of those codes of an entity that exist and the viewer may know of.

    Where versions stand beside each other the newest is meant, for that is the one worked on.
    """
    query = _ids_query(name, tuple(visibility(entity_named(name), viewer)))
    values = {"codes": sorted(codes), **viewer_values(viewer)}
    found = [(row.code, row.id) for row in await session.execute(query, values)]
    return dict(sorted(found))


async def referrers(session: AsyncSession, entity: Entity, row_id: int) -> Sequence[Referrer]:
    """Some of the live rows that refer to a row."""
    query = _referrers_query(entity.name)
    if query is None:
        return []
    return [Referrer(*row) for row in await session.execute(query, {"row_id": row_id})]


def codes_in(value: Any) -> list[str]:
    """The codes of a reference to one row, or to several."""
    return list(value) if isinstance(value, list) else [value]


def _with_ids(value: Any, ids: Mapping[str, int]) -> Any:
    return [ids[code] for code in value] if isinstance(value, list) else ids[value]


def _unknown(item: Property, code: str, under: str) -> Fault:
    return Fault(
        f"{under}/{item.name}",
        f"there is no {code!r} in {item.refers_to}",
        f"{item.refers_to} 中没有 {code!r}",
    )


@lru_cache(maxsize=256)
def _ids_query(name: str, visible: tuple[str, ...]) -> sa.TextClause:
    entity = entity_named(name)
    code, source = entity.code, entity.source
    if entity.aliases:
        named = ", ".join((code, *entity.aliases))
        code = "named.code"
        source += f" CROSS JOIN LATERAL unnest(ARRAY[{named}]) named (code)"
    met = " AND ".join((entity.live, *visible, f"{code} = ANY(CAST(:codes AS text[]))"))
    return sa.text(
        f"SELECT {code} AS code, {entity.key} AS id FROM {source} WHERE {met}"  # noqa: S608
        # Whoever deletes one of them waits for the reference, or it is not found any more.
        f" FOR KEY SHARE OF {entity.alias}"
    )


@lru_cache(maxsize=64)
def _referrers_query(name: str) -> sa.TextClause | None:
    halves = [
        f"(SELECT '{entity.name}' AS name, {entity.code} AS code FROM {entity.source}"  # noqa: S608
        f" WHERE {entity.live} AND {_refers(entity, item)} LIMIT {MOST_NAMED})"
        for entity in ENTITIES
        for item in entity.properties
        if item.refers_to == name and item.column is not None
    ]
    if not halves:
        return None
    found = " UNION ALL ".join(halves)
    return sa.text(f"SELECT name, code FROM ({found}) found LIMIT {MOST_NAMED}")  # noqa: S608


def _refers(entity: Entity, item: Property) -> str:
    column = table_of(entity).columns[str(item.column)]
    of = f"{entity.alias}.{item.column}"
    return (
        f":row_id = ANY({of})" if isinstance(column.type, postgresql.ARRAY) else f"{of} = :row_id"
    )


REPAIR = "geometry_repair"
"""The attribute that tells what a repair did to the geometry, and keeps the original."""


@dataclass(slots=True)
class RowContents:
    """What is to be written to a row: columns, and members of `attrs` (None removes one)."""

    columns: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)


def contents_of(entity: Entity, values: Mapping[str, Any]) -> RowContents:
    """The members given, by property name with row ids for references, as columns."""
    table, contents = table_of(entity), RowContents()
    for name, value in values.items():
        item = entity.declared(name)
        if item is None:
            raise LookupError(f"{entity.name} has no property {name}")
        if item.column is not None:
            contents.columns[item.column] = _bindable(item, table.columns[item.column], value)
        elif item.attribute is not None:
            contents.attributes[item.attribute] = value
    return contents


def add_shape(entity: Entity, contents: RowContents, shape: StoredGeometry | None) -> None:
    """Write a geometry, or that there is none."""
    column = str(entity.geometry_column)
    contents.columns[column] = (
        None if shape is None else sa.func.ST_GeomFromWKB(shape.wkb, STORAGE_SRID)
    )
    contents.attributes[REPAIR] = None if shape is None else shape.mended


def _bindable(item: Property, column: sa.Column[Any], value: Any) -> Any:
    if item.refers_to is None:
        value = python_value(item.schema, value)
    if isinstance(value, float) and getattr(column.type, "asdecimal", False):
        return Decimal(repr(value))
    return value


async def insert(session: AsyncSession, entity: Entity, contents: RowContents) -> int:
    """A new row; its number."""
    table = table_of(entity)
    given = {name: value for name, value in contents.columns.items() if value is not None}
    attributes = {name: value for name, value in contents.attributes.items() if value is not None}
    if "attrs" in table.columns:
        given["attrs"] = attributes
    query = table.insert().values(given).returning(table.columns["id"])
    return int((await session.execute(query)).scalar_one())


async def overwrite(
    session: AsyncSession, entity: Entity, row_id: int, contents: RowContents
) -> None:
    """New contents of a row; what is emptied gets the column's default."""
    table = table_of(entity)
    default: sa.ColumnElement[Any] = sa.literal_column("DEFAULT")
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
    given = {"deleted_at": sa.func.now(), **_touched(table)}
    if "valid_to" in table.columns:
        start, end = table.columns["valid_from"], table.columns["valid_to"]
        today = sa.text("current_date")
        given["valid_to"] = sa.func.greatest(start, sa.func.least(end, today))
    await session.execute(table.update().where(here).values(given))


def _touched(table: sa.Table) -> dict[str, Any]:
    columns = table.columns
    found: dict[str, Any] = {}
    if "row_version" in columns:
        found["row_version"] = columns["row_version"] + 1
    if "updated_at" in columns:
        found["updated_at"] = sa.func.now()
    return found


def _attributes(table: sa.Table, attributes: Mapping[str, Any]) -> Any:
    """`attrs` with some members set and some removed; those nobody declared stay."""
    removed = [name for name, value in attributes.items() if value is None]
    kept = {name: value for name, value in attributes.items() if value is not None}
    without = table.columns["attrs"].op("-")(sa.cast(removed, sa.ARRAY(sa.Text)))
    return without.op("||")(sa.cast(kept, JSONB))


async def has_moved(
    session: AsyncSession, entity: Entity, row_id: int, shape: StoredGeometry
) -> bool:
    """Whether a geometry differs from the row's in more than the order of its rings and digits."""
    query = sa.text(
        f"SELECT ST_AsBinary({entity.geometry_column}) FROM {entity.table} WHERE id = :row_id"  # noqa: S608
    )
    kept = await session.scalar(query, {"row_id": row_id})
    return not same_shapes([kept], [shape.wkb])[0]


Refusal = Callable[[Entity, Any, str], ShanhaiError]


@contextmanager
def told_refusals(entity: Entity, under: str) -> Iterator[None]:
    """Tell broken constraints by the rule; `under` is where the properties are in the body.

    Raises:
        Conflict: another row stands in the way.
        InvalidInput: a value breaks a rule of the table.
    """
    try:
        yield
    except DBAPIError as error:
        cause = getattr(error.orig, "__cause__", None)
        refusal = REFUSALS.get(getattr(cause, "sqlstate", None) or "")
        if refusal is None:
            raise
        raise refusal(entity, cause, under) from error


def _pointer(entity: Entity, column: str | None, under: str) -> str:
    """Where the property of a column is; the whole body when no property is written to it."""
    found = (item.name for item in entity.receivables if item.column == column)
    if column is not None and column == entity.geometry_column:
        return "/geometry"
    return next((f"{under}/{name}" for name in found), under)


def _rule_of(cause: Any) -> str:
    """The name of a constraint, without the table and kind it begins with."""
    name, table = str(cause.constraint_name or ""), str(cause.table_name or "")
    return name.partition(f"{table}_")[2] or name


def _taken(entity: Entity, cause: Any, under: str) -> Conflict:
    # Of what is deleted the names can be taken anew: such an index is of the live rows.
    column = _rule_of(cause).removesuffix("_live")
    named = next((item for item in entity.receivables if item.column == column), None)
    if named is not None and named.refers_to:
        en = f"another one of {entity.name} names the same already"
        zh = f"{entity.name} 中已有其他对象指明同一对象"
        return Conflict(en, message_zh=zh, faults=[Fault(f"{under}/{named.name}", en, zh)])
    members = _members_of_index(entity, cause) if named is None else [named.name]
    names, value = members or ["code"], _taken_value(cause)
    en = f"there is one with the same {', '.join(names)}{value} in {entity.name} already"
    zh = f"{entity.name} 中已有 {'、'.join(names)} 相同的对象{value}"
    faults = [Fault(f"{under}/{name}", en, zh) for name in names]
    return Conflict(en, message_zh=zh, faults=faults)


def _members_of_index(entity: Entity, cause: Any) -> list[str]:
    """The members that a unique index is over; PostgreSQL tells them only to who reads all rows."""
    table = Base.metadata.tables.get(str(cause.table_name))
    indexes = () if table is None else table.indexes
    index = next((one for one in indexes if one.name == cause.constraint_name), None)
    columns = set() if index is None else {column.name for column in index.columns}
    return [item.name for item in entity.receivables if item.column in columns]


_ONE_COLUMN = re.compile(r"\(\w+\)=\((.*)\)", re.DOTALL)
"""How PostgreSQL tells a key of one column that is taken, in any language."""


def _taken_value(cause: Any) -> str:
    """The value that is taken, after a blank; nothing where it is not one of the body."""
    found = _ONE_COLUMN.search(str(cause.detail or ""))
    return "" if found is None else f" {found[1]!r}"


def _overlap(entity: Entity, cause: Any, under: str) -> Conflict:
    rule = _rule_of(cause)
    en = f"another row of {entity.name} holds at the same time ({rule})"
    zh = f"{entity.name} 中同一时间已有一条有效记录（{rule}）"
    return Conflict(en, message_zh=zh, faults=[Fault(f"{under}/valid_from", en, zh)])


def _broken(entity: Entity, cause: Any, under: str) -> InvalidInput:
    rule = _rule_of(cause)
    columns = [str(item.column) for item in entity.receivables if item.column]
    named = next((name for name in columns if rule == name or rule.startswith(f"{name}_")), None)
    en, zh = f"breaks the rule {rule!r} of {entity.name}", f"不符合 {entity.name} 的规则 {rule!r}"
    return InvalidInput(en, message_zh=zh, faults=[Fault(_pointer(entity, named, under), en, zh)])


def _missing(entity: Entity, cause: Any, under: str) -> InvalidInput:
    pointer = _pointer(entity, cause.column_name, under)
    en, zh = f"{pointer}: is required", f"{pointer}：必填"
    return InvalidInput(en, message_zh=zh, faults=[Fault(pointer, "is required", "必填")])


def _dangling(entity: Entity, cause: Any, under: str) -> Conflict:
    rule = _rule_of(cause)
    en = f"a reference of {entity.name} leads nowhere ({rule})"
    zh = f"{entity.name} 的引用不存在（{rule}）"
    return Conflict(en, message_zh=zh, faults=[Fault(under, en, zh)])


def _too_much(entity: Entity, cause: Any, under: str) -> InvalidInput:
    en = f"a value is out of the range {entity.name} can keep"
    zh = f"数值超出 {entity.name} 可保存的范围"
    return InvalidInput(en, message_zh=zh, faults=[Fault(under, en, zh)])


def _against_rule(entity: Entity, cause: Any, under: str) -> Conflict:
    """What a trigger of ours raised, in its own words."""
    said = str(cause).partition("\n")[0]
    return Conflict(said, message_zh=said, faults=[Fault(under, said, said)])


REFUSALS: Mapping[str, Refusal] = {
    "23505": _taken,
    "23P01": _overlap,
    "23514": _broken,
    "23502": _missing,
    "23503": _dangling,
    "22003": _too_much,
    "22001": _too_much,
    "22008": _too_much,
    "54000": _too_much,
    "P0001": _against_rule,
}
"""By PostgreSQL's code of the error."""
