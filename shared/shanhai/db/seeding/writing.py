"""Bring rows given by code into their tables: what is missing is made, what differs is changed.

What is known of a table is its metadata: a column ending in `_id` refers to another table's row,
and one ending in `_ids` to several; they are given by those rows' codes. Columns a row does not
name are left alone, and so are members of `attrs` it does not name.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Numeric, Select, Table, and_, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import ColumnElement

from shanhai.db.base import Base
from shanhai.db.queries.audit import Act, record
from shanhai.db.seeding.rows import Row, Rows
from shanhai.errors import InvalidInput

KEYS: Mapping[str, tuple[str, ...]] = {
    "indicator_target": ("indicator", "region", "plan", "role", "year"),
    "plan_indicator": ("plan", "code"),
    "project_measure": ("project", "measure"),
    "project_problem": ("project", "problem"),
    "project_region": ("project", "region"),
    "zone": ("scheme", "code"),
    "zone_scheme": ("code", "version"),
    "zone_town": ("zone", "region"),
}
"""What tells a row among the live ones; the code, where a table is not named here."""
GEOMETRY = "geom"
BEGUN_WITH = frozenset({"state", "status"})
"""Columns given to new rows only: what an object has come to since is not undone."""
STANDS_IN = frozenset({"plan_id", "programme_id", "valid_from"})
"""Columns of a project that went on to a later edition of its plan, which is not undone either."""


@dataclass(frozen=True, slots=True)
class Put:
    """How many rows of a table were given, and how many of them were made or changed."""

    given: int = 0
    made: int = 0
    changed: int = 0

    def __add__(self, other: "Put") -> "Put":
        return Put(self.given + other.given, self.made + other.made, self.changed + other.changed)


async def put_all(session: AsyncSession, rows: Rows, act: Act) -> dict[str, Put]:
    """Bring rows into their tables, those referred to first, with an audit entry for each change.

    Raises:
        InvalidInput: a row refers to one that does not exist.
    """
    order = [table.name for table in Base.metadata.sorted_tables]
    return {
        name: await _put_table(session, Base.metadata.tables[name], rows[name], act)
        for name in sorted(rows, key=order.index)
    }


async def _put_table(session: AsyncSession, table: Table, rows: Sequence[Row], act: Act) -> Put:
    put = Put()
    for wave in _waves(table, rows):
        put += await _put_wave(session, table, wave, act)
    return put


def _waves(table: Table, rows: Sequence[Row]) -> Iterator[list[Row]]:
    """The rows in groups, none of which refers to a row of its own group or a later one."""
    ups = [_bare(key.parent.name) for key in _references(table) if key.column.table is table]
    lists = [_bare(column.name) for column, of in _lists(table) if of is table]
    waiting = list(rows)
    while waiting:
        open_codes = {row["code"] for row in waiting if "code" in row}
        ready = [
            row
            for row in waiting
            if open_codes.isdisjoint(row.get(up) for up in ups)
            and all(open_codes.isdisjoint(row.get(listed, ())) for listed in lists)
        ]
        if not ready:
            codes = ", ".join(sorted(str(code) for code in open_codes))
            raise InvalidInput(f"rows of {table.name} refer to each other: {codes}")
        yield ready
        waiting = [row for row in waiting if row not in ready]


async def _put_wave(session: AsyncSession, table: Table, rows: Sequence[Row], act: Act) -> Put:
    ids = await _ids(session, table, rows)
    stored = [_stored(table, row, ids) for row in rows]
    key = tuple(_column(table, name).name for name in KEYS.get(table.name, ("code",)))
    present = await _present(session, table, stored, key)
    gone_on = await _gone_on(session) if table.name == "project" else frozenset[int]()
    made: list[Row] = []
    changed = 0
    for row, values in zip(rows, stored, strict=True):
        old = present.get(tuple(values[name] for name in key))
        if old is None:
            made.append(values)
            _tell(session, act, table, row, before=None)
            continue
        differing = _differing(values, old)
        if old.get("id") in gone_on:
            differing = {name: v for name, v in differing.items() if name not in STANDS_IN}
        if differing:
            changed += 1
            await session.execute(_change(table, old, differing))
            _tell(session, act, table, row, before={name: old[name] for name in differing})
    await _insert(session, table, made)
    return Put(len(rows), len(made), changed)


async def _gone_on(session: AsyncSession) -> frozenset[int]:
    """The projects that stand in an edition which took the place of another."""
    project, plan = (Base.metadata.tables[name] for name in ("project", "plan"))
    query = select(project.c.id).join(plan, plan.c.id == project.c.plan_id)
    return frozenset(await session.scalars(query.where(plan.c.supersedes_id.is_not(None))))


def _references(table: Table) -> Iterable[Any]:
    return (key for column in table.columns for key in column.foreign_keys)


def _lists(table: Table) -> Iterable[tuple[Column[Any], Table]]:
    """The columns that hold numbers of rows of a table, and that table."""
    for column in table.columns:
        if "refers_to" in column.info:
            yield column, Base.metadata.tables[column.info["refers_to"]]


def _bare(column: str) -> str:
    """What a row calls a column: `parent_id` is `parent`, `member_ids` is `members`."""
    return f"{column[:-4]}s" if column.endswith("_ids") else column.removesuffix("_id")


def _column(table: Table, name: str) -> Column[Any]:
    """The column a member of a row is kept in."""
    return next(column for column in table.columns if name in {column.name, _bare(column.name)})


async def _ids(
    session: AsyncSession, table: Table, rows: Sequence[Row]
) -> dict[str, dict[str, int]]:
    """The ids of the codes that the rows give, by member."""
    found = {}
    for key in _references(table):
        member = _bare(key.parent.name)
        codes = {row[member] for row in rows if row.get(member) is not None}
        if codes and member != key.parent.name:
            found[member] = await _ids_of(session, key.column.table, member, codes)
    for column, of in _lists(table):
        member = _bare(column.name)
        codes = {code for row in rows for code in row.get(member, ())}
        if codes:
            found[member] = await _ids_of(session, of, member, codes)
    return found


async def _ids_of(
    session: AsyncSession, table: Table, member: str, codes: set[str]
) -> dict[str, int]:
    query: Select[Any] = select(table.c.code, table.c.id).where(
        table.c.code.in_(codes), table.c.deleted_at.is_(None)
    )
    # A zoning has a row for each version; what ships with the product is the first.
    if table.name == "zone_scheme":
        query = query.where(table.c.version == 1)
    if table.name == "zone":
        scheme = Base.metadata.tables["zone_scheme"]
        query = query.join(scheme, scheme.c.id == table.c.scheme_id).where(scheme.c.version == 1)
    ids: dict[str, int] = {row.code: row.id for row in await session.execute(query)}
    missing = sorted(codes - ids.keys())
    if missing:
        raise InvalidInput(f"there is no {table.name} {missing[0]!r}", pointer=member)
    return ids


def _stored(table: Table, row: Row, ids: Mapping[str, Mapping[str, int]]) -> Row:
    """The row as its table keeps it."""
    stored = {}
    for name, value in row.items():
        column = _column(table, name)
        if isinstance(value, list) and name in ids:
            value = [ids[name][code] for code in value]
        elif value is not None and name in ids:
            value = ids[name][value]
        elif value is not None and isinstance(column.type, Numeric) and column.type.asdecimal:
            value = Decimal(str(value))
        stored[column.name] = value
    return stored


async def _present(
    session: AsyncSession, table: Table, rows: Sequence[Row], key: tuple[str, ...]
) -> dict[tuple[Any, ...], Row]:
    """The live rows that may be the given ones, by key."""
    named = {name for row in rows for name in row} | {*key, *table.primary_key.columns.keys()}
    columns = [
        func.ST_AsEWKB(table.c[name]).label(name) if name == GEOMETRY else table.c[name]
        for name in sorted(named)
    ]
    query: Select[Any] = select(*columns).where(table.c[key[0]].in_({row[key[0]] for row in rows}))
    if "deleted_at" in table.columns:
        query = query.where(table.c.deleted_at.is_(None))
    found = [dict(row) for row in (await session.execute(query)).mappings()]
    return {tuple(row[name] for name in key): row for row in found}


def _differing(values: Row, old: Row) -> Row:
    """The columns whose values change; of attributes, all of them as they will be."""
    merged = dict(values)
    if "attrs" in values:
        merged["attrs"] = {**old["attrs"], **values["attrs"]}
    return {
        name: value
        for name, value in merged.items()
        if name not in BEGUN_WITH and _plain(value) != _plain(old[name])
    }


def _plain(value: Any) -> Any:
    """A value in the form in which equal ones are equal."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float | Decimal):
        return Decimal(str(value))
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return bytes(value) if isinstance(value, memoryview) else value


