"""Programmes and restoration projects with their money; mines, and land given back after use."""

from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from shanhai import vocabulary
from shanhai.db import base


class Programme(base.Labelled, base.Copied, base.Versioned, base.Dated, base.Base):
    """A key programme or action plan that groups projects of a plan.

    `region_id` is the region of a joint plan whose part it is of.
    """

    __tablename__ = "programme"
    __table_args__ = (
        base.valid_shape("extent"),
        base.in_order(),
        base.live_code("programme"),
        base.spatial("programme", "extent"),
    )

    plan_id: Mapped[int] = mapped_column(sa.ForeignKey("plan.id"), index=True)
    region_id: Mapped[int | None] = mapped_column(sa.ForeignKey("region.id"), index=True)
    order_no: Mapped[int] = mapped_column(server_default=sa.text("1"), default=1)
    summary_zh: Mapped[str | None]
    summary_en: Mapped[str | None]
    extent: Mapped[base.MultiPolygon | None]


class ProjectState(base.Base):
    """A state of a project; nothing follows a terminal one."""

    __tablename__ = "project_state"

    state: Mapped[str] = mapped_column(primary_key=True)
    order_no: Mapped[int] = mapped_column(unique=True)
    terminal: Mapped[bool] = mapped_column(server_default=sa.text("false"), default=False)
    name_zh: Mapped[str]
    name_en: Mapped[str]


class ProjectTransition(base.Base):
    """A step that exists: who makes it and, by its code, the guard it must pass."""

    __tablename__ = "project_transition"

    from_state: Mapped[str] = mapped_column(sa.ForeignKey("project_state.state"), primary_key=True)
    to_state: Mapped[str] = mapped_column(sa.ForeignKey("project_state.state"), primary_key=True)
    roles: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    guard: Mapped[str | None]
    guard_zh: Mapped[str | None]
    guard_en: Mapped[str | None]


class Project(base.Labelled, base.Classified, base.Versioned, base.Dated, base.Base):
    """A project; without geometry until it is designed. Its years are inclusive."""

    __tablename__ = "project"
    __table_args__ = (
        sa.CheckConstraint("end_year >= start_year", name="years"),
        *base.classified(),
        sa.CheckConstraint("cost >= 0", name="cost"),
        *base.drawn("project"),
        base.in_order(),
        base.live_code("project"),
        sa.Index("ix_project_region_id_state", "region_id", "state"),
    )

    summary_zh: Mapped[str | None]
    summary_en: Mapped[str | None]
    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"))
    plan_id: Mapped[int | None] = mapped_column(sa.ForeignKey("plan.id"), index=True)
    programme_id: Mapped[int | None] = mapped_column(sa.ForeignKey("programme.id"), index=True)
    owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("party.id"), index=True)
    plan_group: Mapped[str | None]
    type_code: Mapped[str | None]
    state: Mapped[str] = mapped_column(
        sa.ForeignKey("project_state.state"), server_default="draft", default="draft"
    )
    start_year: Mapped[int]
    end_year: Mapped[int]
    cost: Mapped[Decimal | None] = mapped_column(sa.Numeric(16, 2))
    currency: Mapped[str] = mapped_column(sa.String(3), server_default="CNY", default="CNY")
    score: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    visibility: Mapped[base.VisibleOncePublished]
    geom: Mapped[base.AnyGeometry | None]
    area_m2: Mapped[base.Area]
    length_m: Mapped[base.Length]


class ProjectRegion(base.Base):
    """A town or other region a project lies in, besides the one that is answerable for it."""

    __tablename__ = "project_region"

    project_id: Mapped[int] = mapped_column(sa.ForeignKey("project.id"), primary_key=True)
    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"), primary_key=True, index=True)


class ProjectProblem(base.Base):
    """A problem a project acts on."""

    __tablename__ = "project_problem"

    project_id: Mapped[int] = mapped_column(sa.ForeignKey("project.id"), primary_key=True)
    problem_id: Mapped[int] = mapped_column(
        sa.ForeignKey("problem.id"), primary_key=True, index=True
    )


class ProjectEvent(base.Base):
    """A step a project took; append-only, and impossible where no transition allows it."""

    __tablename__ = "project_event"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "seq"),
        sa.ForeignKeyConstraint(
            ["from_state", "to_state"],
            ["project_transition.from_state", "project_transition.to_state"],
            name="fk_project_event_step",
        ),
    )

    id: Mapped[base.BigId]
    project_id: Mapped[int] = mapped_column(sa.ForeignKey("project.id"))
    seq: Mapped[int]
    from_state: Mapped[str]
    to_state: Mapped[str]
    at: Mapped[base.CreatedAt]
    actor: Mapped[str]
    note: Mapped[str | None]
    documents: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sa.text("'{}'"))


