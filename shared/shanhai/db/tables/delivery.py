"""What is told to others: webhooks, and the outbox of all that is sent by itself."""

import uuid
from typing import Any

from sqlalchemy import ForeignKey, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import Base, BigId, CreatedAt, Moment, live_code, one_of
from shanhai.vocabulary import DELIVERY_KINDS, DELIVERY_STATUSES, codes


class Webhook(Base):
    """An address that is told of events.

    Attributes:
        lang: Language of the names in what it is told.
        events: Types of the events it is told of.
        region_id: Only events in the region and those below it; None for all.
        secret: What messages are signed with, sealed; see `shanhai.sealing`.
        former_secret: The one before, with which they are signed too until `former_until`.
        disabled_reason: Why the platform disabled it by itself: `gone`, its receiver said so.
    """

    __tablename__ = "webhook"
    __table_args__ = (one_of("lang", ("zh", "en")), live_code("webhook"))

    id: Mapped[BigId]
    code: Mapped[str]
    name: Mapped[str]
    url: Mapped[str]
    lang: Mapped[str]
    events: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    enabled: Mapped[bool]
    disabled_reason: Mapped[str | None]
    secret: Mapped[bytes]
    former_secret: Mapped[bytes | None]
    former_until: Mapped[Moment | None]
    created_by: Mapped[str]
    row_version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    deleted_at: Mapped[Moment | None]


class Delivery(Base):
    """Something to be sent to somebody, written in the transaction of its cause.

    Attributes:
        id: What receivers tell repeats by; that of the message.
        target: Code of the webhook, address of the person, or URL of the callback.
        payload: What is told; links in it have no host.
        once_key: What must be told once at most, whoever asks for it how often.
        due_at: Not before; later ones are held back, or to be tried again.
        attempt: How often it was taken to be sent.
        lease_until: Somebody is sending it until then.
        answered: Status of the last answer, where there was one.
        reason: Why it has not been delivered; `reason_zh` says it in Chinese.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        one_of("kind", codes(DELIVERY_KINDS)),
        one_of("status", codes(DELIVERY_STATUSES)),
        Index(
            "ix_delivery_waiting",
            "kind",
            "target",
            "due_at",
            postgresql_where=text("status = 'waiting'"),
        ),
        Index("ix_delivery_kind_target_created_at", "kind", "target", "created_at", "id"),
        Index("ix_delivery_finished_at", "finished_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(
        primary_key=True, server_default=text("gen_random_uuid()")
    )
    kind: Mapped[str]
    target: Mapped[str]
    event_type: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    once_key: Mapped[str | None] = mapped_column(unique=True)
    due_at: Mapped[CreatedAt]
    attempt: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    lease_until: Mapped[Moment | None]
    status: Mapped[str] = mapped_column(server_default="waiting", default="waiting")
    answered: Mapped[int | None] = mapped_column(SmallInteger)
    reason: Mapped[str | None]
    reason_zh: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[Moment | None]
