"""Bring rows given by code into their tables: what is missing is made, what differs is changed.

What somebody has changed or deleted since stays as it is: only what still is as it was given last
is changed. The audit log tells what that was.

What is known of a table is its metadata: a column ending in `_id` refers to another table's row,
and one ending in `_ids` to several; they are given by those rows' codes. Columns a row does not
name are left alone, and so are members of `attrs` it does not name.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import Column, Numeric, Select, Table, and_, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import ColumnElement

from shanhai.db.base import Base
from shanhai.db.queries.audit import Act, record, write_entries
from shanhai.db.seeds.rows import Row, Rows
from shanhai.db.tables.access import AuditLog
from shanhai.errors import InvalidInput
from shanhai.vocabulary import Visibility

KEYS: Mapping[str, tuple[str, ...]] = {
    "duty": ("plan", "code"),
    "indicator_target": ("indicator", "region", "plan", "role", "year"),
    "plan_figure": ("plan", "code"),
    "plan_indicator": ("plan", "code"),
    "plan_provision": ("plan", "code"),
    "project_measure": ("project", "measure"),
    "project_problem": ("project", "problem"),
    "project_region": ("project", "region"),
    "zone": ("scheme", "code"),
    "zone_scheme": ("code", "version"),
    "zone_town": ("zone", "region"),
}
"""What tells a row among the live ones; the code, where a table is not named here."""
GEOMETRY = "geom"
DIGEST = "geom_sha256"
"""What the audit log keeps of a boundary, whose many vertices stay out."""
VISIBILITY = "visibility"
BEGUN_WITH = frozenset({"state", "status", VISIBILITY})
"""Columns given to new rows only: what an object has come to since is not undone."""


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
    if VISIBILITY in table.columns:
        # What is given here is printed in documents that everybody may read.
        rows = [{VISIBILITY: Visibility.PUBLIC, **row} for row in rows]
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
    rows = [row for row in rows if not _leads_nowhere(row, ids)]
    stored = [_stored(table, row, ids) for row in rows]
    key = tuple(_column(table, name).name for name in KEYS.get(table.name, ("code",)))
    present, deleted = await _present(session, table, stored, key)
    made: list[Row] = []
    differing: list[tuple[Row, Row, Row]] = []
    for row, values in zip(rows, stored, strict=True):
        place = tuple(values[name] for name in key)
        old = present.get(place)
        if old is not None:
            different = _differing(values, old)
            if different:
                differing.append((row, old, different))
        elif place not in deleted:
            made.append(_without_forgotten(values))
            _tell(session, act, table, row, before=None)
    changed = await _correct(session, table, differing, act)
    await _insert(session, table, made)
    return Put(len(rows), len(made), changed)


async def _correct(
    session: AsyncSession, table: Table, differing: Sequence[tuple[Row, Row, Row]], act: Act
) -> int:
    """Change what differs and is still as it was given last; how many rows changed."""
    if not differing:
        return 0
    told = await _told_last(session, table, [_object_id(table, row) for row, _, _ in differing])
    codes = await _codes(session, table, [old for _, old, _ in differing])
    changed = 0
    for row, old, different in differing:
        given = told.get(_object_id(table, row), {})
        ours = _unedited(table, different, old, given, codes)
        if ours:
            changed += 1
            await session.execute(_change(table, old, ours))
            before = {name: old[name] for name in ours}
            _tell(session, act, table, _members(table, row, ours), before=before)
    return changed


async def _told_last(
    session: AsyncSession, table: Table, objects: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """What the product gave last of each object, by member."""
    await write_entries(session)
    log = AuditLog
    query = (
        select(log.object_id, log.after)
        .where(log.object_table == table.name, log.object_id.in_(objects), log.action == "seed")
        .order_by(log.id)
    )
    told: dict[str, dict[str, Any]] = {}
    for code, after in await session.execute(query):
        known = told.setdefault(code, {})
        attrs = {**known.get("attrs", {}), **((after or {}).get("attrs") or {})}
        known.update(after or {})
        known["attrs"] = attrs
    return told


async def _codes(
    session: AsyncSession, table: Table, rows: Sequence[Row]
) -> dict[str, dict[int, str]]:
    """The codes of the rows that columns refer to now, by column."""
    found: dict[str, dict[int, str]] = {}
    for key in _references(table):
        name, other = key.parent.name, key.column.table
        ids = {row[name] for row in rows if row.get(name) is not None}
        if ids and "code" in other.columns:
            query = select(other.c.id, other.c.code).where(other.c.id.in_(ids))
            found[name] = {row.id: row.code for row in await session.execute(query)}
    for column, of in _lists(table):
        ids = {each for row in rows for each in row.get(column.name) or ()}
        query = select(of.c.id, of.c.code).where(of.c.id.in_(ids))
        found[column.name] = {row.id: row.code for row in await session.execute(query)}
    return found


def _unedited(
    table: Table,
    different: Row,
    old: Row,
    told: Mapping[str, Any],
    codes: Mapping[str, Mapping[int, str]],
) -> Row:
    """The changes of what nobody else has changed: it is as it was told last, or empty."""
    ours: Row = {}
    for column, value in different.items():
        if column == "attrs":
            attrs = _unedited_attrs(value, old["attrs"], told.get("attrs", {}))
            if attrs != old["attrs"]:
                ours[column] = attrs
            continue
        now = _plain(_now(old[column], codes.get(column)))
        member = DIGEST if column == GEOMETRY else _member(table, column)
        # Boundaries come from the operator's file; earlier entries do not tell which it was.
        never_told = column == GEOMETRY and DIGEST not in told
        as_told = member in told and _plain(told[member]) == now
        if as_told or never_told or now in (None, [], {}):
            ours[column] = value
    return ours


def _unedited_attrs(wanted: Row, old: Row, told: Mapping[str, Any]) -> Row:
    """The attributes as they are, with the changes of those that are as they were told last."""
    attrs = dict(old)
    for name in wanted.keys() | old.keys():
        if _plain(old.get(name)) != _plain(told.get(name)):
            continue
        if name in wanted:
            attrs[name] = wanted[name]
        else:
            attrs.pop(name, None)
    return attrs


def _now(value: Any, codes: Mapping[int, str] | None) -> Any:
    """A column's value as a row gives it: what it refers to by code, a boundary by its digest."""
    if isinstance(value, bytes | memoryview):
        return _digest(value)
    if codes is None or value is None:
        return _readable(value)
    return [codes.get(each) for each in value] if isinstance(value, list) else codes.get(value)


