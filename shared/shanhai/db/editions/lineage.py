"""The editions of a plan, from the first to the newest, and the projects in each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.plans import PLANS
from shanhai.db.collections.projects import PROJECTS
from shanhai.db.features.permissions import demand_role, editing_of
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.features.snapshots import find_and_lock
from shanhai.db.features.tables import source_of
from shanhai.db.identity import Identity, Viewer
from shanhai.db.projects.queries import projects_of_plan, seen_values
from shanhai.db.queries.audit import Act, record
from shanhai.errors import Conflict, Fault, InvalidInput, NotFound


@dataclass(frozen=True, slots=True)
class EditionRow:
    """An edition, when it was begun, and on which days it is in force; the last is not one.

    The first is in force from the day its parts name, so without a day.
    """

    code: str
    name_zh: str
    name_en: str
    edition: int
    version: int
    status: str
    lineage: str
    supersedes: str | None
    begun_on: date
    in_force_from: date | None
    in_force_to: date | None


async def list_editions(
    session: AsyncSession, viewer: Viewer, plan_id: int, as_of: date | None = None
) -> list[EditionRow]:
    """The editions a viewer may know of, of the plan of a number; with `as_of` those of the day."""
    former = as_of is not None
    met = (
        PLANS.as_of if former else PLANS.live,
        *visibility(PLANS, viewer),
        "coalesce(p.lineage_id, p.id) = (SELECT coalesce(own.lineage_id, own.id) FROM plan own"
        " WHERE own.id = :plan)",
    )
    query = text(
        "SELECT p.code, p.name_zh, p.name_en, p.edition, p.version, p.status,"  # noqa: S608
        " (SELECT o.code FROM plan o WHERE o.id = coalesce(p.lineage_id, p.id)) AS lineage,"
        " (SELECT o.code FROM plan o WHERE o.id = p.supersedes_id) AS supersedes,"
        " p.created_at::date AS begun_on, lower(p.in_force) AS in_force_from,"
        " upper(p.in_force) AS in_force_to"
        f" FROM {source_of(PLANS, former=former)} WHERE {' AND '.join(met)}"
        " ORDER BY p.edition, p.id"
    )
    values = {"plan": plan_id, **viewer_values(viewer), **({"as_of": as_of} if former else {})}
    rows = await session.execute(query, values)
    return [EditionRow(*row) for row in rows]


def beside(editions: Sequence[EditionRow], code: str) -> str | None:
    """The edition one is compared with unasked: the one it follows, or the one that follows it."""
    own = next(row for row in editions if row.code == code)
    known = {row.code for row in editions}
    if own.supersedes in known:
        return own.supersedes
    later = [row.code for row in editions if row.supersedes == code]
    return later[-1] if later else None


_MEMBERS = """
SELECT s.code, s.name_zh, s.name_en, s.state, s.programme, s.cost, s.area_m2,
       s.plan_id IS DISTINCT FROM :plan AS carried
  FROM seen s ORDER BY s.programme NULLS LAST, s.code
"""
_IN_FORMER = text(
    "SELECT EXISTS (SELECT FROM plan_membership m JOIN plan p ON p.supersedes_id = m.plan_id"
    " WHERE p.id = :plan AND m.project_id = :project)"
)
_PROGRAMME = text(
    "SELECT id FROM programme WHERE code = :code AND plan_id = :plan AND deleted_at IS NULL"
)
_NOTE = text(
    "INSERT INTO plan_project (plan_id, project_id, programme_id, dropped)"
    " VALUES (:plan, :project, :programme, :dropped) ON CONFLICT (plan_id, project_id)"
    " DO UPDATE SET programme_id = excluded.programme_id, dropped = excluded.dropped"
)


@dataclass(frozen=True, slots=True)
class EditionProject:
    """A project in an edition; `carried` from the plan whose place the edition is to take."""

    code: str
    name_zh: str
    name_en: str
    state: str
    programme: str | None
    cost: Any
    area_m2: float | None
    carried: bool


async def list_members(
    session: AsyncSession, viewer: Viewer, plan_id: int, as_of: date | None = None
) -> Sequence[EditionProject]:
    """The projects of an edition a viewer may know of, by programme."""
    query = text(f"WITH {projects_of_plan(viewer, former=as_of is not None)}{_MEMBERS}")
    values = seen_values(viewer, plan=plan_id, as_of=as_of)
    return [EditionProject(*row) for row in await session.execute(query, values)]


async def note_member(
    session: AsyncSession,
    identity: Identity,
    act: Act,
    plan: str,
    project: str,
    *,
    programme: str | None = None,
    dropped: bool = False,
) -> None:
    """Put a project that a draft carries into a programme of the draft, or drop it there.

    Raises:
        Unauthenticated, Forbidden: the identity may not write the plan.
        NotFound: there is no such plan or project, or the draft carries no such project.
        InvalidInput: the edition has no such programme.
        Conflict: the plan is no draft of an edition.
    """
    editing = editing_of(PLANS, identity, "update")
    edition = await find_and_lock(session, PLANS, plan, identity.viewer, within={})
    if edition is None:
        raise NotFound(f"there is no plan {plan!r}", message_zh=f"没有规划 {plan!r}")
    demand_role(identity, editing.roles, edition.region_id)
    if edition.values["status"] != "draft":
        raise Conflict(
            f"the plan {plan!r} is {edition.values['status']}; only a draft is written",
            message_zh=f"规划 {plan!r} 状态为 {edition.values['status']}，仅草案可编辑",
        )
    found = await find_and_lock(session, PROJECTS, project, identity.viewer, within={})
    asked = {"plan": edition.row_id, "project": 0 if found is None else found.row_id}
    if found is None or not await session.scalar(_IN_FORMER, asked):
        raise NotFound(
            f"the plan {plan!r} carries no project {project!r}; write the project itself",
            message_zh=f"规划 {plan!r} 未沿用项目 {project!r}，请直接编辑该项目",
        )
    programme_id = None
    if programme is not None:
        named = {"code": programme, "plan": edition.row_id}
        programme_id = await session.scalar(_PROGRAMME, named)
        if programme_id is None:
            en = f"the plan {plan!r} has no programme {programme!r}"
            zh = f"规划 {plan!r} 没有重点工程 {programme!r}"
            raise InvalidInput(en, message_zh=zh, faults=[Fault("/programme", en, zh)])
    await session.execute(_NOTE, {**asked, "programme": programme_id, "dropped": dropped})
    after = {"project": project, "programme": programme, "dropped": dropped}
    record(session, act, "note_project", table="plan", object_id=plan, after=after)
