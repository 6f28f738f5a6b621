"""What is sent to others: webhooks, the outbox, and bulletins."""

import uuid
from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import Base, Coded, CreatedAt, Moment, Serial, live_code, one_of
from shanhai.vocabulary import BULLETIN_STATES, DELIVERY_KINDS, DELIVERY_STATUSES, codes


class Webhook(Coded, Base):
    """An address that is told of events.

    Attributes:
        lang: Language of the names in what it is told.
        events: Types of the events it is told of.
        region_id: Only events in the region and those below it; None for all.
        secret: What messages are signed with, sealed; see `shanhai.crypto`.
        former_secret: The one before, with which they are signed too until `former_until`.
        disabled_reason: Why the platform disabled it by itself: `gone`, its receiver said so.
    """

    __tablename__ = "webhook"
    __table_args__ = (one_of("lang", ("zh", "en")), live_code("webhook"))

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
        number: Rises in the order they are written; receivers order messages by it.
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
    number: Mapped[Serial]
    kind: Mapped[str]
    target: Mapped[str]
    event_type: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    once_key: Mapped[str | None] = mapped_column(unique=True)
    due_at: Mapped[CreatedAt] = mapped_column(server_default=text("clock_timestamp()"))
    attempt: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    lease_until: Mapped[Moment | None]
    status: Mapped[str] = mapped_column(server_default="waiting", default="waiting")
    answered: Mapped[int | None] = mapped_column(SmallInteger)
    reason: Mapped[str | None]
    reason_zh: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[Moment | None]


class BulletinTemplate(Coded, Base):
    """A version of a template; none ever changes."""

    __tablename__ = "bulletin_template"
    __table_args__ = (
        UniqueConstraint("code", "version"),
        CheckConstraint("version > 0", name="version"),
    )

    version: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_by: Mapped[str]
    created_at: Mapped[CreatedAt]


class Bulletin(Coded, Base):
    """A bulletin: a draft whose words may be changed, and that never changes once published.

    Attributes:
        corrects_id: The published one it takes the place of; `version` counts along these.
        issue: Its number within the year of its last day.
        content: What it tells, as data.
        files: Its files by name, each with `uri`, `sha256`, `bytes` and `media_type`.
        is_public: Made of public data, and shown to everybody once published.
        wording: Its words where somebody has changed them; else they are those of its template.
        revision: How often its words were changed.
    """

    __tablename__ = "bulletin"
    __table_args__ = (
        UniqueConstraint("code"),
        one_of("state", codes(BULLETIN_STATES)),
        CheckConstraint("last_day >= first_day", name="period"),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("(state = 'published') = (published_at IS NOT NULL)", name="published"),
        CheckConstraint(
            "(revision > 0) = (wording IS NOT NULL) AND (revision > 0) = (edited_at IS NOT NULL)",
            name="revision",
        ),
        Index("ix_bulletin_region_id_last_day", "region_id", "last_day"),
    )

    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"))
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"), index=True)
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("job.id"), index=True)
    first_day: Mapped[date]
    last_day: Mapped[date]
    issue: Mapped[int]
    version: Mapped[int]
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("bulletin.id"), index=True)
    title_zh: Mapped[str]
    title_en: Mapped[str]
    template: Mapped[str]
    template_version: Mapped[int]
    is_public: Mapped[bool]
    state: Mapped[str]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    files: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_by: Mapped[str]
    created_at: Mapped[CreatedAt]
    published_by: Mapped[str | None]
    published_at: Mapped[Moment | None]
    wording: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    revision: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    edited_by: Mapped[str | None]
    edited_at: Mapped[Moment | None]
