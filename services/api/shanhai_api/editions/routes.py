"""`/plans/{plan}/editions`, `/plans/{plan}/compare` and `/plans/{plan}/projects`."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from shanhai.db.collections.plans import PLANS
from shanhai.db.editions.comparison import compare_editions
from shanhai.db.editions.creation import begin_edition
from shanhai.db.editions.lineage import beside, list_editions, list_members, note_member
from shanhai.db.features.input_validation import read_draft
from shanhai.db.indicators.plan_indicators import find_plan
from shanhai.errors import InvalidInput
from shanhai_api.body_schema import body_of
from shanhai_api.dependencies import (
    DayQuery,
    PageQuery,
    Reader,
    ReadSession,
    TheUnit,
    TheView,
    Writer,
    act_of,
)
from shanhai_api.editions import documents
from shanhai_api.editions.schemas import CompareQuery, Membership, NewEdition
from shanhai_api.kit.body import parse, read_json
from shanhai_api.once import Made, once

router = APIRouter(tags=["plans"])
PLAN = "/plans/{plan}"
Parameters = Annotated[PageQuery, Query()]
OfDay = Annotated[DayQuery, Query()]


@router.get(f"{PLAN}/editions", summary="The editions of a plan")
async def show_editions(
    view: TheView, caller: Reader, plan: str, query: OfDay, session: ReadSession
) -> Response:
    """List the editions, from the first to the newest."""
    seen = await find_plan(session, plan, caller.viewer, query.as_of)
    rows = await list_editions(session, caller.viewer, seen.id, query.as_of)
    document = documents.editions_document(view, seen, rows)
    return view.respond(document, template="editions.html")


@router.post(
    f"{PLAN}/editions",
    summary="Begin an edition of a plan",
    status_code=201,
    openapi_extra=body_of(NewEdition),
)
async def create_edition(
    request: Request, view: TheView, caller: Writer, plan: str, query: Parameters, unit: TheUnit
) -> Response:
    """Begin a draft with all the plan holds; approved, it takes the plan's place."""
    body = await read_json(request)
    wanted = parse(NewEdition, body.value)

    async def effect() -> Made:
        seen = await find_plan(unit.session, plan, caller.viewer)
        change = await read_draft(
            PLANS, {"type": "Feature", "properties": wanted.change}, whole=False
        )
        act = act_of(caller, view)
        made = await begin_edition(
            unit.session, caller, act, seen.id, change.values, note=wanted.note
        )
        place = view.url(documents.item_of(made.code))
        return Made({"code": made.code, "status": made.status}, {"Location": place})

    made = await once(request, unit, caller, body_sha256=body.sha256, effect=effect)
    return made.response()


@router.get(f"{PLAN}/compare", summary="What differs between two editions of a plan")
async def show_comparison(
    view: TheView,
    caller: Reader,
    plan: str,
    query: Annotated[CompareQuery, Query()],
    session: ReadSession,
) -> Response:
    """Tell what an edition adds, drops and changes, with areas and sums."""
    seen = await find_plan(session, plan, caller.viewer, query.as_of)
    rows = await list_editions(session, caller.viewer, seen.id, query.as_of)
    other = query.other or beside(rows, seen.code)
    if other is None:
        raise InvalidInput(
            f"there is no other edition of {plan!r} to compare with",
            message_zh=f"规划 {plan!r} 没有可比较的其他版本",
            pointer="with",
        )
    second = await find_plan(session, other, caller.viewer, query.as_of)
    order = {row.code: row.edition for row in rows}
    if order.get(second.code, 0) < order[seen.code]:
        seen, second = second, seen
    compared = await compare_editions(session, caller.viewer, seen.id, second.id, query.as_of)
    document = documents.comparison_document(
        view, seen, second, compared, with_money=not caller.anonymous
    )
    return view.respond(document, template="edition_comparison.html")


@router.get(f"{PLAN}/projects", summary="The projects in an edition of a plan")
async def show_members(
    view: TheView, caller: Reader, plan: str, query: OfDay, session: ReadSession
) -> Response:
    """List the projects with their programmes there, those carried from the plan it follows too."""
    seen = await find_plan(session, plan, caller.viewer, query.as_of)
    members = await list_members(session, caller.viewer, seen.id, query.as_of)
    return view.respond(documents.members_document(view, seen, members))


@router.put(
    f"{PLAN}/projects/{{project}}",
    summary="Put a carried project into a programme of a draft",
    status_code=204,
    openapi_extra=body_of(Membership),
)
async def put_member(
    request: Request,
    view: TheView,
    caller: Writer,
    plan: str,
    project: str,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Keep a project of the plan it follows, in this programme of the draft."""
    wanted = parse(Membership, (await read_json(request)).value)
    act = act_of(caller, view)
    await note_member(unit.session, caller, act, plan, project, programme=wanted.programme)
    return Response(status_code=204)


@router.delete(
    f"{PLAN}/projects/{{project}}",
    summary="Drop a carried project from a draft",
    status_code=204,
)
async def drop_member(
    view: TheView, caller: Writer, plan: str, project: str, query: Parameters, unit: TheUnit
) -> Response:
    """Leave a project with the plan it follows; the project itself stays as it is."""
    await note_member(unit.session, caller, act_of(caller, view), plan, project, dropped=True)
    return Response(status_code=204)
