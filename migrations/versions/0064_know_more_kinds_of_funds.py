"""Know money of transfer payments, of the ocean, and of the EOD and BOT models."""

from collections.abc import Sequence

from alembic import op

revision: str = "0064"
down_revision: str | None = "0063"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE = ("central", "provincial", "municipal", "district", "bond", "social", "loan", "other")
NEW = ("transfer", "ocean", "eod", "bot")


def _allow(kinds: Sequence[str]) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.execute("ALTER TABLE fund_source DROP CONSTRAINT ck_fund_source_kind")
    op.execute(
        f"ALTER TABLE fund_source ADD CONSTRAINT ck_fund_source_kind CHECK (kind IN ({listed}))"
    )


def upgrade() -> None:
    _allow((*BEFORE[:-1], *NEW, BEFORE[-1]))


def downgrade() -> None:
    # What the former kinds do not tell apart is other money.
    listed = ", ".join(f"'{kind}'" for kind in NEW)
    op.execute(f"UPDATE fund_source SET kind = 'other' WHERE kind IN ({listed})")  # noqa: S608
    _allow(BEFORE)
