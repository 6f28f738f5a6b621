"""What can be done with webhooks and deliveries."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shanhai.db.deliveries import webhooks
from shanhai.db.deliveries.events import envelope
from shanhai.db.deliveries.outbox import enqueue, find_delivery, send_again
from shanhai.db.queries.audit import record
from shanhai.errors import Conflict
from shanhai.http_egress import parse_target
from shanhai.secret_box import SecretBox
from shanhai.settings import WebhookSettings
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.writing import WriteContext
from shanhai_api.view import View
from shanhai_api.webhooks.models import (
    TEST,
    SecretRotation,
    Webhook,
    WebhookContents,
    WebhookDelivery,
    test_data,
    webhook_path,
)


def seal_of(settings: WebhookSettings) -> SecretBox:
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
    return SecretBox(secret, webhooks.PURPOSE)


def shown(
    found: webhooks.RegionWebhook, view: View, *, secret: str | None = None
) -> Answer[Webhook]:
    """A webhook, with its secret where that is new."""
    return Answer(Webhook.of(found, view, secret), state=str(found.row.row_version))


async def create_webhook(write: WriteContext, new: WebhookContents) -> Answer[Webhook]:
    """Make a webhook; its secret is in this answer only, never in a replay."""
    settings = write.state.configuration
    seal = seal_of(settings.webhooks)
    parse_target(new.url, settings.outgoing, pointer="/url")
    found, secret = await webhooks.create_webhook(
        write.session, new.model_dump(), seal=seal, identity=write.caller, act=write.act
    )
    return replace(shown(found, write, secret=secret), location=webhook_path(found.row.code))


async def replace_webhook(
    write: WriteContext, code: str, contents: WebhookContents, expected: frozenset[str] | None
) -> Answer[Webhook]:
    """Replace what a webhook is told of, and where."""
    parse_target(contents.url, write.state.configuration.outgoing, pointer="/url")
    found = await webhooks.replace_webhook(
        write.session,
        code,
        contents.model_dump(),
        identity=write.caller,
        act=write.act,
        expected=expected,
    )
    return shown(found, write)


async def rotate_secret(
    write: WriteContext, code: str, rotation: SecretRotation
) -> Answer[Webhook]:
    """Give a webhook a new secret, which is in this answer only."""
    found, secret = await webhooks.rotate_secret(
        write.session,
        code,
        overlap=timedelta(hours=rotation.overlap_hours),
        seal=seal_of(write.state.configuration.webhooks),
        identity=write.caller,
        act=write.act,
    )
    return shown(found, write, secret=secret)


async def send_test(write: WriteContext, code: str) -> Answer[WebhookDelivery]:
    """Send a message that says it is a test."""
    found = await _enabled(write, code)
    payload = envelope(TEST, test_data(found), datetime.now(UTC))
    made = await enqueue(write.session, "webhook", code, TEST, payload)
    if made is None:
        raise LookupError(f"the test of {code} was not written")
    _note(write, "test", code, made)
    return await _sent(write, code, made)


async def redeliver(write: WriteContext, code: str, delivery: UUID) -> Answer[WebhookDelivery]:
    """Send a message again, under its own id."""
    await _enabled(write, code)
    await send_again(write.session, "webhook", code, delivery)
    _note(write, "redeliver", code, delivery)
    return await _sent(write, code, delivery)


async def _enabled(write: WriteContext, code: str) -> webhooks.RegionWebhook:
    found = await webhooks.find_webhook(write.session, code, write.caller)
    if not found.row.enabled:
        raise Conflict(
            f"webhook {code} is disabled; enable it first",
            message_zh=f"回调订阅 {code} 已停用，请先启用",
        )
    return found


def _note(write: WriteContext, action: str, code: str, delivery: UUID) -> None:
    after = {"delivery": str(delivery)}
    record(write.session, write.act, action, table="webhook", object_id=code, after=after)


async def _sent(write: WriteContext, code: str, delivery: UUID) -> Answer[WebhookDelivery]:
    row = await find_delivery(write.session, "webhook", code, delivery)
    return Answer(
        WebhookDelivery.told(row, write), location=f"{webhook_path(code)}/deliveries/{delivery}"
    )
