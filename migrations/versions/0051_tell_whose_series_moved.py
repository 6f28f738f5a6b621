"""Tell of which properties series were moved to variants, so that only their values look for it."""

from collections.abc import Sequence

from alembic import op

revision: str = "0051"
down_revision: str | None = "0050"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("ALTER TABLE observed_property ADD series_moved boolean NOT NULL DEFAULT false")
    op.execute(
        "UPDATE observed_property p SET series_moved = true WHERE EXISTS"
        " (SELECT FROM datastream d WHERE d.former_property_id = p.id)"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE observed_property DROP series_moved")
