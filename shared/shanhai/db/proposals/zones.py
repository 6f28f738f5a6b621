"""Zones: a proposal revises one in a new draft of its scheme."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.images import Image, lock
from shanhai.db.features.writing import Target, update
from shanhai.db.features.zones import ZONES
from shanhai.db.identity import EVERYTHING, Identity
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
from shanhai.db.zoning.schemes import Scheme, begin_version, find_scheme
from shanhai.errors import Conflict, NotFound

FIXED = frozenset({"code", "scheme"})
IN_FORCE = "published"
_ZONE = text(
    "SELECT id FROM zone WHERE scheme_id = :scheme AND code = :zone AND deleted_at IS NULL"
)
_PLAN = text("SELECT plan_id FROM zone_scheme WHERE id = :scheme")


@dataclass(frozen=True, slots=True)
class Zones:
    """Zones of published schemes."""

    async def find(self, session: AsyncSession, identity: Identity, subject: Subject) -> Base:
        """The zone in the version in force; errors as in `Revisable`."""
        scheme = await find_scheme(session, identity.viewer, subject.scheme or "")
        if scheme.status != IN_FORCE:
            raise Conflict(
                f"version {scheme.version} of {scheme.code!r} is {scheme.status}: edit it; only"
                " what is published is revised by a proposal",
                message_zh=f"方案 {scheme.code!r} 第 {scheme.version} 版状态为 {scheme.status}，"
                "可直接编辑；仅已发布的方案须经修订建议",
            )
        image = await _zone(session, scheme.id, subject.zone or "")
        if image is None:
            raise NotFound(
                f"{scheme.code!r} has no zone {subject.zone!r}",
                message_zh=f"方案 {scheme.code!r} 没有分区 {subject.zone!r}",
            )
        named = {"scheme": scheme.code, "zone": image.code}
        plan_id = await session.scalar(_PLAN, {"scheme": scheme.id})
        members = _members(scheme, image)
        return Base(named, scheme.id, image.row_id, plan_id, scheme.region_id, members)

    async def compare(
        self, session: AsyncSession, identity: Identity, base: Base, change: Members
    ) -> Sequence[Field]:
        """What would differ; errors as in `Revisable`."""
        draft = await read_change(ZONES, change, FIXED)
        return await compare_members(session, identity, ZONES, base, draft)

    async def read_now(self, session: AsyncSession, proposal: Proposal) -> Members | None:
        """What the zone says now, in the version in force now."""
        scheme = await _scheme(session, proposal)
        image = await _zone(session, scheme.id, proposal.subject["zone"])
        return None if image is None else _members(scheme, image)

    async def carry_out(
        self, session: AsyncSession, identity: Identity, act: Act, proposal: Proposal
    ) -> int:
        """Begin a draft of the scheme and write the zone in it; errors as in `Revisable`."""
        scheme = await _scheme(session, proposal)
        if scheme.id != proposal.base_id:
            raise Conflict(
                f"version {scheme.version} of {scheme.code!r} was published meanwhile",
                message_zh=f"方案 {scheme.code!r} 第 {scheme.version} 版已于此间发布",
            )
        note = f"{proposal.code}: {proposal.title}"
        new = await begin_version(session, identity, act, scheme, note)
        code = proposal.subject["zone"]
        zone_id = await session.scalar(_ZONE, {"scheme": new.id, "zone": code})
        draft = await read_change(ZONES, proposal.change, FIXED)
        await update(session, ZONES, identity, act, Target(code, row_id=zone_id), draft)
        return new.id


async def _scheme(session: AsyncSession, proposal: Proposal) -> Scheme:
    return await find_scheme(session, EVERYTHING, proposal.subject["scheme"])


async def _zone(session: AsyncSession, scheme_id: int, code: str) -> Image | None:
    if "\x00" in code:
        return None
    row_id = await session.scalar(_ZONE, {"scheme": scheme_id, "zone": code})
    return None if row_id is None else await lock(session, ZONES, row_id)


def _members(scheme: Scheme, image: Image) -> Members:
    return {**members_of(image), "version": scheme.version, "status": scheme.status}
