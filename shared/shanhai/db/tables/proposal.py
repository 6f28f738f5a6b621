"""Proposals to revise what is planned: what each is founded on, and what became of it."""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shanhai.db.base import Base, BigId, CreatedAt, Moment, one_of
from shanhai.vocabulary import EVIDENCE_KINDS, PROPOSAL_KINDS, PROPOSAL_STATES, codes


class Proposal(Base):
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
        one_of("kind", codes(PROPOSAL_KINDS)),
        one_of("state", codes(PROPOSAL_STATES)),
        CheckConstraint("(state = 'carried_out') = (made_id IS NOT NULL)", name="made"),
        UniqueConstraint("code"),
        Index("ix_proposal_kind_base_id", "kind", "base_id"),
        Index("ix_proposal_kind_made_id", "kind", "made_id"),
    )

    id: Mapped[BigId]
    code: Mapped[str]
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
        one_of("kind", codes(EVIDENCE_KINDS)),
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
        one_of("from_state", codes(PROPOSAL_STATES)),
        one_of("to_state", codes(PROPOSAL_STATES)),
    )

    id: Mapped[BigId]
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    seq: Mapped[int]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    at: Mapped[CreatedAt]
    actor: Mapped[str]
    reason: Mapped[str | None]
