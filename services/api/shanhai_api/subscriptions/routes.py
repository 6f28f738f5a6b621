"""`/subscriptions`, and the way out of one."""

from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from shanhai.db.alerts import subscriptions
from shanhai.db.alerts.subscriptions import Subscribed
from shanhai.db.deliveries.reading import list_deliveries
from shanhai.errors import Conflict
from shanhai_api.body_schema import body_of
from shanhai_api.dependencies import (
    Administrator,
    PageQuery,
    ReadSession,
    TheState,
    TheUnit,
    TheView,
    Writer,
    act_of,
)
from shanhai_api.kit.body import parse, read_json
from shanhai_api.negotiation import HTML, JSON
from shanhai_api.once import Made, once
from shanhai_api.preconditions import expected_states
from shanhai_api.state import State
from shanhai_api.subscriptions.schemas import (
    SubscriptionContents,
    describe_mail,
    describe_subscription,
)
from shanhai_api.view import View, entity_tag

router = APIRouter(tags=["monitoring"])
Parameters = Annotated[PageQuery, Query()]
Number = Annotated[int, Path(ge=1, le=2**63 - 1, description="Number of the subscription")]
NO_STORE = {"Cache-Control": "no-store"}
CONTENTS = body_of(SubscriptionContents)


class SubscriptionsQuery(PageQuery):
    """Parameters of the list of subscriptions."""

    limit: int = Field(100, ge=1, le=10_000, description="Subscriptions on a page")
    before: int | None = Field(None, ge=1, le=2**63 - 1, description="Only those before this one")


class MailsQuery(PageQuery):
    """Parameters of the list of mails."""

    status: Literal["waiting", "delivered", "dead"] | None = Field(
        None, description="Only mails in this state"
    )
    limit: int = Field(100, ge=1, le=1000, description="Mails on a page")
    before: UUID | None = Field(None, description="Only mails before this one")


class TokenQuery(PageQuery):
    """Parameters of the link of a mail."""

    token: str = Field(max_length=200, description="Signed name of the subscription")


@router.get("/subscriptions", summary="People who are told of alerts by e-mail")
async def show_subscriptions(
    view: TheView,
    caller: Administrator,
    query: Annotated[SubscriptionsQuery, Query()],
    session: ReadSession,
) -> Response:
    """List the subscriptions, the newest first."""
    found = await subscriptions.list_subscriptions(
        session, limit=query.limit + 1, before=query.before
    )
    page = found[: query.limit]
    links = view.self_links("/subscriptions")
    if len(found) > query.limit:
        last, media_type = page[-1].row.id, JSON.media_type
        links.append(
            view.link("/subscriptions", "next", media_type, limit=query.limit, before=last)
        )
    rows = [describe_subscription(one, view) for one in page]
    return view.respond({"subscriptions": rows, "links": links}, headers=NO_STORE)


