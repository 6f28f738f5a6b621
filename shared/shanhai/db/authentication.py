"""Whom a credential speaks for: a key, an issuer's token, a session, a token that opens layers.

A token that opens layers is for map clients that can send no header. It says nothing of what may be
seen: that is what its owner may see when it is used, so it ends with the owner's key or account,
too.
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Set
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai import crypto
from shanhai.db.engine import Executor, writes_if_possible
from shanhai.db.identity import ANONYMOUS, Identity, KeyStamp, RegionTree, RoleGiven, scopes_of
from shanhai.db.queries import accounts, keys, sign_ins
from shanhai.db.queries.audit import EventTally, RepeatedEvent
from shanhai.errors import NotFound, Unauthenticated
from shanhai.oidc import Claims, TokenVerifier
from shanhai.overload import JoinedLookup
from shanhai.settings import OidcSettings, OutgoingSettings, SignInSettings
from shanhai.vocabulary import Role, Scope

OWN_PROOFS = sign_ins.FACTORS | {sign_ins.WAIVED}
"""How an account of our own proves that it may have the role admin."""
MOST_KEYS = 10_000
"""Keys whose rows are remembered."""
Open = Callable[[], AbstractAsyncContextManager[AsyncSession]]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session, whose it is, and whom it speaks for.

    `identity` is None while something is to be done first.
    """

    session: sign_ins.LiveSession
    holder: accounts.Holder
    identity: Identity | None


@dataclass(frozen=True, slots=True)
class KeySignedIn:
    """A session that speaks for an API key."""

    session: sign_ins.KeySession
    identity: Identity


