"""Create proposals: the object is found, the evidence and the change are checked."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.alerts.queries import find_alert
from shanhai.db.bulletins.publication import find_bulletin
from shanhai.db.cases.queries import find_case
from shanhai.db.collections.programmes import PROGRAMMES
from shanhai.db.collections.projects import PROJECTS
from shanhai.db.identity import Identity, demand_role, demand_scopes
from shanhai.db.proposals.queries import find_proposal, read_listed, tag_of
from shanhai.db.proposals.revisions import Plans, Records, Targets, ZoneRevisions
from shanhai.db.proposals.subjects import Members, ProposalSubject, Revisable
from shanhai.db.queries.audit import Act, record
from shanhai.db.queries.jobs import JobFilter, conditions
from shanhai.db.tables.indicator import EvaluationSnapshot, IndicatorValue
from shanhai.db.tables.job import Job
from shanhai.db.tables.plan import Proposal, ProposalEvent, ProposalEvidence
from shanhai.errors import Conflict, Fault, InvalidInput, NotFound, demand_state
from shanhai.vocabulary import Role, Scope


@dataclass(frozen=True, slots=True)
class EvidenceReference:
    """One thing: its kind, and its number or code."""

    kind: str
    object: str


async def demand_evidence(
    session: AsyncSession, identity: Identity, items: Sequence[EvidenceReference]
) -> None:
    """Refuse evidence that is not there, or not to be known of.

    Raises:
        InvalidInput: with one fault for each.
    """
    faults = []
    for place, item in enumerate(items):
        if items.index(item) < place:
            faults.append(Fault(f"/evidence/{place}", "is named twice", "重复列出"))
        elif not await _is_there(session, identity, item):
            faults.append(
                Fault(
                    f"/evidence/{place}/{item.kind}",
                    f"there is no {item.kind} {item.object!r}",
                    f"没有 {item.kind} {item.object!r}",
                )
            )
    if faults:
        raise InvalidInput.placed(faults)


async def _is_there(session: AsyncSession, identity: Identity, item: EvidenceReference) -> bool:
    if "\x00" in item.object:
        return False
    try:
        match item.kind:
            case "alert":
                await find_alert(session, identity.viewer, int(item.object))
            case "case":
                await find_case(session, item.object, identity.viewer)
            case "bulletin":
                await find_bulletin(session, item.object, identity.viewer)
            case "job":
                met = [Job.id == UUID(item.object), *conditions(JobFilter(reader=identity))]
                return await session.scalar(select(1).where(*met)) is not None
            case "value":
                query = select(1).where(IndicatorValue.id == int(item.object))
                return await session.scalar(query) is not None
            case _:
                query = select(1).where(EvaluationSnapshot.code == item.object)
                return await session.scalar(query) is not None
    except NotFound:
        return False
    return True


TABLE = "proposal"
SCOPES = frozenset({Scope.PROJECTS, Scope.WRITE})
"""Either is needed to write anything of a proposal."""
PROPOSERS = frozenset({Role.PLANNER, Role.OWNER, Role.SUPERVISOR})
"""Who may propose; the change is written only by who may write the object."""
KINDS: Mapping[str, Revisable] = {
    "project": Records("project", PROJECTS),
    "programme": Records("programme", PROGRAMMES),
    "target": Targets(),
    "zone": ZoneRevisions(),
    "plan": Plans(),
}


@dataclass(frozen=True, slots=True)
class Wording:
    """What a proposal says."""

    title: str
    reason: str
    subject: ProposalSubject
    change: Members
    evidence: tuple[EvidenceReference, ...]


async def create_proposal(
    session: AsyncSession, identity: Identity, act: Act, wording: Wording
) -> Proposal:
    """Make the draft of a proposal.

    Raises:
        Unauthenticated, Forbidden: the identity may not propose for the region.
        InvalidInput: what is revised or named as evidence is not there, or the change breaks a
            rule of the object's own writer.
        Conflict: what is revised is not in force.
    """
    demand_scopes(identity, SCOPES)
    values = await _prepare(session, identity, wording)
    code = f"proposal-{secrets.token_hex(8)}"
    row = Proposal(code=code, state="draft", author=act.actor, **values)
    session.add(row)
    await session.flush()
    await _note(session, row, act, wording.evidence, seq=1, from_state=None)
    record(session, act, "create", table=TABLE, object_id=code, after=_audited(row, wording))
    return row


async def rewrite_proposal(
    session: AsyncSession,
    identity: Identity,
    act: Act,
    code: str,
    wording: Wording,
    *,
    expected: frozenset[str] | None,
) -> Proposal:
    """Write a draft anew, about the object as it is now.

    Raises:
        NotFound: there is none the identity may know of.
        Stale: it is not in an expected state of its row.
        Conflict: it was submitted already; and as with `create_proposal`.
    """
    demand_scopes(identity, SCOPES)
    row = await find_proposal(session, code, identity.viewer, lock=True)
    demand_role(identity, PROPOSERS, row.region_id)
    demand_expected(row, expected)
    if row.state != "draft":
        raise Conflict(
            f"the proposal is {row.state}: only a draft is rewritten",
            message_zh=f"修订建议状态为 {row.state}，仅草稿可改写",
        )
    before = {"id": row.id, "row_version": row.row_version, "fields": row.fields}
    for name, value in (await _prepare(session, identity, wording)).items():
        setattr(row, name, value)
    row.row_version, row.updated_at = row.row_version + 1, datetime.now(UTC)
    await session.execute(delete(ProposalEvidence).where(ProposalEvidence.proposal_id == row.id))
    seq = (await read_listed(session, ProposalEvent, row.id))[-1].seq + 1
    await _note(session, row, act, wording.evidence, seq=seq, from_state="draft")
    after = _audited(row, wording)
    record(session, act, "replace", table=TABLE, object_id=code, before=before, after=after)
    return row


def demand_expected(row: Proposal, expected: frozenset[str] | None) -> None:
    """Refuse a proposal that is in none of the expected states.

    Raises:
        Stale: it is not.
    """
    demand_state(tag_of(row), expected, repr(row.code))


async def _prepare(session: AsyncSession, identity: Identity, wording: Wording) -> dict[str, Any]:
    kind = wording.subject.kind
    revisable = KINDS[kind]
    try:
        base = await revisable.find(session, identity, wording.subject)
    except NotFound as error:
        raise InvalidInput(
            error.message, message_zh=error.message_zh, pointer="/revises"
        ) from error
    demand_role(identity, PROPOSERS, base.region_id)
    fields = await revisable.compare(session, identity, base, wording.change)
    await demand_evidence(session, identity, wording.evidence)
    return {
        "title": wording.title,
        "reason": wording.reason,
        "kind": kind,
        "subject": dict(base.subject),
        "plan_id": base.plan_id,
        "region_id": base.region_id,
        "base_id": base.row_id,
        "base": dict(base.members),
        "change": dict(wording.change),
        "fields": list(fields),
    }


async def _note(
    session: AsyncSession,
    row: Proposal,
    act: Act,
    evidence: Sequence[EvidenceReference],
    *,
    seq: int,
    from_state: str | None,
) -> None:
    session.add_all(
        ProposalEvidence(proposal_id=row.id, seq=place, kind=item.kind, object=item.object)
        for place, item in enumerate(evidence, 1)
    )
    session.add(
        ProposalEvent(
            proposal_id=row.id, seq=seq, from_state=from_state, to_state="draft", actor=act.actor
        )
    )
    await session.flush()


def _audited(row: Proposal, wording: Wording) -> dict[str, Any]:
    kept = ("id", "row_version", "title", "kind", "subject", "fields", "reason")
    evidence = [asdict(item) for item in wording.evidence]
    return {**{name: getattr(row, name) for name in kept}, "evidence": evidence}
