"""Webhooks, as they are made, changed, read and ended, and the events they are sent."""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol
from urllib.parse import urlencode

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.crypto import SecretBox
from shanhai.db.base import touch
from shanhai.db.deliveries.outbox import enqueue
from shanhai.db.identity import Identity, demand_role, demand_scopes
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.delivery import Webhook
from shanhai.db.tables.zone import Region
from shanhai.errors import Conflict, InvalidInput, NotFound, Unavailable, demand_state
from shanhai.vocabulary import Lang, Role, Scope
from shanhai.webhook_secrets import make_secret, show_secret

EDITORS = frozenset({Role.PLANNER, Role.SUPERVISOR})
SCOPES = frozenset({Scope.WRITE, Scope.PROJECTS})
"""Any one of these scopes is needed by those who have to do with webhooks."""
MOST = 200
"""Webhooks there can be: whatever happens is compared with each of them."""
PURPOSE = "webhooks"
"""What the server's secret is used for."""
GONE = "gone"
"""Why a webhook is disabled whose receiver answered 410."""
PLAIN = ("name", "url", "lang", "events", "enabled")
_note = partial(record, table="webhook")
_WEBHOOKS = (
    select(Webhook, Region.code.label("region"))
    .outerjoin(Region, Region.id == Webhook.region_id)
    .where(Webhook.deleted_at.is_(None))
    .order_by(Webhook.id)
)


@dataclass(frozen=True, slots=True)
class RegionWebhook:
    """A webhook, and the code of its region."""

    row: Webhook
    region: str | None


async def list_webhooks(session: AsyncSession, identity: Identity) -> list[RegionWebhook]:
    """The webhooks of the regions somebody works for, in the order they were made.

    Raises:
        Unauthenticated, Forbidden: the identity has to do with none.
    """
    demand_scopes(identity, SCOPES)
    rows = [RegionWebhook(*row) for row in await session.execute(_WEBHOOKS)]
    return [found for found in rows if identity.acts_as(EDITORS, found.row.region_id)]


async def find_webhook(
    session: AsyncSession,
    code: str,
    identity: Identity,
    *,
    expected: frozenset[str] | None = None,
    lock: bool = False,
) -> RegionWebhook:
    """The webhook of a code.

    Args:
        expected: The states, one of which it must be in; None for any.
        lock: Keep it as it is until the transaction ends.

    Raises:
        NotFound: there is none the identity has to do with.
        Stale: it is in none of the states expected.
        Unauthenticated, Forbidden: the identity has to do with none.
    """
    demand_scopes(identity, SCOPES)
    query = _WEBHOOKS.where(Webhook.code == code)
    met = (await session.execute(query.with_for_update(of=Webhook) if lock else query)).first()
    found = None if met is None else RegionWebhook(*met)
    if found is None or not identity.acts_as(EDITORS, found.row.region_id):
        raise NotFound(
            f"there is no webhook {code[:80]!r}", message_zh=f"没有回调订阅 {code[:80]!r}"
        )
    demand_state(str(found.row.row_version), expected, f"webhook {code}", f"回调订阅 {code}")
    return found


async def create_webhook(
    session: AsyncSession,
    contents: Mapping[str, Any],
    *,
    seal: SecretBox,
    identity: Identity,
    act: Act,
) -> tuple[RegionWebhook, str]:
    """Make a webhook; it and its secret, which is not shown again.

    Raises:
        Unauthenticated, Forbidden: the identity may make none for this region.
        InvalidInput: the region is unknown.
        Conflict: there are as many as there can be.
    """
    columns = await _columns(session, contents, identity)
    live = select(func.count()).select_from(Webhook).where(Webhook.deleted_at.is_(None))
    if (await session.scalar(live) or 0) >= MOST:
        raise Conflict(
            f"there are {MOST} webhooks already, and no more can be made",
            message_zh=f"回调订阅已达上限 {MOST} 个",
        )
    code, secret = f"wh-{secrets.token_hex(8)}", make_secret()
    row = Webhook(code=code, secret=seal.close(secret, code), created_by=act.actor or "", **columns)
    session.add(row)
    await session.flush()
    _note(session, act, "create", object_id=code, after=contents)
    return await find_webhook(session, code, identity), show_secret(secret)


async def replace_webhook(
    session: AsyncSession,
    code: str,
    contents: Mapping[str, Any],
    *,
    identity: Identity,
    act: Act,
    expected: frozenset[str] | None,
) -> RegionWebhook:
    """Replace what a webhook is told of and where; its secret and region stay.

    Raises:
        NotFound, Stale, Unauthenticated, Forbidden, InvalidInput: as above, or of another region.
    """
    found = await find_webhook(session, code, identity, expected=expected, lock=True)
    row, before = found.row, _contents(found)
    columns = await _columns(session, contents, identity)
    if columns["region_id"] != row.region_id:
        # Whoever works for another region would read what was sent of the former one.
        raise InvalidInput(
            "the region of a webhook cannot be changed; make another webhook",
            message_zh="回调订阅的区域不可更改，请另建",
            pointer="/region",
        )
    for name, value in columns.items():
        setattr(row, name, value)
    row.disabled_reason = None
    await touch(session, row)
    _note(session, act, "update", object_id=code, before=before, after=contents)
    return await find_webhook(session, code, identity)


