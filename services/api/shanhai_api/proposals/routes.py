"""`/proposals`."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Response

from shanhai.db.engine import read_today
from shanhai.db.indicators.plan_indicators import find_plan
from shanhai.db.proposals.queries import PROPOSALS, suggest
from shanhai_api.features.records import show_list
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.body import JsonBody
from shanhai_api.kit.dependencies import IfMatch, KnownReader, Read, Write, Writer
from shanhai_api.kit.routing import AnyQuery, Route
from shanhai_api.proposals import operations
from shanhai_api.proposals.models import BlankProposal, Proposal, Suggestions
from shanhai_api.proposals.operations import (
    BlankQuery,
    ProposalBody,
    ProposalStepBody,
    SuggestionsQuery,
    blank_proposal,
)

router = APIRouter(tags=["proposals"], route_class=Route)


@router.get("/proposals", summary="Proposals to revise what is planned")
async def show_proposals(read: Read[KnownReader], query: AnyQuery) -> Response:
    """List proposals; filters (`filter` in CQL2), orders, pages and CSV as with collections."""
    return await show_list(read, PROPOSALS)


@router.post("/proposals", summary="Propose to revise what is planned", status_code=201)
async def propose(write: Write[Writer], body: JsonBody[ProposalBody]) -> Answer[Proposal]:
    """Make the draft of a proposal; its change is checked as the object's own writer would."""
    return await operations.create(write, body)


@router.get("/proposals/blank", summary="A proposal to be filled in")
async def show_blank(
    read: Read[KnownReader], query: Annotated[BlankQuery, Query()]
) -> Answer[BlankProposal]:
    """Show the body of a proposal about an object, or founded on an alert, to be filled in."""
    body = await blank_proposal(read.session, read.caller.viewer, query)
    text = orjson.dumps(body.as_json(), option=orjson.OPT_INDENT_2).decode()
    links = [read.link("/proposals", "collection")]
    return Answer(BlankProposal(body=body, links=links), page={"text": text})


@router.get("/plans/{plan}/suggestions", summary="What in a plan is worth a proposal")
async def show_suggestions(
    read: Read[KnownReader], plan: str, query: Annotated[SuggestionsQuery, Query()]
) -> Suggestions:
    """List targets behind, projects late or suspended and serious alerts, by stated rules."""
    seen = await find_plan(read.session, plan, read.caller.viewer)
    year = query.year or (await read_today(read.session)).year
    found = await suggest(read.session, read.caller.viewer, seen, year)
    return Suggestions.of(seen, year, found, read)


@router.get("/proposals/{proposal}", summary="One proposal")
async def show_proposal(read: Read[KnownReader], proposal: str) -> Answer[Proposal]:
    """Show a proposal: old and new values, evidence, decision, what was made, what can follow."""
    return await operations.show_proposal(read, proposal)


@router.put("/proposals/{proposal}", summary="Write the draft of a proposal anew")
async def rewrite(
    write: Write[Writer], proposal: str, expected: IfMatch, body: JsonBody[ProposalBody]
) -> Answer[Proposal]:
    """Put this in the place of a draft; it is about the object as that is now."""
    return await operations.rewrite(write, proposal, body, expected)


@router.post(
    "/proposals/{proposal}/transitions", summary="Take a step of a proposal", status_code=201
)
async def take_step(
    write: Write[Writer], proposal: str, expected: IfMatch, body: JsonBody[ProposalStepBody]
) -> Answer[Proposal]:
    """Submit, accept, refuse or withdraw a proposal, or carry it out: write what it proposes."""
    return await operations.step(write, proposal, body, expected)