class ProjectMeasure(base.Base):
    """A measure of a project, with what is planned and done of it.

    Attributes:
        valid_from: The day from which it says this; without one it always did. What it said before
            is in `project_measure_history`.
    """

    __tablename__ = "project_measure"
    __table_args__ = (
        sa.UniqueConstraint("project_id", "measure"),
        sa.CheckConstraint("planned >= 0 AND done >= 0", name="amounts"),
    )

    id: Mapped[base.BigId]
    project_id: Mapped[int] = mapped_column(sa.ForeignKey("project.id"))
    order_no: Mapped[int] = mapped_column(server_default=sa.text("1"), default=1)
    measure: Mapped[str]
    name_zh: Mapped[str | None]
    name_en: Mapped[str | None]
    planned: Mapped[float | None] = mapped_column(sa.Double)
    done: Mapped[float | None] = mapped_column(sa.Double)
    unit: Mapped[str | None]
    indicator_id: Mapped[int | None] = mapped_column(sa.ForeignKey("indicator.id"), index=True)
    attrs: Mapped[base.Attributes]
    valid_from: Mapped[date | None]


class FundSource(base.Labelled, base.Versioned, base.Dated, base.Base):
    """Money of a year; null `allowed_measures` allows any."""

    __tablename__ = "fund_source"
    __table_args__ = (
        base.one_of("kind", vocabulary.codes(vocabulary.FUND_KINDS)),
        sa.CheckConstraint("amount >= 0", name="amount"),
        base.in_order(),
        base.live_code("fund_source"),
    )

    kind: Mapped[str]
    region_id: Mapped[int | None] = mapped_column(sa.ForeignKey("region.id"), index=True)
    year: Mapped[int | None]
    amount: Mapped[Decimal] = mapped_column(sa.Numeric(16, 2))
    allowed_measures: Mapped[list[str] | None] = mapped_column(ARRAY(TEXT))


class FundEntry(base.Base):
    """An allocation of a source to a project, a payment out of it, or what is given back of it."""

    __tablename__ = "fund_entry"
    __table_args__ = (
        base.one_of("kind", vocabulary.FUND_ENTRY_KINDS),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.CheckConstraint("kind <> 'payment' OR paid_on IS NOT NULL", name="paid_on"),
        sa.Index("ix_fund_entry_project_id_kind", "project_id", "kind"),
        sa.Index("ix_fund_entry_source_id_kind", "source_id", "kind"),
    )

    id: Mapped[base.BigId]
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("fund_source.id"))
    project_id: Mapped[int] = mapped_column(sa.ForeignKey("project.id"))
    kind: Mapped[str]
    amount: Mapped[Decimal] = mapped_column(sa.Numeric(16, 2))
    measure: Mapped[str | None]
    paid_on: Mapped[date | None]
    note: Mapped[str | None]
    actor: Mapped[str]
    created_at: Mapped[base.CreatedAt] = mapped_column(server_default=sa.text("now()"))


class Mine(base.Labelled, base.Versioned, base.Dated, base.Base):
    """A mine and how far its restoration is.

    Attributes:
        part_of_id: The entry of an inventory it is a part of, whose stated area covers its own.
        area_ha: The area its source states, in hectares; `area_m2` is that of its shape.
        listed_year: The year of the inventory: from its end on the mine is in the stock.
        closed_on: The day mining ended (闭坑); None while it goes on, or long ago.
        evidence: Codes of the documents its acceptance rests on.
    """

    __tablename__ = "mine"
    __table_args__ = (
        base.one_of("kind", vocabulary.codes(vocabulary.MINE_KINDS)),
        base.one_of("state", vocabulary.codes(vocabulary.MINE_STATES)),
        sa.CheckConstraint("area_ha > 0 AND accepted_area_ha > 0", name="areas"),
        *base.drawn("mine"),
        base.in_order(),
        base.live_code("mine"),
        sa.Index("ix_mine_region_id_state", "region_id", "state"),
    )

    kind: Mapped[str]
    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"))
    town_ids: Mapped[list[int]] = mapped_column(
        ARRAY(sa.BigInteger), server_default=sa.text("'{}'"), info={"refers_to": "region"}
    )
    part_of_id: Mapped[int | None] = mapped_column(sa.ForeignKey("mine.id"), index=True)
    minerals: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sa.text("'{}'"))
    hazards: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sa.text("'{}'"))
    owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("party.id"), index=True)
    area_ha: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    listed_year: Mapped[int | None]
    state: Mapped[str] = mapped_column(server_default="open", default="open")
    plan_id: Mapped[int | None] = mapped_column(sa.ForeignKey("plan.id"), index=True)
    problem_id: Mapped[int | None] = mapped_column(sa.ForeignKey("problem.id"), index=True)
    project_id: Mapped[int | None] = mapped_column(sa.ForeignKey("project.id"), index=True)
    licence: Mapped[str | None]
    licence_until: Mapped[date | None]
    restoration_plan: Mapped[str | None]
    closed_on: Mapped[date | None]
    accepted_on: Mapped[date | None]
    accepted_area_ha: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    evidence: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sa.text("'{}'"))
    geom: Mapped[base.MultiPolygon | None]
    area_m2: Mapped[base.Area]


