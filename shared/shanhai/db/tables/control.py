"""Control lines, and what may be done where."""

import uuid
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, text
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
    computed_has_job,
    in_order,
    live_code,
    one_of,
    shapeless,
    spatial,
    valid_shape,
)
from shanhai.vocabulary import (
    CONTROL_KINDS,
    CONTROL_LEVELS,
    CONTROL_STATUSES,
    DECISIONS,
    ORIGINS,
    RULE_SCOPES,
    codes,
)


class ControlArea(Copied, Versioned, Dated, Base):
    """A line or a protected or sensitive area; null geometry where only its size is printed.

    `delimitation` names the drawing a line belongs to: sizes compare within one only.
    """

    __tablename__ = "control_area"
    __table_args__ = (
        one_of("kind", codes(CONTROL_KINDS)),
        one_of("level", codes(CONTROL_LEVELS)),
        one_of("status", codes(CONTROL_STATUSES)),
        one_of("origin", codes(ORIGINS)),
        computed_has_job(),
        CheckConstraint("approved_area_km2 >= 0", name="approved_area_km2"),
        valid_shape(),
        in_order(),
        live_code("control_area"),
        spatial("control_area"),
        shapeless("control_area"),
        Index(
            "ix_control_area_kind",
            "region_id",
            "kind",
            "valid_from",
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            "ix_control_area_stated",
            "region_id",
            "kind",
            postgresql_where=text(
                "deleted_at IS NULL AND (approved_area_km2 IS NOT NULL OR geom IS NULL)"
            ),
        ),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]
    class_code: Mapped[str | None]
    level: Mapped[str | None]
    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"))
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"), index=True)
    legal_basis: Mapped[str | None]
    delimitation: Mapped[str | None]
    approved_area_km2: Mapped[Decimal | None] = mapped_column(Numeric)
    status: Mapped[str] = mapped_column(server_default="draft")
    is_public: Mapped[bool] = mapped_column(server_default=text("true"), default=True)
    origin: Mapped[str] = mapped_column(server_default="drawn")
    job_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("job.id"), index=True)
    geom: Mapped[AnyGeometry | None]
    area_m2: Mapped[Area]
    length_m: Mapped[Length]


class ControlRule(Copied, Versioned, Dated, Base):
    """What is decided about an activity in a kind of control area or a class of zone.

    `subject` is the kind of control area or the code of the zone class, by `scope`; null holds for
    all of them. Without region it holds in every one.
    """

    __tablename__ = "control_rule"
    __table_args__ = (
        one_of("scope", codes(RULE_SCOPES)),
        one_of("decision", codes(DECISIONS)),
        in_order(),
        live_code("control_rule"),
        Index("ix_control_rule_subject", "scope", "subject"),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    scope: Mapped[str]
    subject: Mapped[str | None]
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"), index=True)
    activity: Mapped[str]
    activity_zh: Mapped[str | None]
    activity_en: Mapped[str | None]
    decision: Mapped[str]
    conditions: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    legal_basis: Mapped[str | None]
    text_zh: Mapped[str | None]
    text_en: Mapped[str | None]
    text_official: Mapped[str | None]
