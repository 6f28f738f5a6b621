"""What the public says of notices: comments, replies, the frozen summary; contacts kept apart.

Who commented is told by `contact_detail` alone, to those who answer, and each reading is in the
audit log; the log itself never names a commenter, since nothing is ever deleted from it.
"""

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import STORAGE_SRID, hash_of
from shanhai.db.collections.notices import NOTICES, notice_rule
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Identity, Viewer, demand_role, demand_scopes
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.notice import ContactDetail, NoticeComment, NoticeSummary, SpentChallenge
from shanhai.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated
from shanhai.passwords import digest_of_secret
from shanhai.validation import rfc3339
from shanhai.vocabulary import ADOPTIONS, COMMENTERS, Label, Role, Scope, codes

Content = dict[str, Any]
ANSWERERS = frozenset({Role.PLANNER, Role.APPROVER})
FREEZERS = frozenset({Role.APPROVER})
SCOPES = frozenset({Scope.WRITE})
TABLE = "notice_comment"
BY_PUBLIC = "public"
"""Whom the audit log names for what commenters do."""
_SHAPES = """
  ST_AsGeoJSON(ST_SimplifyPreserveTopology(nt.geom, 0.0002), 6)::jsonb AS shape,
  (SELECT ST_AsGeoJSON(ST_SimplifyPreserveTopology(g.geom, 0.001), 5)::jsonb FROM region g
    WHERE g.id = nt.region_id) AS ground
"""
_NOTICE = (
    "SELECT nt.id, nt.code, nt.name_zh, nt.name_en, nt.text_zh, nt.text_en, nt.region_id,"  # noqa: S608
    " r.code AS region, nt.subject_collection, nt.subject_code, nt.state, nt.period_from,"
    " nt.period_to, nt.published_on, nt.hearing_on, nt.hearing_time, nt.hearing_place,"
    " nt.contact_office, nt.commenters, nt.show_comments, nt.reason,"
    " current_date AS today, s.sha256, s.frozen_at,"
    " CASE WHEN nt.subject_collection = 'plans' THEN"
    " (SELECT p.kind FROM plan p WHERE p.id = nt.subject_id) END AS kind,"
    " ARRAY(SELECT d.code FROM document d WHERE d.code = ANY(nt.documents)"
    " AND d.visibility = 'public'"
    f" AND d.deleted_at IS NULL ORDER BY d.code) AS documents, {_SHAPES}"
    f" FROM {NOTICES.source} LEFT JOIN notice_summary s ON s.notice_id = nt.id WHERE "
)
_COMMENTS = sa.text("""
SELECT c.*, ST_X(c.geom) AS lon, ST_Y(c.geom) AS lat FROM notice_comment c
 WHERE c.notice_id = :notice AND c.id > :after AND (:all OR c.is_shown) ORDER BY c.id LIMIT :most
""")
_PLACE = sa.text(
    f"UPDATE notice_comment SET geom = ST_GeomFromWKB(:wkb, {STORAGE_SRID}) WHERE id = :id"  # noqa: S608
)
MOST_SHOWN = 10_000


@dataclass(frozen=True, slots=True)
class NoticeSeen:
    """A notice as its page and its comments need it.

    Attributes:
        kind: Of the plan it is of; None of other objects.
        shape: GeoJSON of its area, simplified; `ground` that of its region.
        sha256: Of the frozen summary; None while there is none.
    """

    id: int
    code: str
    name_zh: str
    name_en: str
    text_zh: str
    text_en: str | None
    region_id: int | None
    region: str | None
    subject_collection: str
    subject_code: str
    state: str
    period_from: date
    period_to: date
    published_on: date | None
    hearing_on: date | None
    hearing_time: str | None
    hearing_place: str | None
    contact_office: str
    commenters: str
    show_comments: bool
    reason: str | None
    today: date
    sha256: str | None
    frozen_at: datetime | None
    kind: str | None
    documents: Sequence[str]
    shape: Content | None
    ground: Content | None

    @property
    def runs(self) -> bool:
        """Whether comments are taken today."""
        return self.state == "published" and self.period_from <= self.today <= self.period_to


@dataclass(frozen=True, slots=True)
class PersonTold:
    """What somebody tells of themselves."""

    name: str | None = None
    contact: str | None = None
    address: str | None = None

    @property
    def given(self) -> bool:
        """Whether anything is told."""
        return any((self.name, self.contact, self.address))


