"""`/compensation-agreements/{agreement}/settlements`: what districts pay one another by year."""

from datetime import date
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from fastapi import APIRouter
from pydantic import Field, model_validator

from shanhai.db import settlements
from shanhai.db.collections import guards
from shanhai.db.tables.compensation import CompensationSettlement
from shanhai.errors import Forbidden
from shanhai.validation import Rfc3339Date, Words, broken_at
from shanhai.vocabulary import COMPENSATION_SIDES, SETTLEMENT_STATES, Label
from shanhai_api.kit import answers
from shanhai_api.kit.body import Body, JsonBody
from shanhai_api.kit.dependencies import Context, KnownReader, Read, Reader, Write, Writer
from shanhai_api.kit.routing import Route
from shanhai_api.kit.view import View
from shanhai_api.plans.answers import Titled, here_links, money
from shanhai_api.projects.models import AmountText
from shanhai_api.projects.schemas import Word

router = APIRouter(tags=["projects"], route_class=Route)
AGREEMENT = "/compensation-agreements/{agreement}"
SETTLEMENT = f"{AGREEMENT}/settlements/{{year}}"
Year = Annotated[int, Field(ge=1900, le=2200)]
Side = Annotated[str, answers.one_of(COMPENSATION_SIDES)]
STATES = {term.code: term.label for term in SETTLEMENT_STATES}
SIDES = {term.code: term.label for term in COMPENSATION_SIDES}
LINES = {
    "P": Label("指数 P", "Index P"),
    "balance": Label("供需比均值", "Mean of the ratio of supply to demand"),
}
"""Lines that are not of a month or a property."""
SETTLEMENTS = Label("补偿结算", "Settlements of compensation")
WHAT_IF = Label("补偿试算", "Trial of compensation")


def agreement_path(code: str, *parts: str) -> str:
    """Where an agreement, or what hangs on it, is."""
    return "/".join((f"/compensation-agreements/{quote(code, safe='')}", *parts))


class NewSettlement(Body):
    """Begins the settlement of a year."""

    year: Year
    version: int | None = Field(
        None,
        ge=1,
        le=2**31 - 1,
        description="Version of the zoning a service's balance is read from; without it, that which"
        " was in force when the year ended",
    )

    def asked(self) -> settlements.SettledYear:
        """What is to be settled."""
        return settlements.SettledYear(self.year, self.version)


class TrialBody(NewSettlement):
    """A year, and the rule it is tried with; without one, that of the agreement."""

    rule: dict[str, Any] | None = Field(None, description="A rule as agreements have it")


class SettlementStepBody(Body):
    """A step of a settlement."""

    to: Literal["confirmed", "disputed", "paid", "withdrawn"]
    side: Literal["upstream", "downstream"] | None = Field(
        None, description="For which side; needed to confirm and to dispute"
    )
    reason: Words | None = Field(None, description="Why; needed to dispute and to withdraw")
    paid_on: Rfc3339Date | None = Field(None, description="Day of payment; needed with `paid`")
    evidence: list[Word] = Field(
        [], max_length=100, description="Codes of documents; needed with `paid`"
    )

    @model_validator(mode="after")
    def check_side(self) -> Self:
        """What is paid or withdrawn is so for both."""
        if self.side is not None and self.to in {"paid", "withdrawn"}:
            raise broken_at("side", rule=f"{self.to} is of no side / {self.to} 不分双方")
        return self


class SettledLineShown(answers.Answered):
    """A line of a settlement."""

    name: str = Field(description="A month, the index, or the balance")
    observed: str
    amount: AmountText = Field(description="Above 0 downstream pays")


class ComputedSettlement(answers.Answered):
    """What an agreement comes to in a year."""

    agreement: str
    year: int
    rule: dict[str, Any]
    observed: dict[str, Any]
    lines: list[SettledLineShown]
    missing: list[str] = Field(description="What was not observed, and is not paid for")
    capped: bool
    amount: AmountText | None = Field(description="Yuan; null where nothing was observed")
    payer: Side | None = Field(description="Who pays; null where nothing is paid")


class SettlementEvent(answers.Answered):
    """A step that was taken."""

    state: Annotated[str, answers.one_of(SETTLEMENT_STATES)]
    side: Side | None
    reason: str | None
    evidence: list[str]
    at: answers.Moment


class SettlementListed(answers.Answered):
    """A settlement in a list."""

    year: int
    state: Annotated[str, answers.one_of(SETTLEMENT_STATES)]
    amount: AmountText
    payer: Side | None
    paid_on: date | None
    sha256: str

    @classmethod
    def told(cls, row: CompensationSettlement, **more: Any) -> Self:
        """A settlement as it is listed."""
        return cls(
            year=row.year,
            state=row.state,
            amount=money(abs(row.amount)),
            payer=row.content["payer"],
            paid_on=row.paid_on,
            sha256=row.sha256,
            **more,
        )


