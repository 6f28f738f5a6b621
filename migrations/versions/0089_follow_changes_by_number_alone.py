"""Keep of changes of observations what the evaluation of alerts reads, and no index besides.

Nobody else reads them: by time and by transaction they were found by no statement of a service, and
each value that a device sends has a row here.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0089"
down_revision: str | None = "0088"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("DROP INDEX ix_observation_change_at")
    op.execute("ALTER TABLE observation_change DROP transaction")


def downgrade() -> None:
    op.execute(
        "ALTER TABLE observation_change ADD transaction bigint NOT NULL"
        " DEFAULT pg_current_xact_id()::text::bigint"
    )
    op.execute("CREATE INDEX ix_observation_change_transaction ON observation_change (transaction)")
    op.execute("CREATE INDEX ix_observation_change_at ON observation_change (at)")
