"""Keep security keys of accounts, and the challenge that a session waits for."""

from collections.abc import Sequence

from alembic import op

revision: str = "0077"
down_revision: str | None = "0076"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SECURITY_KEY = """
CREATE TABLE account_security_key (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_account_security_key PRIMARY KEY,
  account_id bigint NOT NULL
    CONSTRAINT fk_account_security_key_account_id REFERENCES account ON DELETE CASCADE,
  credential_id bytea NOT NULL CONSTRAINT uq_account_security_key_credential_id UNIQUE,
  public_key bytea NOT NULL,
  sign_count bigint NOT NULL,
  name varchar NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now(),
  used_at timestamptz
)"""


def upgrade() -> None:
    op.execute(SECURITY_KEY)
    op.execute(
        "CREATE INDEX ix_account_security_key_account_id ON account_security_key (account_id)"
    )
    op.execute(
        "ALTER TABLE session ADD COLUMN challenge bytea,"
        " ADD COLUMN challenge_expires_at timestamptz"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE session DROP COLUMN challenge, DROP COLUMN challenge_expires_at")
    op.execute("DROP TABLE account_security_key")
