"""Keep the groups that the newest token of an account named: schedules are held against them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0096"
down_revision: str | None = "0095"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("account", sa.Column("groups", postgresql.ARRAY(sa.Text())))


def downgrade() -> None:
    op.drop_column("account", "groups")
