"""What can be done with webhooks and deliveries."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.deliveries import webhooks
from shanhai.db.deliveries.events import envelope
from shanhai.db.deliveries.outbox import enqueue
from shanhai.db.deliveries.reading import find_delivery, send_again
from shanhai.db.queries.audit import Act, record
from shanhai.errors import Conflict
from shanhai.outgoing import parse_target
from shanhai.sealing import Seal
from shanhai.settings import OutgoingSettings, WebhookSettings
from shanhai_api.identity import Caller
from shanhai_api.once import Made
from shanhai_api.view import View, entity_tag
from shanhai_api.webhooks.schemas import (
    TEST,
    Rotation,
    WebhookContents,
    describe_delivery,
    describe_webhook,
    test_data,
    webhook_path,
)

SECRETS = frozenset({"secret"})


def seal_of(settings: WebhookSettings) -> Seal:
    """What closes the secrets of webhooks.

    Raises:
        Conflict: the operator has set no secret to derive its key from.
    """
    secret = settings.secret.get_secret_value()
    if not secret:
        raise Conflict(
            "webhooks are not offered here: the operator has not set SHANHAI_WEBHOOKS_SECRET, with"
            " which their secrets are encrypted",
            message_zh="本服务未提供回调订阅：运维人员没有设置用于加密其密钥的"
            " SHANHAI_WEBHOOKS_SECRET",
        )
    return Seal(secret, webhooks.PURPOSE)


async def make_webhook(
    session: AsyncSession,
    new: WebhookContents,
    *,
    seal: Seal,
    outgoing: OutgoingSettings,
    caller: Caller,
    view: View,
    act: Act,
) -> Made:
    """Make a webhook; its secret is in this answer only, never in a replay."""
    parse_target(new.url, outgoing, pointer="/url")
    found, secret = await webhooks.create_webhook(
        session, new.model_dump(), seal=seal, identity=caller, act=act
    )
    made = told_webhook(found, view, 201, secret=secret)
    location = f"{view.base}{webhook_path(found.row.code)}"
    return Made(made.content, {**made.headers, "Location": location}, 201, SECRETS)


async def change_webhook(
    session: AsyncSession,
    code: str,
    contents: WebhookContents,
    *,
    outgoing: OutgoingSettings,
    caller: Caller,
    view: View,
    act: Act,
    expected: frozenset[str] | None,
) -> Made:
    """Replace what a webhook is told of, and where."""
    parse_target(contents.url, outgoing, pointer="/url")
    found = await webhooks.replace_webhook(
        session, code, contents.model_dump(), identity=caller, act=act, expected=expected
    )
    return told_webhook(found, view, 200)


async def rotate(
    session: AsyncSession,
    code: str,
    rotation: Rotation,
    *,
    seal: Seal,
    caller: Caller,
    view: View,
    act: Act,
) -> Made:
    """Give a webhook a new secret, which is in this answer only."""
    overlap = timedelta(hours=rotation.overlap_hours)
    found, secret = await webhooks.rotate_secret(
        session, code, overlap=overlap, seal=seal, identity=caller, act=act
    )
    return told_webhook(found, view, 201, secret=secret)


def told_webhook(
    found: webhooks.Found, view: View, status: int, *, secret: str | None = None
) -> Made:
    """A webhook as a change has left it."""
    shown = describe_webhook(found, view)
    tag = entity_tag(str(found.row.row_version), orjson.dumps(shown))
    content = shown if secret is None else {**shown, "secret": secret}
    return Made(content, {"ETag": f'"{tag}"'}, status, SECRETS)


async def send_test(
    session: AsyncSession, code: str, *, caller: Caller, view: View, act: Act
) -> Made:
    """Send a message that says it is a test."""
    found = await _enabled(session, code, caller)
    payload = envelope(TEST, test_data(found, view), datetime.now(UTC))
    made = await enqueue(session, "webhook", code, TEST, payload)
    if made is None:
        raise LookupError(f"the test of {code} was not written")
    record(session, act, "test", table="webhook", object_id=code, after={"delivery": str(made)})
    return await _told_delivery(session, code, made, view)


async def redeliver(
    session: AsyncSession, code: str, delivery_id: UUID, *, caller: Caller, view: View, act: Act
) -> Made:
    """Send a message again, under its own id."""
    await _enabled(session, code, caller)
    await send_again(session, "webhook", code, delivery_id)
    after = {"delivery": str(delivery_id)}
    record(session, act, "redeliver", table="webhook", object_id=code, after=after)
    return await _told_delivery(session, code, delivery_id, view)


async def show_delivery(
    session: AsyncSession, code: str, delivery_id: UUID, *, caller: Caller, view: View
) -> dict[str, Any]:
    """A delivery with what it tells."""
    await webhooks.find_webhook(session, code, caller)
    row = await find_delivery(session, "webhook", code, delivery_id)
    return {**describe_delivery(row, view), "payload": row.payload}


async def _enabled(session: AsyncSession, code: str, caller: Caller) -> webhooks.Found:
    found = await webhooks.find_webhook(session, code, caller)
    if not found.row.enabled:
        raise Conflict(
            f"webhook {code} is disabled; enable it first",
            message_zh=f"回调订阅 {code} 已停用，请先启用",
        )
    return found


async def _told_delivery(session: AsyncSession, code: str, delivery_id: UUID, view: View) -> Made:
    row = await find_delivery(session, "webhook", code, delivery_id)
    location = f"{view.base}{webhook_path(code)}/deliveries/{delivery_id}"
    return Made(describe_delivery(row, view), {"Location": location}, 201)
