"""Let an approver decide about what is not known at a place, and find lines by their figures."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0029"
down_revision: str | None = "0031"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TABLES = ("compliance_exception", "compliance_exception_history")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("gap", sa.String(), nullable=True))
        op.alter_column(table, "rule", nullable=True)
    op.create_check_constraint(
        op.f("ck_compliance_exception_about"),
        "compliance_exception",
        "num_nonnulls(rule, gap) = 1",
    )
    op.execute("SELECT keep_history_of('compliance_exception')")
    op.create_index(
        "ix_control_area_stated",
        "control_area",
        ["region_id", "kind"],
        postgresql_where=sa.text(
            "deleted_at IS NULL AND (approved_area_km2 IS NOT NULL OR geom IS NULL)"
        ),
    )


def downgrade() -> None:
    op.drop_index("ix_control_area_stated", "control_area")
    op.drop_constraint(op.f("ck_compliance_exception_about"), "compliance_exception")
    for table in TABLES:
        # What the former platform cannot say is gone with it.
        op.execute(f"DELETE FROM {table} WHERE rule IS NULL")  # noqa: S608 - a constant
        op.alter_column(table, "rule", nullable=False)
        op.drop_column(table, "gap")
    op.execute("SELECT keep_history_of('compliance_exception')")
