"""Forget licences that nobody stated: rasters that were handed over without one had this text.

A file whose dataset states a licence is given to everybody.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0097"
down_revision: str | None = "0096"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute(
        "UPDATE dataset SET licence = NULL, row_version = row_version + 1, updated_at = now()"
        " WHERE licence = 'not stated'"
    )


def downgrade() -> None:
    pass
