"""Regions, the zones and schemes that divide them, corridors with their nodes, patterns."""

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shanhai import vocabulary
from shanhai.db import base


class Region(base.Labelled, base.Versioned, base.Bounded, base.Base):
    """A unit or free region; `metric_srid` is its 3-degree Gauss-Krüger zone.

    `member_ids` are the regions that work together in a cooperation region.
    """

    __tablename__ = "region"
    __table_args__ = (
        base.one_of("level", vocabulary.codes(vocabulary.REGION_LEVELS)),
        *base.drawn("region"),
        base.in_order(),
        base.live_code("region"),
    )

    level: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("region.id"), index=True)
    member_ids: Mapped[list[int]] = mapped_column(
        ARRAY(sa.BigInteger), server_default=sa.text("'{}'"), info={"refers_to": "region"}
    )
    metric_srid: Mapped[int | None]
    geom: Mapped[base.MultiPolygon | None]
    area_m2: Mapped[base.Area]
    valid_from: Mapped[date] = mapped_column(server_default=sa.text("'1900-01-01'"))


class ZoneScheme(base.Labelled, base.Copied, base.Versioned, base.Bounded, base.Base):
    """One version of a zoning; at any date one is published per region and kind."""

    __tablename__ = "zone_scheme"
    __table_args__ = (
        sa.UniqueConstraint("code", "version"),
        base.one_of("origin", vocabulary.codes(vocabulary.ORIGINS)),
        base.one_of("status", vocabulary.codes(vocabulary.SCHEME_STATUSES)),
        base.computed_has_job(),
        base.in_order(),
        sa.CheckConstraint(
            "status <> 'published' OR valid_from IS NOT NULL", name="published_from"
        ),
        ExcludeConstraint(
            ("region_id", "="),
            ("kind", "="),
            (sa.text("daterange(valid_from, valid_to)"), "&&"),
            using="gist",
            where=sa.text("status IN ('published', 'superseded') AND deleted_at IS NULL"),
            name="ex_zone_scheme_one_published",
        ),
    )

    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"), index=True)
    plan_id: Mapped[int | None] = mapped_column(sa.ForeignKey("plan.id"), index=True)
    kind: Mapped[str]
    origin: Mapped[str]
    job_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("job.id"), index=True)
    status: Mapped[str] = mapped_column(server_default="draft")
    version: Mapped[int] = mapped_column(server_default=sa.text("1"), default=1)
    supersedes_id: Mapped[int | None] = mapped_column(sa.ForeignKey("zone_scheme.id"))
    gap_reason: Mapped[str | None]


class SchemeClass(base.Coded, base.Versioned, base.Dated, base.Base):
    """A class of one kind of scheme, with its requirement.

    `code` is `{scheme_kind}.{class_code}`, unique over all kinds; maps and files of one kind speak
    of `class_code`.
    """

    __tablename__ = "zone_class"
    __table_args__ = (
        base.live_code("zone_class"),
        base.in_order(),
        sa.Index(
            "uq_zone_class_kind_class_live",
            "scheme_kind",
            "class_code",
            unique=True,
            postgresql_where=sa.text("deleted_at IS NULL"),
        ),
    )

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
    restoration_modes: Mapped[list[str]] = mapped_column(
        ARRAY(TEXT), server_default=sa.text("'{}'")
    )


class Zone(base.Copied, base.Versioned, base.Bounded, base.Base):
    """The polygon of one class in one scheme; null where no source draws it."""

    __tablename__ = "zone"
    __table_args__ = (
        base.live_code("zone", "scheme_id"),
        *base.drawn("zone"),
        base.in_order(),
        sa.Index("ix_zone_code", "code"),
    )

    id: Mapped[base.BigId]
    scheme_id: Mapped[int] = mapped_column(sa.ForeignKey("zone_scheme.id"), index=True)
    class_id: Mapped[int] = mapped_column(sa.ForeignKey("zone_class.id"), index=True)
    code: Mapped[str]
    name_zh: Mapped[str | None]
    name_en: Mapped[str | None]
    functions: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sa.text("'{}'"))
    problems: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sa.text("'{}'"))
    geom: Mapped[base.MultiPolygon | None]
    area_m2: Mapped[base.Area]


class ZoneTown(base.Base):
    """A town a zone touches; the share of the town is null where no source tells it."""

    __tablename__ = "zone_town"
    __table_args__ = (sa.CheckConstraint("share BETWEEN 0 AND 1", name="share"),)

    zone_id: Mapped[int] = mapped_column(sa.ForeignKey("zone.id"), primary_key=True)
    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"), primary_key=True, index=True)
    share: Mapped[Decimal | None] = mapped_column(sa.Numeric)


