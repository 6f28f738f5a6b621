"""Indicators, what plans aim at with them, what was observed, and evaluations as they were told."""

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, Numeric, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shanhai import vocabulary
from shanhai.db import base


class Indicator(base.Labelled, base.Versioned, base.Dated, base.Base):
    """An entry of the dictionary; a plan may bind to it more or less firmly than it says."""

    __tablename__ = "indicator"
    __table_args__ = (
        base.one_of("property", vocabulary.codes(vocabulary.INDICATOR_PROPERTIES)),
        base.one_of("direction", vocabulary.codes(vocabulary.INDICATOR_DIRECTIONS)),
        base.in_order(),
        base.live_code("indicator"),
    )

    unit: Mapped[str]
    property: Mapped[str]
    direction: Mapped[str]
    category: Mapped[str | None]
    formula_zh: Mapped[str | None]
    formula_en: Mapped[str | None]


class PlanIndicator(base.Coded, base.Copied, base.Versioned, base.Dated, base.Base):
    """An indicator in a plan's list; codes are unique within the plan.

    `property` is what the plan says, where it differs from the dictionary; `party_id` answers.
    `region_id` is the region of a joint plan whose part it is of.
    """

    __tablename__ = "plan_indicator"
    __table_args__ = (
        base.one_of("property", vocabulary.codes(vocabulary.INDICATOR_PROPERTIES)),
        base.in_order(),
        base.live_code("plan_indicator", "plan_id"),
        Index(
            "uq_plan_indicator_indicator_live",
            "plan_id",
            "indicator_id",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    indicator_id: Mapped[int] = mapped_column(ForeignKey("indicator.id"), index=True)
    order_no: Mapped[int]
    category: Mapped[str | None]
    category_zh: Mapped[str | None]
    category_en: Mapped[str | None]
    property: Mapped[str | None]
    party_id: Mapped[int | None] = mapped_column(ForeignKey("party.id"), index=True)


class IndicatorTarget(base.Base):
    """A base or target of an indicator in a plan; the comparator stands as it is printed.

    It holds from `valid_from` on, or since its plan does; what it was before is in
    `indicator_target_history`.
    """

    __tablename__ = "indicator_target"
    __table_args__ = (
        base.one_of("role", vocabulary.TARGET_ROLES),
        base.one_of("comparator_printed", vocabulary.COMPARATORS),
        base.one_of("sense", vocabulary.TARGET_SENSES),
        UniqueConstraint(
            "indicator_id",
            "region_id",
            "plan_id",
            "role",
            "year",
            name="uq_indicator_target_key",
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[base.BigId]
    indicator_id: Mapped[int] = mapped_column(ForeignKey("indicator.id"))
    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"), index=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"), index=True)
    role: Mapped[str]
    year: Mapped[int | None]
    value: Mapped[Decimal | None] = mapped_column(Numeric)
    comparator_printed: Mapped[str | None]
    sense: Mapped[str]
    cumulative_from: Mapped[int | None]
    revisable: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    source: Mapped[str | None]
    valid_from: Mapped[date | None]
    attrs: Mapped[base.Attributes]
    created_at: Mapped[base.CreatedAt]


class IndicatorValue(base.Base):
    """An observed value; append-only, the one recorded last for a year counts.

    A cumulative one is the total up to its year; `attrs.given` keeps a figure in another unit. One
    that was computed names its job, and how it was found and from what as `provenance`.
    """

    __tablename__ = "indicator_value"
    __table_args__ = (
        Index(
            "ix_indicator_value_key",
            "indicator_id",
            "region_id",
            "year",
            text("recorded_at DESC"),
            text("id DESC"),
        ),
    )

    id: Mapped[base.BigId]
    indicator_id: Mapped[int] = mapped_column(ForeignKey("indicator.id"))
    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"), index=True)
    year: Mapped[int]
    value: Mapped[Decimal] = mapped_column(Numeric)
    quality: Mapped[str | None]
    method: Mapped[str | None]
    source: Mapped[str | None]
    party_id: Mapped[int | None] = mapped_column(ForeignKey("party.id"), index=True)
    source_dataset_id: Mapped[int | None] = mapped_column(ForeignKey("dataset.id"), index=True)
    job_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("job.id"), index=True)
    provenance: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    cumulative: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    attrs: Mapped[base.Attributes]
    recorded_by: Mapped[str | None]
    recorded_at: Mapped[base.CreatedAt] = mapped_column(server_default=text("clock_timestamp()"))


class EvaluationSnapshot(base.Base):
    """An evaluation of a year as it was told; it never changes."""

    __tablename__ = "evaluation_snapshot"
    __table_args__ = (
        Index("ix_evaluation_snapshot_plan_id_year", "plan_id", "year"),
        Index("ix_evaluation_snapshot_region_id_year", "region_id", "year"),
    )

    id: Mapped[base.BigId]
    code: Mapped[str] = mapped_column(unique=True)
    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"))
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    year: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sha256: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[base.CreatedAt]
