"""`/proposals`."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response

from shanhai.db.indicators.plan_indicators import find_plan
from shanhai.db.proposals.queries import PROPOSALS
from shanhai.db.proposals.suggestions import suggest
from shanhai.db.today import read_today
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
from shanhai_api.exports.formats import file_format
from shanhai_api.exports.operations import respond_file
from shanhai_api.features import documents
from shanhai_api.features.operations import read_items
from shanhai_api.features.parameters import asked_by_form, parse_items_query
from shanhai_api.features.tables import items_page
from shanhai_api.kit.body import parse, read_json
from shanhai_api.negotiation import HTML, JSON
from shanhai_api.once import once
from shanhai_api.preconditions import expected_states
from shanhai_api.proposals import operations
from shanhai_api.proposals.blank import blank_proposal
from shanhai_api.proposals.schemas import BlankQuery, ProposalBody, StepBody, SuggestionsQuery

router = APIRouter(tags=["proposals"])
Parameters = Annotated[PageQuery, Query()]
NO_STORE = {"Cache-Control": "no-store"}


@router.get("/proposals", summary="Proposals to revise what is planned")
async def show_proposals(
    request: Request, view: TheView, caller: KnownReader, session: ReadSession
) -> Response:
    """List proposals; filters (`filter` in CQL2), orders, pages and CSV as with collections."""
    chosen = file_format(request, PROPOSALS)
    if chosen is not None:
        return await respond_file(request, view, caller, PROPOSALS, chosen, {})
    html = view.wants_html(JSON, HTML)
    asked = asked_by_form(request) if html else request.query_params
    query = parse_items_query(PROPOSALS, asked, {})
    if html:
        return await items_page(session, PROPOSALS, caller, query, view)
    page = await read_items(session, PROPOSALS, caller, query)
    return view.respond(documents.record_list(PROPOSALS, page, page.rows, query, view, {}))


@router.post(
    "/proposals",
    summary="Propose to revise what is planned",
    status_code=201,
    openapi_extra=body_of(ProposalBody),
)
async def propose(
    request: Request, view: TheView, caller: Writer, query: Parameters, unit: TheUnit
) -> Response:
    """Make the draft of a proposal; its change is checked as the object's own writer would."""
    read = await read_json(request)
    wording = operations.wording_of(parse(ProposalBody, read.value))
    made = await once(
        request,
        unit,
        caller,
        body_sha256=read.sha256,
        effect=lambda: operations.create(unit.session, view, caller, act_of(caller, view), wording),
    )
    return made.response(NO_STORE)


@router.get("/proposals/blank", summary="A proposal to be filled in")
async def show_blank(
    view: TheView,
    caller: KnownReader,
    query: Annotated[BlankQuery, Query()],
    session: ReadSession,
) -> Response:
    """Show the body of a proposal about an object, or founded on an alert, to be filled in."""
    body = await blank_proposal(session, caller.viewer, query)
    links = [view.link("/proposals", "collection")]
    text = orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()
    document = {"body": body, "links": links}
    return view.respond(document, template="proposal_blank.html", extra={"text": text})


@router.get("/plans/{plan}/suggestions", summary="What in a plan is worth a proposal")
async def show_suggestions(
    view: TheView,
    caller: KnownReader,
    plan: str,
    query: Annotated[SuggestionsQuery, Query()],
    session: ReadSession,
) -> Response:
    """List targets behind, projects late or suspended and serious alerts, by stated rules."""
    seen = await find_plan(session, plan, caller.viewer)
    year = query.year or (await read_today(session)).year
    found = await suggest(session, caller.viewer, seen, year)
    document = operations.suggestions_document(view, seen, year, found)
    return view.respond(document, template="suggestions.html")


@router.get("/proposals/{proposal}", summary="One proposal")
async def show_proposal(
    view: TheView, caller: KnownReader, proposal: str, query: Parameters, session: ReadSession
) -> Response:
    """Show a proposal: old and new values, evidence, decision, what was made, what can follow."""
    document, tag = await operations.dossier(session, view, caller, proposal)
    return view.respond(document, template="proposal.html", state=tag)


@router.put(
    "/proposals/{proposal}",
    summary="Write the draft of a proposal anew",
    openapi_extra=body_of(ProposalBody),
)
async def rewrite(
    request: Request,
    view: TheView,
    caller: Writer,
    proposal: str,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Put this in the place of a draft; it is about the object as that is now."""
    expected = expected_states(request)
    wording = operations.wording_of(parse(ProposalBody, (await read_json(request)).value))
    document, tag = await operations.rewrite(
        unit.session,
        view,
        caller,
        act_of(caller, view),
        proposal,
        wording,
        expected=expected,
    )
    return view.respond(document, formats=(JSON,), state=tag, headers=NO_STORE)


@router.post(
    "/proposals/{proposal}/transitions",
    summary="Take a step of a proposal",
    status_code=201,
    openapi_extra=body_of(StepBody),
)
async def take_step(
    request: Request,
    view: TheView,
    caller: Writer,
    proposal: str,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Submit, accept, refuse or withdraw a proposal, or carry it out: write what it proposes."""
    read = await read_json(request)
    body = parse(StepBody, read.value)
    made = await once(
        request,
        unit,
        caller,
        body_sha256=read.sha256,
        effect=lambda: operations.step(
            unit.session,
            view,
            caller,
            act_of(caller, view),
            proposal,
            body,
            expected=expected_states(request),
        ),
    )
    return made.response(NO_STORE)
