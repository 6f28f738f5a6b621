"""Control lines, their rules and exceptions, and leads of changes inside them."""

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Numeric,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from shanhai import vocabulary
from shanhai.db import base


class ControlArea(
    base.Labelled, base.Classified, base.Copied, base.Versioned, base.Dated, base.Base
):
    """A line or a protected or sensitive area; null geometry where only its size is printed.

    `delimitation` names the drawing a line belongs to: sizes compare within one only.
    """

    __tablename__ = "control_area"
    __table_args__ = (
        base.one_of("kind", vocabulary.codes(vocabulary.CONTROL_KINDS)),
        *base.classified(),
        base.one_of("level", vocabulary.codes(vocabulary.CONTROL_LEVELS)),
        base.one_of("status", vocabulary.codes(vocabulary.CONTROL_STATUSES)),
        base.one_of("origin", vocabulary.codes(vocabulary.ORIGINS)),
        base.computed_has_job(),
        CheckConstraint("approved_area_km2 >= 0", name="approved_area_km2"),
        *base.drawn("control_area"),
        base.in_order(),
        base.live_code("control_area"),
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

    kind: Mapped[str]
    class_code: Mapped[str | None]
    level: Mapped[str | None]
    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"))
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"), index=True)
    legal_basis: Mapped[str | None]
    delimitation: Mapped[str | None]
    approved_area_km2: Mapped[Decimal | None] = mapped_column(Numeric)
    status: Mapped[str] = mapped_column(server_default="draft")
    visibility: Mapped[base.VisibleOncePublished]
    origin: Mapped[str] = mapped_column(server_default="drawn")
    job_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("job.id"), index=True)
    geom: Mapped[base.AnyGeometry | None]
    area_m2: Mapped[base.Area]
    length_m: Mapped[base.Length]


class ControlRule(base.Coded, base.Copied, base.Versioned, base.Dated, base.Base):
    """What is decided about an activity in a kind of control area or a class of zone.

    `subject` is the kind of control area or the code of the zone class, by `scope`; null holds for
    all of them. Without region it holds in every one.
    """

    __tablename__ = "control_rule"
    __table_args__ = (
        base.one_of("scope", vocabulary.codes(vocabulary.RULE_SCOPES)),
        base.one_of("decision", vocabulary.codes(vocabulary.DECISIONS)),
        base.in_order(),
        base.live_code("control_rule"),
        Index("ix_control_rule_subject", "scope", "subject"),
    )

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


class ComplianceException(base.Coded, base.Versioned, base.Dated, base.Base):
    """Leave given to a project or to one geometry, by its SHA-256.

    It lifts a rule, or decides about what is not known there, its gap.
    """

    __tablename__ = "compliance_exception"
    __table_args__ = (
        CheckConstraint("num_nonnulls(project_id, geometry_sha256) = 1", name="subject"),
        CheckConstraint("num_nonnulls(rule, gap) = 1", name="about"),
        base.in_order(),
        base.live_code("compliance_exception"),
        Index("ix_compliance_exception_geometry_sha256", "geometry_sha256"),
    )

    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id"), index=True)
    geometry_sha256: Mapped[str | None]
    control_area_id: Mapped[int | None] = mapped_column(ForeignKey("control_area.id"), index=True)
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("control_rule.id"), index=True)
    rule: Mapped[str | None]
    gap: Mapped[str | None]
    reason: Mapped[str]
    approver: Mapped[str]
    approved_at: Mapped[base.CreatedAt]


