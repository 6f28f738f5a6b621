"""What districts agreed to pay one another, and its yearly settlements."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from shanhai import vocabulary
from shanhai.db import base


class CompensationAgreement(base.Labelled, base.Versioned, base.Dated, base.Base):
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
