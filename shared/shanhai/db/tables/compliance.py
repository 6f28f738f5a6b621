"""Exceptions somebody approved, and doubts about a plan's own figures."""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import (
    Attributes,
    Base,
    BigId,
    CreatedAt,
    Dated,
    Moment,
    Versioned,
    in_order,
    live_code,
    one_of,
)
from shanhai.vocabulary import SEVERITIES, codes


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
