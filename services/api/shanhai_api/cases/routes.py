"""`/cases`: red-line leads received, their steps, photos and other documents."""

import asyncio
import hashlib
from collections import Counter
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from shanhai.db.cases import transitions
from shanhai.db.cases.leads import PUSHERS, CaseRule, Lead, receive_lead
from shanhai.db.cases.queries import CASES, find_case, read_events, read_statistics
from shanhai.db.features.geometry import read_shape
from shanhai.db.features.selection import Selection
from shanhai.db.projects.documents import checked_name
from shanhai.errors import Forbidden, InvalidInput
from shanhai.storage.file_types import kind_of
from shanhai.validation import Line, Rfc3339Date, Words
from shanhai_api.cases import models
from shanhai_api.features.documents import record_document
from shanhai_api.features.operations import read_item
from shanhai_api.features.records import show_list
from shanhai_api.kit import dependencies
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.body import Body, JsonBody, ParsedBody, body_of, parse, read_json
from shanhai_api.kit.routing import NO_STORE, AnyQuery, Made, Route, once
from shanhai_api.projects.papers import take_paper

MOST_LEADS = 500
MOST_DOCUMENTS = 100
LeadKind = Literal[
    "construction", "mining", "clearing", "cultivation", "filling", "dumping", "road", "other"
]


class LeadProperties(Body):
    """What is said of a change beside its place."""

    source: Line = Field(description="Who saw it", examples=["satellite-monthly"])
    external_id: Line = Field(description="What its source calls it; sent again, it is the same")
    kind: LeadKind = Field(description="What it looks like")
    sensed_before: Rfc3339Date = Field(description="Day of the earlier image")
    sensed_after: Rfc3339Date = Field(description="Day of the later image; the lines of it count")
    confidence: float | None = Field(None, ge=0, le=1, description="How sure its source is")


class LeadFeature(BaseModel):
    """A lead as a GeoJSON feature; other members of it mean nothing here."""

    type: Literal["Feature"]
    geometry: dict[str, Any] = Field(description="Polygon or MultiPolygon in longitude, latitude")
    properties: LeadProperties


class LeadsBody(BaseModel):
    """One lead, or a feature collection of several."""

    type: Literal["Feature", "FeatureCollection"]
    features: list[Any] = Field(
        default_factory=list, max_length=MOST_LEADS, description="The leads of a collection"
    )


class CaseStepBody(Body):
    """A step to be taken."""

    to: Line = Field(description="The state to go to", examples=["assigned"])
    note: Words | None = Field(None, description="What was found, ordered or done")
    result: Literal["confirmed", "not_change", "lawful"] | None = Field(
        None, description="What the check on site found; needed to become `verified`"
    )
    assignee: Line | None = Field(None, description="Who checks it; needed to become `assigned`")
    region: Line | None = Field(None, description="Code of the region that answers from now on")
    due: Rfc3339Date | None = Field(None, description="Day by which the next step must be taken")
    answer: Words | None = Field(
        None, description="To whoever complained; needed to close the case of a complaint"
    )
    documents: list[Line] = Field(
        default_factory=list,
        max_length=MOST_DOCUMENTS,
        description="Codes of the case's documents the step is based on",
    )


class StatisticsQuery(dependencies.PageQuery):
    """Parameters of the figures over cases."""

    since: Rfc3339Date | None = Field(None, description="Only cases opened on the day or later")
    until: Rfc3339Date | None = Field(None, description="Only cases opened on the day or earlier")


class CaseUploadQuery(dependencies.PageQuery):
    """What is said of a file that is sent."""

    filename: str = Field(min_length=1, max_length=200, description="Name, with its ending")
    kind: Literal["photo", "other"] = Field(description="What it is: a photo, or something else")
    title_zh: Line = Field(description="Chinese title")
    title_en: Line | None = Field(None, description="English title")


def _name_of(feature: Any) -> tuple[str, str]:
    said = feature.get("properties") if isinstance(feature, dict) else None
    known = said if isinstance(said, dict) else {}
    return str(known.get("source")), str(known.get("external_id"))


async def _receive_one(
    write: dependencies.WriteContext, index: int, value: Any
) -> models.LeadResult:
    settings = write.state.configuration.cases
    rule = CaseRule(settings.least, settings.verify_days)
    try:
        lead = await _lead_of(value)
        received = await receive_lead(write.session, write.caller, write.act, lead, rule)
    except InvalidInput as error:
        fault = error.faults[0].told(write.lang) if error.faults else {"pointer": ""}
        told = {"detail": error.localised(write.lang), **fault}
        return models.LeadResult(index=index, outcome="rejected", **told)
    return models.LeadResult.of(index, received, write)


async def _lead_of(value: Any) -> Lead:
    feature = parse(LeadFeature, value)
    shape = await read_shape(feature.geometry, kind="geometry-multipolygon")
    return Lead(**feature.properties.model_dump(), wkb=shape.wkb)


router = APIRouter(tags=["monitoring"], route_class=Route)


async def read_leads(request: Request) -> ParsedBody:
    """GeoJSON, which may have members of its own; each feature is checked by itself."""
    body = await read_json(request)
    request.state.body_sha256 = body.sha256
    return body


@router.get("/cases", summary="Red-line leads")
async def show_cases(
    read: dependencies.Read[dependencies.KnownReader], query: AnyQuery
) -> Response:
    """List cases; filters (`filter` in CQL2), orders, pages and CSV as with collections."""
    return await show_list(read, CASES)


