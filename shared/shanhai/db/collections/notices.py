"""Notices of what is to be decided, and what a decision needs of them: days, replies, a report."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from importlib import resources
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections import guards
from shanhai.db.engine import read_today
from shanhai.db.features import columns, entity
from shanhai.db.identity import PUBLIC
from shanhai.errors import Fault
from shanhai.vocabulary import COMMENTERS, NOTICE_STATES, NOTICE_SUBJECTS, Label, Role

_OWN = columns.Columns("nt")
_PLANNER, _APPROVER = frozenset({Role.PLANNER}), frozenset({Role.APPROVER})
HOUR = {**entity.TEXT, "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9]$"}
LONG = {**entity.TEXT, "minLength": 1, "maxLength": 20_000}
CHANGEABLE = frozenset(
    {"state", "reason", "period_to", "hearing_on", "hearing_time", "hearing_place"}
)
"""Members of a published notice that can still change; its period only grows."""


@dataclass(frozen=True, slots=True)
class NoticeRule:
    """How long a notice of a kind of object is at least, by which law.

    Attributes:
        kind: The kind of plan it holds for; None for all that have none of their own.
        required: Nothing is approved without a notice.
        confirm: The bureau has yet to confirm it.
    """

    collection: str
    kind: str | None
    required: bool
    least_days: int
    legal_basis: str | None
    text: Label
    confirm: bool


@lru_cache(maxsize=1)
def publicity() -> Mapping[str, Any]:
    """What the data file says of publicity."""
    file = resources.files("shanhai.db") / "seeds" / "national" / "publicity.json"
    found: Mapping[str, Any] = json.loads(file.read_bytes())
    return found


def notice_rule(collection: str, kind: str | None = None) -> NoticeRule:
    """The rule for an object of a collection and, of plans, of a kind.

    Raises:
        LookupError: the data file has none.
    """
    rules = {(one["collection"], one["kind"]): one for one in publicity()["notices"]}
    found = rules.get((collection, kind)) or rules.get((collection, None))
    if found is None:
        raise LookupError(f"no rule is known for notices of {collection}")
    return NoticeRule(
        collection,
        found["kind"],
        found["required"],
        found["least_days"],
        found["legal_basis"],
        Label(found["text_zh"], found["text_en"]),
        found["confirm"],
    )


_ROWS = {
    "plans": "SELECT s.id, r.code AS region, s.kind FROM plan s"
    " LEFT JOIN region r ON r.id = s.region_id WHERE s.code = :code AND s.deleted_at IS NULL",
    "projects": "SELECT s.id, r.code AS region, NULL AS kind FROM project s"
    " LEFT JOIN region r ON r.id = s.region_id WHERE s.code = :code AND s.deleted_at IS NULL",
    "control_areas": "SELECT s.id, r.code AS region, NULL AS kind FROM control_area s"
    " LEFT JOIN region r ON r.id = s.region_id WHERE s.code = :code AND s.deleted_at IS NULL",
    "proposals": "SELECT s.id, r.code AS region, NULL AS kind FROM proposal s"
    " LEFT JOIN region r ON r.id = s.region_id WHERE s.code = :code",
}
_UNANSWERED = text(
    "SELECT count(*) FROM notice_comment WHERE notice_id = :notice AND adoption IS NULL"
)


def _told(pointer: str, zh: str, en: str) -> Fault:
    return Fault(f"/properties/{pointer}", en, zh)


async def _subject(session: AsyncSession, after: Mapping[str, Any]) -> Any:
    query = text(_ROWS[after["subject_collection"]])
    return (await session.execute(query, {"code": after["subject_code"]})).first()


async def published_for_long(session: AsyncSession, change: entity.PendingWrite) -> Sequence[Fault]:
    """What is published is of something there is, by its region, for as long as the law asks."""
    if not guards.became(change, "state", "published"):
        return ()
    after = change.after or {}
    found = await _subject(session, after)
    code, where = after["subject_code"], after["subject_collection"]
    if found is None:
        rule = (f"{where} 中没有 {code!r}", f"there is no {code!r} in {where}")
        return [_told("subject_code", *rule)]
    rule_of = notice_rule(after["subject_collection"], found.kind)
    begin = max(date.fromisoformat(str(after["period_from"])), await read_today(session))
    least = begin + min(timedelta(days=rule_of.least_days), date.max - begin)
    faults = []
    if found.region != after.get("region"):
        rule = (
            f"须与公示对象的区域 {found.region!r} 一致",
            f"must be the region of what it is of, {found.region!r}",
        )
        faults.append(_told("region", *rule))
    if date.fromisoformat(str(after["period_to"])) < least:
        basis = f"（{rule_of.legal_basis}）" if rule_of.legal_basis else ""
        faults.append(
            _told(
                "period_to",
                f"公示不得少于 {rule_of.least_days} 日{basis}，最早至 {least}",
                f"must not be before {least}: a notice is open for {rule_of.least_days} days"
                f" at least{basis}",
            )
        )
    named = after.get("documents") or []
    unknown = await guards.unknown_documents(session, named, PUBLIC)
    faults += [
        _told("documents", f"没有公开的文件 {code!r}", f"there is no public document {code!r}")
        for code in unknown
    ]
    return faults


LAST_DAY = "2200-12-31"


async def ends_some_day(_: AsyncSession, change: entity.PendingWrite) -> Sequence[Fault]:
    """Days are reckoned from the period of a notice: calendars end."""
    before, after = change.before or {}, change.after or {}
    given = {name: str(after.get(name) or "") for name in ("period_from", "period_to")}
    return [
        _told(name, f"不得晚于 {LAST_DAY}", f"must not be after {LAST_DAY}")
        for name, day in given.items()
        if day > LAST_DAY and day != str(before.get(name))
    ]


async def stays_as_published(session: AsyncSession, change: entity.PendingWrite) -> Sequence[Fault]:
    """What was published is not deleted nor rewritten: its period can grow, the hearing move."""
    before, after = change.before or {}, change.after
    if before.get("state") in {None, "draft"}:
        return ()
    if after is None:
        return [
            Fault("", "a published notice is withdrawn, not deleted", "已公示的须撤回，不得删除")
        ]
    changed = [name for name in after if after[name] != before.get(name)]
    fixed = sorted(set(changed) - CHANGEABLE)
    if change.geometry_changed:
        fixed.append("geometry")
    rule = (
        "公示后不得更改；请撤回后重新公示",
        "is fixed once published; withdraw it, publish anew",
    )
    faults = [
        Fault("/geometry" if name == "geometry" else f"/properties/{name}", rule[1], rule[0])
        for name in fixed
    ]
    if str(after["period_to"]) < str(before["period_to"]):
        rule = ("公示期只能延长", "a period only grows")
        faults.append(_told("period_to", *rule))
    return faults


async def ended_in_order(session: AsyncSession, change: entity.PendingWrite) -> Sequence[Fault]:
    """A notice is closed after its period, all comments answered; and withdrawn for a reason."""
    after = change.after or {}
    if guards.became(change, "state", "withdrawn") and not (after.get("reason") or "").strip():
        return [_told("reason", "撤回须说明原因", "a notice is withdrawn with its reason")]
    if not guards.became(change, "state", "closed"):
        return ()
    faults = []
    if await read_today(session) <= date.fromisoformat(str(after["period_to"])):
        rule = (f"公示至 {after['period_to']}", f"its period goes on until {after['period_to']}")
        faults.append(_told("state", *rule))
    left = await session.scalar(_UNANSWERED, {"notice": change.row_id})
    if left:
        rule = (f"尚有 {left} 条意见未答复", f"comments without a reply: {left}")
        faults.append(_told("state", *rule))
    return faults


_GIVEN = text("""
SELECT nt.code, nt.state, nt.published_on, greatest(nt.period_from, nt.published_on) AS opened,
       nt.period_to, EXISTS (SELECT FROM notice_summary s WHERE s.notice_id = nt.id) AS summarised,
       (SELECT count(*) FROM notice_comment c WHERE c.notice_id = nt.id AND c.adoption IS NULL)
         AS unanswered, current_date AS today
  FROM notice nt
 WHERE nt.subject_collection = :collection AND nt.subject_id = :subject
   AND nt.deleted_at IS NULL AND nt.state IN ('published', 'closed')
 ORDER BY nt.id
