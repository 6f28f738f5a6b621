"""Keep the ledger of what is taken and what is given back."""

from collections.abc import Sequence

from alembic import op

revision: str = "0055"
down_revision: str | None = "0054"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TABLE = """
CREATE TABLE balance_entry (
  id bigint GENERATED ALWAYS AS IDENTITY,
  code varchar NOT NULL,
  title_zh varchar NOT NULL,
  title_en varchar,
  kind varchar NOT NULL,
  direction varchar NOT NULL,
  amount numeric(18, 4) NOT NULL,
  unit varchar NOT NULL,
  quality_grade integer,
  region_id bigint NOT NULL,
  project_id bigint,
  control_area_id bigint,
  year integer NOT NULL,
  state varchar NOT NULL DEFAULT 'proposed',
  accepted_on date,
  evidence text[] NOT NULL DEFAULT '{}',
  reverses_id bigint,
  counterpart_id bigint,
  party_id bigint,
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  CONSTRAINT pk_balance_entry PRIMARY KEY (id),
  CONSTRAINT fk_balance_entry_region_id FOREIGN KEY (region_id) REFERENCES region (id),
  CONSTRAINT fk_balance_entry_project_id FOREIGN KEY (project_id) REFERENCES project (id),
  CONSTRAINT fk_balance_entry_control_area_id FOREIGN KEY (control_area_id)
    REFERENCES control_area (id),
  CONSTRAINT fk_balance_entry_reverses_id FOREIGN KEY (reverses_id) REFERENCES balance_entry (id),
  CONSTRAINT fk_balance_entry_counterpart_id FOREIGN KEY (counterpart_id)
    REFERENCES balance_entry (id),
  CONSTRAINT fk_balance_entry_party_id FOREIGN KEY (party_id) REFERENCES party (id),
  CONSTRAINT ck_balance_entry_kind CHECK (kind IN ('natural_shoreline', 'cultivated_land',
    'land_link', 'wetland', 'forest_quota', 'sea_area')),
  CONSTRAINT ck_balance_entry_direction CHECK (direction IN ('taken', 'given')),
  CONSTRAINT ck_balance_entry_state CHECK (state IN ('proposed', 'accepted', 'reversed',
    'rejected')),
  CONSTRAINT ck_balance_entry_unit CHECK (kind = 'natural_shoreline' AND unit = 'm'
    OR kind = 'cultivated_land' AND unit = 'mu' OR kind = 'land_link' AND unit = 'mu'
    OR kind = 'wetland' AND unit = 'ha' OR kind = 'forest_quota' AND unit = 'ha'
    OR kind = 'sea_area' AND unit = 'ha'),
  CONSTRAINT ck_balance_entry_amount CHECK (amount > 0 AND amount < 10000000000),
  CONSTRAINT ck_balance_entry_quality_grade CHECK (quality_grade BETWEEN 1 AND 15),
  CONSTRAINT ck_balance_entry_accepted_on CHECK (state IN ('proposed', 'rejected')
    OR accepted_on IS NOT NULL),
  CONSTRAINT ck_balance_entry_period CHECK (valid_to IS NULL OR valid_to >= valid_from)
)
"""
# An entry stays as it was made: it is reversed by another one, never edited and never deleted.
STAYS = """
CREATE FUNCTION balance_entry_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  moving text[] := ARRAY['state', 'accepted_on', 'attrs', 'row_version', 'updated_at', 'valid_from',
                         'valid_to'];
BEGIN
  IF TG_OP = 'DELETE' OR to_jsonb(OLD) - moving <> to_jsonb(NEW) - moving THEN
    RAISE EXCEPTION 'an entry of the ledger is never edited: reverse it by another one'
      ' / 台账记录不得更改，请以冲销记录更正';
  END IF;
  IF OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN (
       ('proposed', 'accepted'), ('proposed', 'rejected'), ('accepted', 'reversed'))
     OR OLD.accepted_on IS DISTINCT FROM NEW.accepted_on AND OLD.state <> 'proposed' THEN
    RAISE EXCEPTION 'an entry of the ledger does not go from % to % / 台账记录不能从 % 变为 %',
      OLD.state, NEW.state, OLD.state, NEW.state;
  END IF;
  RETURN NEW;
END $$
"""


def upgrade() -> None:
    for statement in (
        TABLE,
        "CREATE UNIQUE INDEX uq_balance_entry_code_live ON balance_entry (code)"
        " WHERE deleted_at IS NULL",
        "CREATE UNIQUE INDEX uq_balance_entry_reverses_id ON balance_entry (reverses_id)"
        " WHERE deleted_at IS NULL AND state <> 'rejected'",
        "CREATE INDEX ix_balance_entry_region_id ON balance_entry (region_id, kind, year)",
        "CREATE INDEX ix_balance_entry_project_id ON balance_entry (project_id, kind)",
        "CREATE INDEX ix_balance_entry_control_area_id ON balance_entry (control_area_id)",
        "CREATE INDEX ix_balance_entry_counterpart_id ON balance_entry (counterpart_id)",
        "CREATE INDEX ix_balance_entry_party_id ON balance_entry (party_id)",
        "CREATE TABLE balance_entry_history (recorded_to timestamptz NOT NULL, LIKE balance_entry)",
        "CREATE INDEX ix_balance_entry_history_code ON balance_entry_history (code)",
        "SELECT keep_history_of('balance_entry')",
        STAYS,
        "CREATE TRIGGER balance_entry_stays BEFORE UPDATE OR DELETE ON balance_entry"
        " FOR EACH ROW EXECUTE FUNCTION balance_entry_stays()",
    ):
        op.execute(statement)


def downgrade() -> None:
    for statement in (
        "DROP TABLE balance_entry_history",
        "DROP TABLE balance_entry",
        "DROP FUNCTION keep_history_of_balance_entry",
        "DROP FUNCTION balance_entry_stays",
    ):
        op.execute(statement)
