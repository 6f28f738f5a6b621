"""Keep the class of data and its grade, which bound who may read a row."""

from collections.abc import Sequence

from alembic import op

revision: str = "0074"
down_revision: str | None = "0073"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TABLES = (
    "dataset",
    "station",
    "problem",
    "document",
    "control_area",
    "project",
    "reclamation",
)
RULES = {
    "data_class": "data_class IN ('open', 'internal', 'sensitive')",
    "data_grade": "data_grade IN ('important', 'core')",
    "visibility_of_class": "CASE data_class WHEN 'sensitive' THEN visibility = 'region'"
    " WHEN 'internal' THEN visibility <> 'public' ELSE true END",
    "data_grade_of_class": "data_grade IS NULL OR data_class IS NOT DISTINCT FROM 'sensitive'",
}


def upgrade() -> None:
    for table in TABLES:
        for name in (table, f"{table}_history"):
            op.execute(f"ALTER TABLE {name} ADD data_class varchar, ADD data_grade varchar")
        for rule, condition in RULES.items():
            op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{rule} CHECK ({condition})")
        op.execute(f"SELECT keep_history_of('{table}')")


def downgrade() -> None:
    for table in TABLES:
        for name in (table, f"{table}_history"):
            op.execute(f"ALTER TABLE {name} DROP data_class, DROP data_grade")
        op.execute(f"SELECT keep_history_of('{table}')")
