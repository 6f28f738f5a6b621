"""Say in Chinese, too, why something has not been delivered."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0027"
down_revision: str | None = "0026"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("delivery", sa.Column("reason_zh", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("delivery", "reason_zh")
