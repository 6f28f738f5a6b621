"""Proposals as they are answered."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self
from urllib.parse import quote
from uuid import UUID

from pydantic import Field

from shanhai.db.indicators.plan_indicators import PlanSeen
from shanhai.db.proposals.creation import SCOPES
from shanhai.db.proposals.queries import RULES
from shanhai.db.proposals.queries import Suggestion as Found
from shanhai.db.proposals.transitions import (
    DECISIONS,
    ProposalStep,
    proposed_by,
    steps_from,
)
from shanhai.db.tables import plan as tables
from shanhai.vocabulary import EVIDENCE_KINDS, PROPOSAL_KINDS, PROPOSAL_STATES, Label, label_in
from shanhai_api.kit.answers import Answered, Document, Link, Maybe, Moment, MomentText, one_of
from shanhai_api.kit.requests import Caller
from shanhai_api.kit.view import View
from shanhai_api.proposals.links import ProposalNamed, name_proposals, propose_link

SUGGESTIONS = Label("修订提示", "What is worth a proposal")
PLACES = {"alert": "/alerts", "case": "/cases", "job": "/jobs", "bulletin": "/bulletins"}
"""Where evidence is shown; an evaluation and a value are parts of a plan."""
State = Annotated[str, one_of(PROPOSAL_STATES)]
Kind = Annotated[str, one_of(PROPOSAL_KINDS)]
EvidenceKind = Annotated[str, one_of(EVIDENCE_KINDS)]
Rule = Annotated[str, one_of(RULES)]


class ProposalDraft(Answered):
    """A body for `POST /proposals`, to be filled in."""

    title: str
    reason: str
    revises: dict[str, str]
    change: dict[str, Any]
    evidence: list[dict[str, str | int]]


class BlankProposal(Document):
    """A proposal to be filled in."""

    template = "proposal_blank.html"

    body: ProposalDraft
    links: list[Link]


class Evidence(Answered):
    """One thing a proposal is founded on, and where it is."""

    alert: Maybe[int] = None
    case: Maybe[str] = None
    value: Maybe[int] = None
    job: Maybe[UUID] = None
    evaluation: Maybe[str] = None
    bulletin: Maybe[str] = None
    kind: EvidenceKind
    kind_name: str
    href: Maybe[str] = None

    @classmethod
    def of(cls, item: tables.ProposalEvidence, view: View) -> Self:
        """A piece of evidence as it is shown."""
        place = PLACES.get(item.kind)
        return cls(
            **{item.kind: item.object},
            kind=item.kind,
            kind_name=label_in(EVIDENCE_KINDS, item.kind, view.lang),
            href=None if place is None else view.url(f"{place}/{quote(item.object, safe='')}"),
        )


class ProposalStepOffered(Answered):
    """A step that can follow."""

    to: State
    name: str
    roles: list[str]
    needs: list[str] = Field(description="Members its body must have")
    rule: str
    allowed: bool = Field(description="Whether the caller may take it")

    @classmethod
    def of(
        cls, step: ProposalStep, row: tables.Proposal, caller: Caller, view: View, *, own: bool
    ) -> Self:
        """What a step needs, and whether the caller may take it; none decides what is their own."""
        return cls(
            to=step.target,
            name=label_in(PROPOSAL_STATES, step.target, view.lang),
            roles=sorted(step.roles),
            needs=["reason"] if step.reasoned else [],
            rule=step.rule.in_(view.lang),
            allowed=caller.may(*SCOPES)
            and caller.acts_as(step.roles, row.region_id)
            and not (own and step.target in DECISIONS),
        )


class ProposalHistory(Answered):
    """A step that was taken."""

    seq: int
    before: State | None = Field(alias="from", validation_alias="from_state")
    to: State = Field(validation_alias="to_state")
    to_name: str
    at: Moment
    actor: str
    reason: str | None

    @classmethod
    def of(cls, event: tables.ProposalEvent, view: View) -> Self:
        """A step of the past."""
        return cls.from_row(event, to_name=label_in(PROPOSAL_STATES, event.to_state, view.lang))


class MadeObject(Answered):
    """The object in which a proposal was carried out."""

    code: str
    version: int | None


class Proposal(Document):
    """A proposal: old and new values, evidence, decision, what was made, what can follow."""

    template = "proposal.html"

    code: str
    title: str
    kind: Kind
    object: str
    state: State
    plan: str | None
    region: str | None
    author: str
    reason: str
    evidence: list[Evidence]
    revises: dict[str, Any]
    change: dict[str, Any]
    fields: list[dict[str, Any]] = Field(description="Members that are to differ: `old` and `new`")
    decided_by: str | None
    decided_at: MomentText | None
    decision: str | None
    proposed_at: MomentText
    links: list[Link]
    kind_name: str
    state_name: str
    made: MadeObject | None
    steps: list[ProposalStepOffered]
    events: list[ProposalHistory]

    @classmethod
    def of(
        cls,
        record: Mapping[str, Any],
        row: tables.Proposal,
        events: Sequence[tables.ProposalEvent],
        caller: Caller,
        view: View,
        **told: Any,
    ) -> Self:
        """All that is known of a proposal.

        Args:
            record: Its row in the list.
            told: Its evidence, its links, and what was made.
        """
        own, states = caller.owner in proposed_by(events), PROPOSAL_STATES
        return cls(
            **{**record, **told},
            kind_name=label_in(PROPOSAL_KINDS, row.kind, view.lang),
            state_name=label_in(states, row.state, view.lang),
            steps=[
                ProposalStepOffered.of(step, row, caller, view, own=own)
                for step in steps_from(row.state)
            ],
            events=[ProposalHistory.of(event, view) for event in events],
        )


class SuggestionRule(Answered):
    """A rule by which something is worth a proposal."""

    rule: Rule
    name: str


class Suggestion(Answered):
    """Something a rule found, with the proposals there are and the way to another one."""

    rule: Rule
    found: str
    plan: Maybe[str] = None
    indicator: Maybe[str] = None
    region: Maybe[str] = None
    project: Maybe[str] = None
    alert: Maybe[int] = None
    proposals: list[ProposalNamed]
    links: list[Link]

    @classmethod
    def of(cls, item: Found, view: View) -> Self:
        """What a rule found, as it is shown."""
        return cls.model_validate(
            {
                **item.about,
                "rule": item.rule,
                "found": item.found.in_(view.lang),
                "proposals": name_proposals(item.proposals, view),
                "links": [propose_link(view, **item.about)],
            }
        )


class Suggestions(Document):
    """What in a plan is worth a proposal, by stated rules."""

    template = "suggestions.html"

    title: str
    plan: str
    year: int
    rules: list[SuggestionRule]
    suggestions: list[Suggestion]
    links: list[Link]

    @classmethod
    def of(cls, plan: PlanSeen, year: int, found: Sequence[Found], view: View) -> Self:
        """What rules found in a plan by the values of a year."""
        safe = quote(plan.code, safe="")
        rules = [SuggestionRule(rule=term.code, name=term.label.in_(view.lang)) for term in RULES]
        return cls(
            title=f"{plan.name.in_(view.lang)} · {SUGGESTIONS.in_(view.lang)}",
            plan=plan.code,
            year=year,
            rules=rules,
            suggestions=[Suggestion.of(item, view) for item in found],
            links=[
                *view.self_links(f"/plans/{safe}/suggestions"),
                view.link(f"/collections/plans/items/{safe}", "up"),
                view.link("/proposals", "related", plan=plan.code),
            ],
        )


def proposal_path(code: str) -> str:
    """Where a proposal is."""
    return f"/proposals/{quote(code, safe='')}"
