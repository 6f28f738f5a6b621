"""Duties of plans and documents: who must do what by when, and what the years' reviews found."""

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db import base
from shanhai.db.tables.provision import Party
from shanhai.vocabulary import DUTY_PARTS, DUTY_REVIEW_STATES, DUTY_STATES, DUTY_VERDICTS, codes

PARTS = codes(DUTY_PARTS)


def _parties() -> Any:
    return mapped_column(
        ARRAY(sa.BigInteger), server_default=sa.text("'{}'"), info={"refers_to": "party"}
    )


class Duty(base.Coded, base.Copied, base.Versioned, base.Dated, base.Base):
    """What an article of a plan or document makes parties do; codes are unique within the plan.

    Attributes:
        article: The article as the document counts it; its official heading is a provision.
        first_year: First year of the period it is due in; `last_year` the last one.
        due_on: The last day; without one, the last day of `last_year` where that is known.
        success_zh: By what it is known to be done.
        named_ids: Parties that the document names without saying their part.
        reason: Why it was dropped, or is late.
    """

    __tablename__ = "duty"
    __table_args__ = (
        base.one_of("state", codes(DUTY_STATES)),
        sa.CheckConstraint("last_year >= first_year", name="years"),
        sa.CheckConstraint("state <> 'dropped' OR btrim(reason) <> ''", name="reason"),
        base.in_order(),
        base.live_code("duty", "plan_id"),
        sa.Index("ix_duty_due_on", "due_on", postgresql_where=sa.text("deleted_at IS NULL")),
    )

    plan_id: Mapped[int] = mapped_column(sa.ForeignKey("plan.id"), index=True)
    order_no: Mapped[int] = mapped_column(server_default=sa.text("1"), default=1)
    article: Mapped[str | None]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    text_zh: Mapped[str | None]
    text_en: Mapped[str | None]
    success_zh: Mapped[str | None]
    success_en: Mapped[str | None]
    first_year: Mapped[int | None]
    last_year: Mapped[int | None]
    due_on: Mapped[date | None]
    state: Mapped[str] = mapped_column(server_default="open", default="open")
    reason: Mapped[str | None]
    lead_ids: Mapped[list[int]] = _parties()
    cooperating_ids: Mapped[list[int]] = _parties()
    supervising_ids: Mapped[list[int]] = _parties()
    named_ids: Mapped[list[int]] = _parties()


# Lists of numbers are no foreign keys: whoever writes tables in order writes parties first.
base.Base.metadata.tables[Duty.__tablename__].add_is_dependent_on(
    base.Base.metadata.tables[Party.__tablename__]
)


class DutyReview(base.Base):
    """The review of a plan's duties in a year; once frozen, its content never changes."""

    __tablename__ = "duty_review"
    __table_args__ = (
        base.one_of("state", codes(DUTY_REVIEW_STATES)),
        sa.UniqueConstraint("plan_id", "year"),
        sa.CheckConstraint(
            "num_nonnulls(content, sha256, frozen_at, frozen_by)"
            " = CASE state WHEN 'frozen' THEN 4 ELSE 0 END",
            name="frozen",
        ),
    )

    id: Mapped[base.BigId]
    plan_id: Mapped[int] = mapped_column(sa.ForeignKey("plan.id"))
    year: Mapped[int]
    reports_due_on: Mapped[date]
    state: Mapped[str] = mapped_column(server_default="open", default="open")
    opened_at: Mapped[base.CreatedAt]
    opened_by: Mapped[str]
    content: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    sha256: Mapped[str | None]
    frozen_at: Mapped[base.Moment | None]
    frozen_by: Mapped[str | None]


class DutyReport(base.Base):
    """What a party reported of a duty in a review, and how that was judged."""

    __tablename__ = "duty_report"
    __table_args__ = (
        base.one_of("verdict", codes(DUTY_VERDICTS)),
        sa.UniqueConstraint("review_id", "duty_id", "party_id"),
        sa.CheckConstraint("num_nonnulls(verdict, judged_at, judged_by) IN (0, 3)", name="judged"),
        sa.Index("ix_duty_report_duty_id", "duty_id"),
        sa.Index("ix_duty_report_party_id", "party_id"),
    )

    id: Mapped[base.BigId]
    review_id: Mapped[int] = mapped_column(sa.ForeignKey("duty_review.id"))
    duty_id: Mapped[int] = mapped_column(sa.ForeignKey("duty.id"))
    party_id: Mapped[int] = mapped_column(sa.ForeignKey("party.id"))
    text: Mapped[str]
    figures: Mapped[list[Any]] = mapped_column(JSONB, server_default=sa.text("'[]'::jsonb"))
    evidence: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sa.text("'{}'"))
    reported_at: Mapped[base.CreatedAt]
    reported_by: Mapped[str]
    verdict: Mapped[str | None]
    judgement: Mapped[str | None]
    judged_at: Mapped[base.Moment | None]
    judged_by: Mapped[str | None]
