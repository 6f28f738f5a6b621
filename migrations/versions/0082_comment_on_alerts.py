"""Let people comment on alerts without acknowledging or closing them."""

from collections.abc import Sequence

from alembic import op

revision: str = "0082"
down_revision: str | None = "0081"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE = (
    *("opened", "raised", "acknowledged", "recovered", "closed", "rule_changed", "rule_expired"),
    "subject_gone",
)


def _allow(kinds: Sequence[str]) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.execute(
        "ALTER TABLE alert_event DROP CONSTRAINT ck_alert_event_kind,"
        f" ADD CONSTRAINT ck_alert_event_kind CHECK (kind IN ({listed}))"
    )


def upgrade() -> None:
    _allow((*BEFORE, "commented"))


def downgrade() -> None:
    # Nobody is told of comments, so no notice waits for one.
    op.execute("DELETE FROM alert_event WHERE kind = 'commented'")
    _allow(BEFORE)