class SettlementShown(SettlementListed, answers.Document):
    """The settlement of a year, with what it was computed from and its steps."""

    template = "settlement.html"

    title: str
    content: ComputedSettlement
    upstream_confirmed: bool
    downstream_confirmed: bool
    events: list[SettlementEvent]
    links: list[answers.Link]


class SettlementList(Titled):
    """The settlements of an agreement, the newest year first."""

    template = "settlements.html"

    agreement: str
    settlements: list[SettlementListed]
    links: list[answers.Link]


class TrialShown(Titled):
    """What a year would come to; nothing is written."""

    content: ComputedSettlement
    links: list[answers.Link]


def titled(what: Label, seen: settlements.AgreementSeen, view: View) -> str:
    """What is shown, and of which agreement."""
    return f"{seen.name.in_(view.lang)} · {what.in_(view.lang)}"


@router.get(f"{AGREEMENT}/settlements", summary="The settlements of an agreement")
async def show_settlements(read: Read[Reader], agreement: str) -> answers.Answer[SettlementList]:
    """List what was settled by year; those that were withdrawn stay in the list."""
    seen = await settlements.find_agreement(read.session, agreement, read.caller.viewer)
    rows = await settlements.list_settlements(read.session, seen)
    shown = SettlementList(
        title=titled(SETTLEMENTS, seen, read),
        agreement=seen.code,
        settlements=[SettlementListed.told(row) for row in rows],
        links=[*here_links(read), read.link(agreement_path(seen.code), "up")],
    )
    return answers.Answer(shown, page={"states": STATES, "sides": SIDES})


@router.post(f"{AGREEMENT}/settlements", summary="Settle a year", status_code=201)
async def propose_settlement(
    write: Write[Writer], agreement: str, body: JsonBody[NewSettlement]
) -> answers.Answer[SettlementShown]:
    """Compute a year by what was observed and put it before both sides."""
    row = await settlements.propose_settlement(
        write.session, agreement, body.asked(), caller=write.caller, act=write.act
    )
    place = agreement_path(agreement, "settlements", str(row.year))
    return await _shown(write, agreement, row, location=place)


@router.get(SETTLEMENT, summary="The settlement of a year")
async def show_settlement(
    read: Read[Reader], agreement: str, year: Year
) -> answers.Answer[SettlementShown]:
    """Show a settlement with its lines, what it was computed from, and its steps."""
    seen = await settlements.find_agreement(read.session, agreement, read.caller.viewer)
    return await _shown(
        read, agreement, await settlements.find_settlement(read.session, seen, year)
    )


@router.post(f"{SETTLEMENT}/steps", summary="Take a step of a settlement", status_code=200)
async def take_settlement_step(
    write: Write[Writer], agreement: str, year: Year, body: JsonBody[SettlementStepBody]
) -> answers.Answer[SettlementShown]:
    """Confirm for a side, dispute, pay or withdraw; both sides confirm by different people."""
    step = settlements.SettlementStep(**body.model_dump())
    row = await settlements.take_step(
        write.session, agreement, year, step, caller=write.caller, act=write.act
    )
    return await _shown(write, agreement, row)


@router.post(f"{AGREEMENT}/what-if", summary="Try a rule on a year", status_code=200)
async def try_rule(
    read: Read[KnownReader], agreement: str, body: JsonBody[TrialBody]
) -> answers.Answer[TrialShown]:
    """Compute a year by another rule, or before it is settled; nothing is written."""
    seen = await settlements.find_agreement(read.session, agreement, read.caller.viewer)
    if not seen.observable:
        raise Forbidden(
            "a trial tells what the section observed, which is for those with a role on a side",
            message_zh="试算会透露断面观测值，仅向在协议双方区域具有角色者提供",
        )
    content = await settlements.compute_settlement(read.session, seen, body.asked(), body.rule)
    shown = TrialShown(
        title=titled(WHAT_IF, seen, read),
        content=ComputedSettlement(**content),
        links=[read.link(agreement_path(seen.code), "up")],
    )
    return answers.Answer(shown)


async def _shown(
    context: Context, agreement: str, row: CompensationSettlement, *, location: str | None = None
) -> answers.Answer[SettlementShown]:
    seen = await settlements.find_agreement(context.session, agreement, context.caller.viewer)
    events = await settlements.list_events(context.session, row.id)
    named = [code for event in events for code in event.evidence]
    hidden = await guards.unknown_documents(context.session, named, context.caller.viewer)
    shown = SettlementShown.told(
        row,
        title=f"{titled(SETTLEMENTS, seen, context)} {row.year}",
        content=ComputedSettlement(**row.content),
        upstream_confirmed=row.upstream_confirmed_by is not None,
        downstream_confirmed=row.downstream_confirmed_by is not None,
        events=[
            SettlementEvent.from_row(one, evidence=[c for c in one.evidence if c not in hidden])
            for one in events
        ],
        links=[context.link(agreement_path(seen.code, "settlements"), "up")],
    )
    return answers.Answer(
        shown, location=location, page={"states": STATES, "sides": SIDES, "lines": LINES}
    )
