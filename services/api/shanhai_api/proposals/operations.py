"""What is done with proposals."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.selection import Selection
from shanhai.db.identity import Identity
from shanhai.db.indicators.plan_indicators import PlanSeen
from shanhai.db.indicators.targets import StatedFigure
from shanhai.db.proposals.creation import (
    SCOPES,
    EvidenceReference,
    Wording,
    create_proposal,
    rewrite_proposal,
)
from shanhai.db.proposals.queries import (
    PROPOSALS,
    ObjectVersion,
    find_proposal,
    read_events,
    read_evidence,
    read_place,
    tag_of,
)
from shanhai.db.proposals.subjects import UNDER, Members, ProposalSubject
from shanhai.db.proposals.suggestions import RULES, Suggestion
from shanhai.db.proposals.target_revisions import figure_as_json
from shanhai.db.proposals.transitions import (
    DECISIONS,
    ProposalTransitionRequest,
    proposed_by,
    steps_from,
    take_step,
)
from shanhai.db.queries.audit import Act
from shanhai.db.tables.plan import Proposal, ProposalEvent, ProposalEvidence
from shanhai.errors import InvalidInput
from shanhai.timestamps import rfc3339
from shanhai.vocabulary import EVIDENCE_KINDS, PROPOSAL_KINDS, PROPOSAL_STATES, Label
from shanhai_api.features.documents import record_document
from shanhai_api.features.operations import read_item
from shanhai_api.identity import Caller
from shanhai_api.kit.body import parse
from shanhai_api.negotiation import GEOJSON
from shanhai_api.once import Made
from shanhai_api.plan_values import FiguresBody
from shanhai_api.proposal_links import name_proposals, propose_link
from shanhai_api.proposals.schemas import EvidenceBody, ProposalBody, StepBody
from shanhai_api.view import Link, View, entity_tag

STATES = {term.code: term.label for term in PROPOSAL_STATES}
KINDS = {term.code: term.label for term in PROPOSAL_KINDS}
SUGGESTIONS = Label("修订提示", "What is worth a proposal")
EVIDENCE = {term.code: term.label for term in EVIDENCE_KINDS}


def proposal_path(code: str) -> str:
    """Where a proposal is."""
    return f"/proposals/{quote(code, safe='')}"


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
        listed = ", ".join(EVIDENCE)
        raise InvalidInput(
            f"each piece of evidence names one of: {listed}",
            message_zh=f"每项依据须指明以下之一：{listed}",
            pointer=f"/evidence/{place}",
        )
    ((kind, value),) = given.items()
    return EvidenceReference(kind, str(value))


async def create(
    session: AsyncSession, view: View, caller: Caller, act: Act, wording: Wording
) -> Made:
    """Make the draft of a proposal."""
    row = await create_proposal(session, caller, act, wording)
    made = await _made(session, view, caller, row, status=201)
    return Made(made.content, {**made.headers, "Location": view.url(proposal_path(row.code))})


async def rewrite(
    session: AsyncSession,
    view: View,
    caller: Caller,
    act: Act,
    code: str,
    wording: Wording,
    *,
    expected: frozenset[str] | None,
) -> tuple[dict[str, Any], str]:
    """Write a draft anew; it and its state then."""
    await rewrite_proposal(session, caller, act, code, wording, expected=expected)
    return await dossier(session, view, caller, code)


async def step(
    session: AsyncSession,
    view: View,
    caller: Caller,
    act: Act,
    code: str,
    body: StepBody,
    *,
    expected: frozenset[str] | None,
) -> Made:
    """Take a step of a proposal, and show it as it is then."""
    asked = ProposalTransitionRequest(body.to, body.reason)
    row = await take_step(session, code, caller, act, asked, expected=expected)
    return await _made(session, view, caller, row, status=201)


async def _made(
    session: AsyncSession, view: View, caller: Caller, row: Proposal, *, status: int
) -> Made:
    content, tag = await dossier(session, view, caller, row.code)
    return Made(content, {"ETag": f'"{entity_tag(tag, orjson.dumps(content))}"'}, status)


async def dossier(
    session: AsyncSession, view: View, caller: Caller, code: str
) -> tuple[dict[str, Any], str]:
    """All that is known of a proposal, and what tells its state from others."""
    row = await find_proposal(session, code, caller.viewer)
    listed = await read_item(session, PROPOSALS, Selection(caller.viewer, code=code))
    document = record_document(PROPOSALS, listed, view, {})
    events = await read_events(session, row.id)
    evidence = await read_evidence(session, row.id)
    base = await read_place(session, row.kind, row.base_id)
    links = [*document["links"], _link_to(view, document, base, "about")]
    made = None
    if row.made_id is not None:
        place = await read_place(session, row.kind, row.made_id)
        made = {"code": place.code, "version": place.version}
        links.append(_link_to(view, document, place, "successor-version"))
    return {
        **document,
        "kind_name": KINDS[row.kind].in_(view.lang),
        "state_name": STATES[row.state].in_(view.lang),
        "evidence": [describe_evidence(item, view) for item in evidence],
        "made": made,
        "steps": describe_steps(row, events, caller, view),
        "events": [describe_event(item, view) for item in events],
        "links": links,
    }, tag_of(row)


def _link_to(view: View, document: Mapping[str, Any], place: ObjectVersion, rel: str) -> Link:
    """Where what a proposal revises, or made, is."""
    safe = quote(place.code, safe="")
    match document["kind"]:
        case "project":
            path = f"/collections/projects/items/{safe}"
        case "programme":
            path = f"/plans/{quote(document['plan'], safe='')}/programmes/{safe}"
        case "zone":
            path = "/collections/zone_schemes/items"
            return view.link(path, rel, GEOJSON.media_type, code=place.code, version=place.version)
        case _:
            path = f"/collections/plans/items/{safe}"
    return view.link(path, rel)


def describe_evidence(item: ProposalEvidence, view: View) -> dict[str, Any]:
    """One thing a proposal is founded on, and where it is."""
    places = {"alert": "/alerts", "case": "/cases", "job": "/jobs", "bulletin": "/bulletins"}
    numbered = item.kind in {"alert", "value"}
    found: dict[str, Any] = {
        item.kind: int(item.object) if numbered else item.object,
        "kind": item.kind,
        "kind_name": EVIDENCE[item.kind].in_(view.lang),
    }
    if item.kind in places:
        found["href"] = view.url(f"{places[item.kind]}/{quote(item.object, safe='')}")
    return found


def describe_steps(
    row: Proposal, events: Sequence[ProposalEvent], caller: Identity, view: View
) -> list[dict[str, Any]]:
    """What can follow, what it needs, and whether the caller may do it."""
    own = caller.owner in proposed_by(events)
    return [
        {
            "to": item.target,
            "name": STATES[item.target].in_(view.lang),
            "roles": sorted(item.roles),
            "needs": ["reason"] if item.reasoned else [],
            "rule": item.rule.in_(view.lang),
            "allowed": caller.may(*SCOPES)
            and caller.acts_as(item.roles, row.region_id)
            and not (own and item.target in DECISIONS),
        }
        for item in steps_from(row.state)
    ]


def describe_event(event: ProposalEvent, view: View) -> dict[str, Any]:
    """A step of the past."""
    return {
        "seq": event.seq,
        "from": event.from_state,
        "to": event.to_state,
        "to_name": STATES[event.to_state].in_(view.lang),
        "at": rfc3339(event.at),
        "actor": event.actor,
        "reason": event.reason,
    }


def suggestions_document(
    view: View, plan: PlanSeen, year: int, found: Sequence[Suggestion]
) -> dict[str, Any]:
    """What rules found, each with the proposals there are and the way to another one."""
    path = f"/plans/{quote(plan.code, safe='')}/suggestions"
    title = f"{plan.name.in_(view.lang)} · {SUGGESTIONS.in_(view.lang)}"
    return {
        "title": title,
        "plan": plan.code,
        "year": year,
        "rules": [{"rule": term.code, "name": term.label.in_(view.lang)} for term in RULES],
        "suggestions": [
            {
                "rule": item.rule,
                "found": item.found.in_(view.lang),
                **item.about,
                "proposals": name_proposals(item.proposals, view),
                "links": [propose_link(view, **item.about)],
            }
            for item in found
        ],
        "links": [
            *view.self_links(path),
            view.link(f"/collections/plans/items/{quote(plan.code, safe='')}", "up"),
            view.link("/proposals", "related", plan=plan.code),
        ],
    }
