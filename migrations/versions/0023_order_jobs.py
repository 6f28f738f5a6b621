"""Let jobs have a place in a line, be tried again later, and be found by what they compute."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WAITING = "status = 'accepted'"
Column = sa.Column[object]
ORDER = (sa.text("priority DESC"), "turn", "created_at", "id")
COLUMNS = ("priority", "turn", "held", "not_before", "retries", "digest", "retry_of")


def upgrade() -> None:
    # Former releases write none of these: their jobs stand in the line by age.
    for column in (
        Column("priority", sa.SmallInteger(), server_default=sa.text("5"), nullable=False),
        Column("turn", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        Column("held", sa.String(), nullable=True),
        Column("not_before", postgresql.TIMESTAMP(timezone=True), nullable=True),
        Column("retries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        Column("digest", sa.String(), nullable=True),
        Column("retry_of", sa.Uuid(), nullable=True),
    ):
        op.add_column("job", column)
    op.create_check_constraint(op.f("ck_job_priority"), "job", "priority BETWEEN 0 AND 9")
    op.create_check_constraint(op.f("ck_job_held"), "job", "held IN ('quota', 'retry')")
    op.create_foreign_key(op.f("fk_job_retry_of"), "job", "job", ["retry_of"], ["id"])
    _create_indexes()


def _create_indexes() -> None:
    _index("ix_job_line", *ORDER, where=f"{WAITING} AND held IS NULL")
    _index("ix_job_held", "requested_by", *ORDER, where=f"{WAITING} AND held = 'quota'")
    _index("ix_job_due", "not_before", where=f"{WAITING} AND held = 'retry'")
    _index("ix_job_caller", "requested_by", "priority", "turn", where=WAITING)
    _index("ix_job_digest", "requested_by", "digest", sa.text("created_at DESC"))
    newest = (sa.text("created_at DESC"), sa.text("id DESC"))
    _index("ix_job_failed", *newest, where="status = 'failed'")
    _index("uq_job_retry_of", "retry_of", where="retry_of IS NOT NULL", unique=True)


def _index(
    name: str, *columns: str | sa.TextClause, where: str | None = None, unique: bool = False
) -> None:
    met = None if where is None else sa.text(where)
    op.create_index(name, "job", list(columns), unique=unique, postgresql_where=met)


def downgrade() -> None:
    op.drop_index("ix_job_failed", table_name="job")
    for column in COLUMNS:
        op.drop_column("job", column)  # its indexes and constraints go with it
