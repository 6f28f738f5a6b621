"""Keep beside the revision which older code the database serves as well."""

from collections.abc import Sequence

from alembic import op

revision: str = "0088"
down_revision: str | None = "0087"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Code before it takes every other revision than its own for a fault.
serves_since: str = "0088"


def upgrade() -> None:
    op.execute("ALTER TABLE alembic_version ADD serves_since varchar")


def downgrade() -> None:
    op.execute("ALTER TABLE alembic_version DROP serves_since")
