"""Keep sessions of browsers, passwords and second factors of accounts, and failures to sign in."""

from collections.abc import Sequence

from alembic import op

revision: str = "0072"
down_revision: str | None = "0071"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SESSION = """
CREATE TABLE session (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_session PRIMARY KEY,
  account_id bigint NOT NULL CONSTRAINT fk_session_account_id REFERENCES account ON DELETE CASCADE,
  sha256 varchar NOT NULL CONSTRAINT uq_session_sha256 UNIQUE,
  need varchar,
  groups text[] NOT NULL DEFAULT '{}',
  proofs text[] NOT NULL DEFAULT '{}',
  address inet,
  agent varchar NOT NULL DEFAULT '',
  new_device boolean NOT NULL DEFAULT false,
  made_at timestamptz NOT NULL DEFAULT now(),
  used_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  CONSTRAINT ck_session_need CHECK (need IN ('code', 'password', 'factor'))
)"""
CREDENTIAL = """
CREATE TABLE account_credential (
  account_id bigint CONSTRAINT pk_account_credential PRIMARY KEY
    CONSTRAINT fk_account_credential_account_id REFERENCES account ON DELETE CASCADE,
  password varchar,
  password_at timestamptz,
  former text[] NOT NULL DEFAULT '{}',
  link_sha256 varchar CONSTRAINT uq_account_credential_link_sha256 UNIQUE,
  link_expires_at timestamptz,
  totp bytea,
  totp_at timestamptz,
  totp_step bigint NOT NULL DEFAULT 0,
  recovery text[] NOT NULL DEFAULT '{}'
)"""
FAILURE = """
CREATE TABLE sign_in_failure (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_sign_in_failure PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now(),
  name_sha256 varchar NOT NULL,
  bucket varchar NOT NULL
)"""


def upgrade() -> None:
    for statement in (SESSION, CREDENTIAL, FAILURE):
        op.execute(statement)
    for table, column in (
        ("session", "account_id"),
        ("sign_in_failure", "name_sha256"),
        ("sign_in_failure", "bucket"),
        ("sign_in_failure", "at"),
    ):
        op.execute(f"CREATE INDEX ix_{table}_{column} ON {table} ({column})")


def downgrade() -> None:
    op.execute("DROP TABLE sign_in_failure, account_credential, session")
