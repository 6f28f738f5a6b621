"""The duties of plans: which are late, and their yearly review, which ends frozen.

Whoever answers for a duty reports: its leads or, where the document names parties without saying
their part, all of these. A frozen review holds its content with the SHA-256 of that as JSON with
sorted names and no spaces, and is never changed again.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import hash_of
from shanhai.db.collections import guards
from shanhai.db.collections.duties import DUE, DUTIES
from shanhai.db.collections.programmes import PARTIES
from shanhai.db.engine import read_today
from shanhai.db.features.columns import rows_of
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import EVERYTHING, Identity, Viewer, demand_role, demand_scopes
from shanhai.db.indicators.plan_indicators import PlanSeen
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.duty import PARTS, DutyReport, DutyReview
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.provision import Party
from shanhai.errors import Conflict, Forbidden, InvalidInput, NotFound
from shanhai.monitoring.thresholds import LedgerStanding
from shanhai.vocabulary import DUTY_VERDICTS, Role, Scope, codes

Content = dict[str, Any]
OPENERS = frozenset({Role.PLANNER, Role.SUPERVISOR})
REPORTERS = frozenset({Role.OWNER, Role.PLANNER})
JUDGES = frozenset({Role.SUPERVISOR})
FREEZERS = frozenset({Role.APPROVER})
SCOPES = frozenset({Scope.WRITE, Scope.PROJECTS})
MISSING, WAITING = "missing", "waiting"
"""Reports that were not sent, and that nobody has judged yet; beside the verdicts."""
_LISTED = ", ".join(f"du.{part}_ids AS {part}" for part in PARTS)
_DUTIES = f"""
SELECT du.id, du.code, du.article, du.name_zh, du.name_en, du.success_zh, du.success_en,
       du.first_year, du.last_year, {DUE} AS due, du.state, du.reason, {_LISTED},
       said.name_zh AS heading_zh, said.name_en AS heading_en
  FROM {{rows}} du
  LEFT JOIN LATERAL (
    SELECT pv.name_zh, pv.name_en FROM plan_provision pv
     WHERE pv.plan_id = du.plan_id AND pv.kind = 'article' AND pv.article = du.article
       AND pv.deleted_at IS NULL ORDER BY pv.id DESC LIMIT 1) said ON true
 WHERE du.plan_id = :plan AND du.deleted_at IS NULL AND {{state}}
 ORDER BY du.order_no, du.code
"""  # noqa: S608 - constants
_NOW = sa.text(_DUTIES.format(rows="duty", state=DUTIES.current))
_THEN = sa.text(_DUTIES.format(rows=rows_of(DUTIES, former=True), state=DUTIES.as_of))
_REPORTS = sa.text("""
SELECT r.*, o.code AS party, du.code AS duty FROM duty_report r JOIN party o ON o.id = r.party_id
  JOIN duty du ON du.id = r.duty_id AND du.deleted_at IS NULL
 WHERE r.review_id = :review ORDER BY o.code
""")

MOST_LATE = 500
"""Duties that become late in one transaction; the others follow with the next."""
_LATE = sa.text(f"""
  UPDATE duty SET state = 'late', row_version = row_version + 1, updated_at = now(),
         valid_from = CASE WHEN coalesce(valid_from <= current_date, true)
                           THEN current_date ELSE valid_from END
   WHERE id IN (
     SELECT du.id FROM duty du JOIN plan p ON p.id = du.plan_id
      WHERE p.status = 'approved' AND p.deleted_at IS NULL AND du.deleted_at IS NULL
        AND du.state IN ('open', 'on_track') AND {DUE} < current_date
        AND (du.valid_to IS NULL OR du.valid_to > current_date)
      ORDER BY du.id LIMIT :most FOR UPDATE OF du SKIP LOCKED)
  RETURNING code, (SELECT p.code FROM plan p WHERE p.id = duty.plan_id) AS plan