@router.post("/cases", summary="Send red-line leads", openapi_extra=body_of(LeadFeature))
async def send_leads(
    write: dependencies.Write[dependencies.Observer],
    leads: Annotated[ParsedBody, Depends(read_leads)],
) -> models.LeadResults:
    """Send a change, or a feature collection of changes; each may open a case."""
    body, caller = parse(LeadsBody, leads.value), write.caller
    if body.type == "FeatureCollection" and not body.features:
        raise InvalidInput(
            "features must not be empty", message_zh="features 不得为空", pointer="/features"
        )
    held = {grant.role for grant in caller.grants or ()}
    if not (caller.acts_as(PUSHERS, None) or held & PUSHERS):
        raise Forbidden(
            "the role feed or supervisor is needed", message_zh="需要数据接入或监管角色"
        )
    features = body.features if body.type == "FeatureCollection" else [leads.value]
    # In one order for all senders, so that none waits for one that waits for it.
    order = sorted(range(len(features)), key=lambda place: _name_of(features[place]))
    # What is wrong with one keeps no other from its case.
    told = {index: await _receive_one(write, index, features[index]) for index in order}
    results = [told[index] for index in range(len(features))]
    counted = Counter(item.outcome for item in results)
    return models.LeadResults(
        opened=counted["opened"],
        duplicate=counted["duplicate"],
        no_case=counted["no_case"],
        undetermined=counted["undetermined"],
        rejected=counted["rejected"],
        results=results,
    )


@router.get("/cases/statistics", summary="Figures over red-line leads")
async def show_statistics(
    read: dependencies.Read[dependencies.KnownReader], query: Annotated[StatisticsQuery, Query()]
) -> models.CaseStatistics:
    """Count cases by district, state, kind and month of opening, with areas and overdue ones."""
    found = await read_statistics(
        read.session, read.caller.viewer, since=query.since, until=query.until
    )
    return models.CaseStatistics.of(*found, read)


@router.get("/cases/{case}", summary="One red-line lead")
async def show_case(
    read: dependencies.Read[dependencies.KnownReader], case: str
) -> Answer[models.Case]:
    """Show a case: the lead, the lines it met, its steps, what can follow, and its documents."""
    session, viewer = read.session, read.caller.viewer
    seen = await find_case(session, case, viewer)
    row = await read_item(session, CASES, Selection(viewer, code=case))
    events = await read_events(session, seen.id)
    papers = await transitions.list_papers(session, seen.code)
    record = record_document(CASES, row, read, {})
    return Answer(models.Case.of(record, seen, events, papers, read.caller, read), state=seen.tag)


@router.post("/cases/{case}/transitions", summary="Take a step of a case", status_code=201)
async def take_step(
    write: dependencies.Write[dependencies.Writer],
    case: str,
    expected: dependencies.IfMatch,
    body: JsonBody[CaseStepBody],
) -> Answer[models.StepTaken]:
    """Assign a case, tell what was found on site, order rectification, or close it."""
    settings = write.state.configuration.cases
    asked = transitions.CaseTransitionRequest(
        **{**body.model_dump(), "documents": tuple(body.documents)}
    )
    deadlines = transitions.Deadlines(
        settings.verify_days, settings.decide_days, settings.rectify_days
    )
    taken = await transitions.take_step(
        write.session, case, write.caller, write.act, asked, deadlines, expected=expected
    )
    links = [write.link(models.case_path(taken.code), "up")]
    return Answer(models.StepTaken.from_row(taken, links=links), state=taken.tag)


@router.post(
    "/cases/{case}/documents",
    summary="Add a photo or another document to a case",
    status_code=201,
    response_model=models.CaseDocument,
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The bytes of the file; `Content-Type` says what it is",
            "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def post_paper(
    view: dependencies.TheView,
    state: dependencies.TheState,
    caller: dependencies.Writer,
    case: str,
    query: Annotated[CaseUploadQuery, Query()],
) -> Response:
    """Receive a file as a document of a case; nobody outside its region sees it."""
    name = checked_name(query.filename)
    request = view.request
    kind = kind_of(request.headers.get("content-type", ""), name)
    if query.kind == "photo" and not kind.media_type.startswith("image/"):
        raise InvalidInput(
            f"a photo is an image, not {kind.media_type}",
            message_zh=f"照片须为图像，而非 {kind.media_type}",
            pointer="kind",
        )
    # Who may not add it is told before the body is read.
    async with state.sessions() as session:
        await transitions.demand_adder(session, case, caller)
    path = state.store.scratch()
    try:
        digest = await take_paper(state, request, path, kind)
        stored = await asyncio.to_thread(state.store.put, path, suffix=kind.suffix)
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)
    paper = transitions.CasePaper(name, kind.media_type, query.kind, query.title_zh, query.title_en)
    async with state.unit() as unit:

        async def effect() -> Made:
            act = dependencies.act_of(caller, view)
            row = await transitions.add_paper(unit.session, case, caller, act, paper, stored)
            location = view.url(f"/documents/{row.code}")
            return Made(models.CaseDocument.of(row, view).as_json(), {"Location": location})

        asked = hashlib.sha256(f"{digest} {paper}".encode()).hexdigest()
        made = await once(request, unit, caller, body_sha256=asked, effect=effect)
    return made.response(NO_STORE)
