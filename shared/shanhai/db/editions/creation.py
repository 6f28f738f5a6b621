"""Begin an edition of a plan: a draft with a copy of the content, one statement a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.plans import PLANS
from shanhai.db.editions.content import (
    CONTENT,
    CONTENT_BY_TABLE,
    COPIED_FROM,
    PLAN,
    Content,
    held,
    live,
)
from shanhai.db.engine import read_today
from shanhai.db.features.input_validation import CODE, read_draft
from shanhai.db.features.snapshots import Image, lock
from shanhai.db.features.write import create
from shanhai.db.fence import writing_everywhere
from shanhai.db.identity import Identity, demand_role, editing_of
from shanhai.db.quality.findings import check_and_keep
from shanhai.db.queries.audit import Act, record
from shanhai.errors import Conflict

LONGEST_CODE = 80
ROW_COLUMNS = frozenset({"id", "row_version", "created_at", "updated_at", "deleted_at"})
"""Columns a copy has of its own."""
# The mark of an earlier edition goes; of a long code the end is left out; one that is taken gets
# the number of its row.
MARKED = (
    "left(regexp_replace(o.code, '\\.v[0-9]+$', ''), :longest - length(CAST(:mark AS text)))"
    " || CAST(:mark AS text)"
)
COPIED_CODE = """
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
    wanted = [
        column for column in columns if column.name not in ROW_COLUMNS and column.computed is None
    ]
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
        return COPIED_CODE.format(table=content.table)
    if name == "valid_from":
        # What is to hold later only does so in the copy too.
        return "greatest(o.valid_from, current_date)"
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


EDITION_MEMBERS = frozenset({"code", "status", "version", "valid_from", "valid_to"})
"""Members an edition has of its own."""
_WORKED_ON = text(
    "SELECT id, code, status FROM plan WHERE supersedes_id = :id AND deleted_at IS NULL"
    " AND status IN ('draft', 'submitted') ORDER BY id LIMIT 1"
)
_STATUS = text(
    "SELECT code, status, NOT isempty(in_force) AND (supersedes_id IS NOT NULL OR EXISTS ("
    "SELECT FROM plan_history h WHERE h.id = plan.id AND h.status = 'approved')) AS was_in_force"
    " FROM plan WHERE id = :id"
)
_LATER = text(
    "SELECT code FROM plan WHERE supersedes_id = :id AND deleted_at IS NULL"
    " AND (status IN ('approved', 'superseded') OR status = 'withdrawn' AND NOT isempty(in_force))"
    " ORDER BY id LIMIT 1"
)
# A number that was given is not given again, be it that of a draft that was withdrawn.
_NUMBERS = text(
    "SELECT max(p.version) + 1 AS version, max(p.edition) + 1 AS edition,"
    " coalesce(former.lineage_id, former.id) AS lineage FROM plan former"
    " JOIN plan p ON coalesce(p.lineage_id, p.id) = coalesce(former.lineage_id, former.id)"
    " WHERE former.id = :id GROUP BY former.id"
)
_TAKE_PLACE = text(
    "UPDATE plan SET supersedes_id = :former, lineage_id = :lineage, edition = :edition,"
    " in_force = 'empty', attrs = (was.attrs - CAST(:emptied AS text[])) || plan.attrs,"
    " row_version = plan.row_version + 1, updated_at = now()"
    " FROM plan was WHERE was.id = :former AND plan.id = :id"
)


@dataclass(frozen=True, slots=True)
class Edition:
    """A plan that is to take the place of another."""

    id: int
    code: str
    status: str


async def find_worked_on(session: AsyncSession, former_id: int) -> Edition | None:
    """The edition of a plan that is being worked on."""
    row = (await session.execute(_WORKED_ON, {"id": former_id})).first()
    return None if row is None else Edition(*row)


async def _demand_revisable(session: AsyncSession, plan_id: int) -> None:
    """Refuse to revise a plan that was never in force, or is so no more: drafts are edited.

    One that was withdrawn while it was in force may be followed by another.

    Raises:
        Conflict: it was not.
    """
    row = (await session.execute(_STATUS, {"id": plan_id})).one()
    if row.status == "approved" or (row.status == "withdrawn" and row.was_in_force):
        return
    raise Conflict(
        f"the plan {row.code!r} is {row.status}: only one in force is revised",
        message_zh=f"规划 {row.code!r} 状态为 {row.status}；仅施行中的规划可修编",
    )


