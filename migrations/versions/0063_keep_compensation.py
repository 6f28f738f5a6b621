"""Keep agreements of compensation between districts, and their yearly settlements."""

from collections.abc import Sequence

from alembic import op

revision: str = "0063"
down_revision: str | None = "0062"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

AGREEMENT = """
CREATE TABLE compensation_agreement (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_compensation_agreement PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  region_id bigint NOT NULL CONSTRAINT fk_compensation_agreement_region_id REFERENCES region,
  upstream_id bigint NOT NULL CONSTRAINT fk_compensation_agreement_upstream_id REFERENCES region,
  downstream_id bigint NOT NULL CONSTRAINT fk_compensation_agreement_downstream_id
    REFERENCES region,
  basis varchar NOT NULL,
  station_id bigint CONSTRAINT fk_compensation_agreement_station_id REFERENCES station,
  service varchar,
  scheme varchar,
  rule jsonb NOT NULL,
  first_year integer NOT NULL,
  last_year integer,
  state varchar NOT NULL DEFAULT 'draft',
  document varchar,
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  CONSTRAINT ck_compensation_agreement_basis CHECK (basis IN ('section', 'service')),
  CONSTRAINT ck_compensation_agreement_state CHECK (state IN ('draft', 'in_force', 'ended')),
  CONSTRAINT ck_compensation_agreement_sides CHECK (upstream_id <> downstream_id),
  CONSTRAINT ck_compensation_agreement_years CHECK (last_year >= first_year),
  CONSTRAINT ck_compensation_agreement_period CHECK (valid_to IS NULL OR valid_to >= valid_from)
)
"""
SETTLEMENT = """
CREATE TABLE compensation_settlement (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_compensation_settlement PRIMARY KEY,
  agreement_id bigint NOT NULL CONSTRAINT fk_compensation_settlement_agreement_id
    REFERENCES compensation_agreement,
  year integer NOT NULL,
  content jsonb NOT NULL,
  sha256 varchar NOT NULL,
  amount numeric(16, 2) NOT NULL,
  state varchar NOT NULL DEFAULT 'proposed',
  upstream_confirmed_by varchar,
  downstream_confirmed_by varchar,
  paid_on date,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT ck_compensation_settlement_state CHECK (state IN
    ('proposed', 'confirmed', 'disputed', 'paid', 'withdrawn'))
)
"""
EVENT = """
CREATE TABLE compensation_event (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_compensation_event PRIMARY KEY,
  settlement_id bigint NOT NULL CONSTRAINT fk_compensation_event_settlement_id
    REFERENCES compensation_settlement,
  state varchar NOT NULL,
  side varchar,
  reason varchar,
  evidence text[] NOT NULL DEFAULT '{}',
  actor varchar NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT ck_compensation_event_state CHECK (state IN
    ('proposed', 'confirmed', 'disputed', 'paid', 'withdrawn')),
  CONSTRAINT ck_compensation_event_side CHECK (side IN ('upstream', 'downstream'))
)
"""
# What was settled stays as it was computed; a settlement is withdrawn and made anew, never edited.
STAYS = """
CREATE FUNCTION compensation_settlement_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  moving text[] := ARRAY['state', 'upstream_confirmed_by', 'downstream_confirmed_by', 'paid_on'];
BEGIN
  IF TG_OP = 'DELETE' OR to_jsonb(OLD) - moving <> to_jsonb(NEW) - moving
     OR OLD.state IN ('paid', 'withdrawn') THEN
    RAISE EXCEPTION 'a settlement is never edited: withdraw it and make another'
      ' / 结算不得更改，请撤回后重新编制';
  END IF;
  RETURN NEW;
END $$
"""


def upgrade() -> None:
    for statement in (
        AGREEMENT,
        "CREATE UNIQUE INDEX uq_compensation_agreement_code_live ON compensation_agreement (code)"
        " WHERE deleted_at IS NULL",
        *(
            f"CREATE INDEX ix_compensation_agreement_{column} ON compensation_agreement ({column})"
            for column in ("region_id", "upstream_id", "downstream_id", "station_id")
        ),
        "CREATE TABLE compensation_agreement_history"
        " (recorded_to timestamptz NOT NULL, LIKE compensation_agreement)",
        "CREATE INDEX ix_compensation_agreement_history_code"
        " ON compensation_agreement_history (code)",
        "SELECT keep_history_of('compensation_agreement')",
        SETTLEMENT,
        "CREATE UNIQUE INDEX uq_compensation_settlement_live"
        " ON compensation_settlement (agreement_id, year) WHERE state <> 'withdrawn'",
        EVENT,
        "CREATE INDEX ix_compensation_event_settlement_id ON compensation_event (settlement_id)",
        STAYS,
        "CREATE TRIGGER compensation_settlement_stays BEFORE UPDATE OR DELETE"
        " ON compensation_settlement"
        " FOR EACH ROW EXECUTE FUNCTION compensation_settlement_stays()",
    ):
        op.execute(statement)


def downgrade() -> None:
    for statement in (
        "DROP TABLE compensation_event",
        "DROP TABLE compensation_settlement",
        "DROP FUNCTION compensation_settlement_stays",
        "DROP TABLE compensation_agreement_history",
        "DROP TABLE compensation_agreement",
        "DROP FUNCTION keep_history_of_compensation_agreement",
    ):
        op.execute(statement)
