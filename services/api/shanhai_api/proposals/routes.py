"""`/proposals`: what is asked of them, and done with them."""

from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import Field, StringConstraints

from shanhai.db.alerts.queries import find_alert
from shanhai.db.engine import read_today
from shanhai.db.features.selection import Selection
from shanhai.db.indicators.plan_indicators import find_indicator, find_place, find_plan
from shanhai.db.indicators.targets import StatedFigure, describe_target, read_targets
from shanhai.db.proposals import queries, transitions
from shanhai.db.proposals.creation import (
    EvidenceReference,
    Wording,
    create_proposal,
    rewrite_proposal,
)
from shanhai.db.proposals.revisions import figure_as_json
from shanhai.db.proposals.subjects import UNDER, Members, ProposalSubject
from shanhai.db.proposals.transitions import ProposalTransitionRequest
from shanhai.db.tables.plan import ProposalEvent, ProposalEvidence
from shanhai.errors import InvalidInput
from shanhai.validation import Line, Words
from shanhai.vocabulary import EVIDENCE_KINDS, codes
from shanhai_api.features.documents import record_document
from shanhai_api.features.operations import read_item
from shanhai_api.features.records import show_list
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.body import Body, JsonBody, parse
from shanhai_api.kit.dependencies import (
    Context,
    IfMatch,
    KnownReader,
    PageQuery,
    Read,
    Write,
    Writer,
)
from shanhai_api.kit.routing import AnyQuery, Route
from shanhai_api.kit.view import GEOJSON, Link, View
from shanhai_api.plans.schemas import FiguresBody, Year
from shanhai_api.proposals import models

