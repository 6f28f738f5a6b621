"""Keep the figures plans stated before, and note what approving an edition changes in tiles."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0032"
down_revision: str | None = "0037"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Figures have neither versions nor a mark of deletion: what is replaced or removed goes here, with
# the days it held. A figure without a first day holds since its plan does.
KEEP_TARGETS = """
CREATE FUNCTION keep_targets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND
     (NEW.value, NEW.comparator_printed, NEW.sense, NEW.cumulative_from, NEW.revisable, NEW.source)
     IS NOT DISTINCT FROM
     (OLD.value, OLD.comparator_printed, OLD.sense, OLD.cumulative_from, OLD.revisable, OLD.source)
  THEN
    RETURN NEW;
  END IF;
  IF coalesce(OLD.valid_from < current_date, true) THEN
    INSERT INTO indicator_target_history
    SELECT clock_timestamp(), current_date, (OLD).*;
  END IF;
  IF TG_OP = 'DELETE' THEN
    RETURN OLD;
  END IF;
  NEW.valid_from := current_date;
  RETURN NEW;
END $$
"""
KEEP = """
CREATE TRIGGER keep_targets BEFORE UPDATE OR DELETE ON indicator_target
  FOR EACH ROW EXECUTE FUNCTION keep_targets()
"""
SHOWN = "'pattern_components', 'corridors', 'corridor_nodes', 'control_areas', 'problems', 'zones'"
# What is told of an edition, or of whether it is in force, is shown by all it holds. Both change
# seldom.
NOTE_EDITION = f"""
CREATE TRIGGER note_tile_change
  AFTER UPDATE OF code, status, in_force, region_id, region_ids, supersedes_id, deleted_at
  ON plan FOR EACH STATEMENT EXECUTE FUNCTION note_tiles_everywhere({SHOWN}, 'projects')
"""
NOTE_MEMBERS = """
CREATE TRIGGER note_tile_change AFTER INSERT OR UPDATE OR DELETE ON plan_project
  FOR EACH STATEMENT EXECUTE FUNCTION note_tiles_everywhere('projects')
"""
NOTE_PATTERNS = """
CREATE TRIGGER note_tile_change AFTER UPDATE OF plan_id ON pattern
  FOR EACH STATEMENT EXECUTE FUNCTION note_tiles_everywhere('pattern_components')
"""
NOTE_PROGRAMMES = """
CREATE TRIGGER note_tile_change AFTER UPDATE OF plan_id ON programme
  FOR EACH STATEMENT EXECUTE FUNCTION note_tiles_everywhere('projects')
"""
NOTE_FORCE = f"""
CREATE TRIGGER note_tile_force AFTER UPDATE OF in_force, status ON plan FOR EACH STATEMENT
  EXECUTE FUNCTION note_tiles_everywhere({SHOWN})
"""


def upgrade() -> None:
    op.add_column("indicator_target", sa.Column("valid_from", sa.Date()))
    op.execute(
        "CREATE TABLE indicator_target_history (recorded_to timestamptz NOT NULL,"
        " valid_to date NOT NULL, LIKE indicator_target)"
    )
    op.create_index(
        "ix_indicator_target_history_plan_id",
        "indicator_target_history",
        ["plan_id", "indicator_id"],
    )
    op.execute("DROP TRIGGER note_tile_force ON plan")
    for statement in (
        KEEP_TARGETS,
        KEEP,
        NOTE_EDITION,
        NOTE_MEMBERS,
        NOTE_PATTERNS,
        NOTE_PROGRAMMES,
    ):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TRIGGER note_tile_change ON programme")
    op.execute("DROP TRIGGER note_tile_change ON pattern")
    op.execute("DROP TRIGGER note_tile_change ON plan_project")
    op.execute("DROP TRIGGER note_tile_change ON plan")
    op.execute(NOTE_FORCE)
    op.execute("DROP TRIGGER keep_targets ON indicator_target")
    op.execute("DROP FUNCTION keep_targets")
    op.drop_table("indicator_target_history")
    op.drop_column("indicator_target", "valid_from")
