"""Read everything of a plan in a reproducible order, and its shapes as layers."""

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from geoalchemy2 import Geometry
from sqlalchemy import ARRAY, JSON, Column, Float, Integer, Numeric, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.plan_packages import layout

ROWS_AT_ONCE = 500
ASKED = re.compile(r":([a-z_]+)")
Number = Any
"""The number of a row; a job has a UUID."""


@dataclass(slots=True)
class PackageContents:
    """Which rows a package holds: by table, in their order, each with what it refers to.

    Attributes:
        rows: Numbers, or for tables without them the finished rows.
        links: By table and number, the places of what a row refers to.
    """

    plan: str
    rows: dict[str, list[Any]] = field(default_factory=dict)
    links: dict[str, dict[Any, str]] = field(default_factory=dict)


async def read_contents(session: AsyncSession, plan_id: int) -> PackageContents:
    """Find all rows of a plan, and give each its place."""
    await session.execute(text("SET LOCAL TIME ZONE 'UTC'"))
    code = await session.scalar(text("SELECT code FROM plan WHERE id = :id"), {"id": plan_id})
    taken = await _taken(session, plan_id)
    contents, places = PackageContents(str(code)), dict[str, dict[Any, int]]()
    for holding in layout.in_order():
        await _arrange(session, holding, plan_id, taken, places, contents)
    return contents


async def regions_of(session: AsyncSession, contents: PackageContents) -> set[int]:
    """The ids of the regions in which rows lie that are of this plan alone, and not everybody's."""
    found: set[int] = set()
    for table in sorted(contents.links.keys() - layout.SHARED):
        if "region_id" in layout.by_table()[table].references:
            # A published pattern may be of a wider area than the plan, and anyone may see it.
            met = " AND status = 'draft'" if table == "pattern" else ""
            query = text(f"SELECT region_id FROM {table} WHERE id = ANY(:ids){met}")  # noqa: S608
            found.update(await session.scalars(query, {"ids": contents.rows[table]}))
    return found - {None}


async def read_lines(
    session: AsyncSession, holding: layout.Holding, contents: PackageContents
) -> AsyncIterator[str]:
    """The rows of a table as JSON texts, in their order."""
    listed = contents.rows.get(holding.table, [])
    if not holding.numbered:
        for line in listed:
            yield line
        return
    links = contents.links[holding.table]
    query = text(
        f"SELECT o.id, {_row(holding)}::text AS row FROM {holding.table} o"  # noqa: S608
        " WHERE o.id = ANY(:ids)"
    )
    for start in range(0, len(listed), ROWS_AT_ONCE):
        part = listed[start : start + ROWS_AT_ONCE]
        rows = (await session.execute(query, {"ids": part})).all()
        found: dict[Number, str] = {row.id: row.row for row in rows}
        for number in part:
            yield _line(found[number], links[number])


def _line(row: str, links: str) -> str:
    return f'{{"links": {links}, "row": {row}}}'


async def _taken(session: AsyncSession, plan_id: int) -> dict[str, set[Number]]:
    """The numbers of all rows that belong to the plan, or are needed by one that does."""
    taken: dict[str, set[Number]] = {item.table: set() for item in layout.HOLDINGS}
    for holding in layout.HOLDINGS:
        if holding.which is not None and holding.numbered:
            met = f"({holding.which}){_live(holding)}"
            taken[holding.table] |= await _numbers(session, holding, met, plan_id, taken)
    await _add_needed(session, plan_id, taken)
    rules = layout.by_table()["control_rule"]
    met = f"({layout.OF_CLASSES}){_live(rules)}"
    taken[rules.table] |= await _numbers(session, rules, met, plan_id, taken)
    await _add_needed(session, plan_id, taken)
    return taken


def _live(holding: layout.Holding) -> str:
    return " AND o.deleted_at IS NULL" if "deleted_at" in holding.columns.columns else ""


async def _numbers(
    session: AsyncSession,
    holding: layout.Holding,
    condition: str,
    plan_id: int,
    taken: Mapping[str, set[Number]],
) -> set[Number]:
    query = text(f"SELECT o.id FROM {holding.table} o WHERE {condition}")  # noqa: S608
    return set(await session.scalars(query, _values(condition, plan_id, taken)))


def _values(
    condition: str, plan_id: int, taken: Mapping[str, set[Number]]
) -> dict[str, int | list[Number]]:
    """What a condition asks for: the plan, and rows taken before."""
    asked = set(ASKED.findall(condition))
    values: dict[str, int | list[Number]] = {layout.PLAN: plan_id} if layout.PLAN in asked else {}
    return values | {name: sorted(taken[name]) for name in asked - {layout.PLAN}}


async def _add_needed(session: AsyncSession, plan_id: int, taken: dict[str, set[Number]]) -> None:
    """Take what rows refer to, and what that refers to, until nothing is missing."""
    fresh = {table: set(ids) for table, ids in taken.items()}
    first = True
    while first or any(fresh.values()):
        found: dict[str, set[Number]] = {name: set() for name in layout.NEEDED}
        for holding in layout.HOLDINGS:
            for name, to in holding.links.items():
                if to in layout.NEEDED and (first or fresh.get(holding.table)):
                    ids = await _referred(session, holding, name, plan_id, taken, fresh)
                    found[to] |= ids - taken[to]
        for table, ids in found.items():
            taken[table] |= ids
        fresh, first = found, False


