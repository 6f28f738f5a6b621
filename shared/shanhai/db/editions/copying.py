"""Copy what an edition of a plan holds into a new one: one statement a table."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Column, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.editions.content import (
    CONTENT,
    CONTENT_BY_TABLE,
    COPIED_FROM,
    PLAN,
    Content,
    held,
    live,
)

LONGEST_CODE = 80
OWN = frozenset({"id", "row_version", "created_at", "updated_at", "deleted_at"})
"""Columns a copy has of its own."""
# The mark of an earlier edition goes; of a long code the end is left out; one that is taken gets
# the number of its row.
MARKED = (
    "left(regexp_replace(o.code, '\\.v[0-9]+$', ''), :longest - length(CAST(:mark AS text)))"
    " || CAST(:mark AS text)"
)
CODE = """
CASE WHEN ids.place > 1 OR EXISTS (SELECT FROM {table} taken
                WHERE taken.code = ids.code AND taken.deleted_at IS NULL)
     THEN left(regexp_replace(o.code, '\\.v[0-9]+$', ''), 50) || CAST(:mark AS text) || '.' || o.id
     ELSE ids.code END"""


async def copy_content(
    session: AsyncSession, former_id: int, new_id: int, mark: str
) -> Mapping[str, Sequence[str]]:
    """Copy what one edition holds into another; the codes of the copies, table by table.

    Args:
        mark: What the codes of copies end in, where codes are unique over all plans.
    """
    values = {"former": former_id, "id": new_id, "mark": mark, "longest": LONGEST_CODE}
    made = {}
    for content in CONTENT:
        codes = (await session.scalars(text(statement_of(content)), values)).all()
        if "code" in content.columns.columns:
            made[content.table] = codes
    return {table: codes for table, codes in made.items() if codes}


def statement_of(content: Content) -> str:
    """The statement that copies a table; it reads `:former` and `:id`, the numbers of two plans."""
    columns = content.columns.columns
    wanted = [column for column in columns if column.name not in OWN and column.computed is None]
    numbered = "id" in columns
    names = [*(["id"] if numbered else []), *(column.name for column in wanted)]
    values = [*(["ids.new"] if numbered else []), *(_value(content, item) for item in wanted)]
    return (
        f"{_numbers(content) if numbered else ''}"  # noqa: S608 - constants of this code
        f"INSERT INTO {content.table} ({', '.join(names)})"
        f"{' OVERRIDING SYSTEM VALUE' if numbered else ''}"
        f" SELECT {', '.join(values)} FROM {content.table} o"
        f"{' JOIN ids ON ids.old = o.id' if numbered else ''}"
        f" WHERE {'true' if numbered else _taken(content)}"
        f" RETURNING {'code' if 'code' in columns else '1'}"
    )


def _numbers(content: Content) -> str:
    """The numbers the copies get, so that rows which refer to each other can be copied at once."""
    marked = has_marked_code(content)
    code = f", {MARKED} AS code, row_number() OVER (PARTITION BY {MARKED} ORDER BY o.id) AS place"
    return (
        "WITH ids AS MATERIALIZED (SELECT o.id AS old,"  # noqa: S608 - constants of this code
        f" nextval(pg_get_serial_sequence('{content.table}', 'id')) AS new{code if marked else ''}"
        f" FROM {content.table} o WHERE {_taken(content)}) "
    )


def _taken(content: Content) -> str:
    above = _above(content)
    return f"{held(content, 'o', ':former')} AND {live(content, 'o')} AND ({content.taken}){above}"


def _above(content: Content) -> str:
    """Only what lies below something that was taken."""
    return (
        "" if content.of == PLAN else f" AND {_copy_of(content.of, f'o.{content.by}')} IS NOT NULL"
    )


def _value(content: Content, column: Column[object]) -> str:
    name = column.name
    if name in content.anew:
        return content.anew[name]
    if name == COPIED_FROM:
        return "o.id"
    if name == "code" and has_marked_code(content):
        return CODE.format(table=content.table)
    if name == "valid_from":
        return "current_date"
    if name in content.lists:
        copy = _copy_of(content.lists[name], "named.id")
        return (
            f"ARRAY(SELECT {copy} FROM unnest(o.{name}) WITH ORDINALITY AS named (id, place)"  # noqa: S608
            f" WHERE {copy} IS NOT NULL ORDER BY named.place)"
        )
    return _reference(content, column)


def _reference(content: Content, column: Column[object]) -> str:
    """A column, and where it refers to what was copied too, the copy's number."""
    own = f"o.{column.name}"
    to = next((key.column.table.name for key in column.foreign_keys), None)
    if to == PLAN and column.name == content.by:
        return ":id"
    if to == content.table:
        return f"(SELECT other.new FROM ids other WHERE other.old = {own})"  # noqa: S608
    if to is None or to not in CONTENT_BY_TABLE:
        return own
    if column.name == content.by:
        return _copy_of(to, own)
    # What belongs to no edition, or to another plan, is referred to as before.
    former = held(CONTENT_BY_TABLE[to], "same", ":former")
    same = f"SELECT same.id FROM {to} same WHERE same.id = {own} AND ({former}) IS NOT TRUE"  # noqa: S608
    return f"coalesce({_copy_of(to, own)}, ({same}))"


def _copy_of(table: str, number: str) -> str:
    """SQL of the number of a row's copy in the new edition."""
    content = CONTENT_BY_TABLE[table]
    return (
        f"(SELECT copied.id FROM {table} copied WHERE copied.{COPIED_FROM} = {number}"  # noqa: S608
        f" AND {held(content, 'copied', ':id')})"
    )


def has_marked_code(content: Content) -> bool:
    """Whether codes are unique over all plans."""
    live_codes = (
        index for index in content.columns.indexes if index.name == f"uq_{content.table}_code_live"
    )
    return any([column.name for column in index.columns] == ["code"] for index in live_codes)
