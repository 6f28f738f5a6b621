"""Events for webhooks, written in the transaction of their cause, and the links in them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlencode

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.deliveries.outbox import enqueue
from shanhai.vocabulary import Lang

Link = dict[str, str]
JSON = "application/json"


class Linking(Protocol):
    """Makes links, for somebody who reads a language."""

    @property
    def lang(self) -> Lang:
        """The language."""

    def link(
        self,
        path: str,
        rel: str,
        media_type: str = JSON,
        title: str | None = None,
        /,
        **parameters: str | int | None,
    ) -> Link:
        """A link to a resource of the API."""


@dataclass(frozen=True, slots=True)
class HostlessLinks:
    """Makes links that begin with `/`; who sends them knows the public address."""

    lang: Lang

    def link(
        self,
        path: str,
        rel: str,
        media_type: str = JSON,
        title: str | None = None,
        /,
        **parameters: str | int | None,
    ) -> Link:
        """A link to a resource of the API."""
        query = urlencode({name: value for name, value in parameters.items() if value is not None})
        href = f"{path}?{query}" if query else path
        named = {} if title is None else {"title": title}
        return {"href": href, "rel": rel, "type": media_type, **named}


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


@dataclass(frozen=True, slots=True)
class Listening:
    """A webhook that wants to know, and the language it is told in."""

    code: str
    lang: Lang


async def find_listening(
    session: AsyncSession, event_type: str, region_id: int | None
) -> list[Listening]:
    """The webhooks that want to know of an event.

    Args:
        session: The transaction in which it happens.
        event_type: One of `WEBHOOK_EVENTS`.
        region_id: Where; webhooks of a region above it are told too, None only those of all.
    """
    given = {"event_type": event_type, "region_id": region_id}
    return [Listening(*row) for row in await session.execute(_LISTENING, given)]


async def announce(
    session: AsyncSession,
    listening: Iterable[Listening],
    event_type: str,
    tell: Tell,
    *,
    at: datetime,
    due_at: datetime | None = None,
) -> None:
    """Write a delivery for each of the webhooks.

    Args:
        session: The transaction in which it happens.
        listening: Those of `find_listening`.
        event_type: One of `WEBHOOK_EVENTS`.
        tell: What is told, in a language.
        at: When it happened.
        due_at: Held back until then; default now.
    """
    for hook in listening:
        payload = envelope(event_type, tell(hook.lang), at)
        await enqueue(session, "webhook", hook.code, event_type, payload, due_at=due_at)


def envelope(event_type: str, data: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """A message as Standard Webhooks recommends it."""
    timestamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"type": event_type, "timestamp": timestamp, "data": dict(data)}