MOST_EVIDENCE = 100
Title = Annotated[
    str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Number = Annotated[int, Field(ge=1, le=2**63 - 1)]


class RevisesBody(Body):
    """What is to be revised: a project, a programme, a plan, a target of a plan, or a zone."""

    project: Line | None = Field(None, description="Code of a project")
    programme: Line | None = Field(None, description="Code of a programme")
    plan: Line | None = Field(None, description="Code of an approved plan")
    indicator: Line | None = Field(None, description="With `plan`: an indicator in its list")
    region: Line | None = Field(
        None, description="With `indicator`: region of the figures; default the plan's own"
    )
    scheme: Line | None = Field(None, description="With `zone`: code of a published zone scheme")
    zone: Line | None = Field(None, description="With `scheme`: code of one of its zones")


class EvidenceBody(Body):
    """One thing a proposal is founded on."""

    alert: Number | None = Field(None, description="Number of an alert")
    case: Line | None = Field(None, description="Code of a red-line lead")
    value: Number | None = Field(None, description="Number (`id`) of a value of an indicator")
    job: UUID | None = Field(None, description="Number of a job")
    evaluation: Line | None = Field(None, description="Code of a stored evaluation")
    bulletin: Line | None = Field(None, description="Code of a bulletin")


class ProposalBody(Body):
    """A proposal."""

    title: Title = Field(description="What is proposed, in a line")
    reason: Words = Field(description="Why: what was observed, and what follows from it")
    revises: RevisesBody = Field(description="What is to be revised")
    change: dict[str, Any] = Field(
        min_length=1,
        description="The members that are to change, as a merge patch of the object would say"
        " them (`geometry` among them); of a target all its figures as `targets`",
        examples=[{"end_year": 2028}],
    )
    evidence: list[EvidenceBody] = Field(
        default_factory=list, max_length=MOST_EVIDENCE, description="What it is founded on"
    )


class ProposalStepBody(Body):
    """A step to be taken."""

    to: Literal["submitted", "accepted", "refused", "withdrawn", "carried_out"] = Field(
        description="The state to go to"
    )
    reason: Words | None = Field(None, description="Why; needed to decide and to withdraw")


class BlankQuery(PageQuery):
    """What a proposal is to be about, and founded on."""

    project: Line | None = Field(None, description="Code of a project")
    programme: Line | None = Field(None, description="Code of a programme")
    plan: Line | None = Field(None, description="Code of an approved plan")
    indicator: Line | None = Field(None, description="With `plan`: an indicator in its list")
    region: Line | None = Field(None, description="With `indicator`: region of the figures")
    scheme: Line | None = Field(None, description="With `zone`: code of a published zone scheme")
    zone: Line | None = Field(None, description="With `scheme`: code of one of its zones")
    alert: Number | None = Field(None, description="Number of an alert it is founded on")
    case: Line | None = Field(None, description="Code of a red-line lead it is founded on")
    value: Number | None = Field(None, description="Number of a value it is founded on")


class SuggestionsQuery(PageQuery):
    """Parameters of what is worth a proposal."""

    year: Year | None = Field(None, description="Year whose values are judged; default this year")


EVIDENCE = ("alert", "case", "value")
REVISES = ("project", "programme", "plan", "indicator", "region", "scheme", "zone")


async def blank_proposal(read: Context, query: BlankQuery) -> models.ProposalDraft:
    """A body for `POST /proposals` without the title, the reason and the change.

    Raises:
        NotFound: there is no such alert, plan or indicator the viewer may know of.
        InvalidInput: the region does not lie in the plan's.
    """
    session, viewer = read.session, read.caller.viewer
    given = query.model_dump(include={*EVIDENCE, *REVISES}, exclude_none=True)
    if query.alert is not None and given.keys().isdisjoint(REVISES):
        given = {**await _missed(read, query.alert), **given}
    change: dict[str, Any] = {}
    if "plan" in given and "indicator" in given:
        plan = await find_plan(session, given["plan"], viewer)
        listed = await find_indicator(session, plan, given["indicator"])
        place = await find_place(session, plan, given.get("region"), pointer="region")
        rows = await read_targets(session, plan.id, indicators=[listed.id], region_id=place.id)
        change = {"targets": [_stated(describe_target(row)) for row in rows]}
        given["region"] = place.code
    return models.ProposalDraft(
        title="",
        reason="",
        revises={name: given[name] for name in REVISES if name in given},
        change=change,
        evidence=[{name: given[name]} for name in EVIDENCE if name in given],
    )


async def _missed(read: Context, alert_id: int) -> dict[str, str]:
    """The target an alert is about, where it is about one."""
    alert = await find_alert(read.session, read.caller.viewer, alert_id)
    named = {"plan": alert.plan, "indicator": alert.indicator, "region": alert.region}
    return {} if alert.indicator is None else named


def _stated(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != "revisions"}


def wording_of(body: ProposalBody) -> Wording:
    """What a body proposes.

    Raises:
        InvalidInput: it names not exactly one thing to revise, or as one piece of evidence.
    """
    subject = ProposalSubject(**body.revises.model_dump())
    change: Members = body.change
    if subject.kind == "target":
        figures = parse(FiguresBody, body.change, under=UNDER).targets
        change = {"targets": [figure_as_json(StatedFigure(**dict(item))) for item in figures]}
    evidence = tuple(_evidence(place, item) for place, item in enumerate(body.evidence))
    return Wording(body.title, body.reason, subject, change, evidence)


def _evidence(place: int, item: EvidenceBody) -> EvidenceReference:
    given = item.model_dump(exclude_none=True)
    if len(given) != 1:
        listed = ", ".join(codes(EVIDENCE_KINDS))
        raise InvalidInput(
            f"each piece of evidence names one of: {listed}",
            message_zh=f"每项依据须指明以下之一：{listed}",
            pointer=f"/evidence/{place}",
        )
    ((kind, value),) = given.items()
    return EvidenceReference(kind, str(value))


async def proposal_shown(
    context: Context, code: str, *, location: str | None = None
) -> Answer[models.Proposal]:
    """All that is known of a proposal, and its state."""
    session, viewer = context.session, context.caller.viewer
    row = await queries.find_proposal(session, code, viewer)
    listed = await read_item(session, queries.PROPOSALS, Selection(viewer, code=code))
    record = record_document(queries.PROPOSALS, listed, context, {})
    events = await queries.read_listed(session, ProposalEvent, row.id)
    evidence = await queries.read_listed(session, ProposalEvidence, row.id)
    base, made = [
        await queries.read_place(session, viewer, row.kind, row_id)
        for row_id in (row.base_id, row.made_id)
    ]
    places = ((base, "about"), (made, "successor-version"))
    links = [_link_to(context, row.kind, place, rel) for place, rel in places if place is not None]
    shown = models.Proposal.of(
        record,
        row,
        events,
        context.caller,
        context,
        evidence=[models.Evidence.of(item, context) for item in evidence],
        links=[*record["links"], *links],
        made=None if made is None else models.MadeObject(code=made.code, version=made.version),
    )
    return Answer(shown, state=queries.tag_of(row), location=location)


def _link_to(view: View, kind: str, place: queries.ObjectVersion, rel: str) -> Link:
    """Where what a proposal revises, or made, is."""
    safe = quote(place.code, safe="")
    match kind:
        case "project":
            path = f"/collections/projects/items/{safe}"
        case "programme":
            path = f"/plans/{quote(str(place.plan), safe='')}/programmes/{safe}"
        case "zone":
            path = "/collections/zone_schemes/items"
            return view.link(path, rel, GEOJSON.media_type, code=place.code, version=place.version)
        case _:
            path = f"/collections/plans/items/{safe}"
    return view.link(path, rel)


router = APIRouter(tags=["proposals"], route_class=Route)


@router.get("/proposals", summary="Proposals to revise what is planned")
async def show_proposals(read: Read[KnownReader], query: AnyQuery) -> Response:
    """List proposals; filters (`filter` in CQL2), orders, pages and CSV as with collections."""
    return await show_list(read, queries.PROPOSALS)


@router.post("/proposals", summary="Propose to revise what is planned", status_code=201)
async def propose(write: Write[Writer], body: JsonBody[ProposalBody]) -> Answer[models.Proposal]:
    """Make the draft of a proposal; its change is checked as the object's own writer would."""
    row = await create_proposal(write.session, write.caller, write.act, wording_of(body))
    return await proposal_shown(write, row.code, location=models.proposal_path(row.code))


@router.get("/proposals/blank", summary="A proposal to be filled in")
async def show_blank(
    read: Read[KnownReader], query: Annotated[BlankQuery, Query()]
) -> Answer[models.BlankProposal]:
    """Show the body of a proposal about an object, or founded on an alert, to be filled in."""
    body = await blank_proposal(read, query)
    text = orjson.dumps(body.as_json(), option=orjson.OPT_INDENT_2).decode()
    links = [read.link("/proposals", "collection")]
    return Answer(models.BlankProposal(body=body, links=links), page={"text": text})


@router.get("/plans/{plan}/suggestions", summary="What in a plan is worth a proposal")
async def show_suggestions(
    read: Read[KnownReader], plan: str, query: Annotated[SuggestionsQuery, Query()]
) -> models.Suggestions:
    """List targets behind, projects late or suspended and serious alerts, by stated rules."""
    seen = await find_plan(read.session, plan, read.caller.viewer)
    year = query.year or (await read_today(read.session)).year
    found = await queries.suggest(read.session, read.caller.viewer, seen, year)
    return models.Suggestions.of(seen, year, found, read)


@router.get("/proposals/{proposal}", summary="One proposal")
async def show_proposal(read: Read[KnownReader], proposal: str) -> Answer[models.Proposal]:
    """Show a proposal: old and new values, evidence, decision, what was made, what can follow."""
    return await proposal_shown(read, proposal)


@router.put("/proposals/{proposal}", summary="Write the draft of a proposal anew")
async def rewrite(
    write: Write[Writer], proposal: str, expected: IfMatch, body: JsonBody[ProposalBody]
) -> Answer[models.Proposal]:
    """Put this in the place of a draft; it is about the object as that is now."""
    wording = wording_of(body)
    await rewrite_proposal(
        write.session, write.caller, write.act, proposal, wording, expected=expected
    )
    return await proposal_shown(write, proposal)


@router.post(
    "/proposals/{proposal}/transitions", summary="Take a step of a proposal", status_code=201
)
async def take_step(
    write: Write[Writer], proposal: str, expected: IfMatch, body: JsonBody[ProposalStepBody]
) -> Answer[models.Proposal]:
    """Submit, accept, refuse or withdraw a proposal, or carry it out: write what it proposes."""
    asked = ProposalTransitionRequest(body.to, body.reason)
    row = await transitions.take_step(
        write.session, proposal, write.caller, write.act, asked, expected=expected
    )
    return await proposal_shown(write, row.code)