class ZoneAdjustment(base.Base):
    """An area of a computed scheme that someone moved from one class to another by hand."""

    __tablename__ = "zone_adjustment"
    __table_args__ = (
        sa.UniqueConstraint("scheme_id", "seq"),
        base.valid_shape(),
        base.spatial("zone_adjustment"),
    )

    id: Mapped[base.BigId]
    scheme_id: Mapped[int] = mapped_column(sa.ForeignKey("zone_scheme.id"))
    seq: Mapped[int]
    from_class_id: Mapped[int | None] = mapped_column(sa.ForeignKey("zone_class.id"))
    to_class_id: Mapped[int] = mapped_column(sa.ForeignKey("zone_class.id"))
    note: Mapped[str]
    actor: Mapped[str]
    at: Mapped[base.CreatedAt]
    geom: Mapped[base.MultiPolygon | None]
    area_m2: Mapped[base.Area]


class Corridor(base.Labelled, base.Copied, base.Versioned, base.Dated, base.Base):
    """A corridor: its line, null until somebody draws it, and the strip it takes, if known."""

    __tablename__ = "corridor"
    __table_args__ = (
        base.one_of("type", vocabulary.codes(vocabulary.CORRIDOR_TYPES)),
        base.one_of("class_code", vocabulary.codes(vocabulary.CORRIDOR_CLASSES)),
        base.one_of("status", vocabulary.codes(vocabulary.OBJECT_STATUSES)),
        base.one_of("origin", vocabulary.codes(vocabulary.ORIGINS)),
        sa.CheckConstraint("width_m > 0", name="width_m"),
        base.computed_has_job(),
        *base.drawn("corridor"),
        base.valid_shape("footprint"),
        base.in_order(),
        base.live_code("corridor"),
        base.spatial("corridor", "footprint"),
        sa.Index("ix_corridor_region_id_type", "region_id", "type"),
    )

    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"))
    plan_id: Mapped[int | None] = mapped_column(sa.ForeignKey("plan.id"), index=True)
    pattern_id: Mapped[int | None] = mapped_column(sa.ForeignKey("pattern.id"), index=True)
    order_no: Mapped[int | None]
    type: Mapped[str]
    class_code: Mapped[str | None]
    width_m: Mapped[float | None] = mapped_column(sa.Double)
    connects: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sa.text("'{}'"))
    origin: Mapped[str] = mapped_column(server_default="drawn")
    job_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("job.id"), index=True)
    status: Mapped[str] = mapped_column(server_default="draft")
    geom: Mapped[Any | None] = mapped_column(
        Geometry("MULTILINESTRING", srid=base.STORAGE_SRID, spatial_index=False)
    )
    length_m: Mapped[base.Length]
    footprint: Mapped[base.MultiPolygon | None]


class CorridorNode(base.Coded, base.Copied, base.Versioned, base.Dated, base.Base):
    """A source, stepping stone, pinch point or barrier; in no corridor, one or several.

    Its shape is a point on it; its outline, if known, is its footprint.
    """

    __tablename__ = "corridor_node"
    __table_args__ = (
        base.one_of("kind", vocabulary.codes(vocabulary.NODE_KINDS)),
        base.one_of("status", vocabulary.codes(vocabulary.OBJECT_STATUSES)),
        base.one_of("origin", vocabulary.codes(vocabulary.ORIGINS)),
        base.computed_has_job(),
        *base.drawn("corridor_node"),
        base.valid_shape("footprint"),
        base.in_order(),
        base.live_code("corridor_node"),
        base.spatial("corridor_node", "footprint"),
        sa.Index("ix_corridor_node_region_id_kind", "region_id", "kind"),
        sa.Index("ix_corridor_node_corridor_ids", "corridor_ids", postgresql_using="gin"),
    )

    name_zh: Mapped[str | None]
    name_en: Mapped[str | None]
    kind: Mapped[str]
    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"))
    plan_id: Mapped[int | None] = mapped_column(sa.ForeignKey("plan.id"), index=True)
    corridor_ids: Mapped[list[int]] = mapped_column(
        ARRAY(sa.BigInteger), server_default=sa.text("'{}'")
    )
    score: Mapped[float | None] = mapped_column(sa.Double)
    origin: Mapped[str] = mapped_column(server_default="drawn")
    job_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("job.id"), index=True)
    status: Mapped[str] = mapped_column(server_default="draft")
    geom: Mapped[base.Point | None]
    footprint: Mapped[base.MultiPolygon | None]
    area_m2: Mapped[float | None] = mapped_column(
        sa.Double, sa.Computed("ST_Area(footprint::geography)", persisted=True)
    )


class Pattern(base.Labelled, base.Copied, base.Versioned, base.Dated, base.Base):
    """One pattern of a region, such as one screen, one bay, ten corridors."""

    __tablename__ = "pattern"
    __table_args__ = (
        base.one_of("status", vocabulary.codes(vocabulary.OBJECT_STATUSES)),
        base.in_order(),
        base.live_code("pattern"),
    )

    level: Mapped[str | None]
    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"), index=True)
    plan_id: Mapped[int | None] = mapped_column(sa.ForeignKey("plan.id"), index=True)
    version: Mapped[int] = mapped_column(server_default=sa.text("1"), default=1)
    status: Mapped[str] = mapped_column(server_default="draft")


