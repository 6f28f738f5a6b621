"""What a proposal revises, as it is found, and what every kind of it can do."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.entity import Editing, Entity, PendingWrite
from shanhai.db.features.input_validation import (
    Draft,
    broken_body,
    changed_members,
    merged_members,
    read_draft,
)
from shanhai.db.features.preconditions import ask_guards
from shanhai.db.features.snapshots import Image
from shanhai.db.features.sql_write import has_moved, resolve
from shanhai.db.identity import Identity
from shanhai.db.queries.audit import Act
from shanhai.db.tables.plan import Proposal
from shanhai.errors import Conflict, Fault, InvalidInput, LimitExceeded

Members = Mapping[str, Any]
"""What an object says, by name, as JSON has it; of a geometry its digest."""
Field = dict[str, Any]
"""A member that is to differ: `field`, `old`, `new`."""
GEOMETRY = "geometry"
UNDER = "/change"
MOST_BYTES = 1_000_000
"""Of a change as JSON; the shape of a zone takes some 10 000 vertices with all their digits."""


@dataclass(frozen=True, slots=True)
class ProposalSubject:
    """What a proposal says it revises, by codes."""

    project: str | None = None
    programme: str | None = None
    plan: str | None = None
    indicator: str | None = None
    region: str | None = None
    scheme: str | None = None
    zone: str | None = None

    @property
    def kind(self) -> str:
        """The kind of proposal.

        Raises:
            InvalidInput: the codes name nothing, or more than one thing.
        """
        given = {name for name in self.__slots__ if getattr(self, name) is not None}
        for kind, needed, also in _NAMED_BY:
            if needed <= given <= needed | also:
                return kind
        raise InvalidInput(
            "name one of: project; programme; plan; plan and indicator (and region); scheme and"
            f" zone; given: {', '.join(sorted(given)) or 'nothing'}",
            message_zh="须指明以下之一：project；programme；plan；plan 与 indicator（可加 region）"
            f"；scheme 与 zone；所给：{'、'.join(sorted(given)) or '无'}",
            pointer="/revises",
        )


_NAMED_BY: tuple[tuple[str, frozenset[str], frozenset[str]], ...] = (
    ("project", frozenset({"project"}), frozenset()),
    ("programme", frozenset({"programme"}), frozenset()),
    ("plan", frozenset({"plan"}), frozenset()),
    ("target", frozenset({"plan", "indicator"}), frozenset({"region"})),
    ("zone", frozenset({"scheme", "zone"}), frozenset()),
)


@dataclass(frozen=True, slots=True)
class BaseState:
    """An object as it was when its revision was proposed.

    Attributes:
        subject: How it is named in full.
        row_id: Its row; of a target its plan's, of a zone its scheme's.
        own_id: The row that is written, of a zone its own.
        plan_id: The plan it belongs to.
    """

    subject: Mapping[str, Any]
    row_id: int
    own_id: int
    plan_id: int | None
    region_id: int | None
    members: Members


class Revisable(Protocol):
    """A kind of object that proposals revise."""

    async def find(
        self, session: AsyncSession, identity: Identity, subject: ProposalSubject
    ) -> BaseState:
        """The object, locked until the transaction ends.

        Raises:
            NotFound: there is none the identity may know of.
            Conflict: it is not in force, so that it is simply edited.
        """

    async def compare(
        self, session: AsyncSession, identity: Identity, base: BaseState, change: Members
    ) -> Sequence[Field]:
        """The members a change would make differ.

        Raises:
            InvalidInput, Conflict: the change breaks a rule of the object's own writer.
        """

    async def read_now(self, session: AsyncSession, proposal: Proposal) -> Members | None:
        """What the object says now, locked until the transaction ends; None when it is gone."""

    async def carry_out(
        self, session: AsyncSession, identity: Identity, act: Act, proposal: Proposal
    ) -> int:
        """Write the change by the object's own writer; the row it is in from now on.

        Raises:
            Unauthenticated, Forbidden, InvalidInput, Conflict: that writer refuses.
        """


def members_of(image: Image) -> Members:
    """What a row says; the day its state began is no part of that, for every write moves it."""
    kept = {name: value for name, value in image.values.items() if name != "valid_from"}
    return kept if image.geometry is None else {**kept, GEOMETRY: digest_of(image.geometry)}


def digest_of(geometry: Mapping[str, Any]) -> str:
    """What tells one geometry from another."""
    text = json.dumps(geometry, sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


async def read_change(entity: Entity, change: Members, fixed: Collection[str]) -> Draft:
    """A proposed change as the entity's writer takes it, a merge patch of its members.

    What that writer leaves out in silence, such as the state of a project, is refused as well: the
    proposal would go on telling of it.

    Args:
        fixed: Members that no proposal changes, beside those that nobody writes.

    Raises:
        InvalidInput: it breaks a rule of the entity.
    """
    demand_bounded(change)
    faults = [
        Fault(f"{UNDER}/{name}", "is not changed by a proposal", "不由修订建议更改")
        for name in change
        if name in fixed or _is_only_read(entity, name)
    ]
    if faults:
        raise broken_body(faults)
    members = dict(change)
    body: dict[str, Any] = members
    if entity.path is None:
        has_shape = entity.geometry_column is not None and GEOMETRY in members
        shape = {GEOMETRY: members.pop(GEOMETRY)} if has_shape else {}
        body = {"properties": members, **shape}
    try:
        return await read_draft(entity, body, whole=False)
    except InvalidInput as error:
        raise broken_body([moved(fault) for fault in error.faults]) from error


def _is_only_read(entity: Entity, name: str) -> bool:
    declared = entity.declared(name)
    return declared is not None and not declared.receivable


async def compare_members(
    session: AsyncSession,
    identity: Identity,
    entity: Entity,
    base: BaseState,
    draft: Draft,
    *,
    in_place: bool = True,
) -> list[Field]:
    """The members of a row that a draft would make differ, by the guards of the entity.

    Args:
        in_place: The row itself is written, and not one that carrying out makes.

    Raises:
        InvalidInput: there are none, a reference leads nowhere, or a guard refuses a value.
        Conflict: a guard refuses the change.
    """
    editing = entity.editing
    if editing is None:
        raise LookupError(f"nobody edits {entity.name}")
    await resolve(session, entity, draft.values, identity.viewer, under=UNDER)
    before = {name: value for name, value in base.members.items() if name != GEOMETRY}
    changed = changed_members(
        before, merged_members(entity, editing, before, draft.values, kept=())
    )
    fields = [
        {"field": name, "old": before.get(name), "new": value} for name, value in changed.items()
    ]
    is_moved = draft.has_geometry and await _has_moved(session, entity, base, draft)
    if is_moved:
        wkb = None if draft.shape is None else draft.shape.wkb
        shape = None if wkb is None else f"sha256:{hashlib.sha256(wkb).hexdigest()}"
        fields.append({"field": GEOMETRY, "old": base.members.get(GEOMETRY), "new": shape})
    demand_difference(fields)
    row_id = base.own_id if in_place else None
    after = {**before, **changed}
    write = PendingWrite("update", row_id, before, after, is_moved, identity.viewer)
    await _ask_guards(session, editing, write)
    return fields


async def _ask_guards(session: AsyncSession, editing: Editing, write: PendingWrite) -> None:
    """What the writer would ask, told where the proposal says it."""
    try:
        await ask_guards(session, editing, write)
    except InvalidInput as error:
        raise broken_body([moved(fault) for fault in error.faults]) from error
    except Conflict as error:
        raise Conflict(
            error.message,
            message_zh=error.message_zh,
            faults=[moved(fault) for fault in error.faults],
        ) from error


def demand_difference(fields: list[Field]) -> list[Field]:
    """The fields, of which there must be one.

    Raises:
        InvalidInput: there is none.
    """
    if fields:
        return fields
    raise InvalidInput(
        "the change changes nothing: the object is as proposed already",
        message_zh="修订内容与现状相同",
        pointer=UNDER,
    )


def demand_bounded(change: Members) -> None:
    """Refuse a change too large to be kept.

    Raises:
        LimitExceeded: it is.
    """
    if len(json.dumps(change)) > MOST_BYTES:
        raise LimitExceeded(
            f"the change takes more than {MOST_BYTES} bytes of JSON",
            message_zh=f"修订内容的 JSON 超过 {MOST_BYTES} 字节",
            pointer=UNDER,
        )


def moved(fault: Fault) -> Fault:
    """A fault of an object's writer where the proposal says it."""
    return replace(fault, pointer=UNDER + fault.pointer.removeprefix("/properties"))


async def _has_moved(session: AsyncSession, entity: Entity, base: BaseState, draft: Draft) -> bool:
    lacking = GEOMETRY not in base.members
    if draft.shape is None or lacking:
        return (draft.shape is None) != lacking
    return await has_moved(session, entity, base.own_id, draft.shape)
