"""Draw joint plans anew where all their regions lie, not where the leading one does alone.

They are few, and change seldom: all tiles of plans are made anew. The plans of all regions are
looked at, whoever changes a region: the functions run as the owner.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0094"
down_revision: str | None = "0093"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_NOTE = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF {joint} THEN
    PERFORM note_tile_change('plans', everywhere());
  END IF;
  RETURN NULL;
END $$
"""
_NAMES = {"plan": "note_tiles_of_joint_plan", "region": "note_tiles_of_joint_plans"}


def upgrade() -> None:
    joint = "coalesce(OLD.region_ids, '{}') || coalesce(NEW.region_ids, '{}') <> '{}'"
    op.execute(_NOTE.format(name=_NAMES["plan"], joint=joint))
    in_one = "EXISTS (SELECT FROM plan WHERE NEW.id = ANY (plan.region_ids))"
    op.execute(_NOTE.format(name=_NAMES["region"], joint=in_one))
    op.execute(
        "CREATE TRIGGER note_joint_plan AFTER INSERT OR UPDATE OR DELETE ON plan"
        f" FOR EACH ROW EXECUTE FUNCTION {_NAMES['plan']}()"
    )
    op.execute(
        "CREATE TRIGGER note_joint_plans AFTER UPDATE OF geom ON region FOR EACH ROW"
        f" WHEN (OLD.geom IS DISTINCT FROM NEW.geom) EXECUTE FUNCTION {_NAMES['region']}()"
    )


def downgrade() -> None:
    for table, name in _NAMES.items():
        op.execute(f"DROP TRIGGER {name.replace('_tiles_of', '')} ON {table}")
        op.execute(f"DROP FUNCTION {name}()")
