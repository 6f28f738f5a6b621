"""Many rows beside an entity's table: copied in, resolved to columns, compared with what is there.

Values come as JSON texts by property, checked already; PostgreSQL turns them into its own types.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Column, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import STORAGE_SRID
from shanhai.db.features.columns import OWN_FIELDS, columns_of, table_of
from shanhai.db.features.entity import Entity, Property
from shanhai.db.features.input_validation import code_property
from shanhai.db.features.sql_write import ids_of
from shanhai.db.identity import Viewer
from shanhai.vocabulary import VISIBILITIES, WIDEST, Visibility

GIVEN, KNOWN, ROWS = "import_given", "import_known", "import_rows"
REFUSED, WRITTEN = "import_refused", "import_written"
BEFORE, AFTER = "import_before", "import_after"
PORTION_ROWS = 10_000
"""Rows one statement treats: a statement has a time it must end in, and memory for its triggers."""
CODES_AT_ONCE = 10_000
Span = tuple[int, int]
"""Numbers of rows, the second one excluded."""
JOINED_BY = (
    "SELECT set_config('enable_hashjoin', '{0}', true), set_config('enable_mergejoin', '{0}', true)"
)
WITHIN = "i_r.row >= :first AND i_r.row < :end"
DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has no types here
Staged = Sequence[Any]
"""The number of the row, its code, its geometry as WKB, what a repair did to that (a JSON text),
the beginnings of texts its file may have cut, by property (a JSON text), then a JSON text for each
property."""


@dataclass(frozen=True)
class Stage:
    """The rows of one import, and the SQL that speaks of them.

    Attributes:
        properties: What the rows give, beside code and geometry.
        shaped: They give geometry as well.
        visibility: Of new rows that do not say it themselves.
        own: Names that `fields` tells of; what it has of others in a row there is stays.
    """

    entity: Entity
    properties: tuple[Property, ...]
    shaped: bool
    visibility: Visibility = Visibility.REGION
    own: Sequence[str] = ()

    @cached_property
    def columns(self) -> Mapping[str, Column[Any]]:
        """The columns of the entity's table."""
        return dict(table_of(self.entity).columns.items())

    @cached_property
    def kept(self) -> tuple[Property, ...]:
        """The properties with a column of their own."""
        return tuple(item for item in self.properties if item.column is not None)

    @cached_property
    def attributes(self) -> tuple[Property, ...]:
        """The properties that are members of `attrs`."""
        return tuple(item for item in self.properties if item.attribute is not None)

    @cached_property
    def references(self) -> tuple[Property, ...]:
        """The properties that refer to other entities."""
        return tuple(item for item in self.kept if item.refers_to is not None)

    @cached_property
    def code_column(self) -> str:
        """The column of the code."""
        return code_property(self.entity).column or "code"

    def given(self, item: Property) -> str:
        """SQL of a property's text as it was given."""
        return f'i_g."p_{item.name}"'

    def resolved(self, item: Property) -> str:
        """SQL of a property's value as its column has it."""
        raw = f"CAST({self.given(item)} AS jsonb)"
        column = self.columns[str(item.column)]
        if item.refers_to is not None:
            return self._ids(item, raw, many=isinstance(column.type, ARRAY))
        kind = column.type.compile(dialect=DIALECT)
        if isinstance(column.type, JSONB):
            return raw
        if isinstance(column.type, ARRAY):
            elements = f"ARRAY(SELECT jsonb_array_elements_text({raw}))"
            return f"CASE WHEN {self.given(item)} IS NULL THEN NULL ELSE {elements}::{kind} END"
        return f"CAST({raw} #>> '{{}}' AS {kind})"

    def _ids(self, item: Property, raw: str, *, many: bool) -> str:
        if not many:
            return (
                f"(SELECT i_k.id FROM {KNOWN} i_k WHERE i_k.entity = '{item.refers_to}'"  # noqa: S608
                f" AND i_k.code = {raw} #>> '{{}}')"
            )
        listed = f"jsonb_array_elements_text({raw}) WITH ORDINALITY AS e (code, place)"
        return (
            f"CASE WHEN {self.given(item)} IS NULL THEN NULL"  # noqa: S608
            f" ELSE ARRAY(SELECT i_k.id FROM {listed}"
            f" JOIN {KNOWN} i_k ON i_k.entity = '{item.refers_to}' AND i_k.code = e.code"
            " ORDER BY e.place) END"
        )

    @cached_property
    def beside(self) -> tuple[Property, ...]:
        """References that are part of the key under which codes are distinct."""
        for index in table_of(self.entity).indexes:
            names = {column.name for column in index.columns}
            others = names - {self.code_column}
            found = tuple(item for item in self.references if item.column in others)
            if index.unique and self.code_column in names and others and len(found) == len(others):
                return found
        return ()

    @cached_property
    def found(self) -> str:
        """SQL of the live row a staged one means: the current one, or else the newest."""
        entity = self.entity
        places = "".join(
            f" AND {entity.alias}.{item.column} = {self.resolved(item)}" for item in self.beside
        )
        return (
            f"(SELECT {entity.key} FROM {entity.source} WHERE {entity.live}"  # noqa: S608
            f" AND {entity.code} = i_g.code{places}"
            f" ORDER BY ({entity.current}) DESC, {entity.key} DESC LIMIT 1)"
        )

    @cached_property
    def differs(self) -> str:
        """SQL that holds when the row `t` differs from the staged one `r` in anything but place."""
        rules = [f'i_t."{i.column}" IS DISTINCT FROM {self.changed(i)}' for i in self.kept]
        rules += [
            f"nullif(i_t.attrs->'{item.attribute}', 'null') IS DISTINCT FROM"
            f" nullif(i_r.\"a_{item.attribute}\", 'null')"
            for item in self.attributes
        ]
        return " OR ".join(rules) or "false"

    @cached_property
    def visibility_column(self) -> str | None:
        """The column that says who may read a row."""
        declared = self.entity.declared("visibility")
        return None if declared is None else declared.column

    @cached_property
    def _shown(self) -> str:
        """SQL of who may read a row that does not say it: no more than its class allows."""
        if "data_class" not in {item.column for item in self.kept}:
            return f"'{self.visibility}'"
        order = [item.code for item in VISIBILITIES]
        bounded = {
            code: max(widest, self.visibility, key=order.index)
            for code, widest in WIDEST.items()
            if code is not None
        }
        listed = " ".join(f"WHEN '{code}' THEN '{shown}'" for code, shown in bounded.items())
        return f"CASE i_r.\"c_data_class\" {listed} ELSE '{self.visibility}' END"

    @cached_property
    def state_column(self) -> str | None:
        """The column of the state, which is changed by steps only."""
        editing = self.entity.editing
        if editing is None or editing.lifecycle is None:
            return None
        declared = self.entity.declared(editing.lifecycle.property)
        return None if declared is None else declared.column

    @cached_property
    def moves(self) -> str:
        """SQL that holds when the geometries of `t` and `r` differ in any way."""
        return (
            f"i_t.{self.entity.geometry_column} IS DISTINCT FROM i_r.shape"
            if self.shaped
            else "false"
        )

    @cached_property
    def keeps_repairs(self) -> bool:
        """Whether a row tells what a repair did to its geometry."""
        return self.shaped and "attrs" in self.columns

    def wanted(self, item: Property) -> str:
        """SQL of what a column of a new row is to hold: its default where nothing was given."""
        default = self.default(str(item.column))
        own = f'i_r."c_{item.column}"'
        repeats = item.column == "name_en" and not self.columns["name_en"].nullable
        if repeats and "name_zh" in {one.column for one in self.kept}:
            default = 'i_r."c_name_zh"'
        return own if default is None else f"coalesce({own}, {default})"

    def stays(self, item: Property) -> bool:
        """Whether nothing given leaves what is there: a state, its first day and who reads it."""
        return item.column in {"valid_from", self.state_column, self.visibility_column}

    def changed(self, item: Property) -> str:
        """SQL of what a column of the row `t` that is there already is to hold."""
        own = f'i_r."c_{item.column}"'
        return f'coalesce({own}, i_t."{item.column}")' if self.stays(item) else self.wanted(item)

    def default(self, name: str) -> str | None:
        """SQL of a column's default, if it must hold something."""
        if name == self.visibility_column:
            return self._shown
        column = self.columns[name]
        made: Any = column.server_default
        if column.nullable or made is None or not hasattr(made, "arg"):
            return None
        rule = made.arg
        return f"'{rule}'" if isinstance(rule, str) else str(rule)


