"""Keep closed months of observations in files, and raw values for as long as is wanted."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "observation_archive",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("uri", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        _moment("archived_at", default=True),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_observation_archive")),
    )
    op.create_table(
        "archived_series",
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("property_id", sa.SmallInteger(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        _moment("first_at"),
        _moment("last_at"),
        sa.PrimaryKeyConstraint(
            "station_id", "property_id", "month", name=op.f("pk_archived_series")
        ),
    )
    op.create_index(op.f("ix_archived_series_month"), "archived_series", ["month"])
    op.create_table(
        "observation_hold",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        _moment("held_at", default=True),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_observation_hold")),
    )
    op.add_column("observed_property", sa.Column("raw_years", sa.SmallInteger(), nullable=True))
    op.add_column("observed_property", _moment("raw_since", nullable=True))
    op.create_check_constraint(
        op.f("ck_observed_property_raw_years"), "observed_property", "raw_years BETWEEN 1 AND 100"
    )


def downgrade() -> None:
    """Refuse while any month is in a file: its observations would be out of sight."""
    op.execute("""
      DO $$ BEGIN
        IF EXISTS (SELECT FROM archived_series) THEN
          RAISE EXCEPTION 'months of observations are in files; fetch them back first:'
            ' shanhai observations recall MONTH';
        END IF;
      END $$
    """)
    op.drop_constraint(op.f("ck_observed_property_raw_years"), "observed_property", type_="check")
    op.drop_column("observed_property", "raw_since")
    op.drop_column("observed_property", "raw_years")
    for name in ("observation_hold", "archived_series", "observation_archive"):
        op.drop_table(name)


def _moment(name: str, *, default: bool = False, nullable: bool = False) -> sa.Column[sa.TIMESTAMP]:
    return sa.Column(
        name,
        postgresql.TIMESTAMP(timezone=True),
        server_default=sa.text("now()") if default else None,
        nullable=nullable,
    )
