"""Administrative units, basins, bays, islands and demonstration areas: a tree."""

from datetime import date

from sqlalchemy import (
    CheckConstraint,
    Computed,
    Double,
    ForeignKey,
    Index,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import Base, BigId, MultiPolygon, Versioned
from shanhai.vocabulary import REGION_LEVELS


class Region(Versioned, Base):
    """A unit or free region; `metric_srid` is its 3-degree Gauss-Krüger zone."""

    __tablename__ = "region"
    __table_args__ = (
        CheckConstraint(f"level IN {REGION_LEVELS}", name="level"),
        CheckConstraint("geom IS NULL OR ST_IsValid(geom)", name="geom_valid"),
        CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="period"),
        Index(
            "uq_region_code_live",
            "code",
            "valid_from",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_region_geom", "geom", postgresql_using="gist"),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    level: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    metric_srid: Mapped[int | None]
    geom: Mapped[MultiPolygon | None]
    area_m2: Mapped[float | None] = mapped_column(
        Double, Computed("ST_Area(geom::geography)", persisted=True)
    )
    valid_from: Mapped[date] = mapped_column(server_default=text("'1900-01-01'"))
    valid_to: Mapped[date | None]
