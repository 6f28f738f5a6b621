"""Find the series that moved to another property by the former: each batch of observations asks."""

from collections.abc import Sequence

from alembic import op

revision: str = "0093"
down_revision: str | None = "0092"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index("ix_datastream_former_property_id", "datastream", ["former_property_id"])


def downgrade() -> None:
    op.drop_index("ix_datastream_former_property_id", "datastream")