""")


@dataclass(frozen=True, slots=True)
class NoticeLack:
    """What a decision still lacks of a notice, and by which condition."""

    code: str
    text: Label


async def lacking_publicity(
    session: AsyncSession, collection: str, subject: int, rule: NoticeRule
) -> list[NoticeLack] | None:
    """What the notices of an object still lack before it is decided on; None where it has none."""
    rows = (await session.execute(_GIVEN, {"collection": collection, "subject": subject})).all()
    if not rows:
        return None
    return [lack for row in rows for lack in _lacks(row, rule)]


def _lacks(row: Any, rule: NoticeRule) -> list[NoticeLack]:
    last = max(row.period_to, row.opened + timedelta(days=rule.least_days))
    found = []
    if row.today <= last:
        words = Label(f"公示 {row.code} 至 {last}", f"notice {row.code} runs until {last}")
        found.append(NoticeLack("comment_period", words))
    if row.unanswered:
        words = Label(
            f"公示 {row.code} 尚有 {row.unanswered} 条意见未答复",
            f"comments on notice {row.code} without a reply: {row.unanswered}",
        )
        found.append(NoticeLack("replies", words))
    if not row.summarised:
        words = Label(
            f"公示 {row.code} 尚无定稿的意见汇总报告",
            f"notice {row.code} has no frozen summary of its comments",
        )
        found.append(NoticeLack("summary", words))
    return found


def heard_before(collection: str, member: str, decided: str, *, kind: str | None = None) -> Any:
    """A guard: what is decided on was public for long enough, and its comments are summed up.

    Args:
        member: The member that tells the state; `decided` is the state that needs it.
        kind: The member that tells which rule holds.
    """

    async def guard(session: AsyncSession, change: entity.PendingWrite) -> Sequence[Fault]:
        after = change.after or {}
        if not guards.became(change, member, decided) or change.row_id is None:
            return ()
        rule = notice_rule(collection, None if kind is None else after.get(kind))
        lacks = await lacking_publicity(session, collection, change.row_id, rule)
        if lacks is None and rule.required:
            basis = f"（{rule.legal_basis}）" if rule.legal_basis else ""
            words = Label(f"须先公示{basis}", f"a public notice of it is needed first{basis}")
            lacks = [NoticeLack("notice", words)]
        return [Fault(f"/properties/{member}", lack.text.en, lack.text.zh) for lack in lacks or ()]

    return guard


NOTICES = entity.Entity(
    name="notices",
    title=Label("公示", "Public notices"),
    description=Label(
        "规划、项目、管控线调整与修订建议的公示：内容、范围、期限、听证与状态；公示后任何人可见。",
        "Notices of plans, projects, changes of control areas and proposals: text, area, period,"
        " hearing and state; public once published.",
    ),
    table="notice",
    alias="nt",
    joins=" LEFT JOIN region r ON r.id = nt.region_id",
    geometry_type="geometry-any",
    geometry_column="geom",
    published="nt.state <> 'draft'",
    properties=(
        _OWN.code,
        *_OWN.names(),
        _OWN.reference("region", "r.code", Label("区域", "Region"), to="regions"),
        _OWN.choice(
            "subject_collection",
            NOTICE_SUBJECTS,
            Label("公示对象类型", "Kind of what it is of"),
            required=True,
        ),
        _OWN.queryable(
            "subject_code", entity.TEXT, Label("公示对象", "What it is of"), required=True
        ),
        _OWN.column("text_zh", LONG, Label("公示内容", "Text in Chinese"), required=True),
        _OWN.column("text_en", LONG, Label("英文内容", "Text in English")),
        _OWN.queryable("period_from", entity.DATE, Label("公示起始日", "First day"), required=True),
        _OWN.queryable("period_to", entity.DATE, Label("公示截止日", "Last day"), required=True),
        _OWN.queryable("hearing_on", entity.DATE, Label("听证日期", "Hearing on")),
        _OWN.column("hearing_time", HOUR, Label("听证时间", "Time of the hearing")),
        _OWN.column("hearing_place", columns.NAME, Label("听证地点", "Place of the hearing")),
        _OWN.column(
            "contact_office", columns.NAME, Label("联系单位", "Office to ask"), required=True
        ),
        _OWN.column("documents", entity.TEXTS, Label("公示文件", "Documents")),
        _OWN.choice("commenters", COMMENTERS, Label("意见人要求", "Who may comment")),
        _OWN.column(
            "show_comments",
            entity.BOOLEAN,
            Label("公开审核后的意见", "Reviewed comments are shown"),
        ),
        _OWN.choice("state", NOTICE_STATES, Label("状态", "State")),
        _OWN.shown("published_on", entity.DATE, Label("发布日期", "Published on"), queryable=True),
        _OWN.column("reason", entity.TEXT, Label("撤回原因", "Reason of withdrawal")),
        _OWN.source,
        _OWN.fields,
        *_OWN.period,
    ),
    editing=entity.Editing(
        roles=_PLANNER | _APPROVER,
        lifecycle=entity.Lifecycle(
            property="state",
            initial="draft",
            steps=(
                entity.Step("draft", "published", _APPROVER),
                entity.Step("published", "closed", _PLANNER | _APPROVER),
                entity.Step("published", "withdrawn", _APPROVER),
                entity.Step("closed", "withdrawn", _APPROVER),
            ),
            settled=frozenset({"closed", "withdrawn"}),
        ),
        guards=(
            guards.PERIOD,
            guards.in_order("period_from", "period_to", "截止日不得早于起始日"),
            published_for_long,
            ends_some_day,
            stays_as_published,
            ended_in_order,
        ),
    ),
)