@dataclass(frozen=True, slots=True)
class CommentContents:
    """What a commenter sends; `wkb` is the point it is about."""

    text: str
    person: PersonTold
    anonymous: bool = False
    wkb: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answering:
    """What those who answer write of a comment."""

    reply: str
    adoption: str
    reason: str
    topic: str | None = None
    is_shown: bool = False


async def find_notice(
    session: AsyncSession, code: str, viewer: Viewer, *, lock: bool = False
) -> NoticeSeen:
    """The notice of a code; with `lock` nobody closes it, or freezes its summary, meanwhile.

    Raises:
        NotFound: there is none the viewer may know of.
    """
    if lock and "\x00" not in code:
        locked = sa.text("SELECT FROM notice WHERE code = :code FOR SHARE")
        await session.execute(locked, {"code": code})
    found = [] if "\x00" in code else await _notices(session, viewer, "nt.code = :code", code=code)
    if not found:
        raise NotFound(f"there is no notice {code!r}", message_zh=f"没有公示 {code!r}")
    return found[0]


async def list_notices(
    session: AsyncSession, viewer: Viewer, *, running: bool, most: int
) -> list[NoticeSeen]:
    """Notices that run today, those that end first first; or all that were published."""
    asked = "nt.state <> 'draft'"
    if running:
        asked = "nt.state = 'published' AND current_date BETWEEN nt.period_from AND nt.period_to"
    order = "nt.period_to, nt.id" if running else "nt.period_to DESC, nt.id DESC"
    return await _notices(session, viewer, asked, f" ORDER BY {order} LIMIT {most:d}")


async def _notices(
    session: AsyncSession, viewer: Viewer, asked: str, rest: str = "", **values: Any
) -> list[NoticeSeen]:
    met = " AND ".join((asked, NOTICES.live, *visibility(NOTICES, viewer)))
    rows = await session.execute(sa.text(_NOTICE + met + rest), {**values, **viewer_values(viewer)})
    return [NoticeSeen(**row._mapping) for row in rows]


def may_answer(caller: Identity, notice: NoticeSeen) -> bool:
    """Whether the caller sees every comment of the notice, and answers it."""
    return caller.may(*SCOPES) and caller.acts_as(ANSWERERS, notice.region_id)


def demand_running(notice: NoticeSeen) -> None:
    """Refuse comments on what is not open for them.

    Raises:
        Conflict: naming the period.
    """
    if notice.runs:
        return
    span = Label(
        f"{notice.period_from} 至 {notice.period_to}", f"{notice.period_from} to {notice.period_to}"
    )
    raise Conflict(
        f"comments on {notice.code} are taken from {span.en}, while it is published;"
        f" today is {notice.today}, and it is {notice.state}",
        message_zh=f"公示 {notice.code} 的意见征集期为 {span.zh}；今天是 {notice.today}，"
        f"状态为 {notice.state}",
    )


def authored_by(caller: Identity, notice: NoticeSeen, new: CommentContents) -> str:
    """How a commenter shows who they are.

    Raises:
        Unauthenticated, Forbidden: the notice asks for more.
        InvalidInput: a name comes without a way to reach its bearer, or an anonymous comment
            with a name.
    """
    told = new.person
    if new.anonymous and told.given:
        raise InvalidInput(
            "an anonymous comment has no name, contact or address",
            message_zh="匿名意见不得填写姓名、联系方式或地址",
            pointer="/anonymous",
        )
    if not caller.anonymous and not new.anonymous:
        return "account"
    order = codes(COMMENTERS)
    wanted = "anonymous" if new.anonymous or not told.given else "named"
    if order.index(wanted) > order.index(notice.commenters):
        words = {
            "account": Label("本公示须登录后提出意见", "this notice takes comments of accounts"),
            "named": Label(
                "本公示须实名：请填写 name 与 contact",
                "this notice takes comments by name: give name and contact",
            ),
        }[notice.commenters]
        refusal = Unauthenticated if notice.commenters == "account" else Forbidden
        raise refusal(words.en, message_zh=words.zh)
    if wanted == "named" and not (told.name and told.contact):
        raise InvalidInput(
            "who comments by name gives name and contact",
            message_zh="实名意见须填写 name 与 contact",
            pointer="/contact" if told.name else "/name",
        )
    return wanted


