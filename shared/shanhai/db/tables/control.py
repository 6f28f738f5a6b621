"""Control lines, their rules and exceptions, and leads of changes inside them."""

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import (
    STORAGE_SRID,
    AnyGeometry,
    Area,
    Attributes,
    Base,
    BigId,
    Copied,
    CreatedAt,
    Dated,
    Length,
    Moment,
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
    CASE_RESULTS,
    CASE_STATES,
    CONTROL_KINDS,
    CONTROL_LEVELS,
    CONTROL_STATUSES,
    DECISIONS,
    LEAD_KINDS,
    ORIGINS,
    RULE_SCOPES,
    SEVERITIES,
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


class ComplianceException(Versioned, Dated, Base):
    """Leave given to a project or to one geometry, by its SHA-256.

    It lifts a rule, or decides about what is not known there, its gap.
    """

    __tablename__ = "compliance_exception"
    __table_args__ = (
        CheckConstraint("num_nonnulls(project_id, geometry_sha256) = 1", name="subject"),
        CheckConstraint("num_nonnulls(rule, gap) = 1", name="about"),
        in_order(),
        live_code("compliance_exception"),
        Index("ix_compliance_exception_geometry_sha256", "geometry_sha256"),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id"), index=True)
    geometry_sha256: Mapped[str | None]
    control_area_id: Mapped[int | None] = mapped_column(ForeignKey("control_area.id"), index=True)
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("control_rule.id"), index=True)
    rule: Mapped[str | None]
    gap: Mapped[str | None]
    reason: Mapped[str]
    approver: Mapped[str]
    approved_at: Mapped[CreatedAt]


class PlanCheck(Base):
    """When the figures of a plan were checked first and last; a plan without was never checked."""

    __tablename__ = "plan_check"

    plan_id: Mapped[int] = mapped_column(
        ForeignKey("plan.id"), primary_key=True, autoincrement=False
    )
    first_at: Mapped[CreatedAt]
    last_at: Mapped[CreatedAt]


class DataFinding(Base):
    """What a check found in the figures of a plan, as of its last run."""

    __tablename__ = "data_finding"
    __table_args__ = (
        UniqueConstraint("plan_id", "code"),
        one_of("severity", codes(SEVERITIES)),
    )

    id: Mapped[BigId]
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    code: Mapped[str]
    kind: Mapped[str]
    severity: Mapped[str]
    text_zh: Mapped[str]
    text_en: Mapped[str]
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB)
    attrs: Mapped[Attributes]
    found_at: Mapped[CreatedAt]
    resolved_at: Mapped[Moment | None]


class LeadCase(Base):
    """A lead that was worth a case.

    Attributes:
        external_id: What its source calls it; with the source it tells one lead from another.
        content_sha256: Of what was sent, which tells a lead sent again from another one.
        lines: The control areas it lay in when it was sensed, as they were then.
        inside_m2: Changed area inside the kind of watched line that lost most.
        region_id: The district most of it lies in; None where it lies in none.
        due_on: Day by which the next step must be taken; None when closed.
    """

    __tablename__ = "lead_case"
    __table_args__ = (
        one_of("kind", codes(LEAD_KINDS)),
        one_of("state", codes(CASE_STATES)),
        one_of("result", codes(CASE_RESULTS)),
        CheckConstraint("sensed_before < sensed_after", name="sensed"),
        CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
        UniqueConstraint("source", "external_id"),
        UniqueConstraint("code"),
        valid_shape(),
        spatial("lead_case"),
        Index("ix_lead_case_region_id_state", "region_id", "state"),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    source: Mapped[str]
    external_id: Mapped[str]
    content_sha256: Mapped[str]
    kind: Mapped[str]
    sensed_before: Mapped[date]
    sensed_after: Mapped[date]
    confidence: Mapped[float | None]
    geom: Mapped[Any] = mapped_column(
        Geometry("MULTIPOLYGON", srid=STORAGE_SRID, spatial_index=False), nullable=False
    )
    area_m2: Mapped[Area]
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    inside_m2: Mapped[float]
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"))
    state: Mapped[str] = mapped_column(server_default="new", default="new")
    result: Mapped[str | None]
    assignee: Mapped[str | None]
    due_on: Mapped[date | None]
    row_version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    closed_at: Mapped[Moment | None]


class CaseEvent(Base):
    """A step of a case, its opening included; append-only."""

    __tablename__ = "case_event"
    __table_args__ = (
        UniqueConstraint("case_id", "seq"),
        one_of("from_state", codes(CASE_STATES)),
        one_of("to_state", codes(CASE_STATES)),
        one_of("result", codes(CASE_RESULTS)),
    )

    id: Mapped[BigId]
    case_id: Mapped[int] = mapped_column(ForeignKey("lead_case.id"))
    seq: Mapped[int]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    at: Mapped[CreatedAt]
    actor: Mapped[str]
    note: Mapped[str | None]
    result: Mapped[str | None]
    assignee: Mapped[str | None]
    due_on: Mapped[date | None]
    documents: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
