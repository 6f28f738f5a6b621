"""Webhooks as they are asked for and answered."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, field_validator

from shanhai.db.deliveries.webhooks import RegionWebhook
from shanhai.db.tables.delivery import Delivery
from shanhai.vocabulary import DELIVERY_STATUSES, WEBHOOK_EVENTS, Label, Lang, codes, label_in
from shanhai_api.kit.answers import Document, Link, Maybe, Moment, one_of
from shanhai_api.kit.body import Body
from shanhai_api.kit.view import View

TEST = "webhook.test"
"""Type of the message that a test sends; no webhook can ask for it."""

GONE = Label("接收方应答 410，不再接收", "its receiver answered 410: it wants no more")


class WebhookContents(Body):
    """What a webhook is told of, and where."""

    name: str = Field(
        min_length=1, max_length=200, pattern=r"^[^\x00]*$", description="Who or what receives"
    )
    url: str = Field(
        min_length=1,
        max_length=2000,
        description="Where messages are posted; https, at a host the operator has listed",
    )
    events: list[str] = Field(
        min_length=1, max_length=50, description="Types of the events it is told of"
    )
    region: str | None = Field(
        None,
        max_length=80,
        pattern=r"^[^\x00]*$",
        description="Code of a region: only events in it and below; default all",
    )
    lang: Literal["zh", "en"] = Field("zh", description="Language of names in messages")
    enabled: bool = Field(True, description="Whether it is told at all")

    @field_validator("events")
    @classmethod
    def check_events(cls, events: list[str]) -> list[str]:
        """Types there are, each once, in their order."""
        known = codes(WEBHOOK_EVENTS)
        for event in events:
            if event not in known:
                listed = ", ".join(known)
                raise ValueError(
                    f"{event[:80]!r} is none of {listed} / {event[:80]!r} 不在 {listed} 之中"
                )
        return [code for code in known if code in events]


class SecretRotation(Body):
    """How the secret of a webhook is replaced."""

    overlap_hours: float = Field(
        24,
        ge=0,
        le=24 * 30,
        allow_inf_nan=False,
        description="Hours for which messages are signed with the former secret, too",
    )


class Webhook(Document):
    """A webhook, without its secrets."""

    template = "webhook.html"
    stored = False
    secrets = frozenset({"secret"})

    id: str = Field(validation_alias="code")
    name: str
    url: str
    events: list[Annotated[str, one_of(WEBHOOK_EVENTS)]]
    event_names: list[str]
    region: str | None
    lang: Lang
    enabled: bool
    disabled_reason: str | None
    former_secret_until: Moment | None = Field(validation_alias="former_until")
    created: Moment = Field(validation_alias="created_at")
    created_by: str
    updated: Moment = Field(validation_alias="updated_at")
    links: list[Link]
    secret: Maybe[str] = Field(None, description="With a new secret only: it is not shown again")

    @classmethod
    def of(cls, found: RegionWebhook, view: View, secret: str | None = None) -> Self:
        """A webhook as it is shown."""
        row, path = found.row, webhook_path(found.row.code)
        return cls.from_row(
            row,
            event_names=[label_in(WEBHOOK_EVENTS, event, view.lang) for event in row.events],
            region=found.region,
            disabled_reason=None if row.disabled_reason is None else GONE.in_(view.lang),
            links=[view.link(path, "self"), view.link(f"{path}/deliveries", "deliveries")],
            secret=secret,
        )


class Webhooks(Document):
    """The webhooks of one's regions."""

    template = "webhooks.html"
    stored = False

    webhooks: list[Webhook]
    links: list[Link]


class Sending(Document):
    """Something sent to somebody, and what became of it."""

    stored = False

    id: UUID
    type: str = Field(validation_alias="event_type")
    status: Annotated[str, one_of(DELIVERY_STATUSES)]
    status_name: str
    attempts: int = Field(validation_alias="attempt")
    answered: int | None = Field(description="Status of the receiver's last answer")
    reason: str | None
    due: Moment | None
    created: Moment = Field(validation_alias="created_at")
    finished: Moment | None = Field(validation_alias="finished_at")

    @classmethod
    def of(cls, row: Delivery, view: View, **others: Any) -> Self:
        """A delivery as it is shown, with what its kind has more."""
        return cls.from_row(
            row,
            status_name=label_in(DELIVERY_STATUSES, row.status, view.lang),
            reason=(row.reason_zh or row.reason) if view.lang == "zh" else row.reason,
            due=row.due_at if row.status == "waiting" else None,
            **others,
        )


class WebhookDelivery(Sending):
    """A message to a webhook, and what became of it."""

    template = "delivery.html"

    type_name: str
    links: list[Link]
    payload: Maybe[dict[str, Any]] = Field(None, description="What is told; of one delivery only")

    @classmethod
    def told(cls, row: Delivery, view: View, *, payload: bool = False) -> Self:
        """A delivery to a webhook as it is shown."""
        return cls.of(
            row,
            view,
            type_name=event_name(row.event_type, view.lang),
            links=[view.link(f"{webhook_path(row.target)}/deliveries/{row.id}", "self")],
            payload={**row.payload, "sequence": row.number} if payload else None,
        )


class WebhookDeliveries(Document):
    """What was and is to be delivered to a webhook."""

    template = "deliveries.html"
    stored = False

    deliveries: list[WebhookDelivery]
    links: list[Link]


def webhook_path(code: str) -> str:
    """Where a webhook is."""
    return f"/webhooks/{code}"


def event_name(event_type: str, lang: Lang) -> str:
    """What an event is called."""
    if event_type == TEST:
        return "测试" if lang == "zh" else "Test"
    return label_in(WEBHOOK_EVENTS, event_type, lang)


def test_data(found: RegionWebhook) -> Mapping[str, Any]:
    """What a test tells."""
    row = found.row
    text = "这是一条测试消息" if row.lang == "zh" else "This is a test"
    # Its links begin where the receiver of the message is to find them, not where it was asked for.
    link = {"href": webhook_path(row.code), "rel": "webhook", "type": "application/json"}
    return {"webhook": row.code, "name": row.name, "message": text, "links": [link]}
