"""Tell that a job's rasters are served when its results are published, not when its PDF is set."""

from collections.abc import Sequence

from alembic import op

revision: str = "0090"
down_revision: str | None = "0089"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_NOTE = """
CREATE OR REPLACE FUNCTION note_tile_change_of_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM was JOIN became USING (id) WHERE {changed}) THEN
    PERFORM note_tile_change('datasets', everywhere());
  END IF;
  RETURN NULL;
END $$
"""
_SERVED = "({0}.status = 'successful' OR {0}.result IS NOT NULL)"


def upgrade() -> None:
    changed = f"{_SERVED.format('was')} <> {_SERVED.format('became')}"
    op.execute(_NOTE.format(changed=changed))


def downgrade() -> None:
    changed = "was.status <> became.status AND 'successful' IN (was.status, became.status)"
    op.execute(_NOTE.format(changed=changed))
