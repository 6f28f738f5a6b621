"""Find observations of all stations by their time with a B-tree instead of ranges of pages.

Ranges of pages say little where rows were not stored in the order of time: a page of a month then
read all of the month. Equal times share an entry, so the tree has about 7 bytes a row.

Tables that have such an index already keep it: who cannot wait for a large database makes one for
each month beforehand, with `CREATE INDEX CONCURRENTLY`.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0086"
down_revision: str | None = "0085"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("DROP INDEX ix_observation_observed_at")
    op.execute("CREATE INDEX ix_observation_observed_at ON observation (observed_at)")


def downgrade() -> None:
    op.execute("DROP INDEX ix_observation_observed_at")
    op.execute("CREATE INDEX ix_observation_observed_at ON observation USING brin (observed_at)")
