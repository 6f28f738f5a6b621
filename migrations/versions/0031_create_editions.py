"""Let an edition of a plan hold its content, and say on which days it is in force."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0031"
down_revision: str | None = "0033"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

CONTENT = (
    *("pattern", "pattern_component", "corridor", "corridor_node", "zone_scheme", "zone"),
    *("control_area", "control_rule", "problem", "programme", "plan_indicator", "plan_part"),
)
"""Tables whose rows are copied into a new edition."""
WITH_HISTORY = ("plan", *CONTENT)

# The number of its lineage is that of the plan it all began with. What was superseded by a draft
# that names it is known already; when it was, its own state tells.
FILL_PLANS = """
WITH RECURSIVE chain (id, lineage_id, edition) AS (
  SELECT id, id, 1 FROM plan WHERE supersedes_id IS NULL
  UNION ALL
  SELECT p.id, chain.lineage_id, chain.edition + 1
    FROM plan p JOIN chain ON p.supersedes_id = chain.id
)
UPDATE plan SET lineage_id = chain.lineage_id, edition = chain.edition,
       in_force = CASE WHEN plan.status IN ('approved', 'superseded')
                       THEN daterange(plan.valid_from, NULL) ELSE 'empty' END
  FROM chain WHERE chain.id = plan.id AND plan.supersedes_id IS NOT NULL
"""
CLOSE_PLANS = """
UPDATE plan SET in_force = daterange(lower(plan.in_force),
         greatest(lower(plan.in_force), coalesce(lower(later.in_force), current_date)))
  FROM plan later
 WHERE later.supersedes_id = plan.id AND plan.status = 'superseded'
   AND later.status IN ('approved', 'superseded')
"""
FILL_NODES = """
UPDATE corridor_node n SET plan_id = (
  SELECT max(co.plan_id) FROM corridor co WHERE co.id = ANY (n.corridor_ids))
 WHERE n.corridor_ids <> '{}'
"""
# A plan that takes no other's place holds for the days its parts name; an edition also waits for
# its approval.
BEGIN_FORCE = """
CREATE FUNCTION begin_force() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.in_force := daterange(current_date, NULL);
  RETURN NEW;
END $$
"""
BEGIN_FORCE_ON_APPROVAL = """
CREATE TRIGGER begin_force BEFORE UPDATE OF status ON plan FOR EACH ROW
  WHEN (NEW.status = 'approved' AND OLD.status <> 'approved' AND NEW.supersedes_id IS NOT NULL)
  EXECUTE FUNCTION begin_force()
"""
# Which projects are in which edition: where they stand; in a draft, besides, those of the plan
# whose place it is to take, but for what is noted; in a superseded one, those it had.
MEMBERSHIP = """
CREATE VIEW plan_membership (plan_id, project_id, programme_id) AS
  SELECT pj.plan_id, pj.id, pj.programme_id FROM project pj WHERE pj.plan_id IS NOT NULL
  UNION
  SELECT pg.plan_id, pj.id, pj.programme_id
    FROM project pj JOIN programme pg ON pg.id = pj.programme_id
  UNION
  SELECT later.id, pj.id,
         CASE WHEN said.project_id IS NULL THEN copy.id ELSE said.programme_id END
    FROM plan later
    JOIN project pj ON coalesce(pj.plan_id, (SELECT pg.plan_id FROM programme pg
                                              WHERE pg.id = pj.programme_id)) = later.supersedes_id
    LEFT JOIN plan_project said ON said.plan_id = later.id AND said.project_id = pj.id
    LEFT JOIN programme copy ON copy.plan_id = later.id AND copy.copied_from_id = pj.programme_id
                            AND copy.deleted_at IS NULL
   WHERE (later.status IN ('draft', 'submitted')
          OR later.status = 'withdrawn' AND isempty(later.in_force))
     AND later.deleted_at IS NULL AND said.dropped IS NOT TRUE
     AND NOT EXISTS (SELECT FROM programme own
                      WHERE own.id = pj.programme_id AND own.plan_id = later.id)
  UNION
  SELECT had.plan_id, had.project_id, had.programme_id
    FROM plan_project had JOIN plan p ON p.id = had.plan_id
    JOIN project pj ON pj.id = had.project_id AND pj.plan_id IS DISTINCT FROM had.plan_id
   WHERE (p.status = 'superseded' OR p.status = 'withdrawn' AND NOT isempty(p.in_force))
     AND NOT had.dropped
