"""Who acts: scopes, roles in regions as they are given, and what may be written by them."""

import time
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

from sqlalchemy import ColumnElement, or_, select, text, true
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import Executor
from shanhai.db.features.entity import Editing, Entity, Verb
from shanhai.db.fence import PLATFORM, RowScope
from shanhai.db.tables.zone import Region
from shanhai.errors import Fault, Forbidden, InvalidInput, Unauthenticated
from shanhai.vocabulary import EXACT_READERS, INSIDERS, READERS, ROLE_SCOPES, Role, Scope, roles_zh

ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Viewer:
    """What a reader may see.

    Attributes:
        known: An identity was shown: also what is published without being public.
        regions: The ids of the regions whose drafts are seen; None for those of every region.
        exact: The ids of the regions of whose rows all is seen, masked or not; None for every
            region.
        members: The ids of the regions in which a role is held, of whose published rows those are
            seen that are for the region alone; None for every region.
    """

    known: bool
    regions: frozenset[int] | None
    exact: frozenset[int] | None = frozenset()
    members: frozenset[int] | None = frozenset()

    @property
    def sees_all(self) -> bool:
        """Whether nothing is hidden."""
        return self.regions is None

    @property
    def knows_people(self) -> bool:
        """Whether a role is held somewhere: whoever acted is told by name to those at work."""
        return self.members is None or bool(self.members)

    def is_member(self, regions: Iterable[int]) -> bool:
        """Whether a role is held in one of some regions; of none, an identity is enough."""
        if self.members is None:
            return True
        wanted = frozenset(regions)
        return not wanted.isdisjoint(self.members) if wanted else self.known


PUBLIC = Viewer(known=False, regions=frozenset())
"""Anyone: what is published and public."""
EVERYTHING = Viewer(known=True, regions=None, exact=None, members=None)
"""The platform itself, and identities without regional roles that may write."""


def works_in(viewer: Viewer, *regions: Any) -> ColumnElement[bool]:
    """Whether a reader has a role in one of some regions, given by columns of their ids."""
    if viewer.members is None:
        return true()
    return or_(*(column.in_(sorted(viewer.members)) for column in regions))


@dataclass(frozen=True, slots=True)
class Grant:
    """A role in some regions, given by id and holding all below them; None is everywhere."""

    role: Role
    regions: frozenset[int] | None = None

    def covers(self, region_id: int | None) -> bool:
        """Whether the role holds for a row of the region; rows of no region need it everywhere."""
        return self.regions is None or (region_id is not None and region_id in self.regions)


