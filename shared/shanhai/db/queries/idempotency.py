"""The first answer to a POST, kept so that repeating the request repeats the answer only."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables.access import IdempotencyKey
from shanhai.errors import InFlight, KeyReused

KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What makes a repeated request the same: who, where, the key, and the body's SHA-256."""

    owner: str
    route: str
    key: str
    body_sha256: str

    def lock_number(self) -> int:
        """The number of the advisory lock that stands for the key."""
        name = "\0".join((self.owner, self.route, self.key)).encode()
        return int.from_bytes(hashlib.sha256(name).digest()[:8], signed=True)


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """An HTTP answer as it is kept."""

    status: int
    headers: dict[str, str]
    body: str


async def recall(session: AsyncSession, fingerprint: Fingerprint) -> StoredResponse | None:
    """The answer given before; None for a new key, which this transaction now holds.

    Raises:
        InFlight: another transaction holds the key.
        KeyReused: the key came with another body before.
    """
    taken = select(func.pg_try_advisory_xact_lock(fingerprint.lock_number()))
    if not await session.scalar(taken):
        raise InFlight(
            "the first request with this Idempotency-Key is still running",
            message_zh="使用该 Idempotency-Key 的首个请求仍在处理",
        )
    row = await session.scalar(
        select(IdempotencyKey).where(
            IdempotencyKey.owner == fingerprint.owner,
            IdempotencyKey.route == fingerprint.route,
            IdempotencyKey.key == fingerprint.key,
        )
    )
    if row is None:
        return None
    if row.body_sha256 != fingerprint.body_sha256:
        raise KeyReused(
            "this Idempotency-Key was used with another body; use a new key for a new request",
            message_zh="该 Idempotency-Key 已用于另一请求内容；新请求请使用新的键",
        )
    return StoredResponse(row.status, row.headers, row.body)


async def remember(session: AsyncSession, fingerprint: Fingerprint, answer: StoredResponse) -> None:
    """Keep the answer in the transaction of its effect, and forget answers that are too old."""
    await session.execute(
        delete(IdempotencyKey).where(IdempotencyKey.created_at < func.now() - KEPT)
    )
    session.add(
        IdempotencyKey(
            owner=fingerprint.owner,
            route=fingerprint.route,
            key=fingerprint.key,
            body_sha256=fingerprint.body_sha256,
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
        )
    )
