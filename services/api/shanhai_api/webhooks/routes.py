"""`/webhooks`, and what is delivered to them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import Field

from shanhai.crypto import SecretBox
from shanhai.db.deliveries import webhooks
from shanhai.db.deliveries.outbox import enqueue, find_delivery, list_deliveries, send_again
from shanhai.db.deliveries.webhooks import drop_webhook, envelope, find_webhook, list_webhooks
from shanhai.db.queries.audit import record
from shanhai.errors import Conflict
from shanhai.http_egress import parse_target
from shanhai.settings import WebhookSettings
from shanhai_api.kit.answers import Answer, LimitedQuery, page_of
from shanhai_api.kit.body import JsonBody
from shanhai_api.kit.dependencies import IfMatch, Read, Write, WriteContext, Writer
from shanhai_api.kit.routing import Route
from shanhai_api.kit.view import View
from shanhai_api.webhooks.models import (
    TEST,
    SecretRotation,
    Webhook,
    WebhookContents,
    WebhookDeliveries,
    WebhookDelivery,
    Webhooks,
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


router = APIRouter(tags=["monitoring"], route_class=Route)
Code = Annotated[str, Path(pattern=r"^wh-[0-9a-f]{16}$", description="Id of the webhook")]
DeliveryId = Annotated[
    UUID, Path(description="Id of the delivery, the `webhook-id` of its message")
]


class DeliveriesQuery(LimitedQuery):
    """Parameters of the list of deliveries."""

    status: Literal["waiting", "delivered", "dead"] | None = Field(
        None, description="Only deliveries in this state"
    )
    limit: int = Field(10, ge=1, le=10_000, description="Deliveries on a page")
    before: UUID | None = Field(None, description="Only deliveries older than this one")


@router.get("/webhooks", summary="Addresses that are told of events")
async def show_webhooks(read: Read[Writer]) -> Webhooks:
    """List the webhooks of one's regions, of which there are 200 at most."""
    found = await list_webhooks(read.session, read.caller)
    return Webhooks(
        webhooks=[Webhook.of(one, read) for one in found], links=read.self_links("/webhooks")
    )


@router.post("/webhooks", summary="Make a webhook", status_code=201)
async def create_webhook(write: Write[Writer], new: JsonBody[WebhookContents]) -> Answer[Webhook]:
    """Make a webhook and show its secret, once."""
    settings = write.state.configuration
    seal = seal_of(settings.webhooks)
    # The secret is in this answer only, never in a replay.
    found, secret = await webhooks.create_webhook(
        write.session, new.model_dump(), seal=seal, identity=write.caller, act=write.act
    )
    # Only whoever may make one learns which hosts may be told.
    parse_target(new.url, settings.outgoing, pointer="/url")
    return replace(shown(found, write, secret=secret), location=webhook_path(found.row.code))


@router.get("/webhooks/{webhook}", summary="One webhook, without its secret")
async def show_webhook(read: Read[Writer], webhook: Code) -> Answer[Webhook]:
    """Show a webhook."""
    return shown(await find_webhook(read.session, webhook, read.caller), read)


@router.put("/webhooks/{webhook}", summary="Replace a webhook")
async def put_webhook(
    write: Write[Writer], webhook: Code, expected: IfMatch, contents: JsonBody[WebhookContents]
) -> Answer[Webhook]:
    """Replace what a webhook is told of and where; its secret and region stay."""
    found = await webhooks.replace_webhook(
        write.session,
        webhook,
        contents.model_dump(),
        identity=write.caller,
        act=write.act,
        expected=expected,
    )
    parse_target(contents.url, write.state.configuration.outgoing, pointer="/url")
    return shown(found, write)


@router.delete("/webhooks/{webhook}", summary="End a webhook", status_code=204)
async def delete_webhook(write: Write[Writer], webhook: Code, expected: IfMatch) -> None:
    """End a webhook; what waits for it is given up."""
    await drop_webhook(
        write.session, webhook, identity=write.caller, act=write.act, expected=expected
    )


@router.post(
    "/webhooks/{webhook}/rotate", summary="Replace the secret of a webhook", status_code=201
)
async def rotate_secret(
    write: Write[Writer], webhook: Code, rotation: JsonBody[SecretRotation]
) -> Answer[Webhook]:
    """Make a new secret and show it, once; messages are signed with both for a while."""
    found, secret = await webhooks.rotate_secret(
        write.session,
        webhook,
        overlap=timedelta(hours=rotation.overlap_hours),
        seal=seal_of(write.state.configuration.webhooks),
        identity=write.caller,
        act=write.act,
    )
    return shown(found, write, secret=secret)


@router.get("/webhooks/{webhook}/deliveries", summary="What was and is to be delivered")
async def show_deliveries(
    read: Read[Writer], webhook: Code, query: Annotated[DeliveriesQuery, Query()]
) -> Answer[WebhookDeliveries]:
    """List the deliveries to a webhook of the last 30 days, the newest first."""
    found = await find_webhook(read.session, webhook, read.caller)
    rows = await list_deliveries(
        read.session,
        "webhook",
        webhook,
        limit=query.limit + 1,
        status=query.status,
        before=query.before,
    )
    path = f"{webhook_path(webhook)}/deliveries"
    page, links = page_of(rows, query, read, path, lambda last: {"before": str(last.id)})
    deliveries = WebhookDeliveries(
        deliveries=[WebhookDelivery.told(row, read) for row in page],
        links=[*links, read.link(webhook_path(webhook), "up")],
    )
    return Answer(deliveries, page={"webhook": Webhook.of(found, read).as_json()})


@router.get("/webhooks/{webhook}/deliveries/{delivery}", summary="One delivery")
async def show_delivery(read: Read[Writer], webhook: Code, delivery: DeliveryId) -> WebhookDelivery:
    """Show a delivery, with what it tells."""
    await find_webhook(read.session, webhook, read.caller)
    row = await find_delivery(read.session, "webhook", webhook, delivery)
    return WebhookDelivery.told(row, read, payload=True)


@router.post("/webhooks/{webhook}/test", summary="Send a test to a webhook", status_code=201)
async def send_test(write: Write[Writer], webhook: Code) -> Answer[WebhookDelivery]:
    """Send a message of type `webhook.test`; its delivery says how that went."""
    found = await _enabled(write, webhook)
    payload = envelope(TEST, test_data(found), datetime.now(UTC))
    made = await enqueue(write.session, "webhook", webhook, TEST, payload)
    if made is None:
        raise LookupError(f"the test of {webhook} was not written")
    _note(write, "test", webhook, made)
    return await _sent(write, webhook, made)


@router.post(
    "/webhooks/{webhook}/deliveries/{delivery}/redeliver",
    summary="Send a message again",
    status_code=201,
)
async def redeliver(
    write: Write[Writer], webhook: Code, delivery: DeliveryId
) -> Answer[WebhookDelivery]:
    """Send a message again at once, under the id it has."""
    await _enabled(write, webhook)
    await send_again(write.session, "webhook", webhook, delivery)
    _note(write, "redeliver", webhook, delivery)
    return await _sent(write, webhook, delivery)
