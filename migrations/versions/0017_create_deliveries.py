"""Create the outbox of what is sent, the webhooks it goes to, and subscribers of jobs."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

Column = sa.Column[object]


def upgrade() -> None:
    _create_webhooks()
    _create_deliveries()
    op.add_column("job", sa.Column("subscriber", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("job", "subscriber")
    for name in ("delivery", "webhook"):
        op.drop_table(name)


def _create_webhooks() -> None:
    op.create_table(
        "webhook",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *(_text(name) for name in ("code", "name", "url", "lang")),
        sa.Column("events", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("region_id", sa.BigInteger(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        _text("disabled_reason", nullable=True),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("former_secret", sa.LargeBinary(), nullable=True),
        _moment("former_until"),
        _text("created_by"),
        sa.Column("row_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        *(_moment(name, default=True) for name in ("created_at", "updated_at")),
        _moment("deleted_at"),
        sa.CheckConstraint("lang IN ('zh', 'en')", name=op.f("ck_webhook_lang")),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name=op.f("fk_webhook_region_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
    )
    op.create_index(
        "uq_webhook_code_live",
        "webhook",
        ["code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(op.f("ix_webhook_region_id"), "webhook", ["region_id"])


def _create_deliveries() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        *(_text(name) for name in ("kind", "target", "event_type")),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        _text("once_key", nullable=True),
        _moment("due_at", default=True),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _moment("lease_until"),
        sa.Column("status", sa.String(), server_default="waiting", nullable=False),
        sa.Column("answered", sa.SmallInteger(), nullable=True),
        _text("reason", nullable=True),
        _moment("created_at", default=True),
        _moment("finished_at"),
        sa.CheckConstraint(
            "kind IN ('webhook', 'email', 'callback')", name=op.f("ck_delivery_kind")
        ),
        sa.CheckConstraint(
            "status IN ('waiting', 'delivered', 'dead')", name=op.f("ck_delivery_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("once_key", name=op.f("uq_delivery_once_key")),
    )
    op.create_index(
        "ix_delivery_waiting",
        "delivery",
        ["kind", "target", "due_at"],
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_index(
        "ix_delivery_kind_target_created_at", "delivery", ["kind", "target", "created_at", "id"]
    )
    op.create_index("ix_delivery_finished_at", "delivery", ["finished_at"])


def _text(name: str, *, nullable: bool = False) -> Column:
    return sa.Column(name, sa.String(), nullable=nullable)


def _moment(name: str, *, default: bool = False) -> Column:
    return sa.Column(
        name,
        postgresql.TIMESTAMP(timezone=True),
        server_default=sa.text("now()") if default else None,
        nullable=not default,
    )
