"""Keep which workers run and how far the replica is behind, and when backups were checked."""

from collections.abc import Sequence

from alembic import op

revision: str = "0085"
down_revision: str | None = "0084"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

PRESENCE = """
CREATE TABLE worker_presence (
  name varchar NOT NULL CONSTRAINT pk_worker_presence PRIMARY KEY,
  version varchar NOT NULL,
  slots integer NOT NULL,
  began_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  replica_lag_bytes double precision
)"""


def _allow(parts: str) -> None:
    op.execute(
        "ALTER TABLE backup_mark DROP CONSTRAINT ck_backup_mark_part,"
        f" ADD CONSTRAINT ck_backup_mark_part CHECK (part IN ({parts}))"
    )


def upgrade() -> None:
    op.execute(PRESENCE)
    _allow("'base', 'archive', 'verified'")


def downgrade() -> None:
    op.execute("DELETE FROM backup_mark WHERE part = 'verified'")
    _allow("'base', 'archive'")
    op.execute("DROP TABLE worker_presence")