async def copy_rows(
    session: AsyncSession, stage: Stage, blocks: AsyncIterator[Sequence[Staged]]
) -> int:
    """Copy rows into a table of this transaction; their number.

    A transaction may write rows several times: what was staged before is gone.
    """
    before = (GIVEN, KNOWN, ROWS, REFUSED, WRITTEN, BEFORE, AFTER)
    listed = ", ".join(f"pg_temp.{name}" for name in before)
    await session.execute(text(f"DROP TABLE IF EXISTS {listed}"))
    members = "".join(f', "p_{item.name}" text' for item in stage.properties)
    await session.execute(
        text(
            f"CREATE TEMPORARY TABLE {GIVEN}"
            " (row bigint PRIMARY KEY, code text, wkb bytea, mended text, cut text"
            f"{members}) ON COMMIT DROP"
        )
    )
    connection = await session.connection()
    raw: Any = (await connection.get_raw_connection()).driver_connection
    # Without them asyncpg takes the columns of the table that had this name before.
    own = ("row", "code", "wkb", "mended", "cut")
    names = [*own, *(f"p_{item.name}" for item in stage.properties)]
    number = 0
    async for block in blocks:
        await raw.copy_records_to_table(GIVEN, records=block, columns=names)
        number += len(block)
    await session.execute(text(f"ANALYZE {GIVEN}"))
    return number


