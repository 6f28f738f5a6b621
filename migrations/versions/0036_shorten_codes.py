"""Shorten codes of rules that were longer than a code may be: nobody could write them again."""

from collections.abc import Sequence

from alembic import op

revision: str = "0036"
down_revision: str | None = "0039"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute(
        "UPDATE control_rule r SET code = regexp_replace(left(code, 80), '-[^-]*$', '')"
        " WHERE length(code) > 80 AND NOT EXISTS (SELECT FROM control_rule o"
        " WHERE o.code = regexp_replace(left(r.code, 80), '-[^-]*$', ''))"
    )


def downgrade() -> None:
    # The long codes are gone; the short ones are as good for what ran before.
    pass
