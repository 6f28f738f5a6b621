"""Projects in editions: a project is one, with its history, in whichever editions hold it.

`plan_membership` tells which. A draft holds those of the plan whose place it is to take; what it
changes of that, dropping one or putting it into another programme, is noted until it is approved.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.images import find_and_lock
from shanhai.db.features.plans import PLANS
from shanhai.db.features.projects import PROJECTS
from shanhai.db.features.rights import demand_role, editing_of
from shanhai.db.identity import Identity, Viewer
from shanhai.db.projects.listing import projects_of_plan, seen_values
from shanhai.db.queries.audit import Act, record
from shanhai.errors import Conflict, Fault, InvalidInput, NotFound

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
class Member:
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
) -> Sequence[Member]:
    """The projects of an edition a viewer may know of, by programme."""
    query = text(f"WITH {projects_of_plan(viewer, former=as_of is not None)}{_MEMBERS}")
    values = seen_values(viewer, plan=plan_id, as_of=as_of)
    return [Member(*row) for row in await session.execute(query, values)]


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
