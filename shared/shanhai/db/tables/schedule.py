"""Jobs that recur: when, what, in whose name, and each time they were due."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import Attributes, Base, BigId, CreatedAt, Moment, live_code


class Schedule(Base):
    """A process that is asked for again and again.

    Attributes:
        cron: Minute, hour, day, month and day of the week in `timezone`; or
        every_s: seconds between two times, counted from `starts_at`.
        owner: In whose name, with the rights they have when the time comes.
        groups: The groups that the owner's issuer named when they wrote the schedule.
        next_at: When it is due; None while it is not enabled, or if that is never again.
    """

    __tablename__ = "schedule"
    __table_args__ = (
        CheckConstraint("(cron IS NULL) <> (every_s IS NULL)", name="one_timing"),
        CheckConstraint("priority BETWEEN 0 AND 9", name="priority"),
        live_code("schedule"),
        Index("ix_schedule_due", "next_at", postgresql_where=text("next_at IS NOT NULL")),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    process: Mapped[str]
    inputs: Mapped[Attributes]
    cron: Mapped[str | None]
    every_s: Mapped[int | None]
    starts_at: Mapped[Moment]
    timezone: Mapped[str]
    priority: Mapped[int] = mapped_column(SmallInteger)
    enabled: Mapped[bool]
    owner: Mapped[str]
    groups: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    next_at: Mapped[Moment | None]
    row_version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    deleted_at: Mapped[Moment | None]


class ScheduleRun(Base):
    """A time at which a schedule was due, which there is once.

    Attributes:
        missed: How many times were due after it, before anybody could attend to it.
        job_id: What was asked for; None where that was refused, for the reason in `error`.
    """

    __tablename__ = "schedule_run"

    schedule_id: Mapped[int] = mapped_column(ForeignKey("schedule.id"), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), primary_key=True)
    at: Mapped[CreatedAt]
    missed: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    job_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("job.id"), index=True)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
