"""Keep what SensorThings says of series of observations beside their values."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

UNSPECIFIED = {
    "code": "unspecified",
    "name_zh": "未说明的传感器",
    "name_en": "Sensor nobody described",
    "description": "",
    "encoding_type": "text/plain",
    "document": "",
}


def upgrade() -> None:
    sensor = op.create_table(
        "sensor",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("code", "name_zh", "name_en", "description", "encoding_type")
        ),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        _properties(),
        *_times(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sensor")),
        sa.UniqueConstraint("code", name=op.f("uq_sensor_code")),
    )
    op.bulk_insert(sensor, [UNSPECIFIED])
    op.create_table(
        "datastream",
        sa.Column("station_id", sa.BigInteger(), nullable=False),
        sa.Column("property_id", sa.SmallInteger(), nullable=False),
        sa.Column("sensor_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        _properties(),
        *_times(),
        *(
            sa.ForeignKeyConstraint(
                [f"{name}_id"], [f"{of}.id"], name=op.f(f"fk_datastream_{name}_id")
            )
            for name, of in (
                ("station", "station"),
                ("property", "observed_property"),
                ("sensor", "sensor"),
            )
        ),
        sa.PrimaryKeyConstraint("station_id", "property_id", name=op.f("pk_datastream")),
    )
    op.create_index(op.f("ix_datastream_sensor_id"), "datastream", ["sensor_id"])


def downgrade() -> None:
    op.drop_table("datastream")
    op.drop_table("sensor")


def _properties() -> sa.Column[object]:
    return sa.Column(
        "properties",
        postgresql.JSONB(),
        server_default=sa.text("'{}'::jsonb"),
        nullable=False,
    )


def _times() -> tuple[sa.Column[object], ...]:
    return tuple(
        sa.Column(
            name,
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        )
        for name in ("created_at", "updated_at")
    )
