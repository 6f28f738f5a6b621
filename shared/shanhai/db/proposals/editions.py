"""Editions of a plan in force: drafts that take its place once they are approved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.drafts import CODE, read_draft
from shanhai.db.features.images import lock
from shanhai.db.features.plans import PLANS
from shanhai.db.features.writing import create
from shanhai.db.identity import Identity
from shanhai.db.queries.audit import Act, record
from shanhai.errors import Conflict

LONGEST_CODE = 80
OWN = frozenset({"code", "status", "version", "valid_from", "valid_to"})
"""Members an edition has of its own."""
_WORKED_ON = text(
    "SELECT id, code, status FROM plan WHERE supersedes_id = :id AND deleted_at IS NULL"
    " AND status IN ('draft', 'submitted') ORDER BY id LIMIT 1"
)
_NUMBER = text("SELECT max(version) + 1 FROM plan WHERE id = :id OR supersedes_id = :id")
_TAKE_PLACE = text(
    "UPDATE plan SET supersedes_id = :former,"
    " attrs = (was.attrs - CAST(:emptied AS text[])) || plan.attrs,"
    " row_version = plan.row_version + 1, updated_at = now()"
    " FROM plan was WHERE was.id = :former AND plan.id = :id"
)
_COPY_INDICATORS = text(
    "INSERT INTO plan_indicator (code, plan_id, indicator_id, order_no, category, category_zh,"
    " category_en, property, party_id, attrs)"
    " SELECT code, :id, indicator_id, order_no, category, category_zh, category_en, property,"
    " party_id, attrs FROM plan_indicator WHERE plan_id = :former AND deleted_at IS NULL"
    " AND (valid_to IS NULL OR valid_to > current_date)"
)
# What was revised stays told where it was revised.
_COPY_TARGETS = text(
    "INSERT INTO indicator_target (indicator_id, region_id, plan_id, role, year, value,"
    " comparator_printed, sense, cumulative_from, revisable, source, attrs)"
    " SELECT t.indicator_id, t.region_id, :id, t.role, t.year, t.value, t.comparator_printed,"
    " t.sense, t.cumulative_from, t.revisable, t.source,"
    " t.attrs - CAST('{revisions,reason,proposal}' AS text[])"
    " FROM indicator_target t WHERE t.plan_id = :former AND EXISTS (SELECT FROM plan_indicator own"
    " WHERE own.plan_id = :id AND own.indicator_id = t.indicator_id)"
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


async def begin_edition(
    session: AsyncSession, identity: Identity, act: Act, former_id: int, patch: Mapping[str, Any]
) -> Edition:
    """A draft with the members, indicators and targets of a plan; it names whose place it takes.

    Programmes, projects and zone schemes stay with the plan they were made under.

    Args:
        patch: Members in which it differs, as JSON.

    Raises:
        Unauthenticated, Forbidden: the identity may not make plans of the region.
        InvalidInput: a member breaks a rule.
        Conflict: an edition of the plan is being worked on already.
    """
    former = await lock(session, PLANS, former_id)
    if former is None:
        raise LookupError(f"there is no plan in row {former_id}")
    present = await find_worked_on(session, former_id)
    if present is not None:
        raise Conflict(
            f"{present.code!r}, an edition of {former.code!r}, is {present.status}; go on with"
            " that one",
            message_zh=f"规划 {former.code!r} 的新版 {present.code!r} 尚未批准"
            f"（{present.status}），请在该版上继续",
        )
    number = int(await session.scalar(_NUMBER, {"id": former_id}) or 0)
    kept = {name: value for name, value in former.values.items() if name not in OWN}
    members = {**kept, **patch, "version": number, "code": edition_code(former.code, number)}
    given = {name: value for name, value in members.items() if value is not None}
    draft = await read_draft(PLANS, {"type": "Feature", "properties": given}, whole=True)
    written = await create(session, PLANS, identity, act, draft)
    both = {"id": written.row_id, "former": former_id}
    emptied = [name for name, value in patch.items() if value is None]
    await session.execute(_TAKE_PLACE, {**both, "emptied": emptied})
    for statement in (_COPY_INDICATORS, _COPY_TARGETS):
        await session.execute(statement, both)
    after = {"id": written.row_id, "supersedes": former.code, "version": number}
    record(session, act, "begin_version", table="plan", object_id=written.code, after=after)
    return Edition(written.row_id, written.code, "draft")


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
