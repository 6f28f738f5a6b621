"""Projects and programmes: a proposal revises their members."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.entity import Entity
from shanhai.db.features.images import find_and_lock, lock
from shanhai.db.features.writing import Target, update
from shanhai.db.identity import Identity
from shanhai.db.proposals.subjects import (
    Base,
    Field,
    Members,
    Subject,
    compare_members,
    members_of,
    read_change,
)
from shanhai.db.queries.audit import Act
from shanhai.db.tables import Proposal
from shanhai.errors import NotFound

FIXED = frozenset({"code", "plan", "valid_from", "valid_to"})


@dataclass(frozen=True, slots=True)
class Records:
    """Objects that are revised where they stand; their former states are history."""

    kind: str
    entity: Entity

    async def find(self, session: AsyncSession, identity: Identity, subject: Subject) -> Base:
        """The object; errors as in `Revisable`."""
        code = getattr(subject, self.kind)
        image = None
        if "\x00" not in code:
            image = await find_and_lock(session, self.entity, code, identity.viewer, within={})
        if image is None:
            raise NotFound(
                f"there is no {self.kind} {code!r}", message_zh=f"没有 {self.kind} {code!r}"
            )
        plan = text(f"SELECT plan_id FROM {self.entity.table} WHERE id = :row_id")  # noqa: S608 - a constant
        plan_id = await session.scalar(plan, {"row_id": image.row_id})
        row_id, members = image.row_id, members_of(image)
        return Base({self.kind: code}, row_id, row_id, plan_id, image.region_id, members)

    async def compare(
        self, session: AsyncSession, identity: Identity, base: Base, change: Members
    ) -> Sequence[Field]:
        """What would differ; errors as in `Revisable`."""
        draft = await read_change(self.entity, change, FIXED)
        return await compare_members(session, identity, self.entity, base, draft)

    async def read_now(self, session: AsyncSession, proposal: Proposal) -> Members | None:
        """What the object says now."""
        image = await lock(session, self.entity, proposal.base_id)
        return None if image is None else members_of(image)

    async def carry_out(
        self, session: AsyncSession, identity: Identity, act: Act, proposal: Proposal
    ) -> int:
        """Write the change; errors as in `Revisable`."""
        draft = await read_change(self.entity, proposal.change, FIXED)
        target = Target(proposal.subject[self.kind], row_id=proposal.base_id)
        written = await update(session, self.entity, identity, act, target, draft)
        return written.row_id
