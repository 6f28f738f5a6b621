"""Plans and policies, the parts of joint plans, decisions of regions, and proposals."""

from datetime import date
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, DATERANGE, JSONB, Range
from sqlalchemy.orm import Mapped, mapped_column

from shanhai import vocabulary
from shanhai.db.base import (
    Base,
    BigId,
    Bounded,
    Coded,
    Copied,
    CreatedAt,
    Dated,
    Labelled,
    Moment,
    Versioned,
    in_order,
    live_code,
    one_of,
)


class Plan(Labelled, Versioned, Bounded, Base):
    """A plan; its years are inclusive, the last None while it is in force without end.

    `version` is the number its issuer gives an edition; former states of the row are history. An
    edition names the plan it takes the place of once it is approved, and the first of its lineage;
    its parts hold on the days it is in force: none before its approval. A plan that takes no
    other's place is in force on all days its parts name, until an edition takes its place.
    `region_ids` are the regions that make a joint plan together; a plan of one region has none.
    A special plan also names the spatial plan it belongs to, beside the plan of its kind one level
    up.
    """

    __tablename__ = "plan"
    __table_args__ = (
        one_of("status", vocabulary.codes(vocabulary.PLAN_STATUSES)),
        CheckConstraint("last_year >= first_year", name="years"),
        in_order(),
        live_code("plan"),
    )

    kind: Mapped[str]
    level: Mapped[str]
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    region_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'"))
    upper_plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"), index=True)
    spatial_plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"), index=True)
    first_year: Mapped[int]
    last_year: Mapped[int | None]
    base_year: Mapped[int | None]
    status: Mapped[str] = mapped_column(server_default="draft")
    version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    supersedes_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"), index=True)
    lineage_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"), index=True)
    edition: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    in_force: Mapped[Range[date]] = mapped_column(DATERANGE, server_default=text("'(,)'"))


class PlanPart(Coded, Copied, Versioned, Dated, Base):
    """What one region contributes to a joint plan, in its own words; codes are unique in a plan."""

    __tablename__ = "plan_part"
    __table_args__ = (
        in_order(),
        live_code("plan_part", "plan_id"),
        Index(
            "uq_plan_part_region_live",
            "plan_id",
            "region_id",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"), index=True)
    name_zh: Mapped[str]
    name_en: Mapped[str]
    text_zh: Mapped[str | None]
    text_en: Mapped[str | None]
    party_id: Mapped[int | None] = mapped_column(ForeignKey("party.id"), index=True)


class PlanDecision(Base):
    """What a region decided of a joint plan; append-only, the last one of a region counts.

    `content` is the digest of what the plan said then: an approval holds for nothing else.
    """

    __tablename__ = "plan_decision"
    __table_args__ = (one_of("decision", vocabulary.codes(vocabulary.PLAN_DECISIONS)),)

    id: Mapped[BigId]
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"), index=True)
    region_id: Mapped[int] = mapped_column(ForeignKey("region.id"), index=True)
    decision: Mapped[str]
    content: Mapped[str]
    reason: Mapped[str | None]
    actor: Mapped[str]
    at: Mapped[CreatedAt]


class PlanProject(Base):
    """What is said of a project in an edition it does not stand in.

    In a draft: that it is dropped, or its programme there. In one that was superseded: that it had
    the project, and in which programme. `plan_membership` tells of all.
    """

    __tablename__ = "plan_project"

    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"), primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), primary_key=True, index=True)
    programme_id: Mapped[int | None] = mapped_column(ForeignKey("programme.id"), index=True)
    dropped: Mapped[bool] = mapped_column(server_default=text("false"), default=False)


class Proposal(Coded, Base):
    """A proposal to revise a project, programme, target, zone or plan.

    Attributes:
        subject: What is to be revised, by its codes.
        base_id: Its row: of a project, programme, plan (also for a target) or zone scheme.
        base: The members it had when this was proposed, by which a later change of it is known.
        change: What was proposed, as it is given to the writer of the object.
        fields: The members that are to differ, with the old and the new value.
        made_id: The row in which the change was carried out, of the same table as `base_id`.
    """

    __tablename__ = "proposal"
    __table_args__ = (
        one_of("kind", vocabulary.codes(vocabulary.PROPOSAL_KINDS)),
        one_of("state", vocabulary.codes(vocabulary.PROPOSAL_STATES)),
        CheckConstraint("(state = 'carried_out') = (made_id IS NOT NULL)", name="made"),
        UniqueConstraint("code"),
        Index("ix_proposal_kind_base_id", "kind", "base_id"),
        Index("ix_proposal_kind_made_id", "kind", "made_id"),
    )

    title: Mapped[str]
    kind: Mapped[str]
    subject: Mapped[dict[str, Any]] = mapped_column(JSONB)
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"), index=True)
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"), index=True)
    base_id: Mapped[int] = mapped_column(BigInteger)
    base: Mapped[dict[str, Any]] = mapped_column(JSONB)
    change: Mapped[dict[str, Any]] = mapped_column(JSONB)
    fields: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    reason: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="draft", default="draft")
    author: Mapped[str]
    decided_by: Mapped[str | None]
    decided_at: Mapped[Moment | None]
    decision: Mapped[str | None]
    made_id: Mapped[int | None] = mapped_column(BigInteger)
    row_version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class ProposalEvidence(Base):
    """What a proposal is founded on: the number or code of an alert, case, value, job, evaluation.

    Those are told by text, for they lie in tables of their own.
    """

    __tablename__ = "proposal_evidence"
    __table_args__ = (
        one_of("kind", vocabulary.codes(vocabulary.EVIDENCE_KINDS)),
        Index("ix_proposal_evidence_kind_object", "kind", "object"),
    )

    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    object: Mapped[str]


class ProposalEvent(Base):
    """A step of a proposal, its writing included; append-only."""

    __tablename__ = "proposal_event"
    __table_args__ = (
        UniqueConstraint("proposal_id", "seq"),
        one_of("from_state", vocabulary.codes(vocabulary.PROPOSAL_STATES)),
        one_of("to_state", vocabulary.codes(vocabulary.PROPOSAL_STATES)),
    )

    id: Mapped[BigId]
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    seq: Mapped[int]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    at: Mapped[CreatedAt]
    actor: Mapped[str]
    reason: Mapped[str | None]
