"""Plans and policies."""

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import INT4RANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import Base, BigId, Versioned

PLAN_STATUSES = ("draft", "submitted", "approved", "superseded", "withdrawn")


class Plan(Versioned, Base):
    """One version of a plan; `period` is half-open in years."""

    __tablename__ = "plan"
    __table_args__ = (
        UniqueConstraint("code", "version"),
        CheckConstraint(f"status IN {PLAN_STATUSES}", name="status"),
        CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="period"),
        Index(
            "uq_plan_code_live",
            "code",
            unique=True,
            postgresql_where=text("deleted_at IS NULL AND valid_to IS NULL"),
        ),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]
    level: Mapped[str]
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    upper_plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"), index=True)
    period: Mapped[Range[int]] = mapped_column(INT4RANGE)
    base_year: Mapped[int | None]
    status: Mapped[str] = mapped_column(server_default="draft")
    version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