class KeyStamp(NamedTuple):
    """The row of a key, and the transaction that wrote it as it was read."""

    prefix: str
    row: int


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a request speaks for.

    `grants` of None: a key given without roles, which acts in every role its scopes allow.
    `groups` and `proofs`: what an account's token showed, by which it is recalled later.
    `stamp`: it is remembered of a key, and holds where the key's row is still that one.
    """

    owner: str
    scopes: frozenset[Scope]
    grants: tuple[Grant, ...] | None = None
    groups: frozenset[str] = frozenset()
    proofs: frozenset[str] = frozenset()
    stamp: KeyStamp | None = field(default=None, compare=False)

    @property
    def anonymous(self) -> bool:
        """Whether no identity was given."""
        return self.owner == ANONYMOUS

    def may(self, *scopes: Scope) -> bool:
        """Whether any one of the scopes was granted; `admin` includes every other."""
        return Scope.ADMIN in self.scopes or not self.scopes.isdisjoint(scopes)

    def acts_as(self, roles: Set[Role], region_id: int | None) -> bool:
        """Whether any one of the roles is held for a row of the region."""
        if self.grants is None or Scope.ADMIN in self.scopes:
            return not self.anonymous
        return any(grant.role in roles and grant.covers(region_id) for grant in self.grants)

    @property
    def viewer(self) -> Viewer:
        """What the identity may see."""
        if self.anonymous:
            return PUBLIC
        if Scope.ADMIN in self.scopes:
            return EVERYTHING
        if self.grants is None:
            # A key that only reads may be anybody's.
            return replace(EVERYTHING, exact=None if Scope.WRITE in self.scopes else frozenset())
        return Viewer(True, *map(self._regions, (INSIDERS, EXACT_READERS, READERS)))

    @property
    def sender(self) -> Viewer:
        """What it may see or, as feeds do, send observations of without reading them."""
        seen = self.viewer
        every = seen.members is None
        return seen if every else replace(seen, members=self._regions(frozenset(Role)))

    @property
    def row_scope(self) -> RowScope:
        """The rows the database lets it reach: those of regions it has any role in."""
        if self.anonymous:
            return RowScope.of(frozenset(), known=False)
        if Scope.ADMIN in self.scopes or self.grants is None:
            return PLATFORM
        return RowScope.of(self._regions(frozenset(Role)), known=True)

    def _regions(self, roles: Set[Role]) -> frozenset[int] | None:
        """The ids of the regions any one of the roles is held in; None for every region."""
        held = [grant.regions for grant in self.grants or () if grant.role in roles]
        return None if None in held else frozenset().union(*(item for item in held if item))


NOBODY = Identity(ANONYMOUS, frozenset({Scope.READ}))
"""Who shows no identity, where anybody may read what is public."""
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
        return Fault(
            f"/roles/{place}/region",
            f"there is no region {item.region!r}",
            f"没有区域 {item.region!r}",
        )
    return None


PUBLISHERS = frozenset({Role.APPROVER})
PUBLISH_SCOPES = frozenset({Scope.WRITE})
"""Who shows to everybody what is there: the role, for the region of what it is, and the scope."""


def editing_of(entity: Entity, identity: Identity, verb: Verb) -> Editing:
    """How the entity is written, by an identity whose scopes allow it.

    Raises:
        Unauthenticated: no identity was given.
        Forbidden: the scopes do not allow it, or nobody can.
    """
    editing = entity.editing
    if editing is None or verb not in editing.verbs:
        raise Forbidden(f"{entity.name} takes no {verb}", message_zh=f"{entity.name} 不支持 {verb}")
    demand_scopes(identity, editing.scopes)
    return editing


def demand_scopes(identity: Identity, scopes: frozenset[Scope]) -> None:
    """Refuse an identity that has none of the scopes.

    Raises:
        Unauthenticated: no identity was given.
        Forbidden: it has not.
    """
    if identity.may(*scopes):
        return
    names, zh = (word.join(sorted(scopes)) for word in (" or ", " 或 "))
    if identity.anonymous:
        raise Unauthenticated(
            f"an identity with scope {names} is needed", message_zh=f"需要具有 {zh} 权限的身份"
        )
    raise Forbidden(f"the scope {names} is needed", message_zh=f"需要 {zh} 权限")


def demand_role(identity: Identity, roles: frozenset[Role], region_id: int | None) -> None:
    """Refuse an identity that has none of the roles for the region.

    Raises:
        Forbidden: it has not.
    """
    if identity.acts_as(roles, region_id):
        return
    raise Forbidden(
        f"one of the roles {', '.join(sorted(roles))} is needed for this region",
        message_zh=f"该区域需要以下角色之一：{roles_zh(roles)}",
    )


def verbs_for(entity: Entity, identity: Identity) -> frozenset[Verb]:
    """What an identity may try at all, in some region."""
    editing = entity.editing
    if editing is None or not identity.may(*editing.scopes):
        return frozenset()
    steps = editing.lifecycle.steps if editing.lifecycle is not None else ()
    roles = editing.roles.union(*(step.roles for step in steps))
    roles |= PUBLISHERS if editing.shown_by is not None else frozenset()
    held = {grant.role for grant in identity.grants or ()}
    return editing.verbs if identity.acts_as(roles, None) or held & roles else frozenset()
