"""The editions of a plan, the projects in each, and what regions decided of joint ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.joint_plans import Approval, read_approvals, read_content
from shanhai.db.collections.plans import PLANS
from shanhai.db.collections.projects import PROJECTS
from shanhai.db.features.columns import source_of
from shanhai.db.features.input_validation import Draft
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.features.snapshots import Image, find_and_lock
from shanhai.db.features.write import WriteTarget, WriteTerms, update
from shanhai.db.identity import Identity, Viewer, demand_role, demand_scopes, editing_of
from shanhai.db.projects.queries import projects_of_plan, seen_values
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.plan import PlanDecision
from shanhai.errors import Conflict, Fault, InvalidInput, NotFound, demand_state
from shanhai.vocabulary import Label, Role, Scope


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
    expected: frozenset[str] | None = None,
) -> None:
    """Put a project that a draft carries into a programme of the draft, or drop it there.

    Raises:
        Unauthenticated, Forbidden: the identity may not write the plan.
        NotFound: there is no such plan or project, or the draft carries no such project.
        InvalidInput: the edition has no such programme.
        Conflict: the plan is no draft of an edition.
        Stale: what the plan says is in none of the states expected.
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
    if expected is not None:
        demand_state(await read_content(session, edition.row_id), expected, repr(plan))
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


SCOPES = frozenset({Scope.WRITE})
APPROVERS = frozenset({Role.APPROVER})
# The steps were agreed on by the regions, whose roles were asked already.
_AGREED = WriteTerms(as_given=True)


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decides for a region, and why."""

    region: str
    decision: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """A plan after a decision."""

    plan: str
    status: str
    approvals: Sequence[Approval]


async def decide(
    session: AsyncSession,
    code: str,
    identity: Identity,
    act: Act,
    asked: Decision,
    *,
    expected: frozenset[str] | None,
) -> Decided:
    """Write down what a region decides of a joint plan that was submitted.

    The last approval puts the plan in force; a rejection makes it a draft again.

    Args:
        expected: The digests, one of which the plan's content must have; None for any.

    Raises:
        Unauthenticated, Forbidden: the identity is no approver of the region.
        NotFound: there is no such plan, or none it may know of.
        InvalidInput: the region is none of the plan's, or a rejection gives no reason.
        Stale: the plan says something else than was read.
        Conflict: nothing is to be decided now, or a rule forbids that the plan comes into force.
    """
    demand_scopes(identity, SCOPES)
    plan = await _held(session, code, identity)
    approvals = {item.region: item for item in await read_approvals(session, plan.row_id)}
    own = _demand_region(code, approvals, asked.region)
    demand_role(identity, APPROVERS, own.region_id)
    content = await read_content(session, plan.row_id)
    demand_state(content, expected, repr(code))
    _demand_possible(plan, own, asked)
    session.add(
        PlanDecision(
            plan_id=plan.row_id,
            region_id=own.region_id,
            decision=asked.decision,
            content=content,
            reason=asked.reason,
            actor=act.actor,
        )
    )
    await session.flush()
    record(
        session,
        act,
        "decide",
        table="plan",
        object_id=code,
        before={"id": plan.row_id, "region": own.region, "state": own.state},
        after={
            "id": plan.row_id,
            "region": own.region,
            "state": asked.decision,
            "reason": asked.reason,
            "content": content,
        },
    )
    return await _follow(session, plan, identity, act, asked.decision)


async def _held(session: AsyncSession, code: str, identity: Identity) -> Image:
    """The plan, locked: nobody else decides, and nothing is newly put under it meanwhile."""
    plan = None
    if "\x00" not in code:
        plan = await find_and_lock(session, PLANS, code, identity.viewer, within={}, to_delete=True)
    if plan is None:
        raise NotFound(f"there is no plan {code!r}", message_zh=f"没有规划 {code!r}")
    return plan


def _demand_region(code: str, approvals: Mapping[str, Approval], region: str) -> Approval:
    if not approvals:
        raise Conflict(
            f"{code!r} is no joint plan: its approver sets its status",
            message_zh=f"{code!r} 不是联合规划，由审批人直接变更状态",
        )
    if region not in approvals:
        named = ", ".join(approvals)
        raise InvalidInput(
            f"{region!r} is no region of the plan; those are: {named}",
            message_zh=f"{region!r} 不是该规划的区域；其区域为：{named}",
            pointer="/region",
        )
    return approvals[region]


def _demand_possible(plan: Image, own: Approval, asked: Decision) -> None:
    status = plan.values["status"]
    if status != "submitted":
        raise _refused(
            "/decision",
            Label(
                f"规划状态为 {status}；仅可对已提交的规划作出决定",
                f"the plan is {status}; decisions are made of what was submitted",
            ),
        )
    if asked.decision == "approved" and own.state == "approved":
        raise _refused("/decision", Label("该区域已同意", "the region has approved it already"))
    if asked.decision == "withdrawn" and own.state != "approved":
        rule = Label(
            f"没有可撤回的同意；当前为 {own.state}",
            f"there is no approval to withdraw; it is {own.state}",
        )
        raise _refused("/decision", rule)
    if asked.decision == "rejected" and not (asked.reason or "").strip():
        raise InvalidInput(
            "a rejection needs a reason", message_zh="退回须说明理由", pointer="/reason"
        )


def _refused(pointer: str, rule: Label) -> Conflict:
    return Conflict(rule.en, message_zh=rule.zh, faults=[Fault(pointer, rule.en, rule.zh)])


async def _follow(
    session: AsyncSession, plan: Image, identity: Identity, act: Act, decision: str
) -> Decided:
    """What a decision leads to."""
    approvals = await read_approvals(session, plan.row_id)
    status = str(plan.values["status"])
    if decision == "rejected":
        status = "draft"
    elif all(item.state == "approved" for item in approvals):
        status = "approved"
    if status != plan.values["status"]:
        target, draft = WriteTarget(plan.code, row_id=plan.row_id), Draft(values={"status": status})
        await update(session, PLANS, identity, act, target, draft, terms=_AGREED)
        approvals = await read_approvals(session, plan.row_id)
    return Decided(plan.code, status, approvals)