async def begin_edition(
    session: AsyncSession,
    identity: Identity,
    act: Act,
    former_id: int,
    patch: Mapping[str, Any],
    *,
    note: str | None = None,
) -> Edition:
    """A draft with the members and the content of a plan; it names whose place it takes.

    Each row of `shanhai.db.editions.content.CONTENT` is copied. Projects are not: the draft shows
    those of the plan, and they follow when it is approved.

    Args:
        patch: Members in which it differs, as JSON.
        note: Why it is begun; a proposal says it by itself.

    Raises:
        Unauthenticated, Forbidden: the identity may not make plans of the region.
        InvalidInput: a member breaks a rule.
        Conflict: an edition of the plan is being worked on already, or took its place; or the plan
            was never in force.
    """
    former = await lock(session, PLANS, former_id)
    if former is None:
        raise LookupError(f"there is no plan in row {former_id}")
    demand_role(identity, editing_of(PLANS, identity, "create").roles, former.region_id)
    await _demand_newest(session, former)
    await _demand_revisable(session, former_id)
    numbers = (await session.execute(_NUMBERS, {"id": former_id})).one()
    code = edition_code(former.code, numbers.version)
    kept = {name: value for name, value in former.values.items() if name not in EDITION_MEMBERS}
    own = {"version": numbers.version, "code": code, "valid_from": await read_today(session)}
    given = {n: value for n, value in {**kept, **patch, **own}.items() if value is not None}
    given["valid_from"] = given["valid_from"].isoformat()
    draft = await read_draft(PLANS, {"type": "Feature", "properties": given}, whole=True)
    written = await create(session, PLANS, identity, act, draft)
    both = {"id": written.row_id, "former": former_id}
    emptied = [name for name, value in patch.items() if value is None]
    place = {"lineage": numbers.lineage, "edition": numbers.edition, "emptied": emptied}
    await session.execute(_TAKE_PLACE, {**both, **place})
    mark = f".v{numbers.version}"
    # What a joint plan holds lies in all its regions, and who begins the edition has a role in one.
    async with writing_everywhere(session):
        copied = await copy_content(session, former_id, written.row_id, mark)
    for table, codes in copied.items():
        for code in codes:
            said = {"plan": written.code, "copied_in": former.code}
            record(session, act, "begin_version", table=table, object_id=code, after=said)
    after = {
        "id": written.row_id,
        "supersedes": former.code,
        "version": numbers.version,
        "copied": {table: len(codes) for table, codes in copied.items()},
        **({} if note is None else {"note": note}),
    }
    record(session, act, "begin_version", table="plan", object_id=written.code, after=after)
    await check_and_keep(session, written.row_id)
    return Edition(written.row_id, written.code, "draft")


async def _demand_newest(session: AsyncSession, former: Image) -> None:
    """Refuse to begin an edition beside another of the same plan.

    Raises:
        Conflict: one is being worked on, or has taken its place.
    """
    present = await find_worked_on(session, former.row_id)
    if present is not None:
        raise Conflict(
            f"{present.code!r}, an edition of {former.code!r}, is {present.status}; go on with"
            " that one",
            message_zh=f"规划 {former.code!r} 的新版 {present.code!r} 尚未批准"
            f"（{present.status}），请在该版上继续",
        )
    later = await session.scalar(_LATER, {"id": former.row_id})
    if later is not None:
        raise Conflict(
            f"{later!r} has taken the place of {former.code!r}; begin from that one",
            message_zh=f"规划 {former.code!r} 已由 {later!r} 取代，请从该版开始",
        )


def edition_code(code: str, number: int) -> str:
    """The code of an edition: that of the plan, without the mark of its own edition, and a mark.

    Of a long code the end is left out.
    """
    root, mark, last = code.rpartition(".v")
    stem = root if mark and root and last.isdecimal() else code
    made = f"{stem[: LONGEST_CODE - len(f'.v{number}')]}.v{number}"
    if CODE.fullmatch(made) is None:
        raise LookupError(f"{made!r} is no code")
    return made
