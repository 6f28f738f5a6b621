"""Tell webhooks of what happens, in the transaction in which it does."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.deliveries.outbox import enqueue
from shanhai.vocabulary import Lang

Tell = Callable[[Lang], Mapping[str, Any]]
"""What is told, in a language."""
_LISTENING = text("""
  SELECT w.code, w.lang
    FROM webhook w
   WHERE w.enabled AND w.deleted_at IS NULL AND :event_type = ANY (w.events)
     AND (w.region_id IS NULL OR w.region_id IN (
       WITH RECURSIVE above (id) AS (
         SELECT CAST(:region_id AS bigint) UNION
         SELECT g.parent_id FROM region g JOIN above ON g.id = above.id
       ) SELECT id FROM above WHERE id IS NOT NULL))
   ORDER BY w.id
""")


async def announce(
    session: AsyncSession,
    event_type: str,
    tell: Tell,
    *,
    at: datetime,
    region_id: int | None,
    due_at: datetime | None = None,
) -> int:
    """Write a delivery for each webhook that wants to know; how many there are.

    Args:
        session: The transaction in which it happens.
        event_type: One of `WEBHOOK_EVENTS`.
        tell: Makes what is told in a language; asked for only where somebody listens.
        at: When it happened.
        region_id: Where; webhooks of a region above it are told too, None only those of all.
        due_at: Held back until then; default now.
    """
    given = {"event_type": event_type, "region_id": region_id}
    listening = (await session.execute(_LISTENING, given)).all()
    for hook in listening:
        payload = envelope(event_type, tell(hook.lang), at)
        await enqueue(session, "webhook", hook.code, event_type, payload, due_at=due_at)
    return len(listening)


def envelope(event_type: str, data: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """A message as Standard Webhooks recommends it."""
    timestamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"type": event_type, "timestamp": timestamp, "data": dict(data)}
