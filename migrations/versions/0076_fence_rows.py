"""Fence the rows of tables with a region and a visibility: the database itself shows no others.

What is bound to a connection or transaction says which rows are reached; nothing bound reaches
none. The owner of the tables and superusers are not fenced.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0076"
down_revision: str | None = "0075"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Drafts are reached from their regions alone, whatever their visibility.
VISIBILITY = {
    "control_area": "CASE status WHEN 'published' THEN visibility ELSE 'draft' END",
    "dataset": "visibility",
    "document": "visibility",
    "problem": "visibility",
    "project": "CASE WHEN state IN ('draft', 'proposed', 'rejected', 'cancelled') THEN 'draft'"
    " ELSE visibility END",
    "reclamation": "visibility",
    "station": "visibility",
}
REGIONS = "nullif(current_setting('shanhai.regions', true), '')::bigint[]"
WRITES = "nullif(current_setting('shanhai.writes', true), '')"
# Those who plan together know of what their plan says of places outside their regions. Functions
# keep the planning of every statement short.
FUNCTIONS = {
    "fence_plans": "SELECT of.id FROM plan of WHERE of.deleted_at IS NULL"  # noqa: S608 - constants
    f" AND (of.region_ids || of.region_id) && {REGIONS}",
    "fence_programmes": "SELECT id FROM programme WHERE plan_id = ANY (fence_plans())",
}
OF_PLAN = " OR plan_id = ANY ((SELECT fence_plans())::bigint[])"
PARTNERS = {
    "control_area": OF_PLAN,
    "problem": OF_PLAN,
    "project": f"{OF_PLAN} OR programme_id = ANY ((SELECT fence_programmes())::bigint[])",
}


def upgrade() -> None:
    for name, found in FUNCTIONS.items():
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS bigint[] LANGUAGE plpgsql STABLE"
            f" SET search_path = public, pg_temp AS $$ BEGIN RETURN ARRAY({found}); END $$"
        )
    # Each bracketed SELECT is asked once for a statement; nothing bound meets no condition.
    writes = (
        f"{WRITES} = 'all' OR region_id = ANY ("
        f"(SELECT nullif({WRITES}, 'all')::bigint[])::bigint[])"
    )
    for table, visibility in VISIBILITY.items():
        reads = (
            f"strpos(current_setting('shanhai.sees', true), {visibility}) > 0"
            f" OR region_id = ANY ((SELECT {REGIONS})::bigint[]){PARTNERS.get(table, '')}"
            " OR current_setting('shanhai.sees', true) = 'everything'"
        )
        for name in (table, f"{table}_history"):
            op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY reads ON {name} FOR SELECT USING ({reads})")
            op.execute(f"CREATE POLICY adds ON {name} FOR INSERT WITH CHECK ({writes})")
            # Rules lock rows before they know whose they are. The former state of a row that is
            # changed is added to its history, so that none is taken from another region either.
            op.execute(
                f"CREATE POLICY changes ON {name} FOR UPDATE USING ({WRITES} IS NOT NULL)"
                f" WITH CHECK ({writes})"
            )
            op.execute(f"CREATE POLICY removes ON {name} FOR DELETE USING ({writes})")


def downgrade() -> None:
    for table in VISIBILITY:
        for name in (table, f"{table}_history"):
            for policy in ("reads", "adds", "changes", "removes"):
                op.execute(f"DROP POLICY {policy} ON {name}")
            op.execute(f"ALTER TABLE {name} DISABLE ROW LEVEL SECURITY")
    for name in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {name}()")
