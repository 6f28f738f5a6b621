"""The steps of a proposal: who takes them, what each demands; the last writes the change."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.notices import lacking_publicity, notice_rule
from shanhai.db.identity import Identity, demand_role, demand_scopes
from shanhai.db.proposals.creation import KINDS, PROPOSERS, SCOPES, TABLE, demand_expected
from shanhai.db.proposals.queries import find_proposal, read_listed
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.plan import Proposal, ProposalEvent
from shanhai.errors import Conflict, Fault, Forbidden, InvalidInput, NotFound, demand_step
from shanhai.vocabulary import Label, Role

_APPROVER = frozenset({Role.APPROVER})
_WRITERS = frozenset({Role.PLANNER, Role.OWNER})
DECISIONS = frozenset({"accepted", "refused"})
WRITTEN_IN = frozenset({"draft", "submitted"})
"""Whoever brought a proposal to one of these states does not decide on it."""


@dataclass(frozen=True, slots=True)
class ProposalStep:
    """A step that exists.

    Attributes:
        reasoned: It must say why.
        fresh: The object must still be as it was when its revision was proposed.
    """

    source: str
    target: str
    roles: frozenset[Role]
    rule: Label
    reasoned: bool = True
    fresh: bool = False


_WITHDRAW = Label("撤回须说明理由", "whoever withdraws it says why")
_DECIDE = Label(
    "须说明理由，且非提出人本人", "whoever decides says why, and is another than who proposed it"
)
STEPS: tuple[ProposalStep, ...] = (
    ProposalStep(
        "draft",
        "submitted",
        PROPOSERS,
        Label("提交审议", "put before the approver"),
        reasoned=False,
        fresh=True,
    ),
    ProposalStep("draft", "withdrawn", PROPOSERS, _WITHDRAW),
    ProposalStep("submitted", "accepted", _APPROVER, _DECIDE, fresh=True),
    ProposalStep("submitted", "refused", _APPROVER, _DECIDE),
    ProposalStep("submitted", "withdrawn", PROPOSERS, _WITHDRAW),
    ProposalStep("accepted", "withdrawn", PROPOSERS | _APPROVER, _WITHDRAW),
    ProposalStep(
        "accepted",
        "carried_out",
        _WRITERS,
        Label(
            "由有权编辑该对象者写入新版本", "the new version is written by who may write the object"
        ),
        reasoned=False,
        fresh=True,
    ),
)
"""All the steps there are."""


@dataclass(frozen=True, slots=True)
class ProposalTransitionRequest:
    """A step somebody wants to take, and why."""

    to: str
    reason: str | None = None


def steps_from(state: str) -> Sequence[ProposalStep]:
    """The steps that lead on from a state."""
    return [step for step in STEPS if step.source == state]


async def take_step(
    session: AsyncSession,
    code: str,
    identity: Identity,
    act: Act,
    asked: ProposalTransitionRequest,
    *,
    expected: frozenset[str] | None,
) -> Proposal:
    """Move a proposal on; carrying it out writes the change in the same transaction.

    Raises:
        Unauthenticated, Forbidden: the identity may not, or proposed it and may not decide on it.
        NotFound: there is none it may know of.
        Stale: it is not in an expected state of its row.
        InvalidInput: the reason is missing.
        Conflict: the step does not exist, the object has changed since, a notice of it is not
            through, or its writer refuses.
    """
    demand_scopes(identity, SCOPES)
    row = await find_proposal(session, code, identity.viewer, lock=True)
    demand_expected(row, expected)
    step = demand_step({one.target: one for one in steps_from(row.state)}, row.state, asked.to)
    demand_role(identity, step.roles, row.region_id)
    events = await read_listed(session, ProposalEvent, row.id)
    if step.target in DECISIONS:
        _demand_another(events, act)
    if step.reasoned and not (asked.reason or "").strip():
        raise InvalidInput(
            f"reason is needed: {step.rule.en}",
            message_zh=f"缺少 reason：{step.rule.zh}",
            pointer="/reason",
        )
    if step.fresh:
        await demand_fresh(session, row)
    if step.target == "accepted":
        await _demand_heard(session, row)
    if step.target == "carried_out":
        row.made_id = await KINDS[row.kind].carry_out(session, identity, act, row)
    return await _move(session, row, act, asked, events[-1].seq + 1)


async def _demand_heard(session: AsyncSession, row: Proposal) -> None:
    """Refuse to accept what a notice was given of and whose comments are not summed up."""
    rule = notice_rule("proposals")
    lacks = await lacking_publicity(session, "proposals", row.id, rule) or ()
    if lacks:
        raise Conflict(
            "; ".join(lack.text.en for lack in lacks),
            message_zh="；".join(lack.text.zh for lack in lacks),
            faults=[Fault("/to", lack.text.en, lack.text.zh) for lack in lacks],
        )


async def demand_fresh(session: AsyncSession, row: Proposal) -> None:
    """Refuse to go on with a proposal about an object that has changed since.

    Raises:
        Conflict: with one fault for each member that has.
    """
    try:
        now = await KINDS[row.kind].read_now(session, row)
    except (NotFound, InvalidInput):
        now = None
    if now is None:
        en, zh = "what it revises is no longer in force", "修订对象已失效"
        raise Conflict(en, message_zh=zh, faults=[Fault("/revises", en, zh)])
    names = [*row.base, *(name for name in now if name not in row.base)]
    faults = [
        _changed_since(name, row.base, now) for name in names if row.base.get(name) != now.get(name)
    ]
    if not faults:
        return
    listed = ", ".join(fault.pointer.rpartition("/")[2] for fault in faults)
    raise Conflict(
        f"what it revises has changed since it was proposed: {listed}; withdraw it and propose"
        " anew",
        message_zh=f"修订对象在提出建议之后已变更：{listed}；请撤回后重新提出",
        faults=faults,
    )


def _changed_since(name: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> Fault:
    before, after = then.get(name), now.get(name)
    return Fault(
        f"/revises/{name}",
        f"was {_short(before)} and is {_short(after)} now",
        f"原为 {_short(before)}，现为 {_short(after)}",
    )


def _short(value: object) -> str:
    """A value as JSON has it, as the proposal and its object are read."""
    told = json.dumps(value, ensure_ascii=False)
    return told if len(told) <= 120 else f"{told[:117]}..."


def proposed_by(events: Sequence[ProposalEvent]) -> frozenset[str]:
    """Who wrote or submitted a proposal."""
    return frozenset(event.actor for event in events if event.to_state in WRITTEN_IN)


def _demand_another(events: Sequence[ProposalEvent], act: Act) -> None:
    if act.actor in proposed_by(events):
        raise Forbidden(
            "who wrote or submitted a proposal does not decide on it",
            message_zh="提出或提交修订建议者不得自行决定",
        )


async def _move(
    session: AsyncSession, row: Proposal, act: Act, asked: ProposalTransitionRequest, seq: int
) -> Proposal:
    now = datetime.now(UTC)
    before = {"id": row.id, "row_version": row.row_version, "state": row.state}
    event = ProposalEvent(
        proposal_id=row.id,
        seq=seq,
        from_state=row.state,
        to_state=asked.to,
        actor=act.actor,
        reason=asked.reason,
    )
    session.add(event)
    row.state, row.row_version, row.updated_at = asked.to, row.row_version + 1, now
    if asked.to in DECISIONS:
        row.decided_by, row.decided_at, row.decision = act.actor, now, asked.reason
    await session.flush()
    after = {
        "id": row.id,
        "row_version": row.row_version,
        "state": asked.to,
        "event": seq,
        "reason": asked.reason,
        "made_id": row.made_id,
    }
    record(session, act, "transition", table=TABLE, object_id=row.code, before=before, after=after)
    return row
