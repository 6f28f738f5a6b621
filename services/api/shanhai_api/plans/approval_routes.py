"""`/plans/{plan}/approvals`: what the regions of a joint plan decided of it."""

from collections.abc import Sequence
from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import Field

from shanhai.db.collections.joint_approvals import Approval, read_approvals, read_content
from shanhai.db.editions.joint_decisions import Decision, decide
from shanhai.db.indicators.plan_indicators import PlanSeen, find_plan
from shanhai.vocabulary import PLAN_APPROVALS, PLAN_STATUSES, Label, label_in
from shanhai_api.dependencies import Reader, Writer
from shanhai_api.kit.answers import Answer, Answered, Link, Moment, one_of
from shanhai_api.kit.body import JsonBody
from shanhai_api.kit.routing import Route
from shanhai_api.kit.writing import Context, IfMatch, Read, Write
from shanhai_api.plan_answers import PlanNamed, PlanStatus, Titled, plan_item, plan_path
from shanhai_api.plans.schemas import DecisionBody

router = APIRouter(tags=["records"], route_class=Route)


class RegionApproval(Answered):
    """Where a region stands to a joint plan; who decided and why is not for the public."""

    region: str
    name: str
    state: Annotated[str, one_of(PLAN_APPROVALS)]
    state_name: str
    at: Moment | None
    by: str | None
    reason: str | None

    @classmethod
    def of(cls, approval: Approval, read: Context) -> Self:
        """Where a region stands, as the caller may know of it."""
        known = not read.caller.anonymous
        return cls.from_row(
            approval,
            name=approval.name.in_(read.lang),
            state_name=label_in(PLAN_APPROVALS, approval.state, read.lang),
            by=approval.actor if known else None,
            reason=approval.reason if known else None,
        )


class PlanApprovals(PlanNamed, Titled):
    """Where the regions of a joint plan stand to it, in the plan's order."""

    template = "approvals.html"

    status: PlanStatus
    status_name: str
    complete: bool = Field(description="Whether all of them approved it as it is")
    approvals: list[RegionApproval]
    links: list[Link]

    @classmethod
    def of(cls, plan: PlanSeen, approvals: Sequence[Approval], read: Context) -> Self:
        """Where the regions stand, as the caller may know of it."""
        title = Label(f"{plan.name.zh}：各区域审批", f"{plan.name.en}: approvals of its regions")
        path = f"{plan_path(plan.code)}/approvals"
        return cls(
            title=title.in_(read.lang),
            plan=plan.code,
            status=plan.status,
            status_name=label_in(PLAN_STATUSES, plan.status, read.lang),
            complete=bool(approvals) and all(item.state == "approved" for item in approvals),
            approvals=[RegionApproval.of(item, read) for item in approvals],
            links=[*read.self_links(path), read.link(plan_item(plan.code), "up")],
        )


@router.get("/plans/{plan}/approvals", summary="Where the regions of a joint plan stand to it")
async def show_approvals(read: Read[Reader], plan: str) -> Answer[PlanApprovals]:
    """List the regions in the plan's order: what each decided, and whether it still holds.

    The ETag tells the content of the plan; a decision with it is about that content only.
    """
    seen = await find_plan(read.session, plan, read.caller.viewer)
    approvals = await read_approvals(read.session, seen.id)
    content = await read_content(read.session, seen.id)
    return Answer(PlanApprovals.of(seen, approvals, read), state=content)


@router.post(
    "/plans/{plan}/approvals", summary="Decide of a joint plan for a region", status_code=201
)
async def make_decision(
    write: Write[Writer], plan: str, expected: IfMatch, body: JsonBody[DecisionBody]
) -> Answer[PlanApprovals]:
    """Approve, send back with the reason, or take an approval back, by the region's approver.

    The last approval puts the plan in force; a rejection makes it a draft again.
    """
    decision = Decision(body.region, body.decision, body.reason)
    decided = await decide(
        write.session, plan, write.caller, write.act, decision, expected=expected
    )
    seen = await find_plan(write.session, decided.plan, write.caller.viewer)
    approvals = PlanApprovals.of(seen, decided.approvals, write)
    return Answer(approvals, location=f"{plan_path(decided.plan)}/approvals")
