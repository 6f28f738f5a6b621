"""Roles as they are given, by code of region; and as they hold, for ids of all regions below."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.fast_reads import Executor
from shanhai.db.identity import Grant
from shanhai.db.tables.zone import Region
from shanhai.errors import Fault, InvalidInput
from shanhai.vocabulary import ROLE_SCOPES, Role, Scope

TREE_S = 5.0
"""Seconds for which the regions below one are remembered."""
BELOW = text(
    """WITH RECURSIVE below (root, id) AS (
         SELECT code, id FROM region WHERE code = ANY(:codes) AND deleted_at IS NULL
         UNION
         SELECT root, region.id FROM region JOIN below ON region.parent_id = below.id
       ) SELECT root, array_agg(id) FROM below GROUP BY root"""
)


@dataclass(frozen=True, slots=True)
class RoleGiven:
    """A role, in the region of this code or, without one, everywhere."""

    role: Role
    region: str | None = None

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Self:
        """The role as `document` told it."""
        return cls(Role(given["role"]), given.get("region"))

    def document(self) -> dict[str, str | None]:
        """The role as it is kept and shown."""
        return {"role": self.role.value, "region": self.region}


@dataclass(slots=True)
class RegionTree:
    """The regions below others, remembered for a few seconds: each request asks for them."""

    seconds: float = TREE_S
    known: dict[str, tuple[float, frozenset[int]]] = field(default_factory=dict)

    async def grants(self, asked: Executor, roles: Iterable[RoleGiven]) -> tuple[Grant, ...]:
        """The roles with the ids of the regions they hold for; none for a region that is gone."""
        given = tuple(roles)
        below = await self._below(asked, {item.region for item in given if item.region})
        return tuple(
            Grant(item.role, None if item.region is None else below[item.region]) for item in given
        )

    async def _below(self, asked: Executor, codes: Iterable[str]) -> Mapping[str, frozenset[int]]:
        now = time.monotonic()
        found = {
            code: entry[1]
            for code in codes
            if (entry := self.known.get(code)) is not None and now - entry[0] < self.seconds
        }
        missing = [code for code in codes if code not in found]
        if missing:
            rows = (await asked.execute(BELOW, {"codes": missing})).all()
            read = {root: frozenset(ids) for root, ids in rows}
            fresh = {code: read.get(code, frozenset()) for code in missing}
            self.known.update({code: (now, ids) for code, ids in fresh.items()})
            found |= fresh
        return found


def scopes_of(roles: Iterable[RoleGiven]) -> frozenset[Scope]:
    """The scopes that come with roles."""
    return frozenset().union(*(ROLE_SCOPES[item.role] for item in roles))


async def check_roles(session: AsyncSession, roles: Iterable[RoleGiven]) -> dict[str, int]:
    """The ids of the regions named by roles that are to be given.

    Raises:
        InvalidInput: a region is unknown, a role is given twice, or cannot be had in a region.
    """
    given = tuple(roles)
    codes = {item.region for item in given if item.region is not None}
    query = select(Region.code, Region.id).where(
        Region.code.in_(codes), Region.deleted_at.is_(None)
    )
    rows = (await session.execute(query)).all() if codes else ()
    known = {row.code: row.id for row in rows}
    faults = [
        fault
        for place, item in enumerate(given)
        if (fault := _fault(place, item, given[:place], known)) is not None
    ]
    if faults:
        raise InvalidInput(
            "the roles cannot be given", message_zh="不能授予这些角色", faults=faults
        )
    return known


def _fault(
    place: int, item: RoleGiven, before: tuple[RoleGiven, ...], known: Mapping[str, int]
) -> Fault | None:
    if item in before:
        return Fault(f"/roles/{place}", "is given twice", "重复")
    if item.role is Role.ADMIN and item.region is not None:
        # Administration has no regional part: who gives out keys gives out all of them.
        return Fault(
            f"/roles/{place}/region", "admin holds everywhere or not at all", "admin 不能限定区域"
        )
    if item.region is not None and item.region not in known:
        return Fault(f"/roles/{place}/region", "there is no such region", "没有该区域")
    return None
