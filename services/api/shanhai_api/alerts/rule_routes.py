"""`/alert-rules`."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from shanhai.db.alerts.rules import drop_rule, find_rule, list_rules, replace_rule
from shanhai_api.alerts.documents import describe_rule
from shanhai_api.alerts.operations import make_rule, told_rule
from shanhai_api.alerts.schemas import CODE, NewRule, RuleContents
from shanhai_api.body_schema import body_of
from shanhai_api.dependencies import (
    KnownReader,
    PageQuery,
    ReadSession,
    TheUnit,
    TheView,
    Writer,
    act_of,
)
from shanhai_api.kit.body import parse, read_json
from shanhai_api.once import once
from shanhai_api.preconditions import expected_states

router = APIRouter(tags=["monitoring"])
Parameters = Annotated[PageQuery, Query()]
Code = Annotated[str, Path(pattern=CODE, description="Code of the rule")]


@router.get("/alert-rules", summary="What raises warnings")
async def show_rules(
    view: TheView, caller: KnownReader, query: Parameters, session: ReadSession
) -> Response:
    """List the rules."""
    rows = [describe_rule(rule, view.lang) for rule in await list_rules(session)]
    return view.respond({"rules": rows, "links": view.self_links("/alert-rules")})


@router.post("/alert-rules", summary="Make a rule", status_code=201, openapi_extra=body_of(NewRule))
async def create_rule(
    request: Request, view: TheView, caller: Writer, query: Parameters, unit: TheUnit
) -> Response:
    """Make a rule; the newest values are judged by it at once."""
    body = await read_json(request)
    new = parse(NewRule, body.value)
    made = await once(
        request,
        unit,
        caller,
        body_sha256=body.sha256,
        effect=lambda: make_rule(
            unit.session, new, caller=caller, view=view, act=act_of(caller, view)
        ),
    )
    return made.response()


@router.get("/alert-rules/{rule}", summary="One rule")
async def show_rule(
    view: TheView, caller: KnownReader, rule: Code, query: Parameters, session: ReadSession
) -> Response:
    """Show a rule."""
    found = await find_rule(session, rule)
    document = {
        **describe_rule(found, view.lang),
        "links": view.self_links(f"/alert-rules/{rule}"),
    }
    return view.respond(document, state=found.state)


@router.put("/alert-rules/{rule}", summary="Replace a rule", openapi_extra=body_of(RuleContents))
async def put_rule(
    request: Request,
    view: TheView,
    caller: Writer,
    rule: Code,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Replace a rule: its open alerts are closed, and it starts anew."""
    expected = expected_states(request)
    contents = parse(RuleContents, (await read_json(request)).value).contents()
    act = act_of(caller, view)
    found = await replace_rule(
        unit.session, rule, contents, identity=caller, act=act, expected=expected
    )
    return told_rule(found, view).response()


@router.delete("/alert-rules/{rule}", summary="End a rule", status_code=204)
async def delete_rule(
    request: Request,
    view: TheView,
    caller: Writer,
    rule: Code,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """End a rule; its open alerts are closed, and alerts are kept."""
    expected = expected_states(request)
    act = act_of(caller, view)
    await drop_rule(unit.session, rule, identity=caller, act=act, expected=expected)
    return Response(status_code=204)
