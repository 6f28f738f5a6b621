"""Let regions plan together: members of cooperation regions, joint plans, parts, decisions."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0033"
down_revision: str | None = "0028"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

LISTS = (("plan", "region_ids"), ("region", "member_ids"))
OF_PARTS = ("programme", "plan_indicator")
Column = sa.Column[object]


def upgrade() -> None:
    for table, column in LISTS:
        for kept in (table, f"{table}_history"):
            op.add_column(kept, _numbers(column))
    for table in OF_PARTS:
        for kept in (table, f"{table}_history"):
            op.add_column(kept, _number("region_id", nullable=True))
        op.create_foreign_key(op.f(f"fk_{table}_region_id"), table, "region", ["region_id"], ["id"])
        op.create_index(op.f(f"ix_{table}_region_id"), table, ["region_id"])
    for table in (*(name for name, _ in LISTS), *OF_PARTS):
        op.execute(f"SELECT keep_history_of('{table}')")
    _create_parts()
    _create_decisions()


def downgrade() -> None:
    op.drop_table("plan_decision")
    op.drop_table("plan_part_history")
    op.drop_table("plan_part")
    op.execute("DROP FUNCTION keep_history_of_plan_part")
    for table in OF_PARTS:
        for kept in (table, f"{table}_history"):
            op.drop_column(kept, "region_id")
    for table, column in LISTS:
        for kept in (table, f"{table}_history"):
            op.drop_column(kept, column)
    for table in (*(name for name, _ in LISTS), *OF_PARTS):
        op.execute(f"SELECT keep_history_of('{table}')")


def _create_parts() -> None:
    op.create_table(
        "plan_part",
        _id(),
        _text("code"),
        *(_number(name) for name in ("plan_id", "region_id")),
        *(_text(name) for name in ("name_zh", "name_en")),
        *(_text(name, nullable=True) for name in ("text_zh", "text_en")),
        _number("party_id", nullable=True),
        sa.Column(
            "attrs", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("row_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        *(_moment(name, default=True) for name in ("created_at", "updated_at")),
        _moment("deleted_at"),
        sa.Column("valid_from", sa.Date(), server_default=sa.text("current_date"), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_plan_part_period")
        ),
        *_keys("plan_part", "plan", "region", "party"),
    )
    live = {"unique": True, "postgresql_where": sa.text("deleted_at IS NULL")}
    op.create_index("uq_plan_part_code_live", "plan_part", ["plan_id", "code"], **live)
    op.create_index("uq_plan_part_region_live", "plan_part", ["plan_id", "region_id"], **live)
    for column in ("region_id", "party_id"):
        op.create_index(op.f(f"ix_plan_part_{column}"), "plan_part", [column])
    op.execute("CREATE TABLE plan_part_history (recorded_to timestamptz NOT NULL, LIKE plan_part)")
    op.create_index("ix_plan_part_history_code", "plan_part_history", ["code"])
    op.execute("SELECT keep_history_of('plan_part')")


def _create_decisions() -> None:
    op.create_table(
        "plan_decision",
        _id(),
        *(_number(name) for name in ("plan_id", "region_id")),
        *(_text(name) for name in ("decision", "content")),
        _text("reason", nullable=True),
        _text("actor"),
        _moment("at", default=True),
        sa.CheckConstraint(
            "decision IN ('approved', 'rejected', 'withdrawn')",
            name=op.f("ck_plan_decision_decision"),
        ),
        *_keys("plan_decision", "plan", "region"),
    )
    for column in ("plan_id", "region_id"):
        op.create_index(op.f(f"ix_plan_decision_{column}"), "plan_decision", [column])
    # The function is that of the other ledgers.
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON plan_decision"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _keys(table: str, *parents: str) -> list[sa.Constraint]:
    return [
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        *(
            sa.ForeignKeyConstraint(
                [f"{parent}_id"], [f"{parent}.id"], name=op.f(f"fk_{table}_{parent}_id")
            )
            for parent in parents
        ),
    ]


def _id() -> Column:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False)


def _number(name: str, *, nullable: bool = False) -> Column:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _numbers(name: str) -> Column:
    return sa.Column(
        name, postgresql.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False
    )


def _text(name: str, *, nullable: bool = False) -> Column:
    return sa.Column(name, sa.String(), nullable=nullable)


def _moment(name: str, *, default: bool = False) -> Column:
    return sa.Column(
        name,
        postgresql.TIMESTAMP(timezone=True),
        server_default=sa.text("now()") if default else None,
        nullable=not default,
    )
