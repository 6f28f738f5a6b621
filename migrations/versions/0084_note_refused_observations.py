"""Note how many observations were refused on a day, of which station, and why."""

from collections.abc import Sequence

from alembic import op

revision: str = "0084"
down_revision: str | None = "0083"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

REFUSAL = """
CREATE TABLE observation_refusal (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_observation_refusal PRIMARY KEY,
  day date NOT NULL,
  source_id integer NOT NULL
    CONSTRAINT fk_observation_refusal_source_id REFERENCES observation_source,
  station_id bigint CONSTRAINT fk_observation_refusal_station_id REFERENCES station,
  pointer varchar NOT NULL,
  number bigint NOT NULL,
  last_at timestamptz NOT NULL,
  detail_zh varchar NOT NULL,
  detail_en varchar NOT NULL,
  CONSTRAINT uq_observation_refusal_day_source_id_station_id_pointer
    UNIQUE NULLS NOT DISTINCT (day, source_id, station_id, pointer)
)"""


def upgrade() -> None:
    op.execute(REFUSAL)
    for column in ("source_id", "station_id"):
        op.execute(
            f"CREATE INDEX ix_observation_refusal_{column} ON observation_refusal ({column})"
        )


def downgrade() -> None:
    op.execute("DROP TABLE observation_refusal")
