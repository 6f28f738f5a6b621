"""Say of a plan's figures what stored result they can be compared with."""

from collections.abc import Sequence

from alembic import op

revision: str = "0065"
down_revision: str | None = "0064"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COLUMNS = (
    "region_id bigint",
    "computed_by varchar",
    "computed_of text[] NOT NULL DEFAULT '{}'",
    "project_ids bigint[] NOT NULL DEFAULT '{}'",
)
KINDS = (
    *("evaluation_area", "evaluation_mean", "zone_area", "control_area", "region_area"),
    *("corridor_length", "row_count", "mine_restored", "work_done"),
)


def upgrade() -> None:
    added = ", ".join(f"ADD {column}" for column in COLUMNS)
    kinds = ", ".join(f"'{kind}'" for kind in KINDS)
    for statement in (
        f"ALTER TABLE plan_figure {added}",
        f"ALTER TABLE plan_figure_history {added}",
        "ALTER TABLE plan_figure ADD CONSTRAINT fk_plan_figure_region_id"
        " FOREIGN KEY (region_id) REFERENCES region",
        "ALTER TABLE plan_figure ADD CONSTRAINT ck_plan_figure_computed_by"
        f" CHECK (computed_by IN ({kinds}))",
        "CREATE INDEX ix_plan_figure_region_id ON plan_figure (region_id)",
        "SELECT keep_history_of('plan_figure')",
    ):
        op.execute(statement)


def downgrade() -> None:
    dropped = ", ".join(f"DROP {column.split()[0]}" for column in COLUMNS)
    for statement in (
        f"ALTER TABLE plan_figure {dropped}",
        f"ALTER TABLE plan_figure_history {dropped}",
        "SELECT keep_history_of('plan_figure')",
    ):
        op.execute(statement)