def _change(table: Table, old: Row, differing: Row) -> Any:
    values: dict[str, Any] = dict(_expressed(differing))
    if "row_version" in table.columns:
        values |= {"row_version": table.c.row_version + 1, "updated_at": func.now()}
    same: ColumnElement[bool] = and_(
        *(column == old[column.name] for column in table.primary_key.columns)
    )
    return update(table).where(same).values(values)


def _expressed(row: Row) -> Row:
    if GEOMETRY not in row:
        return row
    return {**row, GEOMETRY: func.ST_GeomFromEWKB(row[GEOMETRY])}


async def _insert(session: AsyncSession, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows, those with the same members in one statement."""
    alike: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        alike.setdefault(tuple(sorted(row)), []).append(row)
    for members, listed in alike.items():
        if GEOMETRY in members:
            for row in listed:
                await session.execute(insert(table).values(_expressed(row)))
        else:
            await session.execute(insert(table), listed)


def _tell(session: AsyncSession, act: Act, table: Table, row: Row, *, before: Row | None) -> None:
    key = KEYS.get(table.name, ("code",))
    record(
        session,
        act,
        "seed",
        table=table.name,
        object_id=":".join(str(row[name]) for name in key),
        before=None if before is None else _image(before),
        after=_image(row),
    )


def _image(row: Row) -> Row:
    """The row as the audit log keeps it; a boundary's many vertices stay out."""
    return {name: _readable(value) for name, value in row.items() if name != GEOMETRY}


def _readable(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value
