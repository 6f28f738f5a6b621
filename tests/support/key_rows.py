"""Identities that tests act as: keys that can be recalled, and taken away."""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import Identity, RoleGiven
from shanhai.db.queries.keys import create_key, verify_key
from shanhai.vocabulary import ROLE_SCOPES, Role, Scope


async def add_identity(
    session: AsyncSession,
    *roles: Role,
    region: str | None = None,
    scopes: Iterable[Scope] = (Scope.WRITE, Scope.PROJECTS, Scope.JOBS),
) -> Identity:
    """A new key's identity: with roles, in a region or everywhere; without any, by scopes alone."""
    given = sorted({*scopes} | {scope for role in roles for scope in ROLE_SCOPES[role]})
    key = await create_key(
        session,
        name="test",
        scopes=given,
        roles=[RoleGiven(role, region) for role in roles] or None,
    )
    identity = await verify_key(session, key)
    assert identity is not None
    return identity