def _digest(shape: bytes | memoryview) -> str:
    return hashlib.sha256(shape).hexdigest()


def _member(table: Table, column: str) -> str:
    """The member a row gives a column under."""
    refers = {key.parent.name for key in _references(table)}
    lists = {listed.name for listed, _ in _lists(table)}
    return _bare(column) if column in refers | lists else column


def _members(table: Table, row: Row, columns: Row) -> Row:
    """A row with no other members than those of the columns, and its key."""
    kept = {*KEYS.get(table.name, ("code",)), *(_member(table, column) for column in columns)}
    members = {name: value for name, value in row.items() if name in kept}
    return {**members, "attrs": columns["attrs"]} if "attrs" in columns else members


def _leads_nowhere(row: Row, ids: Mapping[str, Mapping[str, int | None]]) -> bool:
    """Whether a row refers to one that somebody has deleted."""
    return any(
        isinstance(row.get(name), str) and found[row[name]] is None for name, found in ids.items()
    )


def _without_forgotten(values: Row) -> Row:
    attrs = values.get("attrs")
    if attrs is None:
        return values
    return {**values, "attrs": {name: each for name, each in attrs.items() if each is not None}}


async def retire(session: AsyncSession, table_name: str, codes: Iterable[str], act: Act) -> int:
    """Delete rows that were given once and are no longer, where nobody has had to do with them.

    What somebody has changed stays, and what another row refers to.
    """
    table = Base.metadata.tables[table_name]
    return sum([await _retire(session, table, code, act) for code in sorted(codes)])


async def _retire(session: AsyncSession, table: Table, code: str, act: Act) -> int:
    live = (table.c.code == code) & table.c.deleted_at.is_(None)
    row_id = await session.scalar(select(table.c.id).where(live))
    if row_id is None or await _touched(session, table, code, row_id):
        return 0
    values = {"deleted_at": func.now(), "row_version": table.c.row_version + 1}
    await session.execute(update(table).where(live).values(values))
    record(session, act, "seed", table=table.name, object_id=code, before={"id": row_id})
    return 1


