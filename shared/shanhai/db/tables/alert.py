"""Early warning: rules, the alerts they raise, what happened to each, and who is told."""

from datetime import date, time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from shanhai import vocabulary
from shanhai.db.base import Base, BigId, CreatedAt, Labelled, Moment, one_of
from shanhai.vocabulary import codes


class AlertRule(Labelled, Base):
    """What raises a warning, and where.

    Attributes:
        limits: The limit of each level, by its code.
        reset: Where an alert ends again.
        property_id: What is watched; None, with `no_data`: whatever the station observes.
        stations: Their ids; None for all.
        region_id: Only stations, targets or cases of the region and those below it.
        plan_id: Only targets or duties of the plan; `indicator_id`: only those of the indicator.
        control_kind: Kind of control area whose changed area counts, of `red_line_lead`, or whose
            lost area does, of `line_decline`.
        balance_kind: Kind of balance that may be short, of `balance_short`.
        settlement_state: What settlements wait in, of `settlement_waiting`; None for all of it.
        quiet: Hours in which nothing is delivered; see `shanhai.monitoring.thresholds`.
        valid_from: Days on which it is evaluated: half-open, null is open.
        max_age_s: A value older than this raises nothing.
        any_quality: Values count that are not valid or impossible, too.
    """

    __tablename__ = "alert_rule"
    __table_args__ = (
        one_of("kind", codes(vocabulary.ALERT_KINDS)),
        sa.CheckConstraint(
            "kind NOT IN ('above', 'below', 'rate') OR property_id IS NOT NULL", name="property"
        ),
        sa.CheckConstraint(
            "(kind IN ('red_line_lead', 'line_decline')) = (control_kind IS NOT NULL)",
            name="control_kind",
        ),
        sa.CheckConstraint(
            "(kind = 'balance_short') = (balance_kind IS NOT NULL)", name="balance_kind"
        ),
        sa.CheckConstraint(
            "settlement_state IS NULL OR kind = 'settlement_waiting'", name="settlement_state"
        ),
        sa.CheckConstraint("valid_to > valid_from", name="period"),
        sa.CheckConstraint("min_duration_s >= 0", name="min_duration_s"),
        sa.CheckConstraint("max_age_s > 0", name="max_age_s"),
        sa.Index(
            "uq_alert_rule_code_live",
            "code",
            unique=True,
            postgresql_where=sa.text("deleted_at IS NULL"),
        ),
    )

    kind: Mapped[str]
    property_id: Mapped[int | None] = mapped_column(
        sa.SmallInteger, sa.ForeignKey("observed_property.id"), index=True
    )
    stations: Mapped[list[int] | None] = mapped_column(ARRAY(sa.BigInteger))
    region_id: Mapped[int | None] = mapped_column(sa.ForeignKey("region.id"), index=True)
    plan_id: Mapped[int | None] = mapped_column(sa.ForeignKey("plan.id"), index=True)
    indicator_id: Mapped[int | None] = mapped_column(sa.ForeignKey("indicator.id"), index=True)
    control_kind: Mapped[str | None]
    balance_kind: Mapped[str | None]
    settlement_state: Mapped[str | None]
    limits: Mapped[dict[str, float]] = mapped_column(JSONB)
    reset: Mapped[float]
    min_duration_s: Mapped[int] = mapped_column(sa.Integer)
    max_age_s: Mapped[int] = mapped_column(sa.Integer)
    any_quality: Mapped[bool]
    enabled: Mapped[bool]
    quiet: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    row_version: Mapped[int] = mapped_column(server_default=sa.text("1"), default=1)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    deleted_at: Mapped[Moment | None]


