"""Webhooks as they are asked for and shown."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from shanhai.db.deliveries.webhooks import Found
from shanhai.db.tables import Delivery
from shanhai.jobs.results import rfc3339
from shanhai.vocabulary import DELIVERY_STATUSES, WEBHOOK_EVENTS, Label, Lang, codes, label_in
from shanhai_api.view import View

TEST = "webhook.test"
"""Type of the message that a test sends; no webhook can ask for it."""

GONE = Label("接收方应答 410，不再接收", "its receiver answered 410: it wants no more")


class WebhookContents(BaseModel):
    """What a webhook is told of, and where."""

    model_config = ConfigDict(extra="forbid")

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


class Rotation(BaseModel):
    """How the secret of a webhook is replaced."""

    model_config = ConfigDict(extra="forbid")

    overlap_hours: float = Field(
        24,
        ge=0,
        le=24 * 30,
        allow_inf_nan=False,
        description="Hours for which messages are signed with the former secret, too",
    )


def webhook_path(code: str) -> str:
    """Where a webhook is."""
    return f"/webhooks/{code}"


def describe_webhook(found: Found, view: View) -> dict[str, Any]:
    """A webhook, without its secrets."""
    row = found.row
    path = webhook_path(row.code)
    return {
        "id": row.code,
        "name": row.name,
        "url": row.url,
        "events": row.events,
        "event_names": [label_in(WEBHOOK_EVENTS, event, view.lang) for event in row.events],
        "region": found.region,
        "lang": row.lang,
        "enabled": row.enabled,
        "disabled_reason": None if row.disabled_reason is None else GONE.in_(view.lang),
        "former_secret_until": rfc3339(row.former_until),
        "created": rfc3339(row.created_at),
        "created_by": row.created_by,
        "updated": rfc3339(row.updated_at),
        "links": [view.link(path, "self"), view.link(f"{path}/deliveries", "deliveries")],
    }


def describe_delivery(row: Delivery, view: View) -> dict[str, Any]:
    """A delivery, without what is told."""
    return {
        "id": str(row.id),
        "type": row.event_type,
        "type_name": event_name(row.event_type, view.lang),
        "status": row.status,
        "status_name": label_in(DELIVERY_STATUSES, row.status, view.lang),
        "attempts": row.attempt,
        "answered": row.answered,
        "reason": (row.reason_zh or row.reason) if view.lang == "zh" else row.reason,
        "due": rfc3339(row.due_at) if row.status == "waiting" else None,
        "created": rfc3339(row.created_at),
        "finished": rfc3339(row.finished_at),
        "links": [view.link(f"{webhook_path(row.target)}/deliveries/{row.id}", "self")],
    }


def event_name(event_type: str, lang: Lang) -> str:
    """What an event is called."""
    if event_type == TEST:
        return "测试" if lang == "zh" else "Test"
    return label_in(WEBHOOK_EVENTS, event_type, lang)


def test_data(found: Found, view: View) -> Mapping[str, Any]:
    """What a test tells."""
    row = found.row
    text = "这是一条测试消息" if row.lang == "zh" else "This is a test"
    # Its links begin where the receiver of the message is to find them, not where it was asked for.
    link = {"href": webhook_path(row.code), "rel": "webhook", "type": "application/json"}
    return {"webhook": row.code, "name": row.name, "message": text, "links": [link]}