async def _touched(session: AsyncSession, table: Table, code: str, row_id: int) -> bool:
    """Whether somebody has changed a row, or another row refers to it."""
    await write_entries(session)
    log = AuditLog
    others = select(log.id).where(
        log.object_table == table.name, log.object_id == code, log.action != "seed"
    )
    columns = [
        key.parent
        for each in Base.metadata.tables.values()
        for key in _references(each)
        if key.column.table is table
    ]
    asked = [others, *(select(column).where(column == row_id) for column in columns)]
    return bool(await session.scalar(select(or_(*(query.exists() for query in asked)))))


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


@cache
def _column(table: Table, name: str) -> Column[Any]:
    """The column a member of a row is kept in."""
    return next(column for column in table.columns if name in {column.name, _bare(column.name)})


async def _ids(
    session: AsyncSession, table: Table, rows: Sequence[Row]
) -> dict[str, dict[str, int | None]]:
    """The ids of the codes that the rows give, by member; None for those somebody has deleted."""
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
) -> dict[str, int | None]:
    query: Select[Any] = select(table.c.code, table.c.id, table.c.deleted_at).where(
        table.c.code.in_(codes)
    )
    # A zoning has a row for each version; what ships with the product is the first.
    if table.name == "zone_scheme":
        query = query.where(table.c.version == 1)
    if table.name == "zone":
        scheme = Base.metadata.tables["zone_scheme"]
        query = query.join(scheme, scheme.c.id == table.c.scheme_id).where(scheme.c.version == 1)
    ids: dict[str, int | None] = {}
    for row in await session.execute(query):
        if row.deleted_at is None:
            ids[row.code] = row.id
        else:
            ids.setdefault(row.code, None)
    missing = sorted(codes - ids.keys())
    if missing:
        raise InvalidInput(f"there is no {table.name} {missing[0]!r}", pointer=member)
    return ids


def _stored(table: Table, row: Row, ids: Mapping[str, Mapping[str, int | None]]) -> Row:
    """The row as its table keeps it."""
    stored = {}
    for name, value in row.items():
        column = _column(table, name)
        if isinstance(value, list) and name in ids:
            known = [ids[name][code] for code in value]
            value = [each for each in known if each is not None]
        elif value is not None and name in ids:
            value = ids[name][value]
        elif value is not None and isinstance(column.type, Numeric) and column.type.asdecimal:
            value = Decimal(str(value))
        stored[column.name] = value
    return stored


async def _present(
    session: AsyncSession, table: Table, rows: Sequence[Row], key: tuple[str, ...]
) -> tuple[dict[tuple[Any, ...], Row], set[tuple[Any, ...]]]:
    """The live rows that may be the given ones, by key; and the keys of those that are deleted."""
    named = {name for row in rows for name in row} | {*key, *table.primary_key.columns.keys()}
    columns = [
        func.ST_AsEWKB(table.c[name]).label(name) if name == GEOMETRY else table.c[name]
        for name in sorted(named | {"deleted_at"}.intersection(table.c.keys()))
    ]
    query: Select[Any] = select(*columns).where(table.c[key[0]].in_({row[key[0]] for row in rows}))
    rows = [dict(row) for row in (await session.execute(query)).mappings()]
    places = [(tuple(row[name] for name in key), row) for row in rows]
    live = {place: row for place, row in places if row.get("deleted_at") is None}
    return live, {place for place, row in places if row.get("deleted_at") is not None}


def _differing(values: Row, old: Row) -> Row:
    """The columns whose values change; of attributes, all of them as they will be."""
    merged = dict(values)
    if "attrs" in values:
        forgotten = {name for name, value in values["attrs"].items() if value is None}
        kept = {name: value for name, value in old["attrs"].items() if name not in forgotten}
        merged["attrs"] = {**kept, **_without_forgotten(values)["attrs"]}
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
    record(
        session,
        act,
        "seed",
        table=table.name,
        object_id=_object_id(table, row),
        before=None if before is None else _image(before),
        after=_image(row),
    )


def _object_id(table: Table, row: Row) -> str:
    return ":".join(str(row[name]) for name in KEYS.get(table.name, ("code",)))


def _image(row: Row) -> Row:
    """The row as the audit log keeps it; of a boundary, its digest."""
    image = {name: _readable(value) for name, value in row.items() if name != GEOMETRY}
    shape = row.get(GEOMETRY)
    return image if shape is None else {**image, DIGEST: _digest(shape)}


def _readable(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value
