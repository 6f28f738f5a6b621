"""Who may write what: scope, then role, then what can be done at all."""

from shanhai.db.features.entity import Editing, Entity, Verb
from shanhai.db.identity import Identity
from shanhai.errors import Forbidden, Unauthenticated
from shanhai.vocabulary import Role, Scope

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
    names = " or ".join(sorted(scopes))
    if identity.anonymous:
        raise Unauthenticated(
            f"an identity with scope {names} is needed", message_zh=f"需要具有 {names} 权限的身份"
        )
    raise Forbidden(f"the scope {names} is needed", message_zh=f"需要 {names} 权限")


def demand_role(identity: Identity, roles: frozenset[Role], region_id: int | None) -> None:
    """Refuse an identity that has none of the roles for the region.

    Raises:
        Forbidden: it has not.
    """
    if identity.acts_as(roles, region_id):
        return
    names = ", ".join(sorted(roles))
    raise Forbidden(
        f"one of the roles {names} is needed for this region",
        message_zh=f"该区域需要以下角色之一：{names}",
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
