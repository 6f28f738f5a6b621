"""Regions, the zones and schemes that divide them, corridors with their nodes, patterns."""

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    Double,
    ForeignKey,
    Index,
    Numeric,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import (
    STORAGE_SRID,
    AnyGeometry,
    Area,
    Base,
    BigId,
    Bounded,
    Copied,
    CreatedAt,
    Dated,
    Length,
    MultiPolygon,
    Versioned,
    computed_has_job,
    in_order,
    live_code,
    one_of,
    shapeless,
    spatial,
    valid_shape,
)
from shanhai.vocabulary import (
    CERTAINTIES,
    CORRIDOR_CLASSES,
    CORRIDOR_TYPES,
    NODE_KINDS,
    OBJECT_STATUSES,
    ORIGINS,
    REGION_LEVELS,
    SCHEME_STATUSES,
    codes,
)


class Region(Versioned, Bounded, Base):
    """A unit or free region; `metric_srid` is its 3-degree Gauss-Krüger zone.

    `member_ids` are the regions that work together in a cooperation region.
    """

    __tablename__ = "region"
    __table_args__ = (
        one_of("level", codes(REGION_LEVELS)),
        valid_shape(),
        in_order(),
        live_code("region"),
        spatial("region"),
        shapeless("region"),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    level: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    member_ids: Mapped[list[int]] = mapped_column(
        ARRAY(BigInteger), server_default=text("'{}'"), info={"refers_to": "region"}
    )
    metric_srid: Mapped[int | None]
    geom: Mapped[MultiPolygon | None]
    area_m2: Mapped[Area]
    valid_from: Mapped[date] = mapped_column(server_default=text("'1900-01-01'"))


class ZoneScheme(Copied, Versioned, Bounded, Base):
    """One version of a zoning; at any date one is published per region and kind."""

    __tablename__ = "zone_scheme"
    __table_args__ = (
        UniqueConstraint("code", "version"),
        one_of("origin", codes(ORIGINS)),
        one_of("status", codes(SCHEME_STATUSES)),
        computed_has_job(),
        in_order(),
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
    gap_reason: Mapped[str | None]


class SchemeClass(Versioned, Dated, Base):
    """A class of one kind of scheme, with its requirement.

    `code` is `{scheme_kind}.{class_code}`, unique over all kinds; maps and files of one kind speak
    of `class_code`.
    """

    __tablename__ = "zone_class"
    __table_args__ = (
        live_code("zone_class"),
        in_order(),
        Index(
            "uq_zone_class_kind_class_live",
            "scheme_kind",
            "class_code",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    scheme_kind: Mapped[str]
    class_code: Mapped[str]
    order_no: Mapped[int]
    group_code: Mapped[str | None]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    color: Mapped[str | None]
    requirement_zh: Mapped[str | None]
    requirement_en: Mapped[str | None]
    text_official: Mapped[str | None]
    traits_zh: Mapped[str | None]
    traits_en: Mapped[str | None]
    relation: Mapped[str | None]
    restoration_modes: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))


class Zone(Copied, Versioned, Bounded, Base):
    """The polygon of one class in one scheme; null where no source draws it."""

    __tablename__ = "zone"
    __table_args__ = (
        live_code("zone", "scheme_id"),
        valid_shape(),
        in_order(),
        spatial("zone"),
        shapeless("zone"),
        Index("ix_zone_code", "code"),
    )

    id: Mapped[BigId]
    scheme_id: Mapped[int] = mapped_column(ForeignKey("zone_scheme.id"), index=True)
    class_id: Mapped[int] = mapped_column(ForeignKey("zone_class.id"), index=True)
    code: Mapped[str]
    name_zh: Mapped[str | None]
    name_en: Mapped[str | None]
    functions: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    problems: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    geom: Mapped[MultiPolygon | None]
    area_m2: Mapped[Area]


class ZoneTown(Base):
    """A town a zone touches; the share of the town is null where no source tells it."""

    __tablename__ = "zone_town"
    __table_args__ = (CheckConstraint("share BETWEEN 0 AND 1", name="share"),)

    zone_id: Mapped[int] = mapped_column(ForeignKey("zone.id"), primary_key=True)
    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"), primary_key=True, index=True)
    share: Mapped[Decimal | None] = mapped_column(Numeric)


class ZoneAdjustment(Base):
    """An area of a computed scheme that someone moved from one class to another by hand."""

    __tablename__ = "zone_adjustment"
    __table_args__ = (
        UniqueConstraint("scheme_id", "seq"),
        valid_shape(),
        spatial("zone_adjustment"),
    )

    id: Mapped[BigId]
    scheme_id: Mapped[int] = mapped_column(ForeignKey("zone_scheme.id"))
    seq: Mapped[int]
    from_class_id: Mapped[int | None] = mapped_column(ForeignKey("zone_class.id"))
    to_class_id: Mapped[int] = mapped_column(ForeignKey("zone_class.id"))
    note: Mapped[str]
    actor: Mapped[str]
    at: Mapped[CreatedAt]
    geom: Mapped[MultiPolygon | None]
    area_m2: Mapped[Area]


class Corridor(Copied, Versioned, Dated, Base):
    """A corridor: its line, null until somebody draws it, and the strip it takes, if known."""

    __tablename__ = "corridor"
    __table_args__ = (
        one_of("type", codes(CORRIDOR_TYPES)),
        one_of("class_code", codes(CORRIDOR_CLASSES)),
        one_of("status", codes(OBJECT_STATUSES)),
        one_of("origin", codes(ORIGINS)),
        CheckConstraint("width_m > 0", name="width_m"),
        computed_has_job(),
        valid_shape(),
        valid_shape("footprint"),
        in_order(),
        live_code("corridor"),
        spatial("corridor"),
        shapeless("corridor"),
        spatial("corridor", "footprint"),
        Index("ix_corridor_region_id_type", "region_id", "type"),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"))
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"), index=True)
    pattern_id: Mapped[int | None] = mapped_column(ForeignKey("pattern.id"), index=True)
    order_no: Mapped[int | None]
    type: Mapped[str]
    class_code: Mapped[str | None]
    width_m: Mapped[float | None] = mapped_column(Double)
    connects: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    origin: Mapped[str] = mapped_column(server_default="drawn")
    job_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("job.id"), index=True)
    status: Mapped[str] = mapped_column(server_default="draft")
    geom: Mapped[Any | None] = mapped_column(
        Geometry("MULTILINESTRING", srid=STORAGE_SRID, spatial_index=False)
    )
    length_m: Mapped[Length]
    footprint: Mapped[MultiPolygon | None]


class CorridorNode(Copied, Versioned, Dated, Base):
    """A source, stepping stone, pinch point or barrier; in no corridor, one or several.

    Its shape is a point on it; its outline, if known, is its footprint.
    """

    __tablename__ = "corridor_node"
    __table_args__ = (
        one_of("kind", codes(NODE_KINDS)),
        one_of("status", codes(OBJECT_STATUSES)),
        one_of("origin", codes(ORIGINS)),
        computed_has_job(),
        valid_shape(),
        valid_shape("footprint"),
        in_order(),
        live_code("corridor_node"),
        spatial("corridor_node"),
        spatial("corridor_node", "footprint"),
        shapeless("corridor_node"),
        Index("ix_corridor_node_region_id_kind", "region_id", "kind"),
        Index("ix_corridor_node_corridor_ids", "corridor_ids", postgresql_using="gin"),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    name_zh: Mapped[str | None]
    name_en: Mapped[str | None]
    kind: Mapped[str]
    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"))
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"), index=True)
    corridor_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'"))
    score: Mapped[float | None] = mapped_column(Double)
    origin: Mapped[str] = mapped_column(server_default="drawn")
    job_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("job.id"), index=True)
    status: Mapped[str] = mapped_column(server_default="draft")
    geom: Mapped[Any | None] = mapped_column(
        Geometry("POINT", srid=STORAGE_SRID, spatial_index=False)
    )
    footprint: Mapped[MultiPolygon | None]
    area_m2: Mapped[float | None] = mapped_column(
        Double, Computed("ST_Area(footprint::geography)", persisted=True)
    )


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
