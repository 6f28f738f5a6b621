"""Diagnosed problems and risks."""

from decimal import Decimal

from sqlalchemy import ForeignKey, Index, Numeric, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import (
    AnyGeometry,
    Area,
    Base,
    BigId,
    Copied,
    Dated,
    Versioned,
    in_order,
    live_code,
    one_of,
    shapeless,
    spatial,
    valid_shape,
)
from shanhai.vocabulary import PROBLEM_LEVELS, PROBLEM_STATUSES, SEVERITIES, codes


class Problem(Copied, Versioned, Dated, Base):
    """A problem: its quantity as printed or measured, null where no source tells it."""

    __tablename__ = "problem"
    __table_args__ = (
        one_of("level", codes(PROBLEM_LEVELS)),
        one_of("severity", codes(SEVERITIES)),
        one_of("status", codes(PROBLEM_STATUSES)),
        valid_shape(),
        in_order(),
        live_code("problem"),
        spatial("problem"),
        shapeless("problem"),
        Index("ix_problem_region_id_type", "region_id", "type"),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    type: Mapped[str]
    element: Mapped[str | None]
    level: Mapped[str | None]
    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"))
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"), index=True)
    quantity: Mapped[Decimal | None] = mapped_column(Numeric)
    unit: Mapped[str | None]
    severity: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="open")
    cause: Mapped[str | None]
    places: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    geom: Mapped[AnyGeometry | None]
    area_m2: Mapped[Area]
