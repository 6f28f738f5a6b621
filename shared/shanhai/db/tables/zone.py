"""Zone schemes, the classes of each kind of scheme, and the zones themselves."""

import uuid
from datetime import date

from sqlalchemy import (
    CheckConstraint,
    Computed,
    Double,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import Attributes, Base, BigId, MultiPolygon, Versioned

ORIGINS = ("imported", "drawn", "computed")
SCHEME_STATUSES = ("draft", "review", "approved", "published", "superseded")


class ZoneScheme(Versioned, Base):
    """One version of a zoning; at any date one is published per region and kind."""

    __tablename__ = "zone_scheme"
    __table_args__ = (
        UniqueConstraint("code", "version"),
        CheckConstraint(f"origin IN {ORIGINS}", name="origin"),
        CheckConstraint(f"status IN {SCHEME_STATUSES}", name="status"),
        CheckConstraint("origin <> 'computed' OR job_id IS NOT NULL", name="computed_has_job"),
        CheckConstraint("status <> 'published' OR valid_from IS NOT NULL", name="published_from"),
        ExcludeConstraint(
            ("region_id", "="),
            ("kind", "="),
            (text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            where=text("status IN ('published', 'superseded') AND deleted_at IS NULL"),
            name="ex_zone_scheme_one_published",
        ),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"), index=True)
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"), index=True)
    kind: Mapped[str]
    origin: Mapped[str]
    job_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("job.id"), index=True)
    status: Mapped[str] = mapped_column(server_default="draft")
    version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    supersedes_id: Mapped[int | None] = mapped_column(ForeignKey("zone_scheme.id"))
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    gap_reason: Mapped[str | None]


class ZoneClass(Base):
    """A class of one kind of scheme, with its requirement."""

    __tablename__ = "zone_class"
    __table_args__ = (UniqueConstraint("scheme_kind", "code"),)

    id: Mapped[BigId]
    scheme_kind: Mapped[str]
    code: Mapped[str]
    order_no: Mapped[int]
    group_code: Mapped[str | None]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    color: Mapped[str | None]
    requirement_zh: Mapped[str | None]
    requirement_en: Mapped[str | None]


class Zone(Base):
    """The polygon of one class in one scheme."""

    __tablename__ = "zone"
    __table_args__ = (
        UniqueConstraint("scheme_id", "code"),
        CheckConstraint("geom IS NULL OR ST_IsValid(geom)", name="geom_valid"),
        Index("ix_zone_geom", "geom", postgresql_using="gist"),
    )

    id: Mapped[BigId]
    scheme_id: Mapped[int] = mapped_column(ForeignKey("zone_scheme.id"), index=True)
    class_id: Mapped[int] = mapped_column(ForeignKey("zone_class.id"))
    code: Mapped[str]
    name_zh: Mapped[str | None]
    name_en: Mapped[str | None]
    geom: Mapped[MultiPolygon | None]
    area_m2: Mapped[float | None] = mapped_column(
        Double, Computed("ST_Area(geom::geography)", persisted=True)
    )
    attrs: Mapped[Attributes]
