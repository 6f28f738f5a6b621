"""Create the tables of proposals, and let a plan name the one it supersedes."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KINDS = "('project', 'programme', 'target', 'zone', 'plan')"
STATES = "('draft', 'submitted', 'accepted', 'refused', 'withdrawn', 'carried_out')"
EVIDENCE = "('alert', 'case', 'value', 'job', 'evaluation', 'bulletin')"
Column = sa.Column[object]


def upgrade() -> None:
    _create_proposals()
    _create_evidence()
    _create_events()
    for table in ("plan", "plan_history"):
        op.add_column(table, sa.Column("supersedes_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_plan_supersedes_id"), "plan", "plan", ["supersedes_id"], ["id"])
    op.create_index("ix_plan_supersedes_id", "plan", ["supersedes_id"])
    op.execute("SELECT keep_history_of('plan')")


def downgrade() -> None:
    op.drop_index("ix_plan_supersedes_id", "plan")
    for table in ("plan", "plan_history"):
        op.drop_column(table, "supersedes_id")
    op.execute("SELECT keep_history_of('plan')")
    for table in ("proposal_event", "proposal_evidence", "proposal"):
        op.drop_table(table)


def _create_proposals() -> None:
    op.create_table(
        "proposal",
        _id(),
        *(_text(name) for name in ("code", "title", "kind")),
        _json("subject"),
        *(_number(name, nullable=True) for name in ("plan_id", "region_id")),
        _number("base_id"),
        *(_json(name) for name in ("base", "change", "fields")),
        _text("reason"),
        sa.Column("state", sa.String(), server_default="draft", nullable=False),
        _text("author"),
        _text("decided_by", nullable=True),
        _moment("decided_at"),
        _text("decision", nullable=True),
        _number("made_id", nullable=True),
        sa.Column("row_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        _moment("created_at", default=True),
        _moment("updated_at", default=True),
        sa.CheckConstraint(f"kind IN {KINDS}", name=op.f("ck_proposal_kind")),
        sa.CheckConstraint(f"state IN {STATES}", name=op.f("ck_proposal_state")),
        sa.CheckConstraint(
            "(state = 'carried_out') = (made_id IS NOT NULL)", name=op.f("ck_proposal_made")
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_proposal_plan_id")),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name=op.f("fk_proposal_region_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
        sa.UniqueConstraint("code", name=op.f("uq_proposal_code")),
    )
    for columns in (["plan_id"], ["region_id"], ["kind", "base_id"], ["kind", "made_id"]):
        op.create_index(f"ix_proposal_{'_'.join(columns)}", "proposal", columns)


def _create_evidence() -> None:
    op.create_table(
        "proposal_evidence",
        _number("proposal_id"),
        sa.Column("seq", sa.Integer(), nullable=False),
        *(_text(name) for name in ("kind", "object")),
        sa.CheckConstraint(f"kind IN {EVIDENCE}", name=op.f("ck_proposal_evidence_kind")),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposal.id"], name=op.f("fk_proposal_evidence_proposal_id")
        ),
        sa.PrimaryKeyConstraint("proposal_id", "seq", name=op.f("pk_proposal_evidence")),
    )
    op.create_index("ix_proposal_evidence_kind_object", "proposal_evidence", ["kind", "object"])


def _create_events() -> None:
    op.create_table(
        "proposal_event",
        _id(),
        _number("proposal_id"),
        sa.Column("seq", sa.Integer(), nullable=False),
        _text("from_state", nullable=True),
        _text("to_state"),
        _moment("at", default=True),
        _text("actor"),
        _text("reason", nullable=True),
        sa.CheckConstraint(f"from_state IN {STATES}", name=op.f("ck_proposal_event_from_state")),
        sa.CheckConstraint(f"to_state IN {STATES}", name=op.f("ck_proposal_event_to_state")),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposal.id"], name=op.f("fk_proposal_event_proposal_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal_event")),
        sa.UniqueConstraint("proposal_id", "seq", name=op.f("uq_proposal_event_proposal_id_seq")),
    )
    # The function is that of the other ledgers.
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON proposal_event"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _id() -> Column:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False)


def _text(name: str, *, nullable: bool = False) -> Column:
    return sa.Column(name, sa.String(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> Column:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _json(name: str) -> Column:
    return sa.Column(name, postgresql.JSONB(), nullable=False)


def _moment(name: str, *, default: bool = False) -> Column:
    return sa.Column(
        name,
        postgresql.TIMESTAMP(timezone=True),
        server_default=sa.text("now()") if default else None,
        nullable=not default,
    )
