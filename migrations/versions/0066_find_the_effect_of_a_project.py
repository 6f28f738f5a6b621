"""Find the comparison of rasters of a project without reading all jobs."""

from collections.abc import Sequence

from alembic import op

revision: str = "0066"
down_revision: str | None = "0065"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_job_effect ON job ((inputs ->> 'project'), created_at DESC)"
        " WHERE kind = 'evaluate-effect'"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_job_effect")
