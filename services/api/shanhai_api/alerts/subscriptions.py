"""`/subscriptions`, and the way out of one."""

from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field, field_validator

from shanhai.db.alerts import subscriptions
from shanhai.db.alerts.subscriptions import Subscribed
from shanhai.db.deliveries.outbox import list_deliveries
from shanhai.errors import Conflict
from shanhai.validation import codes_once
from shanhai.vocabulary import WARNING_LEVELS, Lang, codes
from shanhai_api.alerts.models import CLOCK, Level, checked_zone
from shanhai_api.kit.answers import Answer, Document, LimitedQuery, Link, Moment, page_of
from shanhai_api.kit.body import Body, JsonBody, MailAddress
from shanhai_api.kit.dependencies import (
    Administrator,
    Context,
    IfMatch,
    PageQuery,
    Read,
    Visitor,
    Write,
    Writer,
)
from shanhai_api.kit.routing import Route, respond
from shanhai_api.kit.view import HTML, JSON, View
from shanhai_api.webhooks.models import Sending


class SubscriptionContents(Body):
    """Whom to tell of which alerts, and when."""

    name: str = Field(
        min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$", description="Who is told"
    )
    address: MailAddress = Field(max_length=254, description="Their e-mail address")
    lang: Literal["zh", "en"] = Field("zh", description="Language of the mails")
    levels: list[Level] = Field(
        ["blue", "yellow", "orange", "red"], min_length=1, description="Levels they are told of"
    )
    rules: list[str] | None = Field(
        None, min_length=1, max_length=1000, description="Codes of rules; default all of them"
    )
    region: str | None = Field(
        None,
        max_length=80,
        pattern=r"^[^\x00]*$",
        description="Only what is in the region of this code; default everywhere",
    )
    digest_at: str | None = Field(
        None,
        pattern=CLOCK,
        description="One mail a day at this time, as `08:00`; default: told at once",
    )
    time_zone: str = Field("Asia/Shanghai", max_length=64, description="IANA time zone of the time")
    endings: bool = Field(True, description="Whether they are also told of alerts that closed")
    enabled: bool = Field(True, description="Whether they are told anything")

    _zone = field_validator("time_zone")(checked_zone)
    _rules = field_validator("rules")(codes_once(64))

    @field_validator("levels")
    @classmethod
    def order_levels(cls, levels: list[Level]) -> list[Level]:
        """Each once, from the least serious on."""
        return sorted(set(levels), key=codes(WARNING_LEVELS).index)


class Subscription(Document):
    """A subscription as it is shown."""

    stored = False

    id: int
    name: str
    address: str
    lang: Lang
    levels: list[Level]
    time_zone: str
    endings: bool
    enabled: bool
    rules: list[str] | None
    region: str | None
    digest_at: str | None
    unsubscribed: Moment | None
    created: Moment
    links: list[Link]

    @classmethod
    def of(cls, found: Subscribed, view: View) -> Self:
        """A subscription as it is shown."""
        row, path = found.row, f"/subscriptions/{found.row.id}"
        return cls(
            id=row.id,
            **found.contents,
            unsubscribed=row.unsubscribed_at,
            created=row.created_at,
            links=[view.link(path, "self"), view.link(f"{path}/deliveries", "related")],
        )


class Subscriptions(Document):
    """A page of the subscriptions, the newest first."""

    stored = False

    subscriptions: list[Subscription]
    links: list[Link]


class Mails(Document):
    """A page of the mails of a subscription, without what they said."""

    stored = False

    deliveries: list[Sending]
    links: list[Link]


class Unsubscribing(Document):
    """What the link of a mail is about."""

    template = "unsubscribe.html"
    formats = (HTML, JSON)
    stored = False

    name: str
    address: str
    ended: bool


router = APIRouter(tags=["monitoring"], route_class=Route)
Number = Annotated[int, Path(ge=1, le=2**63 - 1, description="Number of the subscription")]


class SubscriptionsQuery(LimitedQuery):
    """Parameters of the list of subscriptions."""

    limit: int = Field(100, ge=1, le=10_000, description="Subscriptions on a page")
    before: int | None = Field(None, ge=1, le=2**63 - 1, description="Only those before this one")