class PatternComponent(base.Labelled, base.Copied, base.Versioned, base.Dated, base.Base):
    """A part of a pattern, perhaps below another; `certainty` says whether the source states it."""

    __tablename__ = "pattern_component"
    __table_args__ = (
        base.one_of("certainty", vocabulary.codes(vocabulary.CERTAINTIES)),
        *base.drawn("pattern_component"),
        base.in_order(),
        base.live_code("pattern_component"),
        sa.Index("ix_pattern_component_order", "pattern_id", "order_no"),
    )

    pattern_id: Mapped[int] = mapped_column(sa.ForeignKey("pattern.id"))
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("pattern_component.id"), index=True)
    type: Mapped[str]
    order_no: Mapped[int] = mapped_column(server_default=sa.text("1"), default=1)
    certainty: Mapped[str] = mapped_column(server_default="stated")
    label_zh: Mapped[str | None]
    label_en: Mapped[str | None]
    covers: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sa.text("'{}'"))
    geom: Mapped[base.AnyGeometry | None]
    area_m2: Mapped[base.Area]
    length_m: Mapped[base.Length]


class Island(base.Labelled, base.Versioned, base.Dated, base.Base):
    """An island in the sea or in a river, and what it may be used for.

    Attributes:
        allowed_uses: Codes of activities that its protection plan allows; a class that protects
            it refuses the others.
    """

    __tablename__ = "island"
    __table_args__ = (
        base.one_of("waters", vocabulary.codes(vocabulary.ISLAND_WATERS)),
        base.one_of("class_code", vocabulary.codes(vocabulary.ISLAND_CLASSES)),
        *base.drawn("island"),
        base.in_order(),
        base.live_code("island"),
    )

    waters: Mapped[str]
    class_code: Mapped[str | None]
    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"), index=True)
    feature_id: Mapped[int | None] = mapped_column(sa.ForeignKey("named_feature.id"), index=True)
    problem_id: Mapped[int | None] = mapped_column(sa.ForeignKey("problem.id"), index=True)
    allowed_uses: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sa.text("'{}'"))
    geom: Mapped[base.MultiPolygon | None]
    area_m2: Mapped[base.Area]


class Outfall(base.Labelled, base.Versioned, base.Dated, base.Base):
    """A place where water is let into a river or the sea, with its permit.

    Attributes:
        region_id: The basin, bay or district that receives it.
        limits: What the permit allows, by code of the observed property.
        station_id: The station its results are observed at.
    """

    __tablename__ = "outfall"
    __table_args__ = (
        base.one_of("kind", vocabulary.codes(vocabulary.OUTFALL_KINDS)),
        sa.CheckConstraint("permit_until >= permit_from", name="permit"),
        *base.drawn("outfall"),
        base.in_order(),
        base.live_code("outfall"),
    )

    kind: Mapped[str]
    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"), index=True)
    discharger_id: Mapped[int | None] = mapped_column(sa.ForeignKey("party.id"), index=True)
    station_id: Mapped[int | None] = mapped_column(sa.ForeignKey("station.id"), index=True)
    permit: Mapped[str | None]
    permit_from: Mapped[date | None]
    permit_until: Mapped[date | None]
    limits: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    geom: Mapped[base.Point | None]


class FishingHarbour(base.Labelled, base.Versioned, base.Dated, base.Base):
    """A harbour of fishing boats."""

    __tablename__ = "fishing_harbour"
    __table_args__ = (
        base.one_of("grade", vocabulary.codes(vocabulary.HARBOUR_GRADES)),
        sa.CheckConstraint("berths >= 0", name="berths"),
        *base.drawn("fishing_harbour"),
        base.in_order(),
        base.live_code("fishing_harbour"),
    )

    grade: Mapped[str | None]
    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"), index=True)
    operator_id: Mapped[int | None] = mapped_column(sa.ForeignKey("party.id"), index=True)
    berths: Mapped[int | None]
    geom: Mapped[base.AnyGeometry | None]
    area_m2: Mapped[base.Area]


class RegionLink(base.Labelled, base.Versioned, base.Dated, base.Base):
    """A place on the way of the water, and the next one below it."""

    __tablename__ = "region_link"
    __table_args__ = (
        base.one_of("kind", vocabulary.codes(vocabulary.REGION_LINK_KINDS)),
        base.in_order(),
        base.live_code("region_link"),
    )

    kind: Mapped[str]
    flows_to_id: Mapped[int | None] = mapped_column(sa.ForeignKey("region_link.id"), index=True)
    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"), index=True)
    station_id: Mapped[int | None] = mapped_column(sa.ForeignKey("station.id"), index=True)