@dataclass(slots=True)
class Authenticator:
    """Checks credentials.

    Attributes:
        reading: Opens a session to read with.
        writing: Opens a transaction, which ends with its context.
        quick: Asked about keys, which come with most requests.
        tally: Failed sign-ins and other events that are counted before they are written down.
        shown: Keys as they are kept; many requests ask at once, most of them for the same.
        remembered: Rows of keys that were valid when they were last looked at.
    """

    reading: Open
    writing: Open
    quick: Executor
    settings: OidcSettings = field(default_factory=OidcSettings)
    outgoing: OutgoingSettings = field(default_factory=OutgoingSettings)
    sign_in: SignInSettings = field(default_factory=SignInSettings)
    tree: RegionTree = field(default_factory=RegionTree)
    tokens: TokenVerifier | None = None
    groups: Mapping[str, tuple[RoleGiven, ...]] = field(default_factory=dict)
    tally: EventTally = field(init=False)
    shown: JoinedLookup[Any] = field(init=False)
    remembered: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Prepare for the configured issuers, if there are any."""
        self.tally = EventTally(self.writing)
        self.shown = JoinedLookup(partial(keys.find_rows, self.quick))
        if self.settings.issuer:
            self.tokens = TokenVerifier(self.settings, self.outgoing)
        self.groups = roles_by_group(self.settings.roles)

    async def identify(self, authorization: str, address: keys.Address | None) -> Identity:
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
        if self.tokens is not None and not credential.startswith(keys.MARK):
            return await self._by_token(await self.tokens.verify(credential))
        return await self.identify_key(credential, address)

    def note_refusal(self, error: Unauthenticated, bucket: str) -> None:
        """Count a failed sign-in for the audit log, by address, reason and key.

        Args:
            error: Why.
            bucket: The address, or the network that one home has, as `address_bucket` names it.
        """
        self.tally.count(
            RepeatedEvent(
                ANONYMOUS,
                "refuse-sign-in",
                "credential",
                error.credential or "-",
                error.reason,
                bucket.removeprefix("address:"),
            )
        )

    async def recall(
        self,
        owner: str,
        address: keys.Address | None,
        *,
        groups: Set[str] = frozenset(),
        proofs: Set[str] = frozenset(),
        anywhere: bool = False,
    ) -> Identity:
        """An identity as it is now, by the name it has as an owner.

        Args:
            owner: Its name.
            address: Where the request comes from, where a key is bound to some.
            groups: The groups its issuer named when it signed in.
            proofs: How it proved who it is.
            anywhere: It was let in from its own address before; what is done now is done for it.

        Raises:
            Unauthenticated: its key or account has ended.
        """
        kind, _, name = owner.partition(":")
        if kind == "key":
            key = await keys.find_alive(self.quick, name, address=address, anywhere=anywhere)
            if key is not None:
                return await keys.identity_of(self.quick, key, self.tree)
        elif kind == "account" and name.isdecimal():
            with contextlib.suppress(NotFound):
                async with self.reading() as session:
                    holder = await accounts.read_holder(session, int(name))
                # An issuer that is no longer trusted speaks for nobody.
                if holder.account.issuer in (accounts.OWN, *self.settings.issuer):
                    # What its issuer took away since then stands for nothing any more.
                    kept = groups if holder.account.groups is None else holder.account.groups
                    return await self._identity_of(holder, groups & {*kept}, proofs)
        raise Unauthenticated(
            "the identity this was made for has ended",
            message_zh="签发该凭据的身份已失效",
        )

    async def identify_session(
        self, token: str, address: keys.Address | None
    ) -> SignedIn | KeySignedIn:
        """Whom the session of a token speaks for.

        Raises:
            Unauthenticated: it has ended, or its account or key has.
        """
        live = await sign_ins.find_session(self.quick, token, self.sign_in.idle_s)
        if live is None:
            raise sign_ins.ended_session()
        if isinstance(live, sign_ins.KeySession):
            by_key = await self.recall(f"key:{live.prefix}", address)
            await self._note_session_use(live)
            return KeySignedIn(live, by_key)
        async with self.reading() as session:
            holder = await accounts.read_holder(session, live.account_id)
        if holder.account.issuer not in (accounts.OWN, *self.settings.issuer):
            raise sign_ins.ended_session()
        identity = await self._identity_of(holder, live.groups, live.proofs)
        await self._note_session_use(live)
        return SignedIn(live, holder, identity if live.need is None else None)

    async def _note_session_use(self, live: sign_ins.LiveSession | sign_ins.KeySession) -> None:
        if not sign_ins.is_use_noted(live):
            with writes_if_possible():
                async with self.writing() as session:
                    await sign_ins.note_session_use(session, live)

    async def identify_key(self, given: str, address: keys.Address | None) -> Identity:
        """Whom an API key speaks for.

        Raises:
            Unauthenticated: it is not valid, or not from there.
        """
        prefix = keys.prefix_of(given)
        self.remembered.pop(prefix or "", None)
        row = None if prefix is None else await self.shown.find(prefix)
        key = keys.check_key(given, row, address)
        identity = await keys.identity_of(self.quick, key, self.tree)
        if keys.is_note_due(key.last_used_at):
            with writes_if_possible():
                async with self.writing() as session:
                    await keys.note_use(session, key.prefix)
        else:
            if len(self.remembered) >= MOST_KEYS:
                self.remembered.clear()
            self.remembered[key.prefix] = row
        return identity

    async def presume(self, authorization: str, address: keys.Address | None) -> Identity | None:
        """Whom an API key spoke for when its row was last read; None where that is not known.

        It may be gone since: what is stored by it is stored only if the row is that of `stamp`, and
        whatever else is done by it waits until it was identified.
        """
        scheme, _, given = authorization.partition(" ")
        given = given.strip()
        row = self.remembered.get(keys.prefix_of(given) or "")
        if row is None or scheme.lower() != "bearer" or keys.is_note_due(row.last_used_at):
            return None
        with contextlib.suppress(Unauthenticated):
            key = keys.check_key(given, row, address)
            identity = await keys.identity_of(self.quick, key, self.tree)
            return replace(identity, stamp=KeyStamp(row.prefix, row.stamp))
        return None

    async def _by_token(self, claims: Claims) -> Identity:
        holder = await self.holder_of(claims)
        return await self._identity_of(holder, claims.groups, claims.proofs)

    async def holder_of(self, claims: Claims) -> accounts.Holder:
        """The account of whom a valid token speaks for, made where there is none."""
        async with self.reading() as session:
            holder = await accounts.find_holder(session, claims.issuer, claims.subject)
        if holder is None:
            holder = await self._note(None, claims)
        elif accounts.is_seen_due(holder, claims.signed_in_at, self._known(claims)):
            with writes_if_possible():
                holder = await self._note(holder, claims)
        return holder

    async def _identity_of(
        self, holder: accounts.Holder, groups: Set[str], proofs: Set[str]
    ) -> Identity:
        if holder.account.disabled_at is not None:
            raise Unauthenticated(
                "the account is disabled", message_zh="账户已停用", credential=holder.owner
            )
        roles = self.roles_of(holder, groups, proofs)
        scopes = scopes_of(roles) | {Scope.READ}
        grants = await self.tree.grants(self.quick, roles)
        known, shown = groups & self.groups.keys(), proofs & self._proofs_of_admin(holder)
        return Identity(holder.owner, scopes, grants, frozenset(known), frozenset(shown))

    async def _note(self, holder: accounts.Holder | None, claims: Claims) -> accounts.Holder:
        async with self.writing() as session:
            if holder is None:
                holder = await accounts.register(
                    session,
                    issuer=claims.issuer,
                    subject=claims.subject,
                    name=claims.name,
                    email=claims.email,
                )
            if holder.account.disabled_at is None:
                await accounts.note_seen(session, holder, claims.signed_in_at, self._known(claims))
        return holder

    def _known(self, claims: Claims) -> list[str]:
        return sorted(claims.groups & self.groups.keys())

    def roles_of(
        self, holder: accounts.Holder, groups: Set[str], proofs: Set[str]
    ) -> list[RoleGiven]:
        """The account's own roles and those of its groups; admin only with the proof asked for."""
        by_group = (role for group in groups for role in self.groups.get(group, ()))
        wanted = self._proofs_of_admin(holder)
        proven = not wanted or not proofs.isdisjoint(wanted)
        held = {role for role in (*holder.roles, *by_group) if proven or role.role != Role.ADMIN}
        return sorted(held, key=lambda role: (role.role, role.region or ""))

    def _proofs_of_admin(self, holder: accounts.Holder) -> Set[str]:
        own = holder.account.issuer == accounts.OWN
        return OWN_PROOFS if own else frozenset(self.settings.admin_proof)