class MailsQuery(LimitedQuery):
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
    read: Read[Administrator], query: Annotated[SubscriptionsQuery, Query()]
) -> Subscriptions:
    """List the subscriptions, the newest first."""
    rows = await subscriptions.list_subscriptions(
        read.session, limit=query.limit + 1, before=query.before
    )
    page, links = page_of(rows, query, read, "/subscriptions", lambda last: {"before": last.row.id})
    return Subscriptions(subscriptions=[Subscription.of(one, read) for one in page], links=links)


@router.post("/subscriptions", summary="Tell somebody of alerts", status_code=201)
async def create_subscription(
    write: Write[Administrator], new: JsonBody[SubscriptionContents]
) -> Answer[Subscription]:
    """Make a subscription."""
    _demand_mail(write)
    found = await subscriptions.create_subscription(write.session, new.model_dump(), write.act)
    return _shown(found, write, location=f"/subscriptions/{found.row.id}")


@router.get("/subscriptions/{number}", summary="One subscription")
async def show_subscription(read: Read[Administrator], number: Number) -> Answer[Subscription]:
    """Show a subscription."""
    return _shown(await subscriptions.find_subscription(read.session, number), read)


@router.put("/subscriptions/{number}", summary="Replace a subscription")
async def put_subscription(
    write: Write[Administrator],
    number: Number,
    expected: IfMatch,
    contents: JsonBody[SubscriptionContents],
) -> Answer[Subscription]:
    """Replace a subscription."""
    found = await subscriptions.replace_subscription(
        write.session, number, contents.model_dump(), write.act, expected=expected
    )
    return _shown(found, write)


@router.delete("/subscriptions/{number}", summary="End a subscription", status_code=204)
async def delete_subscription(
    write: Write[Administrator], number: Number, expected: IfMatch
) -> None:
    """End a subscription."""
    await subscriptions.drop_subscription(write.session, number, write.act, expected=expected)


@router.post("/subscriptions/{number}/test", summary="Send a mail for trial", status_code=202)
async def send_test(write: Write[Administrator], number: Number) -> Subscription:
    """Send a mail that says that mails arrive; its delivery tells what became of it."""
    _demand_mail(write)
    return Subscription.of(await subscriptions.send_test(write.session, number, write.act), write)


@router.get("/subscriptions/{number}/deliveries", summary="Mails, and what became of them")
async def show_mails(
    read: Read[Administrator], number: Number, query: Annotated[MailsQuery, Query()]
) -> Mails:
    """List the mails to the address of a subscription, the newest first."""
    found = await subscriptions.find_subscription(read.session, number)
    rows = await list_deliveries(
        read.session,
        "email",
        found.row.address,
        limit=query.limit + 1,
        status=query.status,
        before=query.before,
    )
    path = f"/subscriptions/{number}/deliveries"
    page, links = page_of(rows, query, read, path, lambda last: {"before": str(last.id)})
    return Mails(deliveries=[Sending.of(row, read) for row in page], links=links)


@router.get("/unsubscribe", summary="Ask whether to end a subscription")
async def ask_to_unsubscribe(
    read: Read[Writer], query: Annotated[TokenQuery, Query()]
) -> Answer[Unsubscribing]:
    """Ask: programs follow the links of mails, so following one ends nothing."""
    found = await subscriptions.find_by_token(read.session, query.token, _secret(read))
    return _asked(found, query.token)


@router.post(
    "/unsubscribe",
    summary="End a subscription by the link of a mail",
    response_model=Unsubscribing,
)
async def end_by_link(write: Write[Visitor], query: Annotated[TokenQuery, Query()]) -> Response:
    """End it, for the reader who presses the button and for programs of RFC 8058."""
    found = await subscriptions.unsubscribe(write.session, query.token, _secret(write))
    return await respond(write, _asked(found, query.token))


def _asked(found: Subscribed, token: str) -> Answer[Unsubscribing]:
    row = found.row
    asked = Unsubscribing(name=row.name, address=row.address, ended=row.unsubscribed_at is not None)
    return Answer(asked, page={"token": token})


def _shown(found: Subscribed, view: View, location: str | None = None) -> Answer[Subscription]:
    return Answer(Subscription.of(found, view), state=found.state, location=location)


def _secret(context: Context) -> str:
    return context.state.configuration.smtp.link_secret.get_secret_value()


def _demand_mail(context: Context) -> None:
    """Refuse what could never be sent."""
    if not context.state.configuration.smtp.host:
        raise Conflict(
            "no mail server is configured: SHANHAI_SMTP_HOST is not set",
            message_zh="未配置邮件服务器：SHANHAI_SMTP_HOST 未设置",
        )