@router.post(
    "/subscriptions", summary="Tell somebody of alerts", status_code=201, openapi_extra=CONTENTS
)
async def create_subscription(
    request: Request,
    view: TheView,
    state: TheState,
    caller: Administrator,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Make a subscription."""
    _demand_mail(state)
    body = await read_json(request)
    new = parse(SubscriptionContents, body.value)

    async def make() -> Made:
        act = act_of(caller, view)
        found = await subscriptions.create_subscription(unit.session, new.model_dump(), act)
        made = _told(found, view, 201)
        place = f"{view.base}/subscriptions/{found.row.id}"
        return Made(made.content, {**made.headers, "Location": place}, 201)

    made = await once(request, unit, caller, body_sha256=body.sha256, effect=make)
    return made.response(NO_STORE)


@router.get("/subscriptions/{number}", summary="One subscription")
async def show_subscription(
    view: TheView, caller: Administrator, number: Number, query: Parameters, session: ReadSession
) -> Response:
    """Show a subscription."""
    found = await subscriptions.find_subscription(session, number)
    document = describe_subscription(found, view)
    return view.respond(document, state=found.state, headers=NO_STORE)


@router.put("/subscriptions/{number}", summary="Replace a subscription", openapi_extra=CONTENTS)
async def put_subscription(
    request: Request,
    view: TheView,
    caller: Administrator,
    number: Number,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Replace a subscription."""
    expected = expected_states(request)
    contents = parse(SubscriptionContents, (await read_json(request)).value).model_dump()
    found = await subscriptions.replace_subscription(
        unit.session, number, contents, act_of(caller, view), expected=expected
    )
    return _told(found, view).response(NO_STORE)


@router.delete("/subscriptions/{number}", summary="End a subscription", status_code=204)
async def delete_subscription(
    request: Request,
    view: TheView,
    caller: Administrator,
    number: Number,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """End a subscription."""
    expected = expected_states(request)
    act = act_of(caller, view)
    await subscriptions.drop_subscription(unit.session, number, act, expected=expected)
    return Response(status_code=204)


@router.post("/subscriptions/{number}/test", summary="Send a mail for trial", status_code=202)
async def send_test(
    view: TheView,
    state: TheState,
    caller: Administrator,
    number: Number,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Send a mail that says that mails arrive; its delivery tells what became of it."""
    _demand_mail(state)
    found = await subscriptions.send_test(unit.session, number, act_of(caller, view))
    content = describe_subscription(found, view)
    return Made(content, status=202).response(NO_STORE)


@router.get("/subscriptions/{number}/deliveries", summary="Mails, and what became of them")
async def show_mails(
    view: TheView,
    caller: Administrator,
    number: Number,
    query: Annotated[MailsQuery, Query()],
    session: ReadSession,
) -> Response:
    """List the mails to the address of a subscription, the newest first."""
    found = await subscriptions.find_subscription(session, number)
    rows = await list_deliveries(
        session,
        "email",
        found.row.address,
        limit=query.limit + 1,
        status=query.status,
        before=query.before,
    )
    path, page = f"/subscriptions/{number}/deliveries", rows[: query.limit]
    links = view.self_links(path)
    if len(rows) > query.limit:
        last, media_type = str(page[-1].id), JSON.media_type
        links.append(
            view.link(path, "next", media_type, status=query.status, limit=query.limit, before=last)
        )
    document = {"deliveries": [describe_mail(row, view) for row in page], "links": links}
    return view.respond(document, headers=NO_STORE)


@router.get("/unsubscribe", summary="Ask whether to end a subscription")
async def ask_to_unsubscribe(
    view: TheView,
    state: TheState,
    caller: Writer,
    query: Annotated[TokenQuery, Query()],
    session: ReadSession,
) -> Response:
    """Ask: programs follow the links of mails, so following one ends nothing."""
    found = await subscriptions.find_by_token(session, query.token, _secret(state))
    return _page(view, found, query.token)


@router.post("/unsubscribe", summary="End a subscription by the link of a mail")
async def end_by_link(
    view: TheView,
    state: TheState,
    caller: Writer,
    query: Annotated[TokenQuery, Query()],
    unit: TheUnit,
) -> Response:
    """End it, for the reader who presses the button and for programs of RFC 8058."""
    found = await subscriptions.unsubscribe(unit.session, query.token, _secret(state))
    return _page(view, found, query.token)


def _page(view: View, found: Subscribed, token: str) -> Response:
    document: dict[str, Any] = {
        "name": found.row.name,
        "address": found.row.address,
        "ended": found.row.unsubscribed_at is not None,
    }
    return view.respond(
        document,
        template="unsubscribe.html",
        formats=(HTML, JSON),
        headers=NO_STORE,
        extra={"token": token},
    )


def _told(found: Subscribed, view: View, status: int = 200) -> Made:
    content = describe_subscription(found, view)
    tag = entity_tag(found.state, orjson.dumps(content))
    return Made(content, {"ETag": f'"{tag}"'}, status)


def _secret(state: State) -> str:
    return state.configuration.smtp.link_secret.get_secret_value()


def _demand_mail(state: State) -> None:
    """Refuse what could never be sent."""
    if not state.configuration.smtp.host:
        raise Conflict(
            "no mail server is configured: SHANHAI_SMTP_HOST is not set",
            message_zh="未配置邮件服务器：SHANHAI_SMTP_HOST 未设置",
        )
