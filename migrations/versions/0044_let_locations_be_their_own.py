"""Let Locations have an identity of their own, and stations a history of them."""

from collections.abc import Sequence

from alembic import op

revision: str = "0044"
down_revision: str | None = "0043"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute(
        "CREATE TABLE historical_location (id int GENERATED ALWAYS AS IDENTITY"
        " CONSTRAINT pk_historical_location PRIMARY KEY,"
        " station_id bigint NOT NULL CONSTRAINT fk_historical_location_station_id_station"
        " REFERENCES station, version int, location_id int"
        " CONSTRAINT fk_historical_location_location_id_location"
        " REFERENCES location ON DELETE SET NULL,"
        " since timestamptz NOT NULL DEFAULT now(), hidden boolean NOT NULL DEFAULT false,"
        " CONSTRAINT uq_historical_location_station_id_version UNIQUE (station_id, version))"
    )
    op.execute(
        "CREATE INDEX ix_historical_location_location_id ON historical_location (location_id)"
    )


def downgrade() -> None:
    op.execute("DROP TABLE historical_location")
