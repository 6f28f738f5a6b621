"""`/notices` and `/receipts`: what is open for comments, comments, replies and the summary.

Who comments without an account shows a proof of work: a challenge is asked for, solved and sent
with the comment. All else that keeps floods away is counted by address and by notice.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from fastapi import APIRouter, Query, Response
from pydantic import Field, StringConstraints

from shanhai import overload
from shanhai.db import comments
from shanhai.db.collections.notices import notice_rule
from shanhai.db.features.geometry import read_shape
from shanhai.db.tables.notice import NoticeSummary
from shanhai.errors import Forbidden, Unavailable
from shanhai.reporting import plan_evaluation as reports
from shanhai.validation import PRINTED, Words, rfc3339
from shanhai.vocabulary import (
    ADOPTIONS,
    COMMENTERS,
    NOTICE_STATES,
    NOTICE_SUBJECTS,
    Label,
)
from shanhai_api.kit import answers
from shanhai_api.kit.body import Body, JsonBody
from shanhai_api.kit.dependencies import (
    Context,
    PageQuery,
    Read,
    Reader,
    Write,
    WriteContext,
    Writer,
    format_field,
)
from shanhai_api.kit.middleware import POLICY
from shanhai_api.kit.requests import client_address
from shanhai_api.kit.routing import Route
from shanhai_api.kit.view import DOCX, HTML, JSON, PDF, View, choose_format
from shanhai_api.plans.operations import send_document

router = APIRouter(tags=["participation"], route_class=Route)
NOTICE = "/notices/{notice}"
COMMENT = f"{NOTICE}/comments/{{comment}}"
SUMMARY_FORMATS = (JSON, HTML, PDF, DOCX)
MOST_NOTICES = 1_000
SCRIPTED = f"{POLICY}; script-src 'self'; connect-src 'self'"
"""Of the pages with a script, which does the work that is asked of whoever has no account."""
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=PRINTED)]
WORDS = {
    term.code: term.label for term in (*NOTICE_STATES, *NOTICE_SUBJECTS, *COMMENTERS, *ADOPTIONS)
}


class NoticesQuery(PageQuery):
    """Parameters of the list."""

    which: Literal["running", "all"] = Field("running", description="Those that run today, or all")


class SummaryQuery(PageQuery):
    """Parameters of a summary."""

    f: str | None = format_field("json", "html", "pdf", "docx")


class CommentsQuery(answers.LimitedQuery):
    """Parameters of the comments on a notice."""

    limit: int = Field(10_000, ge=1, le=10_000, description="Comments on a page")
    after: int = Field(0, ge=0, le=2**63 - 1, description="Only those after this one")


class SolvedWork(Body):
    """A challenge with its solution."""

    challenge: str = Field(min_length=1, max_length=300, description="As it was given")
    solution: str = Field(
        min_length=1,
        max_length=overload.MOST_SOLUTION,
        description="With which the SHA-256 of `challenge:solution` begins with enough zero bits",
    )


class PublicComment(Body):
    """What somebody says of a notice."""

    text: Words = Field(description="What is said, as plain text")
    place: dict[str, Any] | None = Field(
        None, description="GeoJSON point it is about, in longitude, latitude; anywhere"
    )
    anonymous: bool = Field(False, description="Nothing is kept of who sent it")
    name: ShortText | None = Field(None, description="Who sends it; kept apart, never shown")
    contact: ShortText | None = Field(None, description="Telephone or mail; kept apart")
    address: ShortText | None = Field(None, description="Where they live; kept apart")
    work: SolvedWork | None = Field(None, description="Needed without an account")


class ReplyBody(Body):
    """What is answered to a comment, and what became of it."""

    reply: Words = Field(description="To who commented")
    adoption: Literal["adopted", "partly_adopted", "not_adopted"] = Field(
        description="What became of it"
    )
    reason: Words = Field(description="Why")
    topic: ShortText | None = Field(None, description="By which the summary counts it")
    shown: bool = Field(False, description="Reviewed: it names nobody, and everybody may see it")


class ReceiptBody(Body):
    """A receipt."""

    receipt: str = Field(min_length=1, max_length=200, description="As it was given")
    delete_contact: bool = Field(False, description="Delete who sent it, name and contact")


class WorkChallenge(answers.Document):
    """A challenge to be solved by whoever comments without an account."""

    stored = False

    challenge: str
    bits: int = Field(description="Zero bits the SHA-256 of `challenge:solution` begins with")
    expires_at: answers.Moment


class CommentShown(answers.Answered):
    """A comment without who sent it."""

    code: str
    at: answers.Moment
    text: str
    place: list[float] | None = Field(description="Longitude and latitude")
    authored: Annotated[str, answers.one_of(COMMENTERS)]
    topic: str | None
    adoption: Annotated[str, answers.one_of(ADOPTIONS)] | None
    reason: str | None
    reply: str | None
    replied_at: answers.Moment | None
    shown: bool = Field(description="Everybody may see it")

    @classmethod
    def of(cls, row: Any) -> Self:
        """A row as it is told."""
        place = None if row.lon is None else [row.lon, row.lat]
        return cls.from_row(row, at=row.created_at, place=place, shown=row.is_shown)


class NoticeHead(answers.Answered):
    """A notice as lists have it."""

    code: str
    name_zh: str
    name_en: str
    region: str | None
    subject_collection: Annotated[str, answers.one_of(NOTICE_SUBJECTS)]
    subject_code: str
    state: Annotated[str, answers.one_of(NOTICE_STATES)]
    published_on: date | None
    period_from: date
    period_to: date
    runs: bool = Field(description="Comments are taken today")
    href: str

    @classmethod
    def told(cls, notice: comments.NoticeSeen, view: View, **others: Any) -> Self:
        """A notice as it is told."""
        return cls.from_row(notice, href=view.url(_path(notice.code)), **others)


class NoticeList(answers.Document):
    """Notices that run, or all that were published."""

    template = "notices.html"

    notices: list[NoticeHead]
    links: list[answers.Link]


class NoticePage(NoticeHead, answers.Document):
    """A notice with its comments as the caller may see them."""

    template = "notice.html"

    text_zh: str
    text_en: str | None
    hearing_on: date | None
    hearing_time: str | None
    hearing_place: str | None
    contact_office: str
    documents: list[str] = Field(description="Codes of public documents")
    commenters: Annotated[str, answers.one_of(COMMENTERS)]
    show_comments: bool
    reason: str | None = Field(description="Why it was withdrawn")
    least_days: int = Field(description="Days it must be open at least")
    legal_basis: str | None
    to_be_confirmed: bool = Field(description="The bureau has yet to confirm these days")
    geometry: answers.Described[dict[str, Any] | None]
    comments: list[CommentShown]
    summary_sha256: str | None
    links: list[answers.Link]


class CommentList(answers.Document):
    """The comments on a notice as the caller may see them."""

    comments: list[CommentShown]
    links: list[answers.Link]


class CommentKept(answers.Document):
    """A comment that was taken."""

    stored = False
    secrets = frozenset({"receipt"})

    code: str
    notice: str
    at: answers.Moment
    receipt: answers.Maybe[str] = Field(
        None, description="By which its reply is read at `/receipts`; told once"
    )


class CommentAnswered(answers.Document):
    """A comment with its reply."""

    stored = False

    code: str
    topic: str | None
    adoption: Annotated[str, answers.one_of(ADOPTIONS)]
    reason: str
    reply: str
    replied_at: answers.Moment
    shown: bool = Field(validation_alias="is_shown")


class CommentContact(answers.Document):
    """Who sent a comment; each reading is in the audit log."""

    stored = False

    name: str | None
    contact: str | None
    address: str | None
    account: str | None
    delete_on: date = Field(description="The day after which it is deleted")


class ReceiptShown(answers.Document):
    """What became of a comment or complaint, for whoever holds its receipt."""

    stored = False

    about: Literal["comment", "complaint"]
    notice: str | None = Field(description="Of a comment; None of a complaint")
    state: Literal["received", "in_hand", "answered"]
    adoption: Annotated[str, answers.one_of(ADOPTIONS)] | None
    reason: str | None
    reply: str | None
    replied_at: answers.Moment | None
    contact_kept: bool = Field(description="Name or contact are still kept")


class NoticeSummaryShown(answers.Document):
    """The report on the comments of a notice; once frozen, the hash is of `content`."""

    template = "notice_summary.html"
    formats = SUMMARY_FORMATS

    title: str
    frozen_at: answers.Moment | None
    sha256: str | None = Field(description="Of the content as JSON with sorted names, no spaces")
    content: answers.Described[dict[str, Any]]
    links: list[answers.Link]

    @classmethod
    def of(
        cls,
        notice: comments.NoticeSeen,
        content: comments.Content,
        frozen: NoticeSummary | None,
        view: View,
    ) -> Self:
        """A report as it was frozen, or as it stands."""
        path = f"{_path(notice.code)}/summary"
        return cls(
            title=reports.title_of_hearing(content, view.lang),
            frozen_at=None if frozen is None else frozen.frozen_at,
            sha256=None if frozen is None else frozen.sha256,
            content=content,
            links=[*view.self_links(path, *SUMMARY_FORMATS), view.link(_path(notice.code), "up")],
        )


def _path(code: str) -> str:
    return f"/notices/{quote(code, safe='')}"


@router.get("/notices", summary="Public notices")
async def show_notices(
    read: Read[Reader], query: Annotated[NoticesQuery, Query()]
) -> answers.Answer[NoticeList]:
    """List the notices that take comments today, those that end first first; or all."""
    found = await comments.list_notices(
        read.session, read.caller.viewer, running=query.which == "running", most=MOST_NOTICES
    )
    links = [*read.self_links("/notices"), read.link("/collections/notices", "related")]
    shown = NoticeList(notices=[NoticeHead.told(one, read) for one in found], links=links)
    page = {"words": WORDS, "which": query.which}
    return answers.Answer(shown, page=page)


@router.get(NOTICE, summary="A public notice")
async def show_notice(read: Read[Reader], notice: str) -> answers.Answer[NoticePage]:
    """Show a notice: text, area, period, hearing, and the comments that may be seen."""
    seen = await comments.find_notice(read.session, notice, read.caller.viewer)
    rows = await _visible(read, seen)
    rule = notice_rule(seen.subject_collection, seen.kind)
    path = _path(seen.code)
    links = [*read.self_links(path), read.link(f"{path}/comments", "related")]
    links.append(read.link("/notices", "collection"))
    if seen.sha256 is not None:
        links.append(read.link(f"{path}/summary", "related"))
    shown = NoticePage.told(
        seen,
        read,
        comments=[CommentShown.of(row) for row in rows],
        least_days=rule.least_days,
        legal_basis=rule.legal_basis,
        to_be_confirmed=rule.confirm,
        geometry=seen.shape,
        summary_sha256=seen.sha256,
        links=links,
    )
    places = [(row.lon, row.lat) for row in rows if row.lon is not None]
    secret = read.state.configuration.participation.secret.get_secret_value()
    form = seen.runs and seen.commenters != "account" and bool(secret)
    told = {"words": WORDS, "rule": rule.text.in_(read.lang), "form": form}
    page = {**told, "map": draw_place(seen, places)}
    headers = {"Content-Security-Policy": SCRIPTED} if form else {}
    return answers.Answer(shown, page=page, headers=headers)


async def _visible(read: Context, notice: comments.NoticeSeen, **page: Any) -> Sequence[Any]:
    everything = comments.may_answer(read.caller, notice)
    return await comments.read_comments(read.session, notice, everything=everything, **page)


@router.get(f"{NOTICE}/challenge", summary="A challenge for whoever comments without an account")
async def set_challenge(read: Read[Reader], notice: str) -> WorkChallenge:
    """Set a challenge; it can be used once, for a comment on this notice, until it expires."""
    seen = await comments.find_notice(read.session, notice, read.caller.viewer)
    comments.demand_running(seen)
    return challenge_for(read, f"notice:{seen.code}")


def challenge_for(read: Context, purpose: str) -> WorkChallenge:
    """A challenge for a purpose, as `demand_work` takes it."""
    settings = read.state.configuration.participation
    expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=settings.challenge_s)
    challenge = overload.set_work(_secret(read), purpose, settings.work_bits, expires_at)
    return WorkChallenge(challenge=challenge, bits=settings.work_bits, expires_at=expires_at)


def _secret(view: Context) -> str:
    """What challenges are signed with.

    Raises:
        Unavailable: there is nothing.
    """
    secret = view.state.configuration.participation.secret.get_secret_value()
    if not secret:
        raise Unavailable(
            "without an account nothing can be sent here: SHANHAI_PARTICIPATION_SECRET is not set",
            message_zh="未设置 SHANHAI_PARTICIPATION_SECRET，未登录者不能提交",
        )
    return secret


def count_sent(write: WriteContext) -> None:
    """Count what an address sends.

    Raises:
        RateLimited: it has sent too much.
    """
    settings = write.state.configuration.participation
    address = overload.address_bucket(client_address(write.request))
    write.state.limiter.limit("sent", address, settings.per_address, settings.window_s)


async def demand_work(write: WriteContext, purpose: str, work: SolvedWork | None) -> None:
    """Take a proof of work from a caller without an account, and count what an address sends.

    Raises:
        RateLimited: the address has sent too much.
        Forbidden: there is no proof, or it does not hold.
        Conflict: it was used before.
    """
    count_sent(write)
    if not write.caller.anonymous:
        return
    if work is None:
        raise Forbidden(
            "without an account a proof of work is needed; ask for a challenge first",
            message_zh="未登录者须附工作量证明，请先获取题目",
        )
    proof = overload.check_work(
        _secret(write), purpose, work.challenge, work.solution, datetime.now(UTC)
    )
    await comments.spend_challenge(write.session, proof.sha256, proof.expires_at)


@router.get(f"{NOTICE}/comments", summary="The comments on a notice")
async def show_comments(
    read: Read[Reader], notice: str, query: Annotated[CommentsQuery, Query()]
) -> CommentList:
    """Tell the comments that may be shown; to who answers them all, without `limit` on one page."""
    seen = await comments.find_notice(read.session, notice, read.caller.viewer)
    if "limit" not in query.model_fields_set and comments.may_answer(read.caller, seen):
        query.limit = 10**9
    rows = await _visible(read, seen, after=query.after, most=query.limit + 1)
    path = f"{_path(seen.code)}/comments"
    page, links = answers.page_of(rows, query, read, path, lambda last: {"after": last.id})
    links.append(read.link(_path(seen.code), "up"))
    return CommentList(comments=[CommentShown.of(row) for row in page], links=links)


@router.post(f"{NOTICE}/comments", summary="Comment on a notice", status_code=201)
async def post_comment(
    write: Write[Writer], notice: str, body: JsonBody[PublicComment]
) -> CommentKept:
    """Take a comment in the period of the notice, of whom the notice allows."""
    seen = await comments.find_notice(write.session, notice, write.caller.viewer, lock=True)
    comments.demand_running(seen)
    shape = None
    if body.place is not None:
        shape = await read_shape(body.place, kind="geometry-point", pointer="/place")
    person = comments.PersonTold(body.name, body.contact, body.address)
    wkb = None if shape is None else shape.wkb
    new = comments.CommentContents(body.text, person, body.anonymous, wkb)
    authored = comments.authored_by(write.caller, seen, new)
    await demand_work(write, f"notice:{seen.code}", body.work)
    settings = write.state.configuration.participation
    write.state.limiter.limit("notice", seen.code, settings.per_notice, settings.window_s)
    row, receipt = await comments.add_comment(
        write.session,
        seen,
        authored,
        new,
        caller=write.caller,
        request_id=write.request_id,
        retention_days=settings.retention_days,
    )
    return CommentKept(code=row.code, notice=seen.code, at=row.created_at, receipt=receipt)


@router.put(f"{COMMENT}/reply", summary="Answer a comment")
async def put_reply(
    write: Write[Writer], notice: str, comment: str, body: JsonBody[ReplyBody]
) -> CommentAnswered:
    """Answer a comment and say whether it was adopted, and why."""
    seen = await comments.find_notice(write.session, notice, write.caller.viewer, lock=True)
    new = comments.Answering(
        body.reply, body.adoption, body.reason, topic=body.topic, is_shown=body.shown
    )
    row = await comments.answer(
        write.session, seen, comment, new, caller=write.caller, act=write.act
    )
    return CommentAnswered.from_row(row)


@router.get(f"{COMMENT}/contact", summary="Who sent a comment")
async def show_contact(write: Write[Writer], notice: str, comment: str) -> CommentContact:
    """Tell those who answer whom to answer; each reading is in the audit log."""
    seen = await comments.find_notice(write.session, notice, write.caller.viewer)
    row = await comments.read_contact(
        write.session, seen, comment, caller=write.caller, act=write.act
    )
    return CommentContact.from_row(row)


@router.delete(f"{COMMENT}/contact", summary="Delete who sent a comment", status_code=204)
async def delete_contact(write: Write[Writer], notice: str, comment: str) -> None:
    """Delete name and contact at the wish of who sent the comment; the comment stays."""
    seen = await comments.find_notice(write.session, notice, write.caller.viewer)
    await comments.delete_contact(write.session, seen, comment, caller=write.caller, act=write.act)


@router.get(f"{NOTICE}/summary", summary="The report on the comments of a notice")
async def show_summary(
    read: Read[Reader], notice: str, query: Annotated[SummaryQuery, Query()]
) -> answers.Answer[NoticeSummaryShown] | Response:
    """Show the report as JSON, page, PDF or DOCX; before it is frozen, to those who answer."""
    seen = await comments.find_notice(read.session, notice, read.caller.viewer)
    content, frozen = await comments.read_summary(read.session, seen, read.caller)
    chosen, stamp = choose_format(read.request, SUMMARY_FORMATS), _stamp(frozen, read)
    if chosen is not PDF and chosen is not DOCX:
        page = {"words": WORDS, "stamp": stamp, "lines": reports.hearing_lines(content, read.lang)}
        return answers.Answer(NoticeSummaryShown.of(seen, content, frozen, read), page=page)
    make = partial(reports.hearing_pages, content, read.lang, stamp)
    title = reports.title_of_hearing(content, read.lang)
    return await send_document(read, chosen, make, title, f"{seen.code}-summary")


def _stamp(frozen: NoticeSummary | None, view: View) -> str | None:
    if frozen is None:
        return None
    at = rfc3339(frozen.frozen_at)
    return Label(
        f"{at} 定稿，SHA-256 {frozen.sha256}", f"Frozen at {at}, SHA-256 {frozen.sha256}"
    ).in_(view.lang)


@router.post(f"{NOTICE}/summary", summary="Freeze the report on the comments", status_code=201)
async def freeze_summary(write: Write[Writer], notice: str) -> NoticeSummaryShown:
    """Freeze the report of a closed notice; no decision is taken before."""
    seen = await comments.find_notice(write.session, notice, write.caller.viewer)
    row = await comments.freeze_summary(write.session, seen, caller=write.caller, act=write.act)
    return NoticeSummaryShown.of(seen, row.content, row, write)


@router.post("/receipts", summary="What became of a comment or complaint", status_code=200)
async def read_receipt(write: Write[Writer], body: JsonBody[ReceiptBody]) -> ReceiptShown:
    """Tell the holder of a receipt what was answered, and delete their contact if they wish.

    The receipt is sent in the body: addresses are written into logs.
    """
    found = await comments.find_receipt(
        write.session,
        body.receipt,
        forget=body.delete_contact,
        request_id=write.request_id,
    )
    return ReceiptShown.from_row(found)


WIDE, TALL = 640.0, 420.0
"""Size of the map of a notice."""


def draw_place(
    notice: comments.NoticeSeen, places: Sequence[tuple[float, float]]
) -> dict[str, Any] | None:
    """What the map of a notice is drawn from: paths of its region and area, points of comments."""
    shape = [*_lines(notice.shape)]
    ground = [*_lines(notice.ground)]
    every = [place for line in (shape or ground) for place in line]
    if not every:
        return None
    west, east = min(x for x, _ in every), max(x for x, _ in every)
    south, north = min(y for _, y in every), max(y for _, y in every)
    margin = 0.25 * max(east - west, north - south, 0.002)
    scale = min(WIDE / (east - west + 2 * margin), TALL / (north - south + 2 * margin))
    middle = (west + east) / 2, (south + north) / 2

    def put(x: float, y: float) -> tuple[float, float]:
        across, down = (x - middle[0]) * scale, (middle[1] - y) * scale
        return round(WIDE / 2 + across, 1), round(TALL / 2 + down, 1)

    def path(lines: Iterable[Sequence[tuple[float, float]]]) -> str:
        return "".join(
            "M" + "L".join("{} {}".format(*put(*place)) for place in line) for line in lines
        )

    return {
        "wide": WIDE,
        "tall": TALL,
        "middle": middle,
        "scale": scale,
        "ground": path(ground),
        "shape": path(line for line in shape if len(line) > 1),
        "points": [put(*line[0]) for line in shape if len(line) == 1],
        "comments": [put(*place) for place in places],
    }


def _lines(shape: dict[str, Any] | None) -> Iterator[list[tuple[float, float]]]:
    """The rings, lines and points of a GeoJSON geometry."""
    if shape is None:
        return
    if shape["type"] == "GeometryCollection":
        for part in shape["geometries"]:
            yield from _lines(part)
        return
    waiting: list[Any] = [shape["coordinates"]]
    while waiting:
        here = waiting.pop()
        if not here:
            continue
        if isinstance(here[0], (int, float)):
            yield [(here[0], here[1])]
        elif isinstance(here[0][0], (int, float)) and "Point" not in shape["type"]:
            yield [(x, y) for x, y, *_ in here]
        else:
            waiting.extend(here)
