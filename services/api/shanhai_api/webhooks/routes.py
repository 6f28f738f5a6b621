"""`/webhooks`."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from shanhai.db.deliveries.webhooks import drop_webhook, find_webhook, list_webhooks
from shanhai_api.body import parse, read_json
from shanhai_api.body_schema import body_of
from shanhai_api.dependencies import (
    PageQuery,
    ReadSession,
    TheState,
    TheUnit,
    TheView,
    Writer,
    act_of,
)
from shanhai_api.once import once
from shanhai_api.preconditions import expected_states
from shanhai_api.webhooks import operations
from shanhai_api.webhooks.schemas import Rotation, WebhookContents, describe_webhook

router = APIRouter(tags=["monitoring"])
Parameters = Annotated[PageQuery, Query()]
Code = Annotated[str, Path(pattern=r"^wh-[0-9a-f]{16}$", description="Id of the webhook")]
NO_STORE = {"Cache-Control": "no-store"}
CONTENTS = body_of(WebhookContents)


@router.get("/webhooks", summary="Addresses that are told of events")
async def show_webhooks(
    view: TheView, caller: Writer, query: Parameters, session: ReadSession
) -> Response:
    """List the webhooks of one's regions, of which there are 200 at most."""
    found = [describe_webhook(row, view) for row in await list_webhooks(session, caller)]
    document = {"webhooks": found, "links": view.self_links("/webhooks")}
    return view.respond(document, template="webhooks.html", headers=NO_STORE)


@router.post("/webhooks", summary="Make a webhook", status_code=201, openapi_extra=CONTENTS)
async def create_webhook(
    request: Request,
    view: TheView,
    state: TheState,
    caller: Writer,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Make a webhook and show its secret, once."""
    body = await read_json(request)
    new = parse(WebhookContents, body.value)
    configuration = state.configuration
    made = await once(
        request,
        unit,
        caller,
        body_sha256=body.sha256,
        effect=lambda: operations.make_webhook(
            unit.session,
            new,
            seal=operations.seal_of(configuration.webhooks),
            outgoing=configuration.outgoing,
            caller=caller,
            view=view,
            act=act_of(caller, view),
        ),
    )
    return made.response(NO_STORE)


@router.get("/webhooks/{webhook}", summary="One webhook, without its secret")
async def show_webhook(
    view: TheView, caller: Writer, webhook: Code, query: Parameters, session: ReadSession
) -> Response:
    """Show a webhook."""
    found = await find_webhook(session, webhook, caller)
    return view.respond(
        describe_webhook(found, view),
        template="webhook.html",
        state=str(found.row.row_version),
        headers=NO_STORE,
    )


@router.put("/webhooks/{webhook}", summary="Replace a webhook", openapi_extra=CONTENTS)
async def put_webhook(
    request: Request,
    view: TheView,
    state: TheState,
    caller: Writer,
    webhook: Code,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Replace what a webhook is told of and where; its secret stays."""
    expected = expected_states(request)
    contents = parse(WebhookContents, (await read_json(request)).value)
    made = await operations.change_webhook(
        unit.session,
        webhook,
        contents,
        outgoing=state.configuration.outgoing,
        caller=caller,
        view=view,
        act=act_of(caller, view),
        expected=expected,
    )
    return made.response(NO_STORE)


@router.delete("/webhooks/{webhook}", summary="End a webhook", status_code=204)
async def delete_webhook(
    request: Request,
    view: TheView,
    caller: Writer,
    webhook: Code,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """End a webhook; what waits for it is given up."""
    expected = expected_states(request)
    act = act_of(caller, view)
    await drop_webhook(unit.session, webhook, identity=caller, act=act, expected=expected)
    return Response(status_code=204)


@router.post(
    "/webhooks/{webhook}/rotate",
    summary="Replace the secret of a webhook",
    status_code=201,
    openapi_extra=body_of(Rotation),
)
async def rotate_secret(
    request: Request,
    view: TheView,
    state: TheState,
    caller: Writer,
    webhook: Code,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Make a new secret and show it, once; messages are signed with both for a while."""
    body = await read_json(request)
    rotation = parse(Rotation, body.value)
    made = await once(
        request,
        unit,
        caller,
        body_sha256=body.sha256,
        effect=lambda: operations.rotate(
            unit.session,
            webhook,
            rotation,
            seal=operations.seal_of(state.configuration.webhooks),
            caller=caller,
            view=view,
            act=act_of(caller, view),
        ),
    )
    return made.response(NO_STORE)