async def drop_webhook(
    session: AsyncSession,
    code: str,
    *,
    identity: Identity,
    act: Act,
    expected: frozenset[str] | None,
) -> None:
    """End a webhook; what waits for it is given up.

    Raises:
        NotFound, Stale, Unauthenticated, Forbidden: as above.
    """
    found = await find_webhook(session, code, identity, expected=expected, lock=True)
    row = found.row
    row.deleted_at = (await session.execute(select(func.now()))).scalar_one()
    # Nobody asks for them any more.
    row.secret, row.former_secret, row.former_until = b"", None, None
    await session.flush()
    _note(session, act, "delete", object_id=code, before=_contents(found))


async def rotate_secret(
    session: AsyncSession,
    code: str,
    *,
    overlap: timedelta,
    seal: SecretBox,
    identity: Identity,
    act: Act,
) -> tuple[RegionWebhook, str]:
    """Give a webhook a new secret; messages are signed with the former one too for a while.

    Not with one that was kept with another secret of the server: nobody can read it any more.

    Raises:
        NotFound, Unauthenticated, Forbidden: as above.
    """
    row = (await find_webhook(session, code, identity, lock=True)).row
    secret = make_secret()
    row.former_secret = row.former_until = None
    with suppress(Unavailable):
        seal.open(row.secret, code)
        row.former_secret = row.secret
        row.former_until = (await session.execute(select(func.now()))).scalar_one() + overlap
    row.secret = seal.close(secret, code)
    await touch(session, row)
    after = {"former_until": row.former_until and row.former_until.isoformat()}
    _note(session, act, "rotate", object_id=code, after=after)
    return await find_webhook(session, code, identity), show_secret(secret)


async def reseal_webhooks(session: AsyncSession, seal: SecretBox, *, act: Act) -> int:
    """Close secrets anew that are kept under another suite than that of the box; of how many.

    Raises:
        Unavailable: one was kept with another secret of the server.
    """
    rows = await session.scalars(
        select(Webhook).where(Webhook.deleted_at.is_(None)).with_for_update()
    )
    changed = 0
    for row in rows.all():
        renewed = seal.renew(row.secret, row.code)
        former = row.former_secret and seal.renew(row.former_secret, row.code)
        if renewed or former:
            row.secret = renewed or row.secret
            row.former_secret = former or row.former_secret
            _note(session, act, "reseal", object_id=row.code, after={"suite": seal.suite})
            changed += 1
    return changed


async def disable_webhook(session: AsyncSession, code: str, *, act: Act) -> None:
    """Disable a webhook whose receiver wants no more."""
    query = select(Webhook).where(
        Webhook.code == code, Webhook.deleted_at.is_(None), Webhook.enabled
    )
    row = await session.scalar(query.with_for_update())
    if row is None:
        return
    row.enabled, row.disabled_reason = False, GONE
    await touch(session, row)
    after = {"enabled": False, "reason": GONE}
    _note(session, act, "disable", object_id=code, before={"enabled": True}, after=after)


async def live_webhook(session: AsyncSession, code: str) -> Webhook | None:
    """The webhook of a code, for those who send; None when it was ended."""
    query = select(Webhook).where(Webhook.code == code, Webhook.deleted_at.is_(None))
    return await session.scalar(query)


def valid_secrets(row: Webhook, seal: SecretBox, now: datetime) -> Sequence[bytes]:
    """What messages are signed with, the present secret first.

    Raises:
        Unavailable: they were kept with another secret of the server.
    """
    kept = [row.secret]
    if row.former_secret is not None and row.former_until is not None and now < row.former_until:
        kept.append(row.former_secret)
    return [seal.open(sealed, row.code) for sealed in kept]


async def _columns(
    session: AsyncSession, contents: Mapping[str, Any], identity: Identity
) -> dict[str, Any]:
    demand_scopes(identity, SCOPES)
    code, region_id = contents["region"], None
    if code is not None:
        query = select(Region.id).where(Region.code == code, Region.deleted_at.is_(None))
        region_id = await session.scalar(query)
        if region_id is None:
            raise InvalidInput(
                f"there is no region {code[:80]!r}",
                message_zh=f"没有区域 {code[:80]!r}",
                pointer="/region",
            )
    demand_role(identity, EDITORS, region_id)
    return {**{name: contents[name] for name in PLAIN}, "region_id": region_id}


def _contents(found: RegionWebhook) -> dict[str, Any]:
    return {**{name: getattr(found.row, name) for name in PLAIN}, "region": found.region}


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
         SELECT unnest(CAST(:region_ids AS bigint[])) UNION
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
    session: AsyncSession, event_type: str, *region_ids: int | None
) -> list[Listening]:
    """The webhooks that want to know of an event.

    Args:
        session: The transaction in which it happens.
        event_type: One of `WEBHOOK_EVENTS`.
        region_ids: Where; webhooks of a region above it are told too, None only those of all.
    """
    given = {"event_type": event_type, "region_ids": [*region_ids]}
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
