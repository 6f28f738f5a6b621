"""Let series tell units of their own, and addresses of what was moved lead on."""

from collections.abc import Sequence

from alembic import op

revision: str = "0049"
down_revision: str | None = "0048"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE observed_property ADD variant_of varchar"
        " CONSTRAINT fk_observed_property_variant_of"
        " REFERENCES observed_property (code)"
    )
    op.execute(
        "ALTER TABLE datastream ADD conversion double precision[]"
        " CONSTRAINT ck_datastream_conversion CHECK (array_length(conversion, 1) = 3),"
        " ADD former_property_id smallint"
        " CONSTRAINT fk_datastream_former_property_id"
        " REFERENCES observed_property"
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_datastream_former ON datastream (station_id, former_property_id)"
        " WHERE former_property_id IS NOT NULL"
    )
    op.execute("ALTER TABLE observation_revision ADD moved_to timestamptz")
    op.execute("ALTER TABLE unsampled_station ADD since timestamptz NOT NULL DEFAULT now()")


def downgrade() -> None:
    op.execute("ALTER TABLE unsampled_station DROP since")
    op.execute("ALTER TABLE observation_revision DROP moved_to")
    op.execute("DROP INDEX uq_datastream_former")
    op.execute("ALTER TABLE datastream DROP former_property_id, DROP conversion")
    op.execute("ALTER TABLE observed_property DROP variant_of")
