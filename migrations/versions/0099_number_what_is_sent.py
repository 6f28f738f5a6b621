"""Number what is sent in the order it is written: what one transaction writes has one `now()`.

What is written is due from then on, and not from the beginning of its transaction, which may have
waited for others. Code before this one goes on: the database numbers what it writes.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0099"
down_revision: str | None = "0098"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE delivery ADD number bigint NOT NULL GENERATED ALWAYS AS IDENTITY,"
        " ALTER due_at SET DEFAULT clock_timestamp()"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE delivery DROP number, ALTER due_at SET DEFAULT now()")
