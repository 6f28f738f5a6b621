"""Let a job keep how its caller wants the results told."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("job", sa.Column("result_form", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("job", "result_form")
