"""`/webhooks`, and what is delivered to them."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import Field

from shanhai.db.deliveries.outbox import find_delivery, list_deliveries
from shanhai.db.deliveries.webhooks import drop_webhook, find_webhook, list_webhooks
from shanhai_api.dependencies import Writer
from shanhai_api.kit.answers import Answer, LimitedQuery, page_of
from shanhai_api.kit.body import JsonBody
from shanhai_api.kit.routing import Route
from shanhai_api.kit.writing import IfMatch, Read, Write
from shanhai_api.webhooks import service
from shanhai_api.webhooks.models import (
    SecretRotation,
    Webhook,
    WebhookContents,
    WebhookDeliveries,
    WebhookDelivery,
    Webhooks,
    webhook_path,
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
    return await service.create_webhook(write, new)


@router.get("/webhooks/{webhook}", summary="One webhook, without its secret")
async def show_webhook(read: Read[Writer], webhook: Code) -> Answer[Webhook]:
    """Show a webhook."""
    return service.shown(await find_webhook(read.session, webhook, read.caller), read)


@router.put("/webhooks/{webhook}", summary="Replace a webhook")
async def put_webhook(
    write: Write[Writer], webhook: Code, expected: IfMatch, contents: JsonBody[WebhookContents]
) -> Answer[Webhook]:
    """Replace what a webhook is told of and where; its secret stays."""
    return await service.replace_webhook(write, webhook, contents, expected)


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
    return await service.rotate_secret(write, webhook, rotation)


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
    return await service.send_test(write, webhook)


@router.post(
    "/webhooks/{webhook}/deliveries/{delivery}/redeliver",
    summary="Send a message again",
    status_code=201,
)
async def redeliver(
    write: Write[Writer], webhook: Code, delivery: DeliveryId
) -> Answer[WebhookDelivery]:
    """Send a message again at once, under the id it has."""
    return await service.redeliver(write, webhook, delivery)
