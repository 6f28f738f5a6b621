"""Who acts: scopes, roles in regions, and what follows from them for reading and writing."""

from collections.abc import Set
from dataclasses import dataclass

from shanhai.vocabulary import INSIDERS, Role, Scope

ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Viewer:
    """What a reader may see.

    Attributes:
        known: An identity was shown: also what is published without being public.
        regions: The ids of the regions whose drafts are seen; None for those of every region.
    """

    known: bool
    regions: frozenset[int] | None

    @property
    def sees_all(self) -> bool:
        """Whether nothing is hidden."""
        return self.regions is None


PUBLIC = Viewer(known=False, regions=frozenset())
"""Anyone: what is published and public."""
EVERYTHING = Viewer(known=True, regions=None)
"""The platform itself, and identities without regional roles."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A role in some regions, given by id and holding all below them; None is everywhere."""

    role: Role
    regions: frozenset[int] | None = None

    def covers(self, region_id: int | None) -> bool:
        """Whether the role holds for a row of the region; rows of no region need it everywhere."""
        return self.regions is None or (region_id is not None and region_id in self.regions)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a request speaks for.

    `grants` of None: a key given without roles, which acts in every role its scopes allow.
    `groups` and `proofs`: what an account's token showed, by which it is recalled later.
    """

    owner: str
    scopes: frozenset[Scope]
    grants: tuple[Grant, ...] | None = None
    groups: frozenset[str] = frozenset()
    proofs: frozenset[str] = frozenset()

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
        if self.grants is None or Scope.ADMIN in self.scopes:
            return EVERYTHING
        scopes = [grant.regions for grant in self.grants if grant.role in INSIDERS]
        if None in scopes:
            return EVERYTHING
        return Viewer(known=True, regions=frozenset().union(*(item for item in scopes if item)))