class ExceptionRequest(base.Coded, base.Bounded, base.Base):
    """An exception that somebody asks for; it lifts nothing, whatever its state.

    One that is granted leads to a row of `compliance_exception`.

    Attributes:
        region_ids: The regions that answered for it when it was asked for, its own among them.
        geom: The shape where it is for one; a project has its own, which is not told twice.
        geometry_sha256: Of the shape, the project's as well, as it was when it was asked for.
    """

    __tablename__ = "exception_request"
    __table_args__ = (
        base.one_of("state", vocabulary.codes(vocabulary.EXCEPTION_REQUEST_STATES)),
        CheckConstraint("num_nonnulls(project_id, geom) = 1", name="subject"),
        CheckConstraint("num_nonnulls(rule, gap) = 1", name="about"),
        CheckConstraint(
            "(state = 'requested') = (decided_at IS NULL)"
            " AND (state = 'granted') = (exception_id IS NOT NULL)",
            name="decided",
        ),
        base.in_order(),
        base.valid_shape(),
        UniqueConstraint("code"),
        Index("ix_exception_request_geometry_sha256", "geometry_sha256"),
    )

    state: Mapped[str] = mapped_column(server_default="requested", default="requested")
    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"), index=True)
    region_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id"), index=True)
    geom: Mapped[base.AnyGeometry | None]
    geometry_sha256: Mapped[str]
    control_area_id: Mapped[int | None] = mapped_column(ForeignKey("control_area.id"), index=True)
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("control_rule.id"), index=True)
    rule: Mapped[str | None]
    gap: Mapped[str | None]
    reason: Mapped[str]
    requested_by: Mapped[str]
    requested_at: Mapped[base.CreatedAt]
    decided_by: Mapped[str | None]
    decided_at: Mapped[base.Moment | None]
    decision_reason: Mapped[str | None]
    exception_id: Mapped[int | None] = mapped_column(
        ForeignKey("compliance_exception.id"), index=True
    )


class PlanCheck(base.Base):
    """When the figures of a plan were checked first and last; a plan without was never checked."""

    __tablename__ = "plan_check"

    plan_id: Mapped[int] = mapped_column(
        ForeignKey("plan.id"), primary_key=True, autoincrement=False
    )
    first_at: Mapped[base.CreatedAt]
    last_at: Mapped[base.CreatedAt]


class DataFinding(base.Base):
    """What a check found in the figures of a plan, as of its last run."""

    __tablename__ = "data_finding"
    __table_args__ = (
        UniqueConstraint("plan_id", "code"),
        base.one_of("severity", vocabulary.codes(vocabulary.SEVERITIES)),
    )

    id: Mapped[base.BigId]
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    code: Mapped[str]
    kind: Mapped[str]
    severity: Mapped[str]
    text_zh: Mapped[str]
    text_en: Mapped[str]
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB)
    attrs: Mapped[base.Attributes]
    found_at: Mapped[base.CreatedAt]
    resolved_at: Mapped[base.Moment | None]


class LeadCase(base.Coded, base.Base):
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
        base.one_of("kind", vocabulary.codes(vocabulary.LEAD_KINDS)),
        base.one_of("state", vocabulary.codes(vocabulary.CASE_STATES)),
        base.one_of("result", vocabulary.codes(vocabulary.CASE_RESULTS)),
        CheckConstraint("sensed_before < sensed_after", name="sensed"),
        CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
        UniqueConstraint("source", "external_id"),
        UniqueConstraint("code"),
        base.valid_shape(),
        base.spatial("lead_case"),
        Index("ix_lead_case_region_id_state", "region_id", "state"),
    )

    source: Mapped[str]
    external_id: Mapped[str]
    content_sha256: Mapped[str]
    kind: Mapped[str]
    sensed_before: Mapped[date]
    sensed_after: Mapped[date]
    confidence: Mapped[float | None]
    geom: Mapped[Any] = mapped_column(
        Geometry("MULTIPOLYGON", srid=base.STORAGE_SRID, spatial_index=False), nullable=False
    )
    area_m2: Mapped[base.Area]
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    inside_m2: Mapped[float]
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"))
    state: Mapped[str] = mapped_column(server_default="new", default="new")
    result: Mapped[str | None]
    assignee: Mapped[str | None]
    due_on: Mapped[date | None]
    row_version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    created_at: Mapped[base.CreatedAt]
    updated_at: Mapped[base.CreatedAt]
    closed_at: Mapped[base.Moment | None]


class CaseEvent(base.Base):
    """A step of a case, its opening included; append-only."""

    __tablename__ = "case_event"
    __table_args__ = (
        UniqueConstraint("case_id", "seq"),
        base.one_of("from_state", vocabulary.codes(vocabulary.CASE_STATES)),
        base.one_of("to_state", vocabulary.codes(vocabulary.CASE_STATES)),
        base.one_of("result", vocabulary.codes(vocabulary.CASE_RESULTS)),
    )

    id: Mapped[base.BigId]
    case_id: Mapped[int] = mapped_column(ForeignKey("lead_case.id"))
    seq: Mapped[int]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    at: Mapped[base.CreatedAt]
    actor: Mapped[str]
    note: Mapped[str | None]
    result: Mapped[str | None]
    assignee: Mapped[str | None]
    due_on: Mapped[date | None]
    documents: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
