"""Keep of changes of observations what the evaluation of alerts reads, and no index besides.

By time and by transaction no statement of a service finds them, and each value that a device sends
has a row here. The number of the transaction is written no more.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0089"
down_revision: str | None = "0088"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("DROP INDEX ix_observation_change_at")
    op.execute("DROP INDEX ix_observation_change_transaction")
    op.execute(
        "ALTER TABLE observation_change ALTER transaction DROP DEFAULT,"
        " ALTER transaction DROP NOT NULL"
    )


def downgrade() -> None:
    op.execute("UPDATE observation_change SET transaction = 0 WHERE transaction IS NULL")
    op.execute(
        "ALTER TABLE observation_change ALTER transaction SET NOT NULL,"
        " ALTER transaction SET DEFAULT pg_current_xact_id()::text::bigint"
    )
    op.execute("CREATE INDEX ix_observation_change_transaction ON observation_change (transaction)")
    op.execute("CREATE INDEX ix_observation_change_at ON observation_change (at)")
