"""Keep the devices that push telegrams of HJ 212."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "hj212_device",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("command", sa.String(), nullable=False),
        sa.Column("station_id", sa.BigInteger(), nullable=False),
        sa.Column("password_sha256", sa.LargeBinary(), nullable=False),
        sa.Column(
            "units", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "command IN ('2011', '2051', '2061', '2031')", name=op.f("ck_hj212_device_command")
        ),
        sa.CheckConstraint(
            "octet_length(password_sha256) = 32", name=op.f("ck_hj212_device_password_sha256")
        ),
        sa.ForeignKeyConstraint(
            ["station_id"], ["station.id"], name=op.f("fk_hj212_device_station_id")
        ),
        sa.PrimaryKeyConstraint("code", "command", name=op.f("pk_hj212_device")),
    )
    op.create_index(op.f("ix_hj212_device_station_id"), "hj212_device", ["station_id"])


def downgrade() -> None:
    op.drop_table("hj212_device")
