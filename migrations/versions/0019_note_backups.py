"""Note how far backups reach."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "backup_mark",
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("reached", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("noted_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column(
            "detail", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.CheckConstraint("part IN ('base', 'archive')", name=op.f("ck_backup_mark_part")),
        sa.PrimaryKeyConstraint("part", name=op.f("pk_backup_mark")),
    )


def downgrade() -> None:
    op.drop_table("backup_mark")
