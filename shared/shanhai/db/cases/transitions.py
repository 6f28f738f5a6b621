"""The steps of a case: who takes them, what each needs, taking one; and its documents."""

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.alerts.observation_evaluation import note_case
from shanhai.db.cases.complaints import demand_answer, read_complaint
from shanhai.db.cases.leads import TABLE, announce_case, announce_change
from shanhai.db.cases.queries import CaseSeen, find_case, find_region, read_events
from shanhai.db.engine import read_today
from shanhai.db.fence import writing_everywhere
from shanhai.db.identity import Identity, demand_role, demand_scopes
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.control import CaseEvent, LeadCase
from shanhai.db.tables.provision import Document
from shanhai.errors import Conflict, Fault, InvalidInput, demand_state, demand_step
from shanhai.storage.artifacts import StoredArtifact
from shanhai.vocabulary import Label, Role, Scope

SCOPES = frozenset({Scope.PROJECTS, Scope.WRITE})
"""Either is needed to write anything of a case."""
_SUPERVISOR, _APPROVER = frozenset({Role.SUPERVISOR}), frozenset({Role.APPROVER})


@dataclass(frozen=True, slots=True)
class CaseStep:
    """A step that exists.

    Attributes:
        needs: Members that must be sent with it.
        proof: Kind of document of which one is needed that no earlier step named; `any` for any.
        results: Results of the check with which it can be taken; None for any.
    """

    source: str
    target: str
    roles: frozenset[Role]
    needs: tuple[str, ...]
    rule: Label
    proof: str | None = None
    results: frozenset[str] | None = None


