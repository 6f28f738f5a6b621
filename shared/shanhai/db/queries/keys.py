"""API keys: made once, kept as a hash, verified in constant time.

A key reads `shk_` + eight characters that find it + `_` + 43 secret characters.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    Row,
    Text,
    any_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import Executor
from shanhai.db.identity import Identity, RegionTree, RoleGiven
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.access import ApiKey
from shanhai.errors import Conflict, InvalidInput, NotFound, Unauthenticated, demand_state
from shanhai.settings import KeySettings
from shanhai.vocabulary import Role, Scope

MARK = "shk_"
PREFIX_LENGTH = 8
SECRET_BYTES = 32
LONGEST_NAME = 200
PREFIX_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
# Nothing else goes into the statement that asks for many keys at once: one would fail for all.
_FORM = re.compile(rf"{MARK}([{PREFIX_ALPHABET}]{{{PREFIX_LENGTH}}})_[\w-]{{43}}", re.ASCII)

OPERATOR = Act("operator")
"""Who acts when a key is made at the terminal."""

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


NOTED_S = 60.0
"""Seconds between notes of a key's use."""
_IS_NAMED = ApiKey.prefix == bindparam("prefix")
_ENDED = case(
    (ApiKey.revoked_at.is_not(None), "revoked key"),
    (ApiKey.expires_at <= func.now(), "expired key"),
)
"""Why a key is valid no more; null for one that is alive."""
ALIVE = select(ApiKey).where(_IS_NAMED, _ENDED.is_(None))
# Composed once: every request asks it.
_KEPT = select(
    ApiKey.prefix,
    ApiKey.sha256,
    ApiKey.scopes,
    cast(ApiKey.roles, Text).label("roles"),
    ApiKey.networks,
    ApiKey.last_used_at,
    _ENDED.label("ended"),
    literal_column("xmin::text::bigint").label("stamp"),
)
# One alone is found by a plan that PostgreSQL keeps; for a list it makes a new one each time.
_WHOSE_ONE = _KEPT.where(_IS_NAMED)
_WHOSE = _KEPT.where(ApiKey.prefix == any_(bindparam("prefixes", type_=ARRAY(Text))))


@dataclass(frozen=True, slots=True)
class LiveKey:
    """A key that is valid now: what is asked of it with every request."""

    prefix: str
    sha256: str
    scopes: frozenset[Scope]
    roles: tuple[RoleGiven, ...] | None
    networks: Sequence[Network] | None
    last_used_at: datetime | None


def hash_key(key: str) -> str:
    """The form in which a key is kept."""
    return hashlib.sha256(key.encode()).hexdigest()


def generate_key() -> tuple[str, str]:
    """A new prefix and the full key around it."""
    prefix = "".join(secrets.choice(PREFIX_ALPHABET) for _ in range(PREFIX_LENGTH))
    return prefix, f"{MARK}{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"


def prefix_of(key: str) -> str | None:
    """The part that finds a key; None when the text has not the form of one."""
    found = _FORM.fullmatch(key)
    return None if found is None else found[1]


async def create_key(
    session: AsyncSession,
    *,
    name: str,
    scopes: Sequence[Scope],
    roles: Sequence[RoleGiven] | None = None,
    networks: Sequence[Network] | None = None,
    expires_at: datetime | None = None,
    act: Act = OPERATOR,
    terms: KeySettings | None = None,
) -> str:
    """Store a new key and return its text, which can never be read again.

    Without `roles` it acts in every role its scopes allow; without `expires_at` it ends when the
    settings say.

    Raises:
        InvalidInput: it has no name, or would be valid for longer than keys may be, or for more
            than its roles say.
    """
    if not 1 <= len(name.strip()) <= LONGEST_NAME:
        raise InvalidInput(
            f"the name of a key has 1 to {LONGEST_NAME} characters",
            message_zh=f"密钥名称须为 1 至 {LONGEST_NAME} 个字符",
            pointer="/name",
        )
    if roles and Scope.ADMIN in scopes and Role.ADMIN not in {item.role for item in roles}:
        raise InvalidInput(  # the scope would undo any other role
            "the scope admin needs the role admin, or no roles at all",
            message_zh="权限范围 admin 须有角色 admin，或不给角色",
            pointer="/scopes",
        )
    terms = terms or KeySettings()
    expires_at = expires_at or terms.usual_end(admin=Scope.ADMIN in scopes)
    if expires_at > datetime.now(UTC) + timedelta(days=terms.longest_days):
        raise InvalidInput(
            f"expires_at is {expires_at.isoformat()}; a key may be valid for {terms.longest_days}"
            " days at most (SHANHAI_KEYS_LONGEST_DAYS)",
            message_zh=f"expires_at 为 {expires_at.isoformat()}；密钥最长有效"
            f" {terms.longest_days} 天（SHANHAI_KEYS_LONGEST_DAYS）",
            pointer="/expires_at",
        )
    prefix, key = generate_key()
    row = ApiKey(
        name=name,
        prefix=prefix,
        sha256=hash_key(key),
        scopes=[scope.value for scope in scopes],
        roles=None if roles is None else [role.document() for role in roles],
        networks=None if networks is None else list(networks),
        expires_at=expires_at,
    )
    session.add(row)
    await session.flush()
    record(session, act, "create", table="api_key", object_id=prefix, after=_image(row))
    return key