async def add_comment(
    session: AsyncSession,
    notice: NoticeSeen,
    authored: str,
    new: CommentContents,
    *,
    caller: Identity,
    request_id: str | None,
    retention_days: int,
) -> tuple[NoticeComment, str]:
    """Keep a comment, and apart from it who sent it; the comment and the code of its receipt."""
    receipt = secrets.token_urlsafe(24)
    row = NoticeComment(
        code=f"comment-{secrets.token_hex(8)}",
        notice_id=notice.id,
        text=new.text,
        authored=authored,
        receipt_sha256=digest_of_secret(receipt),
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    if new.wkb is not None:
        await session.execute(_PLACE, {"wkb": new.wkb, "id": row.id})
    if authored != "anonymous":
        days = min(retention_days, (date.max - notice.period_to).days)
        delete_on = notice.period_to + timedelta(days=days)
        add_contact(session, new.person, caller, delete_on, comment_id=row.id)
    act = Act(BY_PUBLIC, request_id, None)
    after = {"notice": notice.code, "authored": authored}
    record(session, act, "create", table=TABLE, object_id=row.code, after=after)
    return row, receipt


def add_contact(
    session: AsyncSession, told: PersonTold, caller: Identity, delete_on: date, **of: int
) -> None:
    """Keep who took part until a day; `of` is the number of their comment or complaint."""
    account = None if caller.anonymous else caller.owner
    person = {"name": told.name, "contact": told.contact, "address": told.address}
    session.add(ContactDetail(**person, account=account, delete_on=delete_on, **of))


async def read_comments(
    session: AsyncSession, notice: NoticeSeen, *, everything: bool, after: int = 0, most: int = 0
) -> Sequence[Any]:
    """The comments after an id as they came: all, or the first of those everybody may see."""
    if not everything and not notice.show_comments:
        return []
    usual = None if everything else MOST_SHOWN
    asked = {"notice": notice.id, "all": everything, "after": after, "most": most or usual}
    return (await session.execute(_COMMENTS, asked)).all()


async def find_comment(
    session: AsyncSession, notice: NoticeSeen, code: str, *, lock: bool = False
) -> NoticeComment:
    """A comment of a notice.

    Raises:
        NotFound: there is none.
    """
    query = sa.select(NoticeComment).where(
        NoticeComment.notice_id == notice.id, NoticeComment.code == code
    )
    row = None
    if "\x00" not in code:
        row = await session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise NotFound(
            f"{notice.code} has no comment {code!r}", message_zh=f"公示 {notice.code} 没有该意见"
        )
    return row


def demand_answerer(caller: Identity, notice: NoticeSeen) -> None:
    """Refuse who does not answer for the notice.

    Raises:
        Unauthenticated, Forbidden: the caller does not.
    """
    demand_scopes(caller, SCOPES)
    demand_role(caller, ANSWERERS, notice.region_id)


async def answer(
    session: AsyncSession,
    notice: NoticeSeen,
    code: str,
    new: Answering,
    *,
    caller: Identity,
    act: Act,
) -> NoticeComment:
    """Answer a comment, and say what became of it; until the summary is frozen, also anew.

    Raises:
        Unauthenticated, Forbidden: the caller does not answer for the notice.
        NotFound: there is no such comment.
        Conflict: the summary is frozen.
    """
    demand_answerer(caller, notice)
    if notice.sha256 is not None:
        raise Conflict(
            f"the summary of {notice.code} is frozen", message_zh=f"{notice.code} 的汇总已定稿"
        )
    row = await find_comment(session, notice, code, lock=True)
    row.reply, row.adoption, row.reason = new.reply, new.adoption, new.reason
    row.topic, row.is_shown = new.topic, new.is_shown
    row.replied_at, row.replied_by = sa.func.now(), caller.owner
    await session.flush()
    await session.refresh(row)
    after = {
        "notice": notice.code,
        "adoption": new.adoption,
        "topic": new.topic,
        "shown": new.is_shown,
    }
    record(session, act, "reply", table=TABLE, object_id=code, after=after)
    return row


async def read_contact(
    session: AsyncSession, notice: NoticeSeen, code: str, *, caller: Identity, act: Act
) -> ContactDetail:
    """Who sent a comment; the reading is in the audit log.

    Raises:
        Unauthenticated, Forbidden: the caller does not answer for the notice.
        NotFound: there is no such comment, or nothing is known (any more) of its author.
    """
    demand_answerer(caller, notice)
    comment = await find_comment(session, notice, code)
    return await tell_contact(session, code, act, comment_id=comment.id)


async def tell_contact(session: AsyncSession, code: str, act: Act, **of: int) -> ContactDetail:
    """Who took part, which goes into the audit log; `of` as with `add_contact`.

    Raises:
        NotFound: nothing is known (any more).
    """
    row = await find_contact(session, **of)
    if row is None:
        raise NotFound(
            f"nothing is kept of who sent {code!r}", message_zh=f"{code!r} 未保存提交人信息"
        )
    record(session, act, "read", table=ContactDetail.__tablename__, object_id=code)
    return row


async def find_contact(session: AsyncSession, **of: int) -> ContactDetail | None:
    """Who took part, if that is kept; `of` as with `add_contact`."""
    return await session.scalar(sa.select(ContactDetail).filter_by(**of))


async def delete_contact(
    session: AsyncSession, notice: NoticeSeen, code: str, *, caller: Identity, act: Act
) -> None:
    """Delete who sent a comment, on request; refusals as with `read_contact`."""
    demand_answerer(caller, notice)
    comment = await find_comment(session, notice, code)
    await forget_contact(session, code, act, comment_id=comment.id)


async def forget_contact(session: AsyncSession, code: str, act: Act, **of: int) -> None:
    """Delete who took part, if that is kept; `of` as with `add_contact`."""
    row = await find_contact(session, **of)
    if row is not None:
        await session.delete(row)
        record(session, act, "delete", table=ContactDetail.__tablename__, object_id=code)


@dataclass(frozen=True, slots=True)
class ReceiptState:
    """What the holder of a receipt is told.

    Attributes:
        notice: The notice of a comment; None for a complaint.
        contact_kept: Name or contact are still kept.
    """

    about: str
    notice: str | None
    state: str
    adoption: str | None
    reason: str | None
    reply: str | None
    replied_at: datetime | None
    contact_kept: bool


_RECEIPTS = sa.text("""
SELECT 'comment' AS about, c.code, c.id AS comment_id, NULL::bigint AS complaint_id,
       nt.code AS notice, CASE WHEN c.adoption IS NULL THEN 'received' ELSE 'answered' END AS state,
       c.adoption, c.reason, c.reply, c.replied_at
  FROM notice_comment c JOIN notice nt ON nt.id = c.notice_id WHERE c.receipt_sha256 = :digest
UNION ALL
SELECT 'complaint', co.code, NULL, co.id, NULL,
       CASE lc.state WHEN 'new' THEN 'received' WHEN 'closed' THEN 'answered' ELSE 'in_hand' END,
       NULL, NULL, co.answer, co.answered_at
  FROM complaint co JOIN lead_case lc ON lc.id = co.case_id WHERE co.receipt_sha256 = :digest
""")


async def find_receipt(
    session: AsyncSession, receipt: str, *, forget: bool, request_id: str | None
) -> ReceiptState:
    """What became of a comment or complaint; with `forget` its contact is deleted.

    Raises:
        NotFound: there is no such receipt.
    """
    digest = {"digest": digest_of_secret(receipt)}
    row = (await session.execute(_RECEIPTS, digest)).mappings().first()
    if row is None:
        raise NotFound("there is no such receipt", message_zh="没有该回执")
    of = {name: row[name] for name in ("comment_id", "complaint_id") if row[name] is not None}
    if forget:
        await forget_contact(session, row["code"], Act(BY_PUBLIC, request_id, None), **of)
        await session.flush()
    kept = await find_contact(session, **of) is not None
    told = {name: row[name] for name in row if name not in {"code", "comment_id", "complaint_id"}}
    return ReceiptState(**told, contact_kept=kept)


def summarise(notice: NoticeSeen, rows: Sequence[Any]) -> Content:
    """The report on the comments as they stand; what may not be shown is counted without text."""
    rule = notice_rule(notice.subject_collection, notice.kind)
    comments = [
        {
            "code": row.code,
            "at": rfc3339(row.created_at),
            "authored": row.authored,
            "topic": row.topic,
            "text": row.text if row.is_shown else None,
            "adoption": row.adoption,
            "reason": row.reason,
            "reply": row.reply if row.is_shown else None,
        }
        for row in rows
    ]
    return {
        "notice": {
            **{
                name: getattr(notice, name)
                for name in ("code", "name_zh", "name_en", "subject_collection", "subject_code")
            },
            **{
                name: None if day is None else day.isoformat()
                for name, day in (
                    ("published_on", notice.published_on),
                    ("period_from", notice.period_from),
                    ("period_to", notice.period_to),
                )
            },
            "least_days": rule.least_days,
            "legal_basis": rule.legal_basis,
        },
        "counts": _counts(comments),
        "comments": comments,
    }


def _counts(comments: Sequence[Mapping[str, Any]]) -> Content:
    adoptions = Counter(one["adoption"] or "unanswered" for one in comments)
    authored = Counter(one["authored"] for one in comments)
    topics: dict[str, Counter[str]] = {}
    for one in comments:
        by = topics.setdefault(one["topic"] or "", Counter())
        by[one["adoption"] or "unanswered"] += 1
    told = (*codes(ADOPTIONS), "unanswered")
    return {
        "comments": len(comments),
        "by_adoption": {code: adoptions[code] for code in told},
        "by_author": {code: authored[code] for code in codes(COMMENTERS)},
        "by_topic": [
            {
                "topic": topic or None,
                "comments": counted.total(),
                **{code: counted[code] for code in told},
            }
            for topic, counted in sorted(topics.items())
        ],
    }


async def read_summary(
    session: AsyncSession, notice: NoticeSeen, caller: Identity
) -> tuple[Content, NoticeSummary | None]:
    """The frozen report, which everybody may see, or what it would be now.

    Raises:
        NotFound: it is not frozen, and the caller does not answer for the notice.
    """
    frozen = await session.get(NoticeSummary, notice.id)
    if frozen is not None:
        return frozen.content, frozen
    if not may_answer(caller, notice):
        raise NotFound(
            f"there is no summary of {notice.code} yet", message_zh=f"{notice.code} 尚无汇总报告"
        )
    return summarise(notice, await read_comments(session, notice, everything=True)), None


async def freeze_summary(
    session: AsyncSession, notice: NoticeSeen, *, caller: Identity, act: Act
) -> NoticeSummary:
    """Freeze the report on the comments with its SHA-256.

    Raises:
        Unauthenticated, Forbidden: the caller may not.
        Conflict: the notice is not closed, or the report is frozen.
    """
    demand_scopes(caller, SCOPES)
    demand_role(caller, FREEZERS, notice.region_id)
    # Of two at once the second waits, and finds it.
    locked = sa.text("SELECT state FROM notice WHERE id = :id FOR UPDATE")
    state = await session.scalar(locked, {"id": notice.id})
    if await session.get(NoticeSummary, notice.id) is not None:
        raise Conflict(
            f"the summary of {notice.code} is frozen", message_zh=f"{notice.code} 的汇总已定稿"
        )
    if state != "closed":
        raise Conflict(
            f"notice {notice.code} is {state}; its summary is frozen when it is closed",
            message_zh=f"公示 {notice.code} 状态为 {state}；结束后方可定稿汇总",
        )
    rows = await read_comments(session, notice, everything=True)
    content = summarise(notice, rows)
    row = NoticeSummary(
        notice_id=notice.id, content=content, sha256=hash_of(content), frozen_by=caller.owner
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    after = {"sha256": row.sha256, "comments": len(rows)}
    record(session, act, "freeze", table="notice_summary", object_id=notice.code, after=after)
    return row


async def spend_challenge(session: AsyncSession, sha256: str, expires_at: datetime) -> None:
    """Use a proof of work, once.

    Raises:
        Conflict: it was used.
    """
    own = SpentChallenge
    await session.execute(sa.delete(own).where(own.expires_at < sa.func.now()))
    added = await session.scalar(
        sa.text(
            "INSERT INTO spent_challenge (sha256, expires_at) VALUES (:sha256, :expires_at)"
            " ON CONFLICT DO NOTHING RETURNING sha256"
        ),
        {"sha256": sha256, "expires_at": expires_at},
    )
    if added is None:
        raise Conflict(
            "this proof of work was used; ask for another challenge",
            message_zh="该工作量证明已使用，请重新获取题目",
        )


MOST_FORGOTTEN = 1_000
"""Contacts deleted in one transaction; the others follow with the next."""
_DUE = sa.text("""
DELETE FROM contact_detail WHERE id IN (
  SELECT id FROM contact_detail WHERE delete_on < current_date
   ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED)
RETURNING coalesce((SELECT code FROM notice_comment c WHERE c.id = comment_id),
                   (SELECT code FROM complaint co WHERE co.id = complaint_id))
""")


async def forget_contacts(session: AsyncSession, act: Act) -> int:
    """Delete contacts whose day has passed; how many. The caller commits."""
    found = list(await session.scalars(_DUE, {"most": MOST_FORGOTTEN}))
    for code in found:
        record(session, act, "delete", table=ContactDetail.__tablename__, object_id=code)
    return len(found)