""")  # noqa: S608 - constants
BY_CALENDAR = Act("calendar")
_DUE = sa.text(f"""
SELECT du.id, p.id AS plan, p.region_id, du.state, {DUE} AS due, current_date - {DUE} AS days
  FROM duty du JOIN plan p ON p.id = du.plan_id AND p.status = 'approved' AND p.deleted_at IS NULL
 WHERE du.id = ANY(:duties) AND du.deleted_at IS NULL
   AND (du.valid_to IS NULL OR du.valid_to > current_date)
   AND du.state IN ('open', 'on_track', 'late') AND {DUE} IS NOT NULL
 ORDER BY du.id
""")  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class NewDutyReport:
    """What a party reports of a duty; `figures` are checked already, `evidence` names documents."""

    text: str
    figures: Sequence[Mapping[str, Any]] = ()
    evidence: Sequence[str] = ()


async def read_duties(
    session: AsyncSession, plan: PlanSeen, viewer: Viewer = EVERYTHING
) -> list[Content]:
    """The duties of a plan in its order, as of its day if any, with the parties one may know."""
    query = _NOW if plan.as_of is None else _THEN
    rows = (await session.execute(query, {"plan": plan.id, "as_of": plan.as_of})).all()
    ids = {number for row in rows for part in PARTS for number in getattr(row, part)}
    met = " AND ".join(("pa.id = ANY(:ids)", *visibility(PARTIES, viewer)))
    query = sa.text(f"SELECT pa.id, pa.code, pa.name_zh, pa.name_en FROM party pa WHERE {met}")  # noqa: S608
    found = await session.execute(query, {"ids": list(ids), **viewer_values(viewer)})
    named = {
        row.id: {"code": row.code, "name_zh": row.name_zh, "name_en": row.name_en} for row in found
    }
    return [_duty(row, named) for row in rows]


def _duty(row: Any, named: Mapping[int, Content]) -> Content:
    told = ("code", "article", "heading_zh", "heading_en", "name_zh", "name_en", "success_zh")
    return {
        **{name: getattr(row, name) for name in (*told, "success_en", "state", "reason")},
        "start_year": row.first_year,
        "end_year": row.last_year,
        "due": None if row.due is None else row.due.isoformat(),
        "parties": {
            part: [named[number] for number in getattr(row, part) if number in named]
            for part in PARTS
        },
    }


def answering(duty: Content) -> list[Content]:
    """The parties that report of a duty."""
    parties: Mapping[str, list[Content]] = duty["parties"]
    return parties["lead"] or parties["named"]


def demanded(duty: Content, year: int) -> bool:
    """Whether a duty is reported of in the review of a year: not before it begins, nor dropped."""
    begins = duty["start_year"]
    return duty["state"] != "dropped" and (begins is None or begins <= year)


async def mark_late(session: AsyncSession) -> int:
    """Duties that are not done by their last day are late; how many. The caller commits."""
    rows = (await session.execute(_LATE, {"most": MOST_LATE})).all()
    for row in rows:
        after = {"plan": row.plan, "state": "late"}
        record(session, BY_CALENDAR, "update", table="duty", object_id=row.code, after=after)
    return len(rows)


async def read_due_duties(session: AsyncSession, duties: Sequence[int]) -> list[LedgerStanding]:
    """By how many days the duties that are not done are due; below 0 while it is to come."""
    return [
        LedgerStanding(
            "duty_due",
            row.id,
            row.region_id,
            float(row.days),
            {"state": row.state, "due": row.due.isoformat()},
            plan=row.plan,
        )
        for row in await session.execute(_DUE, {"duties": list(duties)})
    ]


async def open_review(
    session: AsyncSession,
    plan: PlanSeen,
    year: int,
    reports_due_on: date,
    *,
    caller: Identity,
    act: Act,
) -> DutyReview:
    """Begin the review of a year.

    Raises:
        Unauthenticated, Forbidden: the caller may not begin one.
        Conflict: there is one, or the plan is not in force or has no duties.
        InvalidInput: the year is still to come, or reports would be due before it begins; or they
            were due while it goes on, so that all would be missing at once.
    """
    _demand(caller, OPENERS, plan)
    if plan.status not in {"approved", "superseded"}:
        raise Conflict(
            f"plan {plan.code} is {plan.status}; duties of approved plans are reviewed",
            message_zh=f"规划 {plan.code} 未批准，不能开展年度考核",
        )
    today = await read_today(session)
    if year > today.year:
        raise InvalidInput(
            f"year {year} has not begun", message_zh=f"{year} 年尚未开始", pointer="/year"
        )
    if reports_due_on < date(year, 1, 1):
        raise InvalidInput(
            f"reports of {year} cannot be due on {reports_due_on}",
            message_zh=f"{year} 年的报告不能在 {reports_due_on} 到期",
            pointer="/reports_due_on",
        )
    if year == today.year and reports_due_on < today:
        raise InvalidInput(
            f"reports_due_on {reports_due_on} is over, and {year} is not",
            message_zh=f"{year} 年尚未结束，报告期限 {reports_due_on} 已过",
            pointer="/reports_due_on",
        )
    if not any(demanded(duty, year) for duty in await read_duties(session, plan)):
        raise Conflict(
            f"plan {plan.code} has no duties in {year}",
            message_zh=f"规划 {plan.code} 在 {year} 年没有职责",
        )
    # Of two who begin it at once the second waits, and finds it.
    await session.execute(
        sa.select(Plan.id).where(Plan.id == plan.id).with_for_update(key_share=True)
    )
    if await _find(session, plan, year) is not None:
        raise Conflict(
            f"there is a review of {plan.code} of {year} already",
            message_zh=f"规划 {plan.code} 已有 {year} 年度考核",
        )
    review = DutyReview(
        plan_id=plan.id, year=year, reports_due_on=reports_due_on, opened_by=caller.owner
    )
    session.add(review)
    await session.flush()
    await session.refresh(review)
    after = {"plan": plan.code, "year": year, "reports_due_on": reports_due_on.isoformat()}
    _note(session, act, "create", plan, year, after)
    return review


async def list_reviews(session: AsyncSession, plan: PlanSeen, caller: Identity) -> list[DutyReview]:
    """The reviews of a plan, the newest first; those that go on are for those at work."""
    query = sa.select(DutyReview).where(DutyReview.plan_id == plan.id)
    if caller.anonymous:
        query = query.where(DutyReview.state == "frozen")
    return list(await session.scalars(query.order_by(DutyReview.year.desc())))


async def find_review(
    session: AsyncSession, plan: PlanSeen, year: int, caller: Identity, *, lock: bool = False
) -> DutyReview:
    """The review of a year.

    Raises:
        NotFound: there is none, or it goes on and the caller has no identity.
    """
    found = await _find(session, plan, year, lock=lock)
    if found is None or (caller.anonymous and found.state != "frozen"):
        raise NotFound(
            f"there is no review of {plan.code} of {year}",
            message_zh=f"规划 {plan.code} 没有 {year} 年度考核",
        )
    return found


async def read_content(session: AsyncSession, plan: PlanSeen, review: DutyReview) -> Content:
    """What a review says: as it was frozen, or as it stands."""
    if review.content is not None:
        return review.content
    rows = (await session.execute(_REPORTS, {"review": review.id})).all()
    reports = {(row.duty, row.party): row for row in rows}
    duties = [
        {
            **duty,
            "reports": [
                _report(party, reports.get((duty["code"], party["code"])))
                for party in answering(duty)
            ],
        }
        for duty in await read_duties(session, plan)
        if demanded(duty, review.year)
    ]
    return {
        "plan": {"code": plan.code, "name_zh": plan.name.zh, "name_en": plan.name.en},
        "year": review.year,
        "reports_due_on": review.reports_due_on.isoformat(),
        "summary": summary_of(duties),
        "duties": duties,
    }


async def told_to(session: AsyncSession, content: Content, caller: Identity) -> Content:
    """What a review tells a reader: no document hidden from them, no expert to the public."""
    experts = set(await session.scalars(sa.select(Party.code).where(Party.kind == "expert")))
    told = deepcopy(content)
    reports = [one for duty in told["duties"] for one in duty["reports"]]
    named = [code for one in reports for code in one["evidence"]]
    hidden = await guards.unknown_documents(session, named, caller.viewer)
    for one in reports:
        one["evidence"] = [code for code in one["evidence"] if code not in hidden]
    for duty in told["duties"] if caller.anonymous else ():
        for party in chain((one["party"] for one in duty["reports"]), *duty["parties"].values()):
            if party["code"] in experts:
                party.update(code="expert", name_zh="专家", name_en="Expert")
    return told


def summary_of(duties: Sequence[Content]) -> Content:
    """How many duties have each state, and how many reports each verdict."""
    states = Counter(duty["state"] for duty in duties)
    verdicts = Counter(report["outcome"] for duty in duties for report in duty["reports"])
    outcomes = (*codes(DUTY_VERDICTS), WAITING, MISSING)
    return {
        "duties": len(duties),
        "states": dict(sorted(states.items())),
        "reports": {outcome: verdicts[outcome] for outcome in outcomes},
    }


def _report(party: Content, row: Any) -> Content:
    """What a party reported; who wrote and who judged it are in the audit log alone."""
    if row is None:
        empty: Content = {"text": None, "figures": [], "evidence": [], "reported_at": None}
        return {"party": party, "outcome": MISSING, **empty, "judgement": None, "judged_at": None}
    return {
        "party": party,
        "outcome": row.verdict or WAITING,
        "text": row.text,
        "figures": row.figures,
        "evidence": row.evidence,
        "reported_at": row.reported_at.isoformat(),
        "judgement": row.judgement,
        "judged_at": None if row.judged_at is None else row.judged_at.isoformat(),
    }


async def put_report(
    session: AsyncSession,
    plan: PlanSeen,
    review: DutyReview,
    duty: str,
    party: str,
    new: NewDutyReport,
    *,
    caller: Identity,
    act: Act,
) -> bool:
    """Report of a duty, or report again what was not judged yet or was returned; whether it is new.

    Raises:
        Unauthenticated, Forbidden: the caller may not report.
        NotFound: the plan has no such duty in the year, or the party does not answer for it.
        Conflict: the review is frozen, or the report was judged.
        InvalidInput: a document is unknown.
    """
    _demand(caller, REPORTERS, plan)
    _demand_open(review)
    duty_id, party_id = await _place(session, plan, review, duty, party)
    for code in await guards.unknown_documents(session, new.evidence, caller.viewer):
        raise InvalidInput(
            f"there is no document {code!r}",
            message_zh=f"没有文件 {code!r}",
            pointer=f"/evidence/{new.evidence.index(code)}",
        )
    row = await _find_report(session, review, duty_id, party_id)
    if row is not None and row.verdict not in {None, "returned"}:
        raise Conflict(
            f"the report of {party} on {duty} was judged; the supervisor can return it",
            message_zh=f"{party} 关于 {duty} 的报告已有结论，须先由督导单位退回",
        )
    made = row is None
    if row is None:
        row = DutyReport(review_id=review.id, duty_id=duty_id, party_id=party_id)
        session.add(row)
    # What the writer is not shown they cannot send again.
    stay = await guards.unknown_documents(session, row.evidence or (), caller.viewer)
    row.text, row.figures, row.evidence = new.text, [*new.figures], [*new.evidence, *stay]
    row.reported_by, row.reported_at = caller.owner, sa.func.now()
    row.verdict = row.judgement = row.judged_at = row.judged_by = None
    await session.flush()
    after = {"duty": duty, "party": party, "text": new.text, "evidence": row.evidence}
    _note(session, act, "report", plan, review.year, after)
    return made


async def judge_report(
    session: AsyncSession,
    plan: PlanSeen,
    review: DutyReview,
    duty: str,
    party: str,
    verdict: str,
    judgement: str | None,
    *,
    caller: Identity,
    act: Act,
) -> None:
    """Judge a report; until the review is frozen, it can be judged otherwise.

    Raises:
        Unauthenticated, Forbidden: the caller may not judge, or has written the report.
        NotFound: there is no such report.
        Conflict: the review is frozen.
        InvalidInput: a verdict other than `met` says nothing of why.
    """
    _demand(caller, JUDGES, plan)
    _demand_open(review)
    duty_id, party_id = await _place(session, plan, review, duty, party)
    row = await _find_report(session, review, duty_id, party_id)
    if row is None:
        raise NotFound(f"{party} has not reported on {duty}", message_zh=f"{party} 尚未报告 {duty}")
    if row.reported_by == caller.owner:
        raise Forbidden(
            "a report is judged by another than its writer",
            message_zh="报告须由填报人以外的人员评定",
        )
    if verdict != "met" and not (judgement or "").strip():
        raise InvalidInput(
            f"{verdict} needs a judgement in words",
            message_zh="该结论须说明理由",
            pointer="/judgement",
        )
    row.verdict, row.judgement = verdict, judgement
    row.judged_by, row.judged_at = caller.owner, sa.func.now()
    await session.flush()
    after = {"duty": duty, "party": party, "verdict": verdict, "judgement": judgement}
    _note(session, act, "judge", plan, review.year, after)


async def freeze(
    session: AsyncSession, plan: PlanSeen, review: DutyReview, *, caller: Identity, act: Act
) -> None:
    """Freeze a review: what was not reported by the day it was due is told as missing.

    Raises:
        Unauthenticated, Forbidden: the caller may not freeze it.
        Conflict: it is frozen, or reports wait for a verdict or can still be sent.
    """
    _demand(caller, FREEZERS, plan)
    _demand_open(review)
    content = await read_content(session, plan, review)
    early = await read_today(session) <= review.reports_due_on
    unsettled = {WAITING, "returned", *({MISSING} if early else ())}
    open_ones = [
        f"{duty['code']}/{report['party']['code']}"
        for duty in content["duties"]
        for report in duty["reports"]
        if report["outcome"] in unsettled
    ]
    if open_ones:
        first = ", ".join(open_ones[:5])
        raise Conflict(
            f"{len(open_ones)} reports are not settled, among them {first}",
            message_zh=f"尚有 {len(open_ones)} 份报告未办结，例如 {first}",
        )
    review.content, review.sha256, review.state = content, hash_of(content), "frozen"
    review.frozen_by, review.frozen_at = caller.owner, sa.func.now()
    await session.flush()
    await session.refresh(review)
    _note(session, act, "freeze", plan, review.year, {"sha256": review.sha256})


def _demand(caller: Identity, roles: frozenset[Role], plan: PlanSeen) -> None:
    demand_scopes(caller, SCOPES)
    demand_role(caller, roles, None if plan.region is None else plan.region.id)


def _demand_open(review: DutyReview) -> None:
    if review.state == "frozen":
        raise Conflict(
            f"the review of {review.year} is frozen", message_zh=f"{review.year} 年度考核已定稿"
        )


async def _find(
    session: AsyncSession, plan: PlanSeen, year: int, *, lock: bool = False
) -> DutyReview | None:
    query = sa.select(DutyReview).where(DutyReview.plan_id == plan.id, DutyReview.year == year)
    return await session.scalar(query.with_for_update() if lock else query)


async def _find_report(
    session: AsyncSession, review: DutyReview, duty: int, party: int
) -> DutyReport | None:
    own = DutyReport
    query = sa.select(own).where(
        own.review_id == review.id, own.duty_id == duty, own.party_id == party
    )
    return await session.scalar(query)


async def _place(
    session: AsyncSession, plan: PlanSeen, review: DutyReview, duty: str, party: str
) -> tuple[int, int]:
    """The numbers of a duty of the review and of a party that answers for it."""
    known = {one["code"]: one for one in await read_duties(session, plan)}
    found = known.get(duty)
    if found is None or not demanded(found, review.year):
        raise NotFound(
            f"{plan.code} has no duty {duty!r} in {review.year}",
            message_zh=f"规划 {plan.code} 在 {review.year} 年没有职责 {duty!r}",
        )
    if party not in {one["code"] for one in answering(found)}:
        raise NotFound(
            f"{party!r} does not answer for duty {duty!r}",
            message_zh=f"{party!r} 不是职责 {duty!r} 的填报单位",
        )
    query = sa.text(
        "SELECT id FROM duty WHERE plan_id = :plan AND code = :code AND deleted_at IS NULL"
    )
    number = await session.scalar(query, {"plan": plan.id, "code": duty})
    of_party = sa.select(Party.id).where(Party.code == party, Party.deleted_at.is_(None))
    return int(number), (await session.scalars(of_party)).one()


def _note(
    session: AsyncSession, act: Act, action: str, plan: PlanSeen, year: int, after: Content
) -> None:
    record(session, act, action, table="duty_review", object_id=f"{plan.code}.{year}", after=after)
