"""API keys: made once, kept as a hash, verified in constant time.

A key reads `shk_` + eight characters that find it + `_` + 43 secret characters.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import Act, record
from shanhai.db.tables import ApiKey
from shanhai.errors import NotFound
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


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a valid key speaks for."""

    owner: str
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Whether the scope was granted; `admin` includes every other."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


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
    networks: Sequence[Network] | None = None,
    expires_at: datetime | None = None,
    act: Act = OPERATOR,
) -> str:
    """Store a new key and return its text, which can never be read again."""
    prefix, key = generate_key()
    row = ApiKey(
        name=name,
        prefix=prefix,
        sha256=hash_key(key),
        scopes=[scope.value for scope in scopes],
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


async def verify_key(
    session: AsyncSession, key: str, *, address: Address | None = None
) -> Identity | None:
    """Whom the key speaks for; None when it is wrong, expired, revoked or from elsewhere.

    Notes the use, at most once a minute, so the session must be allowed to write.
    """
    prefix = prefix_of(key)
    if prefix is None:
        return None
    alive = (
        ApiKey.prefix == prefix,
        ApiKey.revoked_at.is_(None),
        or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.now()),
    )
    row = await session.scalar(select(ApiKey).where(*alive))
    if row is None or not hmac.compare_digest(row.sha256, hash_key(key)):
        return None
    if not _comes_from(row, address):
        return None
    await _note_use(session, row)
    return Identity(f"key:{prefix}", frozenset(Scope(scope) for scope in row.scopes))


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


def _comes_from(row: ApiKey, address: Address | None) -> bool:
    if row.networks is None:
        return True
    return address is not None and any(address in network for network in row.networks)


async def _note_use(session: AsyncSession, row: ApiKey) -> None:
    stale = or_(
        ApiKey.last_used_at.is_(None),
        ApiKey.last_used_at < func.now() - text("interval '1 minute'"),
    )
    await session.execute(
        update(ApiKey)
        .where(ApiKey.id == row.id, stale)
        .values(last_used_at=func.now())
        .execution_options(synchronize_session=False)
    )


def _image(row: ApiKey) -> dict[str, object]:
    return {
        "name": row.name,
        "scopes": row.scopes,
        "networks": None if row.networks is None else [str(network) for network in row.networks],
        "expires_at": None if row.expires_at is None else row.expires_at.isoformat(),
    }
