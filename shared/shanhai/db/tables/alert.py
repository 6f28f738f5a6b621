"""Early warning: rules, the alerts they raise, and what happened to each."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import Base, BigId, CreatedAt, Moment, one_of
from shanhai.vocabulary import ALERT_EVENTS, ALERT_KINDS, ALERT_STATUSES, WARNING_LEVELS, codes


class AlertRule(Base):
    """What raises a warning, and where.

    Attributes:
        limits: The limit of each level, by its code.
        reset: Where an alert ends again.
        property_id: What is watched; None, with `no_data` only: whatever the station observes.
        stations: Their ids; None for all.
        region_id: Only stations in the region and those below it.
        max_age_s: A value older than this raises nothing.
        any_quality: Values count that are not valid or impossible, too.
    """

    __tablename__ = "alert_rule"
    __table_args__ = (
        one_of("kind", codes(ALERT_KINDS)),
        CheckConstraint("kind = 'no_data' OR property_id IS NOT NULL", name="property"),
        CheckConstraint("min_duration_s >= 0", name="min_duration_s"),
        CheckConstraint("max_age_s > 0", name="max_age_s"),
        Index(
            "uq_alert_rule_code_live",
            "code",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    id: Mapped[BigId]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]
    property_id: Mapped[int | None] = mapped_column(
        SmallInteger, ForeignKey("observed_property.id"), index=True
    )
    stations: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    limits: Mapped[dict[str, float]] = mapped_column(JSONB)
    reset: Mapped[float]
    min_duration_s: Mapped[int] = mapped_column(Integer)
    max_age_s: Mapped[int] = mapped_column(Integer)
    any_quality: Mapped[bool]
    enabled: Mapped[bool]
    row_version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    deleted_at: Mapped[Moment | None]


class AlertWatch(Base):
    """How far a rule has followed a series; see `shanhai.monitoring.alerting.Watch`."""

    __tablename__ = "alert_watch"
    __table_args__ = (one_of("level", codes(WARNING_LEVELS)),)

    rule_id: Mapped[int] = mapped_column(ForeignKey("alert_rule.id"), primary_key=True)
    station_id: Mapped[int] = mapped_column(ForeignKey("station.id"), primary_key=True)
    seen_to: Mapped[Moment | None]
    since: Mapped[dict[str, Any]] = mapped_column(JSONB)
    level: Mapped[str | None]


class Alert(Base):
    """A warning of a rule at a station, of which at most one is not closed.

    Attributes:
        level: The highest it has had.
        began_at: Time of the first of the values that raised it.
        raised_at: Time of the value that gave it its level; with `no_data`, of the last value.
        measure: That value, change per hour, or number of seconds.
    """

    __tablename__ = "alert"
    __table_args__ = (
        one_of("status", codes(ALERT_STATUSES)),
        one_of("level", codes(WARNING_LEVELS)),
        Index(
            "uq_alert_rule_id_station_id_live",
            "rule_id",
            "station_id",
            unique=True,
            postgresql_where=text("status <> 'closed'"),
        ),
    )

    id: Mapped[BigId]
    rule_id: Mapped[int] = mapped_column(ForeignKey("alert_rule.id"), index=True)
    station_id: Mapped[int] = mapped_column(ForeignKey("station.id"), index=True)
    status: Mapped[str]
    level: Mapped[str]
    began_at: Mapped[Moment]
    raised_at: Mapped[Moment]
    measure: Mapped[float]
    opened_at: Mapped[Moment]
    acknowledged_at: Mapped[Moment | None]
    acknowledged_by: Mapped[str | None]
    closed_at: Mapped[Moment | None]
    closed_by: Mapped[str | None]
    row_version: Mapped[int] = mapped_column(server_default=text("1"), default=1)


class AlertEvent(Base):
    """What happened to an alert; `actor` is a person's, None the evaluation's."""

    __tablename__ = "alert_event"
    __table_args__ = (
        one_of("kind", codes(ALERT_EVENTS)),
        one_of("level", codes(WARNING_LEVELS)),
    )

    id: Mapped[BigId]
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), index=True)
    at: Mapped[Moment]
    kind: Mapped[str]
    level: Mapped[str]
    actor: Mapped[str | None]
    note: Mapped[str | None]
    observed_at: Mapped[Moment | None]
    measure: Mapped[float | None]
