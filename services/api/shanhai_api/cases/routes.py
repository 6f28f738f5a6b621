"""`/cases`."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from shanhai.db.cases.queries import CASES, read_statistics
from shanhai_api.body_schema import body_of
from shanhai_api.cases import operations, papers
from shanhai_api.cases.schemas import CaseUploadQuery, LeadFeature, StatisticsQuery, StepBody
from shanhai_api.dependencies import (
    KnownReader,
    Observer,
    PageQuery,
    ReadSession,
    TheState,
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

router = APIRouter(tags=["monitoring"])
Parameters = Annotated[PageQuery, Query()]
NO_STORE = {"Cache-Control": "no-store"}


@router.get("/cases", summary="Red-line leads")
async def show_cases(
    request: Request, view: TheView, caller: KnownReader, session: ReadSession
) -> Response:
    """List cases; filters (`filter` in CQL2), orders, pages and CSV as with collections."""
    chosen = file_format(request, CASES)
    if chosen is not None:
        return await respond_file(request, view, caller, CASES, chosen, {})
    html = view.wants_html(JSON, HTML)
    query = parse_items_query(CASES, asked_by_form(request) if html else request.query_params, {})
    if html:
        return await items_page(session, CASES, caller, query, view)
    page = await read_items(session, CASES, caller, query)
    return view.respond(documents.record_list(CASES, page, page.rows, query, view, {}))


@router.post("/cases", summary="Send red-line leads", openapi_extra=body_of(LeadFeature))
async def send_leads(
    request: Request,
    view: TheView,
    state: TheState,
    caller: Observer,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Send a change, or a feature collection of changes; each may open a case."""
    read = await read_json(request)
    settings = state.configuration.cases
    made = await once(
        request,
        unit,
        caller,
        body_sha256=read.sha256,
        effect=lambda: operations.receive(
            unit.session, view, caller, act_of(caller, view), read.value, settings
        ),
    )
    return made.response(NO_STORE)


@router.get("/cases/statistics", summary="Figures over red-line leads")
async def show_statistics(
    view: TheView,
    caller: KnownReader,
    query: Annotated[StatisticsQuery, Query()],
    session: ReadSession,
) -> Response:
    """Count cases by district, state, kind and month of opening, with areas and overdue ones."""
    found = await read_statistics(session, caller.viewer, since=query.since, until=query.until)
    document = {
        **operations.describe_statistics(*found),
        "links": [*view.self_links("/cases/statistics"), view.link("/cases", "collection")],
    }
    return view.respond(document, template="case_statistics.html")


@router.get("/cases/{case}", summary="One red-line lead")
async def show_case(
    view: TheView, caller: KnownReader, case: str, query: Parameters, session: ReadSession
) -> Response:
    """Show a case: the lead, the lines it met, its steps, what can follow, and its documents."""
    document, tag = await operations.dossier(session, view, caller, case)
    return view.respond(document, template="case.html", state=tag)


@router.post(
    "/cases/{case}/transitions",
    summary="Take a step of a case",
    status_code=201,
    openapi_extra=body_of(StepBody),
)
async def take_step(
    request: Request,
    view: TheView,
    state: TheState,
    caller: Writer,
    case: str,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Assign a case, tell what was found on site, order rectification, or close it."""
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
            case,
            body,
            state.configuration.cases,
            expected=expected_states(request),
        ),
    )
    return made.response(NO_STORE)


@router.post(
    "/cases/{case}/documents",
    summary="Add a photo or another document to a case",
    status_code=201,
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The bytes of the file; `Content-Type` says what it is",
            "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def post_paper(
    request: Request,
    view: TheView,
    state: TheState,
    caller: Writer,
    case: str,
    query: Annotated[CaseUploadQuery, Query()],
) -> Response:
    """Receive a file as a document of a case; nobody outside its region sees it."""
    made = await papers.receive(state, request, view, caller, case, query)
    return made.response(NO_STORE)
