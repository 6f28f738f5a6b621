"""`/cases`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from shanhai.db.cases.queries import CASES, read_statistics
from shanhai_api.body_schema import body_of
from shanhai_api.cases import operations, papers
from shanhai_api.cases.models import Case, CaseDocument, CaseStatistics, LeadResults, StepTaken
from shanhai_api.cases.schemas import CaseStepBody, CaseUploadQuery, LeadFeature, StatisticsQuery
from shanhai_api.dependencies import KnownReader, Observer, TheState, TheView, Writer
from shanhai_api.features.records import show_list
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.body import JsonBody, ParsedBody, read_json
from shanhai_api.kit.routing import NO_STORE, AnyQuery, Route
from shanhai_api.kit.writing import IfMatch, Read, Write

router = APIRouter(tags=["monitoring"], route_class=Route)


async def read_leads(request: Request) -> ParsedBody:
    """GeoJSON, which may have members of its own; each feature is checked by itself."""
    body = await read_json(request)
    request.state.body_sha256 = body.sha256
    return body


@router.get("/cases", summary="Red-line leads")
async def show_cases(read: Read[KnownReader], query: AnyQuery) -> Response:
    """List cases; filters (`filter` in CQL2), orders, pages and CSV as with collections."""
    return await show_list(read, CASES)


@router.post("/cases", summary="Send red-line leads", openapi_extra=body_of(LeadFeature))
async def send_leads(
    write: Write[Observer], leads: Annotated[ParsedBody, Depends(read_leads)]
) -> LeadResults:
    """Send a change, or a feature collection of changes; each may open a case."""
    return await operations.receive(write, leads.value)


@router.get("/cases/statistics", summary="Figures over red-line leads")
async def show_statistics(
    read: Read[KnownReader], query: Annotated[StatisticsQuery, Query()]
) -> CaseStatistics:
    """Count cases by district, state, kind and month of opening, with areas and overdue ones."""
    found = await read_statistics(
        read.session, read.caller.viewer, since=query.since, until=query.until
    )
    return CaseStatistics.of(*found, read)


@router.get("/cases/{case}", summary="One red-line lead")
async def show_case(read: Read[KnownReader], case: str) -> Answer[Case]:
    """Show a case: the lead, the lines it met, its steps, what can follow, and its documents."""
    return await operations.show_case(read, case)


@router.post("/cases/{case}/transitions", summary="Take a step of a case", status_code=201)
async def take_step(
    write: Write[Writer], case: str, expected: IfMatch, body: JsonBody[CaseStepBody]
) -> Answer[StepTaken]:
    """Assign a case, tell what was found on site, order rectification, or close it."""
    return await operations.step(write, case, body, expected)


@router.post(
    "/cases/{case}/documents",
    summary="Add a photo or another document to a case",
    status_code=201,
    response_model=CaseDocument,
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The bytes of the file; `Content-Type` says what it is",
            "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def post_paper(
    view: TheView,
    state: TheState,
    caller: Writer,
    case: str,
    query: Annotated[CaseUploadQuery, Query()],
) -> Response:
    """Receive a file as a document of a case; nobody outside its region sees it."""
    return (await papers.receive(state, view, caller, case, query)).response(NO_STORE)
