"""The ledger of what is taken and given back, and what districts pay one another."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from shanhai import vocabulary
from shanhai.db import base

UNITS = " OR ".join(
    f"kind = '{kind.code}' AND unit = '{kind.unit}'" for kind in vocabulary.BALANCE_KINDS
)
UNDELETED = sa.text("deleted_at IS NULL")


class BalanceEntry(base.Versioned, base.Dated, base.Base):
    """An entry of the ledger; only its state moves, which a trigger sees to.

    Attributes:
        amount: In `unit`, which the kind decides; above 0.
        quality_grade: 1 is best, 15 worst; of cultivated land.
        accepted_on: The day on which what was given, or the taking, was accepted.
        evidence: Codes of documents.
        reverses_id: The accepted entry this one undoes, with the same members.
        counterpart_id: The entry of the other direction it belongs to.
        party_id: With whom it was exchanged.
    """

    __tablename__ = "balance_entry"
    __table_args__ = (
        base.one_of("kind", vocabulary.codes(vocabulary.BALANCE_KINDS)),
        base.one_of("direction", vocabulary.codes(vocabulary.BALANCE_DIRECTIONS)),
        base.one_of("state", vocabulary.codes(vocabulary.BALANCE_STATES)),
        sa.CheckConstraint(UNITS, name="unit"),
        # NaN is more than any number.
        sa.CheckConstraint("amount > 0 AND amount < 10000000000", name="amount"),
        sa.CheckConstraint("quality_grade BETWEEN 1 AND 15", name="quality_grade"),
        sa.CheckConstraint(
            "state IN ('proposed', 'rejected') OR accepted_on IS NOT NULL", name="accepted_on"
        ),
        base.in_order(),
        base.live_code("balance_entry"),
        sa.Index("ix_balance_entry_region_id", "region_id", "kind", "year"),
        sa.Index("ix_balance_entry_project_id", "project_id", "kind"),
        # An entry is reversed once.
        sa.Index(
            "uq_balance_entry_reverses_id",
            "reverses_id",
            unique=True,
            postgresql_where=sa.text("deleted_at IS NULL AND state <> 'rejected'"),
        ),
    )

    id: Mapped[base.BigId]
    code: Mapped[str]
    title_zh: Mapped[str]
    title_en: Mapped[str | None]
    kind: Mapped[str]
    direction: Mapped[str]
    amount: Mapped[Decimal] = mapped_column(sa.Numeric(18, 4))
    unit: Mapped[str]
    quality_grade: Mapped[int | None]
    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"))
    project_id: Mapped[int | None] = mapped_column(sa.ForeignKey("project.id"))
    control_area_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("control_area.id"), index=True
    )
    year: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="proposed", default="proposed")
    accepted_on: Mapped[date | None]
    evidence: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sa.text("'{}'"))
    reverses_id: Mapped[int | None] = mapped_column(sa.ForeignKey("balance_entry.id"))
    counterpart_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("balance_entry.id"), index=True
    )
    party_id: Mapped[int | None] = mapped_column(sa.ForeignKey("party.id"), index=True)


class CompensationAgreement(base.Versioned, base.Dated, base.Base):
    """What two districts agreed to pay one another for water or services.

    Attributes:
        region_id: Whose government keeps the agreement.
        station_id: The section it goes by; or `service` and `scheme`, the zoning it is read from.
        rule: Prices, steps, caps and weights, as `shanhai.science.ledgers` has them.
    """

    __tablename__ = "compensation_agreement"
    __table_args__ = (
        base.one_of("basis", vocabulary.codes(vocabulary.COMPENSATION_BASES)),
        base.one_of("state", vocabulary.codes(vocabulary.AGREEMENT_STATES)),
        sa.CheckConstraint("upstream_id <> downstream_id", name="sides"),
        sa.CheckConstraint("last_year >= first_year", name="years"),
        base.in_order(),
        base.live_code("compensation_agreement"),
    )

    id: Mapped[base.BigId]
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"), index=True)
    upstream_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"), index=True)
    downstream_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"), index=True)
    basis: Mapped[str]
    station_id: Mapped[int | None] = mapped_column(sa.ForeignKey("station.id"), index=True)
    service: Mapped[str | None]
    scheme: Mapped[str | None]
    rule: Mapped[dict[str, Any]] = mapped_column(JSONB)
    first_year: Mapped[int]
    last_year: Mapped[int | None]
    state: Mapped[str] = mapped_column(server_default="draft", default="draft")
    document: Mapped[str | None]


class CompensationSettlement(base.Base):
    """What is paid by an agreement for a year; what it was computed from stays with it.

    Attributes:
        content: The rule, what was observed, the lines and the sum; `sha256` is of it as JSON with
            sorted names and no spaces.
        amount: In yuan; above 0 downstream pays.
    """

    __tablename__ = "compensation_settlement"
    __table_args__ = (
        base.one_of("state", vocabulary.codes(vocabulary.SETTLEMENT_STATES)),
        sa.Index(
            "uq_compensation_settlement_live",
            *("agreement_id", "year"),
            unique=True,
            postgresql_where=sa.text("state <> 'withdrawn'"),
        ),
    )

    id: Mapped[base.BigId]
    agreement_id: Mapped[int] = mapped_column(sa.ForeignKey("compensation_agreement.id"))
    year: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sha256: Mapped[str]
    amount: Mapped[Decimal] = mapped_column(sa.Numeric(16, 2))
    state: Mapped[str] = mapped_column(server_default="proposed", default="proposed")
    upstream_confirmed_by: Mapped[str | None]
    downstream_confirmed_by: Mapped[str | None]
    paid_on: Mapped[date | None]
    created_at: Mapped[base.CreatedAt]


class CompensationEvent(base.Base):
    """A step of a settlement: who took it, for which side, and why."""

    __tablename__ = "compensation_event"
    __table_args__ = (
        base.one_of("state", vocabulary.codes(vocabulary.SETTLEMENT_STATES)),
        base.one_of("side", vocabulary.codes(vocabulary.COMPENSATION_SIDES)),
    )

    id: Mapped[base.BigId]
    settlement_id: Mapped[int] = mapped_column(
        sa.ForeignKey("compensation_settlement.id"), index=True
    )
    state: Mapped[str]
    side: Mapped[str | None]
    reason: Mapped[str | None]
    evidence: Mapped[list[str]] = mapped_column(
        ARRAY(TEXT), server_default=sa.text("'{}'"), default=list
    )
    actor: Mapped[str]
    at: Mapped[datetime] = mapped_column(
        sa.DateTime(timezone=True), server_default=sa.text("now()")
    )