async def find_references(session: AsyncSession, stage: Stage, viewer: Viewer) -> None:
    """Note the ids of all codes the rows refer to, as far as the viewer may know of them."""
    await session.execute(
        text(
            f"CREATE TEMPORARY TABLE {KNOWN}"
            " (entity text, code text, id bigint, PRIMARY KEY (entity, code)) ON COMMIT DROP"
        )
    )
    by_entity: dict[str, set[str]] = {}
    for item in stage.references:
        rows = await session.execute(text(_codes_query(stage, item)))
        by_entity.setdefault(str(item.refers_to), set()).update(rows.scalars())
    for name, codes in by_entity.items():
        ordered = sorted(codes)
        for start in range(0, len(ordered), CODES_AT_ONCE):
            ids = await ids_of(session, name, ordered[start : start + CODES_AT_ONCE], viewer)
            if ids:
                await session.execute(
                    text(f"INSERT INTO {KNOWN} VALUES (:entity, :code, :id)"),  # noqa: S608
                    [{"entity": name, "code": code, "id": found} for code, found in ids.items()],
                )


def _codes_query(stage: Stage, item: Property) -> str:
    """Every code a property refers to, once."""
    raw = f"CAST({stage.given(item)} AS jsonb)"
    listed = (
        f"jsonb_array_elements_text(CASE jsonb_typeof({raw}) WHEN 'array' THEN {raw}"
        f" ELSE jsonb_build_array({raw}) END)"
    )
    return (
        f"SELECT DISTINCT {listed} FROM {GIVEN} i_g"  # noqa: S608
        f" WHERE {stage.given(item)} IS NOT NULL"
    )


