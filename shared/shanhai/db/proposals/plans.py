"""Plans: a proposal revises one in force in a new edition, which takes its place once approved."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.editions.beginning import begin_edition
from shanhai.db.features.images import find_and_lock, lock
from shanhai.db.features.plans import PLANS
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
from shanhai.errors import Conflict, NotFound

FIXED = frozenset({"code", "status", "version", "region", "valid_from", "valid_to"})
IN_FORCE = "approved"


def demand_in_force(code: str, status: str) -> None:
    """Refuse a plan that is not in force: a draft is simply edited, the rest is history.

    Raises:
        Conflict: it is not.
    """
    if status != IN_FORCE:
        raise Conflict(
            f"the plan {code!r} is {status}: only an approved plan is revised by a proposal",
            message_zh=f"规划 {code!r} 状态为 {status}；仅已批准的规划须经修订建议",
        )


@dataclass(frozen=True, slots=True)
class Plans:
    """Plans in force."""

    async def find(self, session: AsyncSession, identity: Identity, subject: Subject) -> Base:
        """The plan; errors as in `Revisable`."""
        code = subject.plan or ""
        image = None
        if "\x00" not in code:
            image = await find_and_lock(session, PLANS, code, identity.viewer, within={})
        if image is None:
            raise NotFound(f"there is no plan {code!r}", message_zh=f"没有规划 {code!r}")
        demand_in_force(code, image.values["status"])
        row_id, members = image.row_id, members_of(image)
        return Base({"plan": code}, row_id, row_id, row_id, image.region_id, members)

    async def compare(
        self, session: AsyncSession, identity: Identity, base: Base, change: Members
    ) -> Sequence[Field]:
        """What would differ; errors as in `Revisable`."""
        draft = await read_change(PLANS, change, FIXED)
        return await compare_members(session, identity, PLANS, base, draft)

    async def read_now(self, session: AsyncSession, proposal: Proposal) -> Members | None:
        """What the plan says now."""
        image = await lock(session, PLANS, proposal.base_id)
        return None if image is None else members_of(image)

    async def carry_out(
        self, session: AsyncSession, identity: Identity, act: Act, proposal: Proposal
    ) -> int:
        """Begin an edition with the change; errors as in `Revisable`."""
        patch = {field["field"]: field["new"] for field in proposal.fields}
        return (await begin_edition(session, identity, act, proposal.base_id, patch)).id