async def find_key(session: AsyncSession, prefix: str) -> ApiKey:
    """The row of a key.

    Raises:
        NotFound: there is none.
    """
    row = await session.scalar(select(ApiKey).where(ApiKey.prefix == prefix))
    if row is None:
        raise NotFound(f"there is no key {prefix!r}", message_zh=f"没有密钥 {prefix!r}")
    return row


async def demand_valid(asked: Executor, key: str, *, address: Address | None = None) -> LiveKey:
    """The key.

    Raises:
        Unauthenticated: as `check_key` says.
    """
    prefix = prefix_of(key)
    rows = {} if prefix is None else await find_rows(asked, [prefix])
    return check_key(key, rows.get(prefix or ""), address)


async def find_rows(asked: Executor, prefixes: Sequence[str]) -> dict[str, Any]:
    """What is kept of keys, by their prefixes."""
    if len(prefixes) == 1:
        rows = (await asked.execute(_WHOSE_ONE, {"prefix": prefixes[0]})).all()
    else:
        rows = (await asked.execute(_WHOSE, {"prefixes": list(prefixes)})).all()
    return {row.prefix: row for row in rows}


def check_key(key: str, row: Any, address: Address | None) -> LiveKey:
    """The key that was shown, whose row `find_rows` found, or None.

    Raises:
        Unauthenticated: it is wrong, expired, revoked or from elsewhere; which of it is for the
            audit log alone.
    """
    if row is None:
        raise _refused("unknown key", None)
    prefix = row.prefix
    if not hmac.compare_digest(row.sha256, hash_key(key)):
        raise _refused("wrong secret", prefix)
    if row.ended is not None:
        raise _refused(row.ended, prefix)
    if not _comes_from(row.networks, address):
        raise _refused("wrong network", prefix)
    return _live(row)


def _refused(reason: str, prefix: str | None) -> Unauthenticated:
    return Unauthenticated(
        "the API key is unknown, expired, revoked or not valid from this address",
        message_zh="API 密钥不存在、已过期、已撤销，或不能从该地址使用",
        reason=reason,
        credential=prefix,
    )


async def find_alive(
    asked: Executor, prefix: str, *, address: Address | None = None, anywhere: bool = False
) -> LiveKey | None:
    """A key; None when there is none, or it is expired, revoked or from elsewhere.

    With `anywhere` it does not matter from where.
    """
    row = (await find_rows(asked, [prefix])).get(prefix)
    if row is None or row.ended is not None:
        return None
    return _live(row) if anywhere or _comes_from(row.networks, address) else None


def _live(row: Row[Any]) -> LiveKey:
    roles = None if row.roles is None else tuple(map(RoleGiven.parse, orjson.loads(row.roles)))
    scopes = frozenset(map(Scope, row.scopes))
    return LiveKey(row.prefix, row.sha256, scopes, roles, row.networks, row.last_used_at)


async def identity_of(asked: Executor, key: LiveKey, tree: RegionTree) -> Identity:
    """Whom a valid key speaks for."""
    grants = None if key.roles is None else await tree.grants(asked, key.roles)
    return Identity(f"key:{key.prefix}", key.scopes, grants)


async def verify_key(
    session: AsyncSession, key: str, *, address: Address | None = None
) -> Identity | None:
    """Whom the key speaks for; None when it is not valid.

    Notes the use, at most once a minute, so the session must be allowed to write.
    """
    try:
        row = await demand_valid(session, key, address=address)
    except Unauthenticated:
        return None
    if is_note_due(row.last_used_at):
        await note_use(session, row.prefix)
    return await identity_of(session, row, RegionTree())


