"""`/plans/{plan}/approvals`: what the regions of a joint plan decided of it."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from shanhai.db.collections.joint_approvals import Approval, read_approvals, read_content
from shanhai.db.editions.joint_decisions import Decision, decide
from shanhai.db.indicators.plan_indicators import PlanSeen, find_plan
from shanhai.timestamps import rfc3339
from shanhai.vocabulary import PLAN_APPROVALS, PLAN_STATUSES, Label
from shanhai_api.body_schema import body_of
from shanhai_api.dependencies import (
    PageQuery,
    Reader,
    ReadSession,
    TheUnit,
    TheView,
    Writer,
    act_of,
)
from shanhai_api.identity import Caller
from shanhai_api.kit.body import parse, read_json
from shanhai_api.once import Made, once
from shanhai_api.plans.documents import item_of_plan, plan_path
from shanhai_api.plans.schemas import DecisionBody
from shanhai_api.preconditions import expected_states
from shanhai_api.view import View

router = APIRouter(tags=["records"])
NO_STORE = {"Cache-Control": "no-store"}
STATUSES = {term.code: term.label for term in PLAN_STATUSES}
APPROVALS = {term.code: term.label for term in PLAN_APPROVALS}
Parameters = Annotated[PageQuery, Query()]


@router.get("/plans/{plan}/approvals", summary="Where the regions of a joint plan stand to it")
async def show_approvals(
    view: TheView, caller: Reader, plan: str, query: Parameters, session: ReadSession
) -> Response:
    """List the regions in the plan's order: what each decided, and whether it still holds.

    The ETag tells the content of the plan; a decision with it is about that content only.
    """
    seen = await find_plan(session, plan, caller.viewer)
    approvals = await read_approvals(session, seen.id)
    content = await read_content(session, seen.id)
    document = approvals_document(view, caller, seen, approvals)
    return view.respond(document, template="approvals.html", state=content)


@router.post(
    "/plans/{plan}/approvals",
    summary="Decide of a joint plan for a region",
    status_code=201,
    openapi_extra=body_of(DecisionBody),
)
async def make_decision(
    request: Request,
    view: TheView,
    caller: Writer,
    plan: str,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Approve, send back with the reason, or take an approval back, by the region's approver.

    The last approval puts the plan in force; a rejection makes it a draft again.
    """
    expected = expected_states(request)
    read = await read_json(request)
    body = parse(DecisionBody, read.value)

    async def effect() -> Made:
        decided = await decide(
            unit.session,
            plan,
            caller,
            act_of(caller, view),
            Decision(body.region, body.decision, body.reason),
            expected=expected,
        )
        seen = await find_plan(unit.session, decided.plan, caller.viewer)
        document = approvals_document(view, caller, seen, decided.approvals)
        location = view.url(f"{plan_path(decided.plan)}/approvals")
        return Made(document, {"Location": location})

    made = await once(request, unit, caller, body_sha256=read.sha256, effect=effect)
    return made.response(NO_STORE)


def approvals_document(
    view: View, caller: Caller, seen: PlanSeen, approvals: Sequence[Approval]
) -> dict[str, Any]:
    """Where the regions stand; who decided and why is not for the public."""
    known = not caller.anonymous
    plan = seen.code
    path = f"{plan_path(plan)}/approvals"
    title = Label(f"{seen.name.zh}：各区域审批", f"{seen.name.en}: approvals of its regions")
    return {
        "title": title.in_(view.lang),
        "plan": plan,
        "status": seen.status,
        "status_name": STATUSES[seen.status].in_(view.lang),
        "complete": bool(approvals) and all(item.state == "approved" for item in approvals),
        "approvals": [
            {
                "region": item.region,
                "name": item.name.in_(view.lang),
                "state": item.state,
                "state_name": APPROVALS[item.state].in_(view.lang),
                "at": None if item.at is None else rfc3339(item.at),
                "by": item.actor if known else None,
                "reason": item.reason if known else None,
            }
            for item in approvals
        ],
        "links": [*view.self_links(path), view.link(item_of_plan(plan), "up")],
    }
