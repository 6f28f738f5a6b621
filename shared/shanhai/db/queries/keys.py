"""API keys: made once, kept as a hash, verified in constant time.

A key reads `shk_` + eight characters that find it + `_` + 43 secret characters.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import orjson
from sqlalchemy import Text, bindparam, cast, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import Executor
from shanhai.db.identity import Identity, RegionTree, RoleGiven
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.access import ApiKey
from shanhai.errors import Conflict, NotFound
from shanhai.vocabulary import Scope

MARK = "shk_"
PREFIX_LENGTH = 8
SECRET_BYTES = 32
KEY_LENGTH = len(MARK) + PREFIX_LENGTH + 1 + 43
PREFIX_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"

OPERATOR = Act("operator")
"""Who acts when a key is made at the terminal."""

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


NOTED_S = 60.0
"""Seconds between notes of a key's use."""
_IS_ALIVE = (
    ApiKey.prefix == bindparam("prefix"),
    ApiKey.revoked_at.is_(None),
    or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.now()),
)
ALIVE = select(ApiKey).where(*_IS_ALIVE)
# Composed once: every request asks it.
_WHOSE = select(
    ApiKey.prefix,
    ApiKey.sha256,
    ApiKey.scopes,
    cast(ApiKey.roles, Text).label("roles"),
    ApiKey.networks,
    ApiKey.last_used_at,
).where(*_IS_ALIVE)


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
    end = len(MARK) + PREFIX_LENGTH
    well_formed = len(key) == KEY_LENGTH and key.startswith(MARK) and key[end] == "_"
    return key[len(MARK) : end] if well_formed else None


async def create_key(
    session: AsyncSession,
    *,
    name: str,
    scopes: Sequence[Scope],
    roles: Sequence[RoleGiven] | None = None,
    networks: Sequence[Network] | None = None,
    expires_at: datetime | None = None,
    act: Act = OPERATOR,
) -> str:
    """Store a new key and return its text, which can never be read again.

    Without `roles` it acts in every role its scopes allow.
    """
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
        raise _unknown(prefix)
    return row


async def find_valid(
    asked: Executor, key: str, *, address: Address | None = None
) -> LiveKey | None:
    """The key; None when it is wrong, expired, revoked or from elsewhere."""
    prefix = prefix_of(key)
    found = None if prefix is None else await find_alive(asked, prefix, address=address)
    if found is None or not hmac.compare_digest(found.sha256, hash_key(key)):
        return None
    return found


async def find_alive(
    asked: Executor, prefix: str, *, address: Address | None = None, anywhere: bool = False
) -> LiveKey | None:
    """A key; None when there is none, or it is expired, revoked or from elsewhere.

    With `anywhere` it does not matter from where.
    """
    rows = (await asked.execute(_WHOSE, {"prefix": prefix})).all()
    if not rows or not (anywhere or _comes_from(rows[0].networks, address)):
        return None
    row = rows[0]
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
    row = await find_valid(session, key, address=address)
    if row is None:
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
    session: AsyncSession, prefix: str, *, overlap: timedelta, act: Act = OPERATOR
) -> str:
    """Make a key that may do the same; the former one ends after the overlap.

    Raises:
        NotFound: no such key is alive.
        Conflict: it was rotated already.
    """
    row = await session.scalar(ALIVE.with_for_update(), {"prefix": prefix})
    if row is None:
        raise _unknown(prefix)
    if row.successor is not None:
        raise Conflict(
            f"key {prefix!r} was rotated already; its successor is {row.successor!r}",
            message_zh=f"密钥 {prefix!r} 已轮换，后继为 {row.successor!r}",
        )
    before = _image(row)
    key = await create_key(
        session,
        name=row.name,
        scopes=[Scope(scope) for scope in row.scopes],
        roles=None if row.roles is None else [RoleGiven.parse(role) for role in row.roles],
        networks=row.networks,
        expires_at=row.expires_at,
        act=act,
    )
    row.successor = prefix_of(key)
    end = datetime.now(UTC) + overlap
    row.expires_at = end if row.expires_at is None else min(row.expires_at, end)
    await session.flush()
    image = {**_image(row), "successor": row.successor}
    record(session, act, "rotate", table="api_key", object_id=prefix, before=before, after=image)
    return key


async def revoke_key(session: AsyncSession, prefix: str, *, act: Act) -> None:
    """End a key at once.

    Raises:
        NotFound: no such key is alive.
    """
    revoked = update(ApiKey).where(ApiKey.prefix == prefix, ApiKey.revoked_at.is_(None))
    row = await session.scalar(revoked.values(revoked_at=func.now()).returning(ApiKey))
    if row is None:
        raise _unknown(prefix)
    record(session, act, "revoke", table="api_key", object_id=prefix, after=_image(row))


async def list_keys(session: AsyncSession) -> Sequence[ApiKey]:
    """All keys, the newest first."""
    return (await session.scalars(select(ApiKey).order_by(ApiKey.id.desc()))).all()


def _unknown(prefix: str) -> NotFound:
    return NotFound(f"there is no key {prefix!r}", message_zh=f"没有密钥 {prefix!r}")


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
