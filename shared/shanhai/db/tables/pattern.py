"""Patterns of protection and restoration: their screens, belts, bays, corridors and points."""

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import (
    AnyGeometry,
    Area,
    Base,
    BigId,
    Copied,
    Dated,
    Length,
    Versioned,
    in_order,
    live_code,
    one_of,
    shapeless,
    spatial,
    valid_shape,
)
from shanhai.vocabulary import CERTAINTIES, OBJECT_STATUSES, codes


class Pattern(Copied, Versioned, Dated, Base):
    """One pattern of a region, such as one screen, one bay, ten corridors."""

    __tablename__ = "pattern"
    __table_args__ = (one_of("status", codes(OBJECT_STATUSES)), in_order(), live_code("pattern"))

    id: Mapped[BigId]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    level: Mapped[str | None]
    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"), index=True)
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"), index=True)
    version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    status: Mapped[str] = mapped_column(server_default="draft")


class PatternComponent(Copied, Versioned, Dated, Base):
    """A part of a pattern, perhaps below another; `certainty` says whether the source states it."""

    __tablename__ = "pattern_component"
    __table_args__ = (
        one_of("certainty", codes(CERTAINTIES)),
        valid_shape(),
        in_order(),
        live_code("pattern_component"),
        spatial("pattern_component"),
        shapeless("pattern_component"),
        Index("ix_pattern_component_order", "pattern_id", "order_no"),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    pattern_id: Mapped[int] = mapped_column(ForeignKey("pattern.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("pattern_component.id"), index=True)
    type: Mapped[str]
    order_no: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    certainty: Mapped[str] = mapped_column(server_default="stated")
    label_zh: Mapped[str | None]
    label_en: Mapped[str | None]
    covers: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    geom: Mapped[AnyGeometry | None]
    area_m2: Mapped[Area]
    length_m: Mapped[Length]
