"""Note which sampling features the values of closed months are of, by which the public sees them.

Of months that were closed before nothing is noted: they are closed anew if there are features.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0095"
down_revision: str | None = "0094"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("ALTER TABLE archived_series ADD COLUMN features integer[]")
    op.create_index(
        "ix_archived_series_features", "archived_series", ["features"], postgresql_using="gin"
    )


def downgrade() -> None:
    op.drop_index("ix_archived_series_features", "archived_series")
    op.execute("ALTER TABLE archived_series DROP COLUMN features")
