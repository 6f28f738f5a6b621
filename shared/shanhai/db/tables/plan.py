"""Plans and policies."""

from sqlalchemy import CheckConstraint, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import Base, BigId, Bounded, Versioned, in_order, live_code, one_of
from shanhai.vocabulary import PLAN_STATUSES, codes


class Plan(Versioned, Bounded, Base):
    """A plan; its years are inclusive, the last None while it is in force without end.

    `version` is the number its issuer gives an edition; former states of the row are history. An
    edition names the plan it takes the place of once it is approved.
    """

    __tablename__ = "plan"
    __table_args__ = (
        one_of("status", codes(PLAN_STATUSES)),
        CheckConstraint("last_year >= first_year", name="years"),
        in_order(),
        live_code("plan"),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]
    level: Mapped[str]
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    upper_plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"), index=True)
    first_year: Mapped[int]
    last_year: Mapped[int | None]
    base_year: Mapped[int | None]
    status: Mapped[str] = mapped_column(server_default="draft")
    version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    supersedes_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"), index=True)
