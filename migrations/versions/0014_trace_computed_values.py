"""Let a value of an indicator name the job that computed it, and how."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("indicator_value", sa.Column("job_id", sa.Uuid(), nullable=True))
    op.add_column("indicator_value", sa.Column("provenance", postgresql.JSONB(), nullable=True))
    op.create_foreign_key(
        op.f("fk_indicator_value_job_id"), "indicator_value", "job", ["job_id"], ["id"]
    )
    op.create_index(op.f("ix_indicator_value_job_id"), "indicator_value", ["job_id"])


def downgrade() -> None:
    op.drop_column("indicator_value", "provenance")
    op.drop_column("indicator_value", "job_id")