STEPS: tuple[CaseStep, ...] = (
    CaseStep(
        "new",
        "assigned",
        _SUPERVISOR,
        ("assignee",),
        Label("须指定承办人", "somebody is named who checks it"),
    ),
    CaseStep(
        "assigned",
        "assigned",
        _SUPERVISOR,
        ("assignee", "note"),
        Label("改派须说明理由", "another is named, with the reason"),
    ),
    CaseStep(
        "assigned",
        "verified",
        _SUPERVISOR,
        ("result", "note"),
        Label("须有核查结果、说明与现场照片", "a result, a note and a photo from the site"),
        proof="photo",
    ),
    CaseStep(
        "verified",
        "assigned",
        _APPROVER,
        ("note",),
        Label("退回重新核查须说明理由", "checked again, with the reason"),
    ),
    CaseStep(
        "verified",
        "rectification",
        _SUPERVISOR,
        ("note",),
        Label("仅确认违规的可责令整改", "made good only where the change is confirmed"),
        results=frozenset({"confirmed"}),
    ),
    CaseStep(
        "verified",
        "closed",
        _APPROVER,
        ("note",),
        Label("无变化或合法的方可直接销号", "only where there is no change, or it is lawful"),
        results=frozenset({"not_change", "lawful"}),
    ),
    CaseStep(
        "rectification",
        "closed",
        _APPROVER,
        ("note",),
        Label("须有整改完成的证明文件", "a document that shows it was made good"),
        proof="any",
    ),
)


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How many days the states of a case may last."""

    verify_days: int
    decide_days: int
    rectify_days: int

    def due(self, state: str, today: date) -> date | None:
        """The day by which a state that begins today must end; None for the last one."""
        days = {
            "assigned": self.verify_days,
            "verified": self.decide_days,
            "rectification": self.rectify_days,
        }
        return today + timedelta(days=days[state]) if state in days else None


@dataclass(frozen=True, slots=True)
class CaseTransitionRequest:
    """A step that is asked for."""

    to: str
    note: str | None = None
    result: str | None = None
    assignee: str | None = None
    region: str | None = None
    due: date | None = None
    documents: tuple[str, ...] = ()
    answer: str | None = None


def steps_from(state: str) -> list[CaseStep]:
    """The steps there are from a state."""
    return [step for step in STEPS if step.source == state]


async def take_step(
    session: AsyncSession,
    code: str,
    identity: Identity,
    act: Act,
    asked: CaseTransitionRequest,
    deadlines: Deadlines,
    *,
    expected: frozenset[str] | None,
) -> CaseSeen:
    """Move a case on; the case as it is then.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        NotFound: there is no case it may know of.
        Stale: the case is not in an expected state of its row.
        Conflict: the step does not exist, or not with this result.
        InvalidInput: what the step needs is missing or wrong.
    """
    demand_scopes(identity, SCOPES)
    seen = await find_case(session, code, identity.viewer, lock=True)
    demand_state(seen.tag, expected, repr(code))
    step = _demand_step(seen, asked)
    demand_role(identity, step.roles, seen.region_id)
    today = await read_today(session)
    _demand_members(step, asked, today)
    complaint = await read_complaint(session, seen.id)
    demand_answer(complaint, step.target, asked.answer)
    if complaint is not None and asked.answer is not None:
        complaint.answer, complaint.answered_at = asked.answer, datetime.now(UTC)
    events = await read_events(session, seen.id)
    await _demand_documents(session, seen, step, asked, events)
    region_id = await _demand_region(session, seen, step, asked)
    due = asked.due or deadlines.due(step.target, today)
    return await _move(session, seen, act, asked, events, region_id, due)


def _demand_step(seen: CaseSeen, asked: CaseTransitionRequest) -> CaseStep:
    step = demand_step({one.target: one for one in steps_from(seen.state)}, seen.state, asked.to)
    if step.results is not None and seen.result not in step.results:
        en = f"the check found {seen.result!r}: {step.rule.en}"
        zh = f"核查结果为 {seen.result!r}：{step.rule.zh}"
        raise Conflict(en, message_zh=zh, faults=[Fault("/to", en, zh)])
    return step


def _demand_members(step: CaseStep, asked: CaseTransitionRequest, today: date) -> None:
    for name in step.needs:
        if getattr(asked, name) is None:
            raise _wrong(name, f"{name} is needed: {step.rule.en}", f"缺少 {name}：{step.rule.zh}")
    allowed = {"result": "verified", "assignee": "assigned", "region": "assigned"}
    for name, target in allowed.items():
        if getattr(asked, name) is not None and step.target != target:
            raise _wrong(
                name, f"{name} belongs to the step to {target!r}", f"{name} 只用于变为 {target!r}"
            )
    if asked.due is not None and step.target == "closed":
        raise _wrong("due", "what is closed has no deadline", "已销号的没有期限")
    if asked.due is not None and asked.due < today:
        raise _wrong("due", f"due must not lie before today, {today}", f"期限不得早于今天 {today}")


def _of_case(code: str) -> ColumnElement[bool]:
    """Whether a document belongs to a case, and was not deleted."""
    own = (Document.owner_collection == COLLECTION, Document.owner_code == code)
    return and_(*own, Document.deleted_at.is_(None))


def _wrong(name: str, en: str, zh: str) -> InvalidInput:
    return InvalidInput(en, message_zh=zh, pointer=f"/{name}")


async def _demand_region(
    session: AsyncSession, seen: CaseSeen, step: CaseStep, asked: CaseTransitionRequest
) -> int | None:
    """The region that answers for the case from now on."""
    if asked.region is not None:
        return await find_region(session, asked.region)
    if step.target == "assigned" and seen.region_id is None:
        raise _wrong(
            "region",
            "the lead lies in no district: say which region answers for it",
            "图斑不在任何区县内，须指定负责区域",
        )
    return seen.region_id


async def _demand_documents(
    session: AsyncSession,
    seen: CaseSeen,
    step: CaseStep,
    asked: CaseTransitionRequest,
    events: Sequence[CaseEvent],
) -> None:
    query = select(Document.code, Document.kind).where(
        _of_case(seen.code), Document.code.in_(asked.documents)
    )
    rows = (await session.execute(query)).all() if asked.documents else []
    known = {row.code: row.kind for row in rows}
    faults = [
        Fault(
            f"/documents/{number}", f"the case has no document {code!r}", f"案件没有文件 {code!r}"
        )
        for number, code in enumerate(asked.documents)
        if code not in known
    ]
    if faults:
        raise InvalidInput(
            "documents must belong to the case", message_zh="文件须属于该案件", faults=faults
        )
    used = {code for event in events for code in event.documents}
    fresh = {kind for code, kind in known.items() if code not in used}
    proven = bool(fresh) if step.proof == "any" else step.proof in fresh
    if step.proof is not None and not proven:
        raise _wrong(
            "documents",
            f"needed, and not named by an earlier step: {step.rule.en}",
            f"须附本步骤新上传的文件：{step.rule.zh}",
        )


async def _move(
    session: AsyncSession,
    seen: CaseSeen,
    act: Act,
    asked: CaseTransitionRequest,
    events: Sequence[CaseEvent],
    region_id: int | None,
    due: date | None,
) -> CaseSeen:
    row = await session.get_one(LeadCase, seen.id, populate_existing=True)
    now = datetime.now(UTC)
    row.state, row.region_id, row.due_on = asked.to, region_id, due
    row.result = None if asked.to == "assigned" else asked.result or row.result
    row.assignee = asked.assignee or row.assignee
    row.row_version, row.updated_at = seen.row_version + 1, now
    row.closed_at = now if asked.to == "closed" else None
    event = CaseEvent(
        case_id=row.id,
        seq=events[-1].seq + 1,
        from_state=seen.state,
        to_state=asked.to,
        actor=act.actor,
        note=asked.note,
        result=asked.result,
        assignee=asked.assignee,
        due_on=due,
        documents=list(asked.documents),
    )
    session.add(event)
    await session.flush()
    if region_id != seen.region_id:
        await _hand_over_papers(session, seen, act, region_id)
    await announce_change(session, seen.code)
    await announce_case(session, event)
    await note_case(session, seen.id)
    before = {"id": seen.id, "row_version": seen.row_version, "state": seen.state}
    after = {
        "id": seen.id,
        "row_version": row.row_version,
        "state": asked.to,
        "event": event.seq,
        **{name: getattr(asked, name) for name in ("note", "result", "assignee", "region")},
        "documents": list(asked.documents),
    }
    record(session, act, "transition", table=TABLE, object_id=seen.code, before=before, after=after)
    return CaseSeen(seen.id, seen.code, asked.to, row.result, region_id, row.row_version)


async def _hand_over_papers(
    session: AsyncSession, seen: CaseSeen, act: Act, region_id: int | None
) -> None:
    """Give the documents of a case to the region that answers for it, as the case itself."""
    moved = (
        update(Document)
        .where(_of_case(seen.code))
        .values(region_id=region_id, row_version=Document.row_version + 1, updated_at=func.now())
        .returning(Document.code, Document.id, Document.row_version)
    )
    async with writing_everywhere(session):
        papers = (await session.execute(moved)).all()
    for code, number, version in sorted(papers):
        before = {"id": number, "row_version": version - 1, "region_id": seen.region_id}
        after = {"id": number, "row_version": version, "region_id": region_id}
        record(session, act, "update", table="document", object_id=code, before=before, after=after)


ADDERS = frozenset({Role.SUPERVISOR, Role.APPROVER, Role.OWNER})
MOST_DOCUMENTS = 1_000
COLLECTION = "cases"


@dataclass(frozen=True, slots=True)
class CasePaper:
    """What is said of a file that is added."""

    filename: str
    media_type: str
    kind: str
    title_zh: str
    title_en: str | None


def demand_handler(identity: Identity, case: CaseSeen) -> None:
    """Refuse who does not handle the case.

    Raises:
        Unauthenticated, Forbidden: the identity does not.
    """
    demand_scopes(identity, SCOPES)
    demand_role(identity, _SUPERVISOR | _APPROVER, case.region_id)


async def demand_adder(session: AsyncSession, code: str, identity: Identity) -> CaseSeen:
    """The case, locked for one who may add a document to it.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        NotFound: there is no case it may know of.
        Conflict: the case is closed.
        InvalidInput: it has too many documents.
    """
    demand_scopes(identity, SCOPES)
    case = await find_case(session, code, identity.viewer, lock=True)
    demand_role(identity, ADDERS, case.region_id)
    if case.state == "closed":
        raise Conflict(f"case {code!r} is closed", message_zh=f"案件 {code!r} 已销号")
    query = select(func.count()).select_from(Document).where(_of_case(case.code))
    if int(await session.scalar(query) or 0) >= MOST_DOCUMENTS:
        raise InvalidInput(
            f"a case has at most {MOST_DOCUMENTS} documents",
            message_zh=f"一个案件至多 {MOST_DOCUMENTS} 份文件",
            pointer="",
        )
    return case


async def add_paper(
    session: AsyncSession,
    code: str,
    identity: Identity,
    act: Act,
    paper: CasePaper,
    file: StoredArtifact,
) -> Document:
    """Register a stored file as a document of a case; refusals as with `demand_adder`."""
    case = await demand_adder(session, code, identity)
    row = Document(
        code=f"document-{secrets.token_hex(8)}",
        owner_collection=COLLECTION,
        owner_code=case.code,
        region_id=case.region_id,
        bytes=file.bytes,
        sha256=file.sha256,
        uri=file.uri,
        uploaded_by=act.actor,
        **asdict(paper),
    )
    session.add(row)
    await session.flush()
    after = {"id": row.id, "case": case.code, "bytes": row.bytes, "sha256": row.sha256}
    record(
        session,
        act,
        "create",
        table="document",
        object_id=row.code,
        after={**after, **asdict(paper)},
    )
    return row


async def list_papers(session: AsyncSession, code: str) -> Sequence[Document]:
    """The documents of a case, in the order they came."""
    query = select(Document).where(_of_case(code)).order_by(Document.id)
    return (await session.scalars(query)).all()
