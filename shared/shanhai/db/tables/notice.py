"""Notices, what the public says of them, and its personal data, which is kept apart."""

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from shanhai import vocabulary
from shanhai.db import base


class Notice(base.Labelled, base.Versioned, base.Dated, base.Base):
    """A public notice of what is to be decided.

    Attributes:
        subject_id: The number of what it is of, found by the database from `subject_code`.
        commenters: Who may comment.
        show_comments: Whether everybody sees the comments that were reviewed for that.
        published_on: The day it became public, set by the database.
        reason: Why it was withdrawn.
        geom: Its area; where none is given, that of what it is of on the day it became public.
    """

    __tablename__ = "notice"
    __table_args__ = (
        base.one_of("state", vocabulary.codes(vocabulary.NOTICE_STATES)),
        base.one_of("subject_collection", vocabulary.codes(vocabulary.NOTICE_SUBJECTS)),
        base.one_of("commenters", vocabulary.codes(vocabulary.COMMENTERS)),
        sa.CheckConstraint("state = 'draft' OR published_on IS NOT NULL", name="published"),
        *base.drawn("notice"),
        base.in_order(),
        base.live_code("notice"),
        sa.Index("ix_notice_subject", "subject_collection", "subject_id"),
    )

    region_id: Mapped[int | None] = mapped_column(sa.ForeignKey("region.id"), index=True)
    subject_collection: Mapped[str]
    subject_code: Mapped[str]
    subject_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    text_zh: Mapped[str]
    text_en: Mapped[str | None]
    period_from: Mapped[date]
    period_to: Mapped[date]
    hearing_on: Mapped[date | None]
    hearing_time: Mapped[str | None]
    hearing_place: Mapped[str | None]
    contact_office: Mapped[str]
    documents: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sa.text("'{}'"))
    commenters: Mapped[str] = mapped_column(server_default="account", default="account")
    show_comments: Mapped[bool] = mapped_column(server_default=sa.text("true"), default=True)
    state: Mapped[str] = mapped_column(server_default="draft", default="draft")
    published_on: Mapped[date | None]
    reason: Mapped[str | None]
    geom: Mapped[base.AnyGeometry | None]


class NoticeComment(base.Coded, base.Base):
    """What somebody said of a notice, without who it was.

    Attributes:
        authored: How they showed who they are.
        receipt_sha256: Of the code by which they find the reply.
        is_shown: It was reviewed, and may be shown to everybody.
    """

    __tablename__ = "notice_comment"
    __table_args__ = (
        base.one_of("authored", vocabulary.codes(vocabulary.COMMENTERS)),
        base.one_of("adoption", vocabulary.codes(vocabulary.ADOPTIONS)),
        sa.CheckConstraint(
            "num_nonnulls(reply, adoption, reason, replied_at, replied_by) IN (0, 5)",
            name="replied",
        ),
        sa.UniqueConstraint("code"),
        sa.UniqueConstraint("receipt_sha256"),
        sa.Index("ix_notice_comment_notice_id", "notice_id", "id"),
    )

    notice_id: Mapped[int] = mapped_column(sa.ForeignKey("notice.id"))
    text: Mapped[str]
    geom: Mapped[base.Point | None]
    authored: Mapped[str]
    receipt_sha256: Mapped[str]
    created_at: Mapped[base.CreatedAt]
    topic: Mapped[str | None]
    is_shown: Mapped[bool] = mapped_column(server_default=sa.text("false"), default=False)
    adoption: Mapped[str | None]
    reason: Mapped[str | None]
    reply: Mapped[str | None]
    replied_at: Mapped[base.Moment | None]
    replied_by: Mapped[str | None]


class NoticeSummary(base.Base):
    """The report on the comments of a notice; it never changes."""

    __tablename__ = "notice_summary"

    notice_id: Mapped[int] = mapped_column(
        sa.ForeignKey("notice.id"), primary_key=True, autoincrement=False
    )
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sha256: Mapped[str]
    frozen_at: Mapped[base.CreatedAt]
    frozen_by: Mapped[str]


class Complaint(base.Coded, base.Base):
    """What somebody reported of a place, without who it was; its case says what is done.

    Attributes:
        receipt_sha256: Of the code by which they find the answer.
        answer: What they were told when the case was closed.
    """

    __tablename__ = "complaint"
    __table_args__ = (
        sa.CheckConstraint("num_nonnulls(answer, answered_at) IN (0, 2)", name="answered"),
        sa.CheckConstraint("photos >= 0", name="photos"),
        sa.UniqueConstraint("code"),
        sa.UniqueConstraint("case_id"),
        sa.UniqueConstraint("receipt_sha256"),
    )

    case_id: Mapped[int] = mapped_column(sa.ForeignKey("lead_case.id"))
    text: Mapped[str]
    receipt_sha256: Mapped[str]
    photos: Mapped[int] = mapped_column(server_default=sa.text("0"), default=0)
    created_at: Mapped[base.CreatedAt]
    answer: Mapped[str | None]
    answered_at: Mapped[base.Moment | None]


class ContactDetail(base.Base):
    """Who took part and how they are reached: personal data, deleted on the day or on request.

    It has no history, and nothing else reads it than the route that those who answer ask.
    """

    __tablename__ = "contact_detail"
    __table_args__ = (
        sa.CheckConstraint("num_nonnulls(comment_id, complaint_id) = 1", name="subject"),
        sa.UniqueConstraint("comment_id"),
        sa.UniqueConstraint("complaint_id"),
        sa.Index("ix_contact_detail_delete_on", "delete_on"),
    )

    id: Mapped[base.BigId]
    comment_id: Mapped[int | None] = mapped_column(sa.ForeignKey("notice_comment.id"))
    complaint_id: Mapped[int | None] = mapped_column(sa.ForeignKey("complaint.id"))
    name: Mapped[str | None]
    contact: Mapped[str | None]
    address: Mapped[str | None]
    account: Mapped[str | None]
    delete_on: Mapped[date]


class SpentChallenge(base.Base):
    """A proof of work that was used; none is used twice."""

    __tablename__ = "spent_challenge"
    __table_args__ = (sa.Index("ix_spent_challenge_expires_at", "expires_at"),)

    sha256: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[base.Moment]
