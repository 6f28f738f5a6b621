"""The regions of a joint plan decide of it, one by one and in any order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.joint_approvals import Approval, read_approvals, read_content
from shanhai.db.collections.plans import PLANS
from shanhai.db.features.input_validation import Draft
from shanhai.db.features.permissions import demand_role, demand_scopes
from shanhai.db.features.snapshots import Image, find_and_lock
from shanhai.db.features.write import WriteTarget, WriteTerms, update
from shanhai.db.identity import Identity
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.plan import PlanDecision
from shanhai.errors import Conflict, Fault, InvalidInput, NotFound, Stale
from shanhai.vocabulary import Label, Role, Scope

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
    if expected is not None and content not in expected:
        raise Stale(
            f"{code!r} has changed since it was read; read it again",
            message_zh=f"{code!r} 在读取之后已被更改，请重新读取",
        )
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