class MineDepositEntry(base.Base):
    """An entry of a mine's restoration fund; append-only.

    One that was wrong is taken back by another of the same kind and the same amount below zero,
    which names it in `reverses_id`.
    """

    __tablename__ = "mine_deposit_entry"
    __table_args__ = (
        base.one_of("kind", vocabulary.codes(vocabulary.MINE_DEPOSIT_KINDS)),
        sa.CheckConstraint(
            "amount <> 0 AND (amount < 0) = (reverses_id IS NOT NULL)", name="amount"
        ),
        sa.UniqueConstraint("reverses_id"),
        sa.Index("ix_mine_deposit_entry_mine_id_year", "mine_id", "year"),
    )

    id: Mapped[base.BigId]
    mine_id: Mapped[int] = mapped_column(sa.ForeignKey("mine.id"))
    kind: Mapped[str]
    year: Mapped[int]
    amount: Mapped[Decimal] = mapped_column(sa.Numeric(16, 2))
    reverses_id: Mapped[int | None] = mapped_column(sa.ForeignKey("mine_deposit_entry.id"))
    note: Mapped[str | None]
    actor: Mapped[str]
    created_at: Mapped[base.CreatedAt]


class MineReport(base.Base):
    """What a producing mine disturbed and restored in a year; append-only, the newest counts."""

    __tablename__ = "mine_report"
    __table_args__ = (
        sa.CheckConstraint(
            "disturbed_ha >= 0 AND planned_ha >= 0 AND restored_ha >= 0", name="areas"
        ),
        sa.Index("ix_mine_report_mine_id_year", "mine_id", "year"),
    )

    id: Mapped[base.BigId]
    mine_id: Mapped[int] = mapped_column(sa.ForeignKey("mine.id"))
    year: Mapped[int]
    disturbed_ha: Mapped[Decimal] = mapped_column(sa.Numeric)
    planned_ha: Mapped[Decimal] = mapped_column(sa.Numeric)
    restored_ha: Mapped[Decimal] = mapped_column(sa.Numeric)
    due: Mapped[Decimal] = mapped_column(sa.Numeric(16, 2))
    paid: Mapped[Decimal] = mapped_column(sa.Numeric(16, 2))
    case_id: Mapped[int | None] = mapped_column(sa.ForeignKey("lead_case.id"), index=True)
    note: Mapped[str | None]
    actor: Mapped[str]
    created_at: Mapped[base.CreatedAt]


class Reclamation(base.Labelled, base.Classified, base.Versioned, base.Dated, base.Base):
    """Land that is used for a time and given back, with the deposit for its reclamation."""

    __tablename__ = "reclamation"
    __table_args__ = (
        base.one_of("state", vocabulary.codes(vocabulary.RECLAMATION_STATES)),
        *base.classified(),
        sa.CheckConstraint("deposit_required >= 0 AND deposit_paid >= 0", name="deposit"),
        sa.CheckConstraint("area_ha > 0", name="area_ha"),
        *base.drawn("reclamation"),
        base.in_order(),
        base.live_code("reclamation"),
        sa.Index("ix_reclamation_region_id_state", "region_id", "state"),
    )

    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"))
    owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("party.id"), index=True)
    project_id: Mapped[int | None] = mapped_column(sa.ForeignKey("project.id"), index=True)
    state: Mapped[str] = mapped_column(server_default="planned", default="planned")
    start_on: Mapped[date]
    end_on: Mapped[date]
    area_ha: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    land_class_before: Mapped[str]
    land_class_after: Mapped[str | None]
    deposit_required: Mapped[Decimal | None] = mapped_column(sa.Numeric(16, 2))
    deposit_paid: Mapped[Decimal | None] = mapped_column(sa.Numeric(16, 2))
    accepted_on: Mapped[date | None]
    evidence: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=sa.text("'{}'"))
    forfeit_reason: Mapped[str | None]
    visibility: Mapped[base.Visible]
    geom: Mapped[base.MultiPolygon | None]
    area_m2: Mapped[base.Area]