def roles_by_group(entries: tuple[str, ...]) -> dict[str, tuple[RoleGiven, ...]]:
    """The roles each group stands for, from `group=role@region`."""
    found: dict[str, tuple[RoleGiven, ...]] = {}
    for entry in entries:
        group, _, given = entry.rpartition("=")
        role, _, region = given.partition("@")
        found[group] = (*found.get(group, ()), RoleGiven(Role(role), region or None))
    return found


TILE_MARK = "sht_"
SM3_MARK = ".sm3"
"""What a token signed by HMAC-SM3 ends with; one signed by HMAC-SHA-256 has nothing there."""
PURPOSE = b"shanhai tile token 1\x00"
"""Signed along, so that nothing else that is signed with the secret is a token."""
LONGEST = 16_384


@dataclass(frozen=True, slots=True)
class TileToken:
    """What a token says.

    Attributes:
        owner: The identity that asked for it, as `Identity.owner`.
        layers: The layers it opens.
        expires_at: When it ends, in seconds of the epoch.
        groups: Groups of an issuer the owner showed, which stand for roles.
        proofs: How the owner proved who they are.
    """

    owner: str
    layers: frozenset[str]
    expires_at: int
    groups: frozenset[str] = frozenset()
    proofs: frozenset[str] = frozenset()


def seal(token: TileToken, secret: str) -> str:
    """The token as text, signed by the MAC of the chosen suite."""
    parts = (token.layers, token.groups, token.proofs)
    content = orjson.dumps([token.owner, token.expires_at, *map(sorted, parts)])
    commercial = crypto.chosen_suite() == "commercial"
    signature = _text(_signature(content, secret, by_sm3=commercial))
    return f"{TILE_MARK}{_text(content)}.{signature}{SM3_MARK if commercial else ''}"


def unseal(text: str, secret: str) -> TileToken:
    """The token a text stands for, of either suite: one that was given out is good to its end.

    Raises:
        Unauthenticated: it was not signed with the secret, or has ended.
    """
    content = _signed_content(text, secret)
    if content is None:
        raise Unauthenticated("the tile token is not valid", message_zh="瓦片令牌无效")
    owner, expires_at, layers, groups, proofs = orjson.loads(content)
    if time.time() >= expires_at:
        raise Unauthenticated("the tile token has expired", message_zh="瓦片令牌已过期")
    return TileToken(owner, frozenset(layers), expires_at, frozenset(groups), frozenset(proofs))


def _signed_content(text: str, secret: str) -> bytes | None:
    if not secret or len(text) > LONGEST or not text.startswith(TILE_MARK):
        return None
    by_sm3 = text.endswith(SM3_MARK)
    bare = text.removeprefix(TILE_MARK).removesuffix(SM3_MARK)
    content_text, _, signature_text = bare.partition(".")
    try:
        content, signature = _bytes(content_text), _bytes(signature_text)
    except (binascii.Error, ValueError):
        return None
    # Several texts stand for the same bytes; only the one that was given out is a token.
    if (content_text, signature_text) != (_text(content), _text(signature)):
        return None
    good = hmac.compare_digest(signature, _signature(content, secret, by_sm3=by_sm3))
    return content if good else None


def _signature(content: bytes, secret: str, *, by_sm3: bool) -> bytes:
    if by_sm3:
        return crypto.mac("sm3", secret.encode(), PURPOSE + content)
    return hmac.digest(secret.encode(), PURPOSE + content, hashlib.sha256)


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
