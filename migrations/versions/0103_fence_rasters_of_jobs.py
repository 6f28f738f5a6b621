"""Fence rasters of jobs: one that is not public is reached from its region alone, as drafts are."""

from collections.abc import Sequence

from alembic import op

revision: str = "0103"
down_revision: str | None = "0102"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

FORMER = "visibility"
NOW = "CASE WHEN origin = 'computed' AND visibility <> 'public' THEN 'draft' ELSE visibility END"


def upgrade() -> None:
    _reached_by(NOW)


def downgrade() -> None:
    _reached_by(FORMER)


def _reached_by(visibility: str) -> None:
    for table in ("dataset", "dataset_history"):
        op.execute(
            f"ALTER POLICY reads ON {table} USING ("
            f"strpos(current_setting('shanhai.sees', true), {visibility}) > 0"
            " OR region_id = ANY ((SELECT nullif(current_setting('shanhai.regions', true), '')"
            "::bigint[])::bigint[])"
            " OR current_setting('shanhai.sees', true) = 'everything')"
        )
