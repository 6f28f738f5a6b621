"""Bulletins, and the templates they are made by."""

import uuid
from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import Base, BigId, CreatedAt, Moment, one_of
from shanhai.vocabulary import BULLETIN_STATES, codes


class BulletinTemplate(Base):
    """A version of a template; none ever changes."""

    __tablename__ = "bulletin_template"
    __table_args__ = (
        UniqueConstraint("code", "version"),
        CheckConstraint("version > 0", name="version"),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    version: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_by: Mapped[str]
    created_at: Mapped[CreatedAt]


class Bulletin(Base):
    """A bulletin: a draft that may be published, and never changes.

    Attributes:
        corrects_id: The published one it takes the place of; `version` counts along these.
        issue: Its number within the year of its last day.
        content: What it tells, as data.
        files: Its files by name, each with `uri`, `sha256`, `bytes` and `media_type`.
        is_public: Made of public data, and shown to everybody once published.
    """

    __tablename__ = "bulletin"
    __table_args__ = (
        UniqueConstraint("code"),
        one_of("state", codes(BULLETIN_STATES)),
        CheckConstraint("last_day >= first_day", name="period"),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("(state = 'published') = (published_at IS NOT NULL)", name="published"),
        Index("ix_bulletin_region_id_last_day", "region_id", "last_day"),
    )

    id: Mapped[BigId]
    code: Mapped[str]
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
