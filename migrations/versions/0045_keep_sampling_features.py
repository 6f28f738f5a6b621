"""Keep sampling features: what values are of that are not of their station's place."""

from collections.abc import Sequence

from alembic import op

revision: str = "0045"
down_revision: str | None = "0044"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute(
        "CREATE TABLE sampling_feature (id int GENERATED ALWAYS AS IDENTITY"
        " CONSTRAINT pk_sampling_feature PRIMARY KEY,"
        " code varchar NOT NULL CONSTRAINT uq_sampling_feature_code UNIQUE,"
        " name varchar NOT NULL, description varchar NOT NULL,"
        " geom geometry(Geometry, 4490) NOT NULL, properties jsonb NOT NULL DEFAULT '{}',"
        " region_id bigint CONSTRAINT fk_sampling_feature_region_id_region REFERENCES region,"
        " used boolean NOT NULL DEFAULT false,"
        " created_at timestamptz NOT NULL DEFAULT now(),"
        " updated_at timestamptz NOT NULL DEFAULT now())"
    )
    op.execute("CREATE INDEX ix_sampling_feature_region_id ON sampling_feature (region_id)")
    op.execute(
        "CREATE TABLE unsampled_station (station_id bigint CONSTRAINT pk_unsampled_station"
        " PRIMARY KEY CONSTRAINT fk_unsampled_station_station_id_station REFERENCES station)"
    )
    op.execute(
        "CREATE INDEX ix_observation_feature_id ON observation (feature_id)"
        " WHERE feature_id IS NOT NULL"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_observation_feature_id")
    op.execute("DROP TABLE unsampled_station")
    op.execute("DROP TABLE sampling_feature")
