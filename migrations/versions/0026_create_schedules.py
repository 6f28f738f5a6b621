"""Create the tables of recurring jobs: schedules, and the times they were due."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0026"
down_revision: str | None = "0025"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

Column = sa.Column[object]


def upgrade() -> None:
    op.create_table(
        "schedule",
        Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *(_text(name) for name in ("code", "name_zh", "name_en", "process")),
        Column("inputs", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        _text("cron", nullable=True),
        Column("every_s", sa.Integer(), nullable=True),
        _moment("starts_at"),
        _text("timezone"),
        Column("priority", sa.SmallInteger(), nullable=False),
        Column("enabled", sa.Boolean(), nullable=False),
        _text("owner"),
        Column(
            "groups",
            postgresql.ARRAY(sa.TEXT()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        _moment("next_at", nullable=True),
        Column("row_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        *(_moment(name, now=True) for name in ("created_at", "updated_at")),
        _moment("deleted_at", nullable=True),
        sa.CheckConstraint(
            "(cron IS NULL) <> (every_s IS NULL)", name=op.f("ck_schedule_one_timing")
        ),
        sa.CheckConstraint("priority BETWEEN 0 AND 9", name=op.f("ck_schedule_priority")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule")),
    )
    op.create_index(
        "uq_schedule_code_live",
        "schedule",
        ["code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_schedule_due",
        "schedule",
        ["next_at"],
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_table(
        "schedule_run",
        Column("schedule_id", sa.BigInteger(), nullable=False),
        _moment("due_at"),
        _moment("at", now=True),
        Column("missed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        Column("job_id", sa.Uuid(), nullable=True),
        Column("error", postgresql.JSONB(), nullable=True),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedule.id"], name=op.f("fk_schedule_run_schedule_id")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_schedule_run_job_id")),
        sa.PrimaryKeyConstraint("schedule_id", "due_at", name=op.f("pk_schedule_run")),
    )
    op.create_index(op.f("ix_schedule_run_job_id"), "schedule_run", ["job_id"])


def _text(name: str, *, nullable: bool = False) -> Column:
    return Column(name, sa.String(), nullable=nullable)


def _moment(name: str, *, nullable: bool = False, now: bool = False) -> Column:
    default = sa.text("now()") if now else None
    moment = postgresql.TIMESTAMP(timezone=True)
    return Column(name, moment, server_default=default, nullable=nullable)


def downgrade() -> None:
    op.drop_table("schedule_run")
    op.drop_table("schedule")
