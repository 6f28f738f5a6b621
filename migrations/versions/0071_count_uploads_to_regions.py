"""Count uploads to their owner's regions, for what may wait at the same time."""

from collections.abc import Sequence

from alembic import op

revision: str = "0071"
down_revision: str | None = "0070"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("ALTER TABLE upload ADD region_ids bigint[] NOT NULL DEFAULT '{}'")
    op.execute("CREATE INDEX ix_upload_owner ON upload (owner)")


def downgrade() -> None:
    op.execute("DROP INDEX ix_upload_owner")
    op.execute("ALTER TABLE upload DROP region_ids")