async def _referred(
    session: AsyncSession,
    holding: layout.Holding,
    name: str,
    plan_id: int,
    taken: Mapping[str, set[Number]],
    fresh: Mapping[str, set[Number]],
) -> set[Number]:
    value = f"unnest(o.{name})" if name in holding.lists else f"o.{name}"
    if holding.numbered:
        query = text(f"SELECT DISTINCT {value} FROM {holding.table} o WHERE o.id = ANY(:ids)")  # noqa: S608
        found = await session.scalars(query, {"ids": list(fresh.get(holding.table, ()))})
    else:
        met = holding.which or "false"
        query = text(f"SELECT DISTINCT {value} FROM {holding.table} o WHERE {met}")  # noqa: S608
        found = await session.scalars(query, _values(met, plan_id, taken))
    return {item for item in found if item is not None}


async def _arrange(
    session: AsyncSession,
    holding: layout.Holding,
    plan_id: int,
    taken: Mapping[str, set[Number]],
    places: dict[str, dict[Any, int]],
    contents: PackageContents,
) -> None:
    """Put the rows of a table in their order, and note what each refers to."""
    rows = await _described(session, holding, plan_id, taken)
    ready = []
    for number, code, digest, references in rows:
        told = _told(holding, references, places, {holding.table} if holding.numbered else set())
        if told is not None:
            ready.append((code or "", digest, _canonical(told), number, references))
    ready.sort(key=lambda item: item[:3])
    places[holding.table] = {
        _key(holding.table, item[3]): place for place, item in enumerate(ready, start=1)
    }
    if not holding.numbered:
        contents.rows[holding.table] = [_line(item[3], item[2]) for item in ready]
        return
    contents.rows[holding.table] = [item[3] for item in ready]
    contents.links[holding.table] = {
        item[3]: _canonical(_told(holding, item[4], places, set()) or {}) for item in ready
    }


async def _described(
    session: AsyncSession, holding: layout.Holding, plan_id: int, taken: Mapping[str, set[Number]]
) -> Sequence[Any]:
    """Number (or the row itself), code, digest and references of each row taken."""
    links = ", ".join(f"'{name}', to_jsonb(o.{name})" for name in holding.links)
    code = "o.code" if "code" in holding.columns.columns else "NULL"
    row = _row(holding)
    if holding.numbered:
        key, met = "o.id", "o.id = ANY(:ids)"
        values: dict[str, Any] = {"ids": list(taken[holding.table])}
    else:
        key, met = f"{row}::text", holding.which or "false"
        values = _values(met, plan_id, taken)
    query = text(
        f"SELECT {key}, {code}, md5({row}::text), jsonb_build_object({links})"  # noqa: S608
        f" FROM {holding.table} o WHERE {met}"
    )
    return (await session.execute(query, values)).all()


def _told(
    holding: layout.Holding,
    references: Mapping[str, Any],
    places: Mapping[str, Mapping[Any, int]],
    but: set[str],
) -> dict[str, Any] | None:
    """The places of what a row refers to; None when the package lacks what it cannot be without."""
    told: dict[str, Any] = {}
    for name, to in holding.links.items():
        value, known = references.get(name), places.get(to, {})
        if to in but or value is None:
            told[name] = None
        elif name in holding.lists:
            told[name] = [known[_key(to, one)] for one in value if _key(to, one) in known]
        else:
            told[name] = known.get(_key(to, value))
            if told[name] is None and holding.required(name):
                return None
    return told


def _key(table: str, value: Any) -> Any:
    """A number as JSON has it."""
    return str(value) if table == layout.JOB else value


def _row(holding: layout.Holding) -> str:
    """SQL of the columns that travel as they are; geometry with every digit it has."""
    members = [
        f"'{item.name}', encode(ST_AsEWKB(o.{item.name}), 'hex')"
        if item.name in holding.shapes()
        # A plan that is only named here travels as it came.
        else "'deleted_at', to_jsonb(nullif(o.deleted_at, o.created_at))"
        if (holding.table, item.name) == (layout.PLAN, "deleted_at")
        else f"'{item.name}', to_jsonb(o.\"{item.name}\")"
        for item in holding.kept
    ]
    parts = [members[start : start + 45] for start in range(0, len(members), 45)]
    built = " || ".join(f"jsonb_build_object({', '.join(part)})" for part in parts)
    return f"({built or '{}'})" if parts else "'{}'::jsonb"


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(", ", ": "))


Kind = Literal["text", "integer", "number"]
PLAIN: dict[Kind, str] = {"number": "double precision", "integer": "bigint", "text": "text"}


def drawn(contents: PackageContents) -> list[layout.Holding]:
    """The tables with a shape of which there are rows."""
    return [
        holding
        for holding in layout.in_order()
        if holding.numbered and holding.shapes() and contents.rows.get(holding.table)
    ]


def shown_columns(holding: layout.Holding) -> list[tuple[str, Kind]]:
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
    session: AsyncSession, holding: layout.Holding, contents: PackageContents
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
