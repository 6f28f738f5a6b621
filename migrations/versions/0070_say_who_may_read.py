"""Say who may read what is published: everybody, who is signed in, or who has a role there.

What was public stays so. Of what was not, files and rasters are for their region alone from now on;
lines, projects and reclamations stay readable for whoever is signed in, as they were. Stations and
problems, which everybody could read, stay public; new ones are for their region until somebody says
otherwise.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0070"
down_revision: str | None = "0069"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

FLAGS = {
    "dataset": ("public", "region", "true"),
    "document": ("is_public", "region", "false"),
    "control_area": ("is_public", "signed_in", "true"),
    "project": ("is_public", "signed_in", "true"),
    "reclamation": ("is_public", "signed_in", "false"),
}
"""By table: the column there was, what `false` meant, and its default."""
BY_STEPS = ("control_area", "project")
"""Tables whose rows an approver publishes: they are then for everybody, unless they say not."""
NEW = ("station", "problem")
"""Tables of which every row was public."""


def upgrade() -> None:
    # The type of a column is changed rather than its rows: no state of a row ends by it.
    for table, (flag, closed, _) in FLAGS.items():
        for name in (table, f"{table}_history"):
            op.execute(
                f"ALTER TABLE {name} ALTER {flag} DROP DEFAULT, ALTER {flag} TYPE varchar"
                f" USING CASE WHEN {flag} THEN 'public' ELSE '{closed}' END"
            )
            op.execute(f"ALTER TABLE {name} RENAME {flag} TO visibility")
    for table in NEW:
        for name in (table, f"{table}_history"):
            op.execute(f"ALTER TABLE {name} ADD visibility varchar NOT NULL DEFAULT 'public'")
    for table in (*FLAGS, *NEW):
        default = "public" if table in BY_STEPS else "region"
        op.execute(
            f"ALTER TABLE {table} ALTER visibility SET DEFAULT '{default}', ADD CONSTRAINT"
            f" ck_{table}_visibility CHECK (visibility IN ('public', 'signed_in', 'region'))"
        )
        op.execute(f"ALTER TABLE {table}_history ALTER visibility DROP DEFAULT")
        op.execute(f"SELECT keep_history_of('{table}')")


def downgrade() -> None:
    # Who is not everybody was told apart by nothing.
    for table in (*FLAGS, *NEW):
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_visibility")
    for table, (flag, _, default) in FLAGS.items():
        for name in (table, f"{table}_history"):
            op.execute(
                f"ALTER TABLE {name} ALTER visibility DROP DEFAULT, ALTER visibility TYPE boolean"
                " USING visibility = 'public'"
            )
            op.execute(f"ALTER TABLE {name} RENAME visibility TO {flag}")
        op.execute(f"ALTER TABLE {table} ALTER {flag} SET DEFAULT {default}")
    for table in NEW:
        for name in (table, f"{table}_history"):
            op.execute(f"ALTER TABLE {name} DROP visibility")
    for table in (*FLAGS, *NEW):
        op.execute(f"SELECT keep_history_of('{table}')")
