"""The ledger of what is taken and given back."""

from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from shanhai import vocabulary
from shanhai.db import base

UNITS = " OR ".join(
    f"kind = '{kind.code}' AND unit = '{kind.unit}'" for kind in vocabulary.BALANCE_KINDS
)


class BalanceEntry(base.Coded, base.Versioned, base.Dated, base.Base):
    """An entry of the ledger; its state alone moves, and what proves it: a trigger sees to that.

    Attributes:
        amount: In `unit`, which the kind decides; above 0.
        quality_grade: 1 is best, 15 worst; of cultivated land.
        accepted_on: The day on which what was given, or the taking, was accepted.
        evidence: Codes of documents; none is added or taken out once the entry is decided.
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
