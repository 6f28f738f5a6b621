"""Tell that rasters are served only of a job that made some: most jobs change no layer."""

from collections.abc import Sequence

from alembic import op

revision: str = "0091"
down_revision: str | None = "0090"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# The rows of all regions are looked at, whoever ends the job: the function runs as the owner.
_NOTE = """
CREATE OR REPLACE FUNCTION note_tile_change_of_job() RETURNS trigger LANGUAGE plpgsql
{rights} AS $$
BEGIN
  IF EXISTS (SELECT FROM was JOIN became USING (id)
              WHERE (was.status = 'successful' OR was.result IS NOT NULL)
                 <> (became.status = 'successful' OR became.result IS NOT NULL)
                AND {changed}) THEN
    PERFORM note_tile_change('datasets', everywhere());
  END IF;
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    changed = "EXISTS (SELECT FROM dataset d WHERE d.job_id = became.id)"
    rights = "SECURITY DEFINER SET search_path = public, pg_temp"
    op.execute(_NOTE.format(changed=changed, rights=rights))


def downgrade() -> None:
    op.execute(_NOTE.format(changed="true", rights=""))