"""
# Approving an edition changes what maps show of either edition, and that is seldom.
NOTE_FORCE = """
CREATE TRIGGER note_tile_force AFTER UPDATE OF in_force, status ON plan FOR EACH STATEMENT
  EXECUTE FUNCTION note_tiles_everywhere(
    'pattern_components', 'corridors', 'corridor_nodes', 'control_areas', 'problems', 'zones')
"""


def upgrade() -> None:
    for table in ("plan", "plan_history"):
        op.add_column(table, sa.Column("lineage_id", sa.BigInteger()))
        op.add_column(table, sa.Column("edition", sa.Integer(), server_default="1", nullable=False))
        op.add_column(
            table,
            sa.Column("in_force", postgresql.DATERANGE(), server_default="(,)", nullable=False),
        )
    op.create_foreign_key("fk_plan_lineage_id", "plan", "plan", ["lineage_id"], ["id"])
    op.create_index("ix_plan_lineage_id", "plan", ["lineage_id"])
    for table in ("corridor_node", "corridor_node_history"):
        op.add_column(table, sa.Column("plan_id", sa.BigInteger()))
    op.create_foreign_key("fk_corridor_node_plan_id", "corridor_node", "plan", ["plan_id"], ["id"])
    op.create_index("ix_corridor_node_plan_id", "corridor_node", ["plan_id"])
    for table in CONTENT:
        for kept in (table, f"{table}_history"):
            op.add_column(kept, sa.Column("copied_from_id", sa.BigInteger()))
        op.create_foreign_key(
            f"fk_{table}_copied_from_id", table, table, ["copied_from_id"], ["id"]
        )
        op.create_index(f"ix_{table}_copied_from_id", table, ["copied_from_id"])
    for statement in (FILL_PLANS, CLOSE_PLANS, FILL_NODES):
        op.execute(statement)
    for table in WITH_HISTORY:
        op.execute(f"SELECT keep_history_of('{table}')")
    op.create_table(
        "plan_project",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("programme_id", sa.BigInteger()),
        sa.Column("dropped", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name="fk_plan_project_plan_id"),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_plan_project_project_id"),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programme.id"], name="fk_plan_project_programme_id"
        ),
        sa.PrimaryKeyConstraint("plan_id", "project_id", name="pk_plan_project"),
    )
    op.create_index("ix_plan_project_project_id", "plan_project", ["project_id"])
    op.create_index("ix_plan_project_programme_id", "plan_project", ["programme_id"])
    for statement in (MEMBERSHIP, BEGIN_FORCE, BEGIN_FORCE_ON_APPROVAL, NOTE_FORCE):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TRIGGER note_tile_force ON plan")
    op.execute("DROP TRIGGER begin_force ON plan")
    op.execute("DROP FUNCTION begin_force")
    op.execute("DROP VIEW plan_membership")
    op.drop_table("plan_project")
    for table in CONTENT:
        for kept in (table, f"{table}_history"):
            op.drop_column(kept, "copied_from_id")
    for table in ("corridor_node", "corridor_node_history"):
        op.drop_column(table, "plan_id")
    for table in ("plan", "plan_history"):
        for column in ("lineage_id", "edition", "in_force"):
            op.drop_column(table, column)
    for table in WITH_HISTORY:
        op.execute(f"SELECT keep_history_of('{table}')")
