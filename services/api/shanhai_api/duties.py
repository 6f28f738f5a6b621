"""`/plans/{plan}/duty-board` and `/plans/{plan}/duty-reviews`: who does what, and the reviews."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Query, Response
from pydantic import Field

from shanhai.db import duties as reviews
from shanhai.db.base import hash_of
from shanhai.db.indicators.plan_indicators import PlanSeen, find_plan
from shanhai.db.tables.duty import DutyReview
from shanhai.errors import demand_state
from shanhai.reporting import plan_evaluation as reports
from shanhai.validation import Remark, Rfc3339Date, rfc3339
from shanhai.vocabulary import DUTY_REVIEW_STATES, DUTY_STATES, Label, codes
from shanhai_api.compliance.models import NamedCode
from shanhai_api.kit import answers
from shanhai_api.kit.body import Body, JsonBody
from shanhai_api.kit.dependencies import (
    DayQuery,
    IfMatch,
    PageQuery,
    Read,
    Reader,
    Write,
    WriteContext,
    Writer,
    format_field,
)
from shanhai_api.kit.routing import Route
from shanhai_api.kit.view import DOCX, HTML, JSON, PDF, View, choose_format
from shanhai_api.plans.answers import OfPlan, Titled, plan_links, plan_path
from shanhai_api.plans.operations import send_document
from shanhai_api.plans.schemas import Code, Year

router = APIRouter(tags=["plans"], route_class=Route)
PLAN = "/plans/{plan}"
REVIEW = f"{PLAN}/duty-reviews/{{year}}"
REPORT = f"{REVIEW}/reports/{{duty}}/{{party}}"
REVIEW_STATES = {term.code: term.label for term in DUTY_REVIEW_STATES}
NOBODY = {"code": None, "name_zh": "未列单位", "name_en": "No party named"}
"""Stands for the party of duties that name none: they are late like others."""
REVIEW_FORMATS = (JSON, HTML, PDF, DOCX)
Amount = Annotated[
    Decimal, Field(allow_inf_nan=False, ge=-(10**15), le=10**15, max_digits=30, decimal_places=15)
]


class BoardQuery(DayQuery):
    """Parameters of the board."""

    by: Literal["party", "article"] = Field("party", description="What its rows are")


class ReviewQuery(PageQuery):
    """Parameters of a review."""

    f: str | None = format_field("json", "html", "pdf", "docx")


class NewReview(Body):
    """A review to be begun."""

    year: Year = Field(description="Year that is reviewed; not after the present one")
    reports_due_on: Rfc3339Date = Field(
        description="Last day for reports; of the present year not before today"
    )


class ReportedFigure(Body):
    """A figure of a report."""

    name: Code = Field(description="What it is")
    value: Amount = Field(description="How much, as a decimal")
    unit: Code | None = Field(None, description="Its unit")


class ReportBody(Body):
    """What a party reports of a duty."""

    text: Remark = Field(description="What was done in the year")
    figures: list[ReportedFigure] = Field(
        default_factory=list, max_length=100, description="Figures that show it"
    )
    evidence: list[Code] = Field(
        default_factory=list, max_length=100, description="Codes of documents that prove it"
    )


class JudgementBody(Body):
    """How the supervisor judges a report."""

    verdict: Literal["met", "partly_met", "not_met", "returned"] = Field(
        description="`returned` asks for another report"
    )
    judgement: Remark | None = Field(None, description="Why; only `met` goes without")


class BoardDuty(answers.Answered):
    """A duty on the board."""

    code: str
    name_zh: str
    name_en: str
    article: str | None
    state: Annotated[str, answers.one_of(DUTY_STATES)]
    due: str | None


class BoardRow(answers.Answered):
    """What a party has to do, or who does what an article demands."""

    code: str | None = Field(description="Of the party; of an article, its number; null for none")
    name_zh: str
    name_en: str
    total: int
    states: dict[str, int] = Field(description="Number of duties by state")
    duties: list[BoardDuty]


class DutyBoard(OfPlan, Titled):
    """The duties of a plan by party or by article."""

    template = "duty_board.html"

    by: Literal["party", "article"]
    total: int
    states: dict[str, int]
    rows: list[BoardRow]
    links: list[answers.Link]


class DutyReviewHead(answers.Answered):
    """A review without its content."""

    year: int
    state: Annotated[str, answers.one_of(DUTY_REVIEW_STATES)]
    reports_due_on: str
    sha256: str | None = Field(description="Of the content as JSON with sorted names, no spaces")
    frozen_at: answers.Moment | None

    @classmethod
    def told(cls, review: DutyReview, **others: Any) -> Self:
        """A review as it is told."""
        return cls.from_row(review, reports_due_on=review.reports_due_on.isoformat(), **others)


class DutyReviewListed(DutyReviewHead):
    """A review as lists have it."""

    links: list[answers.Link]


class DutyReviews(OfPlan, Titled):
    """The reviews of a plan, the newest first."""

    template = "duty_reviews.html"

    reviews: list[DutyReviewListed]
    links: list[answers.Link]


class ReviewedReport(answers.Answered):
    """What a party reported, and how it was judged."""

    party: NamedCode
    outcome: Annotated[str, Field(json_schema_extra={"enum": [*reports.OUTCOMES]})]
    text: str | None
    figures: list[dict[str, str | None]]
    evidence: list[str]
    reported_at: str | None
    judgement: str | None
    judged_at: str | None


class ReviewedDuty(BoardDuty):
    """A duty with its parties and reports."""

    heading_zh: str | None
    heading_en: str | None
    success_zh: str | None
    success_en: str | None
    start_year: int | None
    end_year: int | None
    reason: str | None
    parties: dict[str, list[NamedCode]]
    reports: list[ReviewedReport]


class ReviewContent(answers.Answered):
    """What a review says."""

    plan: NamedCode
    year: int
    reports_due_on: str
    summary: dict[str, Any]
    duties: list[ReviewedDuty]


class DutyReviewShown(DutyReviewHead, Titled):
    """A review; who sees all of a frozen one sees what its `sha256` is of."""

    template = "duty_review.html"
    formats = REVIEW_FORMATS

    content: answers.Described[ReviewContent]
    content_sha256: str = Field(description="Of `content` as this answer tells it, made alike")
    links: list[answers.Link]

    @classmethod
    def of(cls, plan: PlanSeen, review: DutyReview, content: reviews.Content, view: View) -> Self:
        """A review as it stands."""
        path = _path(plan, review.year)
        links = [*view.self_links(path, *REVIEW_FORMATS), view.link(_path(plan), "up")]
        title = reports.title_of_review(content, view.lang)
        shown = {"content": content, "content_sha256": hash_of(content)}
        return cls.told(review, title=title, **shown, links=links)


def _path(plan: PlanSeen, year: int | None = None) -> str:
    path = f"{plan_path(plan.code)}/duty-reviews"
    return path if year is None else f"{path}/{year}"


@router.get(f"{PLAN}/duty-board", summary="The duties of a plan by party or article")
async def show_board(
    read: Read[Reader], plan: str, query: Annotated[BoardQuery, Query()]
) -> answers.Answer[DutyBoard]:
    """Tell what each party has to do, or who does what an article demands, late ones first."""
    seen = await find_plan(read.session, plan, read.caller.viewer, query.as_of)
    duties = await reviews.read_duties(read.session, seen, read.caller.viewer)
    rows = _by_party(duties) if query.by == "party" else _by_article(duties)
    title = Label(f"{seen.name.zh}：职责看板", f"{seen.name.en}: board of duties")
    board = DutyBoard.about(
        seen,
        title=title.in_(read.lang),
        by=query.by,
        total=len(duties),
        states=_states(duties),
        rows=rows,
        links=plan_links(read, seen),
    )
    return answers.Answer(board, page={"states": reports.STATES})


def _by_party(duties: Sequence[reviews.Content]) -> list[BoardRow]:
    parties: dict[str | None, reviews.Content] = {}
    held: dict[str | None, list[reviews.Content]] = {}
    for duty in duties:
        for party in [one for listed in duty["parties"].values() for one in listed] or [NOBODY]:
            parties[party["code"]] = party
            held.setdefault(party["code"], []).append(duty)
    rows = [_row(code, parties[code], held[code]) for code in held]
    return sorted(rows, key=lambda row: (-row.states["late"], -row.total, row.code or ""))


def _by_article(duties: Sequence[reviews.Content]) -> list[BoardRow]:
    held: dict[str | None, list[reviews.Content]] = {}
    for duty in duties:
        held.setdefault(duty["article"], []).append(duty)
    none = {"name_zh": "未列条款", "name_en": "Of no article"}
    return [
        _row(
            article,
            none
            if article is None
            else {
                f"name_{lang}": found[0][f"heading_{lang}"] or found[0][f"name_{lang}"]
                for lang in ("zh", "en")
            },
            found,
        )
        for article, found in held.items()
    ]


def _row(code: str | None, named: Mapping[str, Any], duties: list[reviews.Content]) -> BoardRow:
    return BoardRow(
        code=code,
        name_zh=named["name_zh"],
        name_en=named["name_en"],
        total=len(duties),
        states=_states(duties),
        duties=[
            BoardDuty(**{name: duty[name] for name in BoardDuty.model_fields}) for duty in duties
        ],
    )


def _states(duties: Iterable[reviews.Content]) -> dict[str, int]:
    counted = Counter(duty["state"] for duty in duties)
    return {code: counted[code] for code in codes(DUTY_STATES)}


@router.get(f"{PLAN}/duty-reviews", summary="The yearly reviews of a plan's duties")
async def show_reviews(read: Read[Reader], plan: str) -> answers.Answer[DutyReviews]:
    """List the reviews; those that go on are for those at work."""
    seen = await find_plan(read.session, plan, read.caller.viewer)
    found = await reviews.list_reviews(read.session, seen, read.caller)
    title = Label(f"{seen.name.zh}：年度职责考核", f"{seen.name.en}: yearly reviews of duties")
    listed = [
        DutyReviewListed.told(
            one, links=[read.link(_path(seen, one.year), "item", JSON.media_type)]
        )
        for one in found
    ]
    links = plan_links(read, seen)
    shown = DutyReviews.about(seen, title=title.in_(read.lang), reviews=listed, links=links)
    return answers.Answer(shown, page={"review_states": REVIEW_STATES})


@router.post(f"{PLAN}/duty-reviews", summary="Begin the review of a year", status_code=201)
async def begin_review(
    write: Write[Writer], plan: str, body: JsonBody[NewReview]
) -> answers.Answer[DutyReviewShown]:
    """Begin the review of the duties of a year."""
    seen = await find_plan(write.session, plan, write.caller.viewer)
    review = await reviews.open_review(
        write.session, seen, body.year, body.reports_due_on, caller=write.caller, act=write.act
    )
    return await _shown(write, seen, review, location=_path(seen, review.year))


@router.get(REVIEW, summary="The review of a year")
async def show_review(
    read: Read[Reader], plan: str, year: Year, query: Annotated[ReviewQuery, Query()]
) -> answers.Answer[DutyReviewShown] | Response:
    """Show a review as JSON, page, PDF or DOCX: as it was frozen, or as it stands."""
    seen = await find_plan(read.session, plan, read.caller.viewer)
    review = await reviews.find_review(read.session, seen, year, read.caller)
    content = await reviews.read_content(read.session, seen, review)
    state, content = hash_of(content), await reviews.told_to(read.session, content, read.caller)
    chosen, stamp = choose_format(read.request, REVIEW_FORMATS), _stamp(review, content, read)
    if chosen is PDF or chosen is DOCX:
        make = partial(reports.review_pages, content, read.lang, stamp)
        title = reports.title_of_review(content, read.lang)
        return await send_document(read, chosen, make, title, f"{seen.code}-duties-{year}")
    page = {
        "stamp": stamp,
        "lines": reports.summary_of_review(content, read.lang),
        "outcomes": reports.OUTCOMES,
        "states": reports.STATES,
    }
    shown = DutyReviewShown.of(seen, review, content, read)
    return answers.Answer(shown, state=state, page=page)


def _stamp(review: DutyReview, content: reviews.Content, view: View) -> str | None:
    if review.frozen_at is None:
        return None
    at, shown = rfc3339(review.frozen_at), hash_of(content)
    zh, en = f"{at} 定稿，SHA-256 {review.sha256}", f"Frozen at {at}, SHA-256 {review.sha256}"
    if shown != review.sha256:
        zh, en = f"{zh}，所示内容 SHA-256 {shown}", f"{en}; of what is shown here {shown}"
    return Label(zh, en).in_(view.lang)


@router.put(
    REPORT,
    summary="Report of a duty",
    responses={201: {"model": DutyReviewShown, "description": "Reported for the first time"}},
)
async def put_report(
    write: Write[Writer],
    plan: str,
    year: Year,
    duty: str,
    party: str,
    expected: IfMatch,
    body: JsonBody[ReportBody],
) -> answers.Answer[DutyReviewShown]:
    """Report what a party did of a duty in the year; until it is judged it can be sent again.

    `If-Match` is of the review.
    """
    seen, review = await _locked(write, plan, year, expected)
    figures = [one.model_dump(mode="json") for one in body.figures]
    new = reviews.NewDutyReport(body.text, figures, body.evidence)
    made = await reviews.put_report(
        write.session, seen, review, duty, party, new, caller=write.caller, act=write.act
    )
    return await _shown(write, seen, review, location=_path(seen, year) if made else None)


@router.post(f"{REPORT}/judgement", summary="Judge a report", status_code=200)
async def judge(
    write: Write[Writer],
    plan: str,
    year: Year,
    duty: str,
    party: str,
    expected: IfMatch,
    body: JsonBody[JudgementBody],
) -> answers.Answer[DutyReviewShown]:
    """Judge what a party reported, as the supervisor; not what one has written oneself.

    `If-Match` is of the review.
    """
    seen, review = await _locked(write, plan, year, expected)
    await reviews.judge_report(
        write.session,
        seen,
        review,
        duty,
        party,
        body.verdict,
        body.judgement,
        caller=write.caller,
        act=write.act,
    )
    return await _shown(write, seen, review)


@router.post(f"{REVIEW}/freeze", summary="Freeze a review", status_code=200)
async def freeze_review(
    write: Write[Writer], plan: str, year: Year, expected: IfMatch
) -> answers.Answer[DutyReviewShown]:
    """Freeze a review with its SHA-256; what was not reported in time is told as missing."""
    seen, review = await _locked(write, plan, year, expected)
    await reviews.freeze(write.session, seen, review, caller=write.caller, act=write.act)
    return await _shown(write, seen, review)


async def _locked(
    write: WriteContext, plan: str, year: int, expected: frozenset[str] | None
) -> tuple[PlanSeen, DutyReview]:
    """The plan and its review in an expected state, which nobody else changes meanwhile."""
    seen = await find_plan(write.session, plan, write.caller.viewer)
    review = await reviews.find_review(write.session, seen, year, write.caller, lock=True)
    if expected is not None:
        state = hash_of(await reviews.read_content(write.session, seen, review))
        demand_state(state, expected, f"the review {plan} {year}", f"评估 {plan} {year}")
    return seen, review


async def _shown(
    write: WriteContext, plan: PlanSeen, review: DutyReview, location: str | None = None
) -> answers.Answer[DutyReviewShown]:
    content = await reviews.read_content(write.session, plan, review)
    told = await reviews.told_to(write.session, content, write.caller)
    shown = DutyReviewShown.of(plan, review, told, write)
    return answers.Answer(shown, state=hash_of(content), location=location)