def is_note_due(noted: datetime | None) -> bool:
    """Whether the last note of a use is old enough for another."""
    return noted is None or datetime.now(UTC) - noted > timedelta(seconds=NOTED_S)


async def note_use(session: AsyncSession, prefix: str) -> None:
    """Note that a key was used, unless somebody just did."""
    stale = or_(
        ApiKey.last_used_at.is_(None),
        ApiKey.last_used_at < func.now() - text(f"interval '{NOTED_S:g} seconds'"),
    )
    await session.execute(
        update(ApiKey)
        .where(ApiKey.prefix == prefix, stale)
        .values(last_used_at=func.now())
        .execution_options(synchronize_session=False)
    )


async def rotate_key(
    session: AsyncSession,
    prefix: str,
    *,
    overlap: timedelta,
    act: Act = OPERATOR,
    terms: KeySettings | None = None,
) -> str:
    """Make a key that may do the same, valid for as long; the former one ends after the overlap.

    Raises:
        NotFound: no such key is alive.
        Conflict: it was rotated already.
    """
    row = await session.scalar(ALIVE.with_for_update(), {"prefix": prefix})
    if row is None:
        raise _ended(await find_key(session, prefix))
    if row.successor is not None:
        raise Conflict(
            f"key {prefix!r} was rotated already; its successor is {row.successor!r}",
            message_zh=f"密钥 {prefix!r} 已轮换，后继为 {row.successor!r}",
        )
    before, terms = _image(row), terms or KeySettings()
    key = await create_key(
        session,
        name=row.name,
        scopes=[Scope(scope) for scope in row.scopes],
        roles=None if row.roles is None else [RoleGiven.parse(role) for role in row.roles],
        networks=row.networks,
        expires_at=_as_long(row, terms),
        act=act,
        terms=terms,
    )
    row.successor = prefix_of(key)
    end = datetime.now(UTC) + overlap
    row.expires_at = end if row.expires_at is None else min(row.expires_at, end)
    await session.flush()
    image = {**_image(row), "successor": row.successor}
    record(session, act, "rotate", table="api_key", object_id=prefix, before=before, after=image)
    return key


def _as_long(row: ApiKey, terms: KeySettings) -> datetime | None:
    """The end of a key that is valid for as long as another was, as far as that is allowed."""
    if row.expires_at is None:
        return None
    longest = timedelta(days=terms.longest_days)
    return datetime.now(UTC) + min(row.expires_at - row.created_at, longest)


def state_of_key(row: ApiKey) -> str:
    """What tells a key from what it was before a change; its use changes nothing."""
    changes = (row.successor, row.expires_at, row.revoked_at)
    return hashlib.sha256(repr(changes).encode()).hexdigest()[:16]


async def revoke_key(
    session: AsyncSession, prefix: str, *, act: Act, expected: frozenset[str] | None = None
) -> None:
    """End a key at once.

    Raises:
        NotFound: no such key is alive.
        Stale: it is in none of the states expected.
    """
    alive = select(ApiKey).where(ApiKey.prefix == prefix, ApiKey.revoked_at.is_(None))
    row = await session.scalar(alive.with_for_update())
    if row is None:
        raise _ended(await find_key(session, prefix))
    demand_state(state_of_key(row), expected, f"key {prefix}", f"密钥 {prefix}")
    row.revoked_at = (await session.execute(select(func.now()))).scalar_one()
    await session.flush()
    record(session, act, "revoke", table="api_key", object_id=prefix, after=_image(row))


async def list_keys(session: AsyncSession, *, alive: bool = False) -> Sequence[ApiKey]:
    """All keys, or those that are valid, the newest first."""
    query = select(ApiKey).order_by(ApiKey.id.desc())
    return (await session.scalars(query.where(_ENDED.is_(None)) if alive else query)).all()


def _ended(row: ApiKey) -> NotFound:
    en, zh = ("has expired", "已过期") if row.revoked_at is None else ("was revoked", "已撤销")
    return NotFound(f"key {row.prefix!r} {en}", message_zh=f"密钥 {row.prefix!r} {zh}")


def _comes_from(networks: Sequence[Network] | None, address: Address | None) -> bool:
    if networks is None:
        return True
    return address is not None and any(address in network for network in networks)


def _image(row: ApiKey) -> dict[str, object]:
    return {
        "name": row.name,
        "scopes": row.scopes,
        "roles": row.roles,
        "networks": None if row.networks is None else [str(network) for network in row.networks],
        "expires_at": None if row.expires_at is None else row.expires_at.isoformat(),
    }
