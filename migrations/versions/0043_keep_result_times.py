"""Keep when a value was known, and the sampling feature it is of, where that is told."""

from collections.abc import Sequence

from alembic import op

revision: str = "0043"
down_revision: str | None = "0041"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TABLES = ("observation", "observation_revision")


def upgrade() -> None:
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ADD result_time timestamptz, ADD feature_id int")
    op.execute("ALTER TABLE observation_latest ADD result_time timestamptz")


def downgrade() -> None:
    op.execute("ALTER TABLE observation_latest DROP result_time")
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} DROP result_time, DROP feature_id")
