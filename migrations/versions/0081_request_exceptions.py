"""Keep requests for exceptions: what is asked for, by whom, and what was decided about it."""

from collections.abc import Sequence

from alembic import op

revision: str = "0081"
down_revision: str | None = "0080"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# A table of its own: what waits must lift nothing, and services of the release before take each row
# of exceptions for one that was given.
REQUEST = """
CREATE TABLE exception_request (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_exception_request PRIMARY KEY,
  code varchar NOT NULL CONSTRAINT uq_exception_request_code UNIQUE,
  state varchar NOT NULL DEFAULT 'requested',
  region_id bigint NOT NULL CONSTRAINT fk_exception_request_region_id REFERENCES region,
  region_ids bigint[] NOT NULL,
  project_id bigint CONSTRAINT fk_exception_request_project_id REFERENCES project,
  geom geometry(Geometry, 4490),
  geometry_sha256 varchar NOT NULL,
  control_area_id bigint CONSTRAINT fk_exception_request_control_area_id REFERENCES control_area,
  rule_id bigint CONSTRAINT fk_exception_request_rule_id REFERENCES control_rule,
  rule varchar,
  gap varchar,
  reason varchar NOT NULL,
  valid_from date,
  valid_to date,
  requested_by varchar NOT NULL,
  requested_at timestamptz NOT NULL DEFAULT now(),
  decided_by varchar,
  decided_at timestamptz,
  decision_reason varchar,
  exception_id bigint
    CONSTRAINT fk_exception_request_exception_id REFERENCES compliance_exception,
  CONSTRAINT ck_exception_request_about CHECK (num_nonnulls(rule, gap) = 1),
  CONSTRAINT ck_exception_request_decided CHECK (
    (state = 'requested') = (decided_at IS NULL)
    AND (state = 'granted') = (exception_id IS NOT NULL)
  ),
  CONSTRAINT ck_exception_request_geom_valid CHECK (geom IS NULL OR ST_IsValid(geom)),
  CONSTRAINT ck_exception_request_period CHECK (valid_to IS NULL OR valid_to >= valid_from),
  CONSTRAINT ck_exception_request_state
    CHECK (state IN ('requested', 'granted', 'refused', 'withdrawn')),
  CONSTRAINT ck_exception_request_subject CHECK (num_nonnulls(project_id, geom) = 1)
)"""
INDEXED = (
    *("region_id", "project_id", "geometry_sha256", "control_area_id", "rule_id"),
    "exception_id",
)


def upgrade() -> None:
    op.execute(REQUEST)
    for column in INDEXED:
        op.execute(f"CREATE INDEX ix_exception_request_{column} ON exception_request ({column})")


def downgrade() -> None:
    op.execute("DROP TABLE exception_request")