class OfSubject:
    """What an alert is about: a station, a case, an entry of a ledger, a target, or a region.

    A target is told by its indicator in a plan, its region and its year (None: at all times), and
    not by its row, which goes when a plan states its figures anew. Lines and balances are told by
    their region alone, and by the kind their rule watches. Of an agreement the year is that which
    is settled, of a mine that which is reported.
    """

    station_id: Mapped[int | None] = mapped_column(sa.ForeignKey("station.id"), index=True)
    plan_indicator_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("plan_indicator.id"), index=True
    )
    target_region_id: Mapped[int | None] = mapped_column(sa.ForeignKey("region.id"), index=True)
    target_year: Mapped[int | None]
    case_id: Mapped[int | None] = mapped_column(sa.ForeignKey("lead_case.id"), index=True)
    duty_id: Mapped[int | None] = mapped_column(sa.ForeignKey("duty.id"), index=True)
    agreement_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("compensation_agreement.id"), index=True
    )
    mine_id: Mapped[int | None] = mapped_column(sa.ForeignKey("mine.id"), index=True)
    reclamation_id: Mapped[int | None] = mapped_column(sa.ForeignKey("reclamation.id"), index=True)


SUBJECT = (
    *("station_id", "plan_indicator_id", "target_region_id", "target_year", "case_id", "duty_id"),
    *("agreement_id", "mine_id", "reclamation_id"),
)
"""Columns that tell one subject from another."""


def one_subject() -> tuple[sa.CheckConstraint, sa.CheckConstraint]:
    """Exactly one subject is named, and wholly."""
    return (
        sa.CheckConstraint(
            "num_nonnulls(station_id, coalesce(plan_indicator_id, target_region_id), case_id,"
            " duty_id, agreement_id, mine_id, reclamation_id) = 1",
            name="subject",
        ),
        sa.CheckConstraint(
            "(plan_indicator_id IS NULL OR target_region_id IS NOT NULL) AND (target_year IS NULL"
            " OR num_nonnulls(plan_indicator_id, agreement_id, mine_id) = 1)",
            name="target",
        ),
    )


