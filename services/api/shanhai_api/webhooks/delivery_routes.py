"""`/webhooks/{webhook}/deliveries`."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from shanhai.db.deliveries.reading import list_deliveries
from shanhai.db.deliveries.webhooks import find_webhook
from shanhai_api.body import read_digest
from shanhai_api.dependencies import PageQuery, ReadSession, TheUnit, TheView, Writer, act_of
from shanhai_api.negotiation import JSON
from shanhai_api.once import once
from shanhai_api.webhooks import operations
from shanhai_api.webhooks.routes import NO_STORE, Code, Parameters
from shanhai_api.webhooks.schemas import describe_delivery, describe_webhook, webhook_path

router = APIRouter(tags=["monitoring"])
DeliveryId = Annotated[
    UUID, Path(description="Id of the delivery, the `webhook-id` of its message")
]


class DeliveriesQuery(PageQuery):
    """Parameters of the list of deliveries."""

    status: Literal["waiting", "delivered", "dead"] | None = Field(
        None, description="Only deliveries in this state"
    )
    limit: int = Field(10, ge=1, le=10_000, description="Deliveries on a page")
    before: UUID | None = Field(None, description="Only deliveries older than this one")


@router.get("/webhooks/{webhook}/deliveries", summary="What was and is to be delivered")
async def show_deliveries(
    view: TheView,
    caller: Writer,
    webhook: Code,
    query: Annotated[DeliveriesQuery, Query()],
    session: ReadSession,
) -> Response:
    """List the deliveries to a webhook of the last 30 days, the newest first."""
    found = await find_webhook(session, webhook, caller)
    rows = await list_deliveries(
        session,
        "webhook",
        webhook,
        limit=query.limit + 1,
        status=query.status,
        before=query.before,
    )
    page, path = rows[: query.limit], f"{webhook_path(webhook)}/deliveries"
    links = [*view.self_links(path), view.link(webhook_path(webhook), "up")]
    if len(rows) > query.limit:
        following = view.link(
            path,
            "next",
            JSON.media_type,
            limit=query.limit,
            before=str(page[-1].id),
            status=query.status,
        )
        links.append(following)
    document = {"deliveries": [describe_delivery(row, view) for row in page], "links": links}
    shown = {"webhook": describe_webhook(found, view)}
    return view.respond(document, template="deliveries.html", headers=NO_STORE, extra=shown)


@router.get("/webhooks/{webhook}/deliveries/{delivery}", summary="One delivery")
async def show_delivery(
    view: TheView,
    caller: Writer,
    webhook: Code,
    delivery: DeliveryId,
    query: Parameters,
    session: ReadSession,
) -> Response:
    """Show a delivery, with what it tells."""
    document = await operations.show_delivery(session, webhook, delivery, caller=caller, view=view)
    return view.respond(document, template="delivery.html", headers=NO_STORE)


@router.post("/webhooks/{webhook}/test", summary="Send a test to a webhook", status_code=201)
async def send_test(
    request: Request,
    view: TheView,
    caller: Writer,
    webhook: Code,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Send a message of type `webhook.test`; its delivery says how that went."""
    made = await once(
        request,
        unit,
        caller,
        body_sha256=await read_digest(request),
        effect=lambda: operations.send_test(
            unit.session, webhook, caller=caller, view=view, act=act_of(caller, view)
        ),
    )
    return made.response(NO_STORE)


@router.post(
    "/webhooks/{webhook}/deliveries/{delivery}/redeliver",
    summary="Send a message again",
    status_code=201,
)
async def redeliver(
    request: Request,
    view: TheView,
    caller: Writer,
    webhook: Code,
    delivery: DeliveryId,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Send a message again at once, under the id it has."""
    made = await once(
        request,
        unit,
        caller,
        body_sha256=await read_digest(request),
        effect=lambda: operations.redeliver(
            unit.session, webhook, delivery, caller=caller, view=view, act=act_of(caller, view)
        ),
    )
    return made.response(NO_STORE)
