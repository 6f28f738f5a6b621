"""Where the money comes from, what it may be spent on, and what was."""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import (
    Base,
    BigId,
    CreatedAt,
    Dated,
    Versioned,
    in_order,
    live_code,
    one_of,
)
from shanhai.vocabulary import FUND_ENTRY_KINDS, FUND_KINDS, codes


class FundSource(Versioned, Dated, Base):
    """Money of a year; null `allowed_measures` allows any."""

    __tablename__ = "fund_source"
    __table_args__ = (
        one_of("kind", codes(FUND_KINDS)),
        CheckConstraint("amount >= 0", name="amount"),
        in_order(),
        live_code("fund_source"),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    year: Mapped[int | None]
    amount: Mapped[Decimal] = mapped_column(Numeric(16, 2))
    allowed_measures: Mapped[list[str] | None] = mapped_column(ARRAY(TEXT))


class FundEntry(Base):
    """An allocation of a source to a project, a payment out of it, or what is given back of it."""

    __tablename__ = "fund_entry"
    __table_args__ = (
        one_of("kind", FUND_ENTRY_KINDS),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("kind <> 'payment' OR paid_on IS NOT NULL", name="paid_on"),
        Index("ix_fund_entry_project_id_kind", "project_id", "kind"),
        Index("ix_fund_entry_source_id_kind", "source_id", "kind"),
    )

    id: Mapped[BigId]
    source_id: Mapped[int] = mapped_column(ForeignKey("fund_source.id"))
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    kind: Mapped[str]
    amount: Mapped[Decimal] = mapped_column(Numeric(16, 2))
    measure: Mapped[str | None]
    paid_on: Mapped[date | None]
    note: Mapped[str | None]
    actor: Mapped[str]
    created_at: Mapped[CreatedAt] = mapped_column(server_default=text("now()"))