class AlertWatch(OfSubject, Base):
    """How far a rule has followed a subject; see `shanhai.monitoring.thresholds.Watch`."""

    __tablename__ = "alert_watch"
    __table_args__ = (
        one_of("level", codes(vocabulary.WARNING_LEVELS)),
        *one_subject(),
        # By which the release before finds its rows.
        sa.Index("uq_alert_watch_station", "rule_id", "station_id", unique=True),
        sa.Index(
            "uq_alert_watch_subject",
            "rule_id",
            *SUBJECT,
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[BigId]
    rule_id: Mapped[int] = mapped_column(sa.ForeignKey("alert_rule.id"))
    seen_to: Mapped[Moment | None]
    since: Mapped[dict[str, Any]] = mapped_column(JSONB)
    level: Mapped[str | None]


class Alert(OfSubject, Base):
    """A warning of a rule about a subject, of which at most one is not closed.

    Attributes:
        level: The highest it has had.
        began_at: Time of the first of the values that raised it.
        raised_at: Time of the value that gave it its level; with `no_data`, of the last value.
        measure: That value, change per hour, number of seconds, percent an indicator is behind,
            square metres changed or lost, what a balance or a fund lacks, or days since something
            was due.
        facts: What was known when it got its level: of an indicator, its value and what was asked.
    """

    __tablename__ = "alert"
    __table_args__ = (
        one_of("status", codes(vocabulary.ALERT_STATUSES)),
        one_of("level", codes(vocabulary.WARNING_LEVELS)),
        *one_subject(),
        sa.Index(
            "uq_alert_subject_live",
            "rule_id",
            *SUBJECT,
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=sa.text("status <> 'closed'"),
        ),
    )

    id: Mapped[BigId]
    rule_id: Mapped[int] = mapped_column(sa.ForeignKey("alert_rule.id"), index=True)
    status: Mapped[str]
    level: Mapped[str]
    began_at: Mapped[Moment]
    raised_at: Mapped[Moment]
    measure: Mapped[float]
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    opened_at: Mapped[Moment]
    acknowledged_at: Mapped[Moment | None]
    acknowledged_by: Mapped[str | None]
    closed_at: Mapped[Moment | None]
    closed_by: Mapped[str | None]
    row_version: Mapped[int] = mapped_column(server_default=sa.text("1"), default=1)


class AlertEvent(Base):
    """What happened to an alert; `actor` is a person's, None the evaluation's."""

    __tablename__ = "alert_event"
    __table_args__ = (
        one_of("kind", codes(vocabulary.ALERT_EVENTS)),
        one_of("level", codes(vocabulary.WARNING_LEVELS)),
    )

    id: Mapped[BigId]
    alert_id: Mapped[int] = mapped_column(sa.ForeignKey("alert.id"), index=True)
    at: Mapped[Moment]
    kind: Mapped[str]
    level: Mapped[str]
    actor: Mapped[str | None]
    note: Mapped[str | None]
    observed_at: Mapped[Moment | None]
    measure: Mapped[float | None]


class AlertDue(Base):
    """What rules may watch and has changed; gone once judged.

    Attributes:
        region_id: The region whose lines have.
        balance_region_id: The region whose ledger of balances has.
    """

    __tablename__ = "alert_due"
    __table_args__ = (
        sa.CheckConstraint(
            "num_nonnulls(plan_id, case_id, region_id, duty_id, balance_region_id, agreement_id,"
            " mine_id, reclamation_id) = 1",
            name="subject",
        ),
    )

    id: Mapped[BigId]
    plan_id: Mapped[int | None] = mapped_column(sa.ForeignKey("plan.id"))
    case_id: Mapped[int | None] = mapped_column(sa.ForeignKey("lead_case.id"))
    region_id: Mapped[int | None] = mapped_column(sa.ForeignKey("region.id"))
    duty_id: Mapped[int | None] = mapped_column(sa.ForeignKey("duty.id"))
    balance_region_id: Mapped[int | None] = mapped_column(sa.ForeignKey("region.id"))
    agreement_id: Mapped[int | None] = mapped_column(sa.ForeignKey("compensation_agreement.id"))
    mine_id: Mapped[int | None] = mapped_column(sa.ForeignKey("mine.id"))
    reclamation_id: Mapped[int | None] = mapped_column(sa.ForeignKey("reclamation.id"))


class Subscription(Base):
    """A person who is told of alerts by e-mail.

    Attributes:
        levels: Levels they are told of.
        rules: Ids of the rules they are told of; None for all.
        region_id: Only what is in the region and those below it; None for all.
        digest_at: When the digest of the day is sent, by the clock of `time_zone`; None: each
            alert is told at once.
        endings: They are also told when alerts are closed.
        unsubscribed_at: When they said that they want no more.
    """

    __tablename__ = "subscription"
    __table_args__ = (one_of("lang", ("zh", "en")),)

    id: Mapped[BigId]
    name: Mapped[str]
    address: Mapped[str]
    lang: Mapped[str]
    levels: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    rules: Mapped[list[int] | None] = mapped_column(ARRAY(sa.BigInteger))
    region_id: Mapped[int | None] = mapped_column(sa.ForeignKey("region.id"), index=True)
    digest_at: Mapped[time | None]
    time_zone: Mapped[str]
    endings: Mapped[bool]
    enabled: Mapped[bool]
    unsubscribed_at: Mapped[Moment | None]
    row_version: Mapped[int] = mapped_column(server_default=sa.text("1"), default=1)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    deleted_at: Mapped[Moment | None]


class AlertNotice(Base):
    """An event of an alert a person is still to be told of, not before `due_at`."""

    __tablename__ = "alert_notice"
    __table_args__ = (sa.UniqueConstraint("subscription_id", "event_id"),)

    id: Mapped[BigId]
    subscription_id: Mapped[int] = mapped_column(sa.ForeignKey("subscription.id"))
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("alert_event.id"))
    due_at: Mapped[Moment] = mapped_column(index=True)