async def resolve_rows(session: AsyncSession, stage: Stage) -> None:
    """Make the table of rows as columns, with the row each one means and whether it differs."""
    parts = ["i_g.row", "i_g.code", f"{stage.found} AS found"]
    parts += [f'{stage.resolved(item)} AS "c_{item.column}"' for item in stage.kept]
    parts += [
        f'CAST({stage.given(item)} AS jsonb) AS "a_{item.attribute}"' for item in stage.attributes
    ]
    if stage.shaped:
        parts.append(f"ST_GeomFromWKB(i_g.wkb, {STORAGE_SRID}) AS shape")
        parts.append("CAST(i_g.mended AS jsonb) AS mended")
    query = f"SELECT {', '.join(parts)}, false AS moved, false AS changed FROM {GIVEN} i_g"  # noqa: S608
    for statement in (
        f"CREATE TEMPORARY TABLE {ROWS} ON COMMIT DROP AS {query} WITH NO DATA",
        f"ALTER TABLE {ROWS} ADD PRIMARY KEY (row)",
        f"CREATE TEMPORARY TABLE {REFUSED} (row bigint PRIMARY KEY) ON COMMIT DROP",
        f"CREATE TEMPORARY TABLE {WRITTEN} (row bigint PRIMARY KEY, id bigint) ON COMMIT DROP",
        f"CREATE TEMPORARY TABLE {BEFORE} (row bigint PRIMARY KEY, image jsonb) ON COMMIT DROP",
        f"CREATE TEMPORARY TABLE {AFTER} (row bigint PRIMARY KEY, image jsonb) ON COMMIT DROP",
    ):
        await session.execute(text(statement))
    given = f"INSERT INTO {ROWS} {query} WHERE i_g.row >= :first AND i_g.row < :end"
    spans = await spans_of(session, GIVEN)
    await in_portions(session, given, spans)
    await session.execute(text(f"CREATE INDEX ON {ROWS} (found) WHERE found IS NOT NULL"))
    await session.execute(text(f"ANALYZE {ROWS}"))
    if stage.own:
        kept, new = f"i_t.attrs->'{OWN_FIELDS}'", f"coalesce(i_r.a_{OWN_FIELDS}, '{{}}')"
        added = (
            f"UPDATE {ROWS} i_r SET a_{OWN_FIELDS} ="  # noqa: S608
            f" nullif(({kept}) - CAST(:own AS text[]) || {new}, '{{}}')"
            f" FROM {stage.entity.table} i_t WHERE i_t.id = i_r.found"
            f" AND jsonb_typeof({kept}) = 'object' AND {WITHIN}"
        )
        await in_portions(session, added, spans, by_index=True, own=stage.own)
    compared = (
        f"UPDATE {ROWS} i_r SET moved = {stage.moves},"  # noqa: S608
        f" changed = {stage.differs} OR {stage.moves}"
        f" FROM {stage.entity.table} i_t WHERE i_t.id = i_r.found AND {WITHIN}"
    )
    await in_portions(session, compared, spans, by_index=True)


async def spans_of(
    session: AsyncSession, table: str = ROWS, *, rows: int | None = None
) -> list[Span]:
    """Portions that hold all rows, of `PORTION_ROWS` or of `rows` numbers each."""
    step = rows or PORTION_ROWS
    last = int(await session.scalar(text(f"SELECT max(row) FROM {table}")) or 0)  # noqa: S608
    return [(first, first + step) for first in range(0, last + 1, step)]


async def in_portions(
    session: AsyncSession,
    statement: str,
    spans: Sequence[Span],
    *,
    by_index: bool = False,
    **values: Any,
) -> None:
    """Carry out a statement about the rows between `:first` and `:end` for each portion.

    Args:
        by_index: The rows are joined to a table by its key. Left to itself the planner might read
            the whole table for every portion.
    """
    if by_index:
        await session.execute(text(JOINED_BY.format("off")))
    query = text(statement)
    for first, end in spans:
        await session.execute(query, {"first": first, "end": end, **values})
    if by_index:
        await session.execute(text(JOINED_BY.format("on")))


def touched(entity: Entity) -> list[str]:
    """Assignments that count a change of a row."""
    names = columns_of(entity)
    found = []
    if "row_version" in names:
        found.append("row_version = i_t.row_version + 1")
    if "updated_at" in names:
        found.append("updated_at = now()")
    return found
