"""Begin an edition of a plan: a draft with its content, which takes its place once approved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.editions.copying import LONGEST_CODE, copy_content
from shanhai.db.features.drafts import CODE, read_draft
from shanhai.db.features.images import Image, lock
from shanhai.db.features.plans import PLANS
from shanhai.db.features.rights import demand_role, editing_of
from shanhai.db.features.writing import create
from shanhai.db.identity import Identity
from shanhai.db.quality.reading import check_and_keep
from shanhai.db.queries.audit import Act, record
from shanhai.db.today import read_today
from shanhai.errors import Conflict

OWN = frozenset({"code", "status", "version", "valid_from", "valid_to"})
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
    kept = {name: value for name, value in former.values.items() if name not in OWN}
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
