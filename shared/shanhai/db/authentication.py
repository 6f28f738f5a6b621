"""Whom a credential speaks for, the same in every service: an API key or an issuer's token."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import Identity
from shanhai.db.queries.accounts import Holder, find_holder, is_seen_due, note_seen, register
from shanhai.db.queries.grants import RegionTree, RoleGiven, scopes_of
from shanhai.db.queries.keys import (
    MARK,
    Address,
    find_valid,
    identity_of,
    is_note_due,
    note_use,
)
from shanhai.errors import Unauthenticated
from shanhai.oidc import Claims, TokenVerifier
from shanhai.settings import OidcSettings
from shanhai.vocabulary import Role, Scope

Open = Callable[[], AbstractAsyncContextManager[AsyncSession]]


@dataclass(slots=True)
class Authenticator:
    """Checks credentials.

    Attributes:
        reading: Opens a session to read with.
        writing: Opens a transaction, which ends with its context.
    """

    reading: Open
    writing: Open
    settings: OidcSettings = field(default_factory=OidcSettings)
    tree: RegionTree = field(default_factory=RegionTree)
    tokens: TokenVerifier | None = None
    groups: Mapping[str, tuple[RoleGiven, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Prepare for the configured issuers, if there are any."""
        self.tokens = TokenVerifier(self.settings) if self.settings.issuer else None
        self.groups = roles_by_group(self.settings.roles)

    async def identify(self, authorization: str, address: Address | None) -> Identity:
        """Whom the header `Authorization` speaks for.

        Raises:
            Unauthenticated: it is no bearer credential, or not a valid one.
            Unavailable: the issuer of the token does not answer.
        """
        scheme, _, credential = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated(
                "Authorization must read `Bearer <API key or access token>`",
                message_zh="Authorization 须为 `Bearer <API 密钥或访问令牌>`",
            )
        credential = credential.strip()
        # Tokens have three parts between dots; keys begin with their mark.
        if self.tokens is not None and not credential.startswith(MARK):
            return await self._by_token(await self.tokens.verify(credential))
        return await self._by_key(credential, address)

    async def _by_key(self, key: str, address: Address | None) -> Identity:
        async with self.reading() as session:
            row = await find_valid(session, key, address=address)
            if row is None:
                raise Unauthenticated(
                    "the API key is unknown, expired, revoked or not valid from this address",
                    message_zh="API 密钥不存在、已过期、已撤销，或不能从该地址使用",
                )
            identity = await identity_of(session, row, self.tree)
        if is_note_due(row.last_used_at):
            async with self.writing() as session:
                await note_use(session, row.prefix)
        return identity

    async def _by_token(self, claims: Claims) -> Identity:
        async with self.reading() as session:
            holder = await find_holder(session, claims.issuer, claims.subject)
        if holder is None or is_seen_due(holder, claims.signed_in_at):
            holder = await self._note(holder, claims)
        if holder.account.disabled_at is not None:
            raise Unauthenticated("the account is disabled", message_zh="账户已停用")
        roles = tuple(self._roles(holder, claims))
        scopes = scopes_of(roles) | {Scope.READ}
        async with self.reading() as session:
            grants = await self.tree.grants(session, roles)
        return Identity(holder.owner, scopes, grants)

    async def _note(self, holder: Holder | None, claims: Claims) -> Holder:
        async with self.writing() as session:
            if holder is None:
                holder = await register(
                    session,
                    issuer=claims.issuer,
                    subject=claims.subject,
                    name=claims.name,
                    email=claims.email,
                )
            if holder.account.disabled_at is None:
                await note_seen(session, holder, signed_in_at=claims.signed_in_at)
        return holder

    def _roles(self, holder: Holder, claims: Claims) -> Iterator[RoleGiven]:
        """The account's own roles and those of its groups; admin only with the proof asked for."""
        by_group = (role for group in claims.groups for role in self.groups.get(group, ()))
        proof = self.settings.admin_proof
        proven = not proof or not claims.proofs.isdisjoint(proof)
        for role in {*holder.roles, *by_group}:
            if role.role is not Role.ADMIN or proven:
                yield role


def roles_by_group(entries: tuple[str, ...]) -> dict[str, tuple[RoleGiven, ...]]:
    """The roles each group stands for, from `group=role@region`."""
    found: dict[str, tuple[RoleGiven, ...]] = {}
    for entry in entries:
        group, _, given = entry.rpartition("=")
        role, _, region = given.partition("@")
        found[group] = (*found.get(group, ()), RoleGiven(Role(role), region or None))
    return found
