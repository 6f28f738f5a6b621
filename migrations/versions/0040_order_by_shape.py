"""Find rows with a shape first."""

from collections.abc import Sequence

from alembic import op

revision: str = "0040"
down_revision: str | None = "0030"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TABLES = (
    *("region", "pattern_component", "corridor", "corridor_node", "zone", "control_area"),
    *("problem", "project", "station"),
)


def upgrade() -> None:
    for table in TABLES:
        op.execute(f"CREATE INDEX ix_{table}_shapeless ON {table} ((geom IS NULL), id)")


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP INDEX ix_{table}_shapeless")
