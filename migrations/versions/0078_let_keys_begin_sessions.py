"""Let a session of a browser speak for an API key in place of an account."""

from collections.abc import Sequence

from alembic import op

revision: str = "0078"
down_revision: str | None = "0077"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE session ALTER COLUMN account_id DROP NOT NULL,"
        " ADD COLUMN key_id bigint"
        " CONSTRAINT fk_session_key_id REFERENCES api_key ON DELETE CASCADE,"
        " ADD CONSTRAINT ck_session_whose CHECK (num_nonnulls(account_id, key_id) = 1)"
    )
    op.execute("CREATE INDEX ix_session_key_id ON session (key_id)")


def downgrade() -> None:
    op.execute("DELETE FROM session WHERE account_id IS NULL")
    op.execute(
        "ALTER TABLE session DROP CONSTRAINT ck_session_whose, DROP COLUMN key_id,"
        " ALTER COLUMN account_id SET NOT NULL"
    )
