"""Keep mines with their restoration funds and yearly reports, and land reclaimed after use."""

from collections.abc import Sequence

from alembic import op

revision: str = "0054"
down_revision: str | None = "0051"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

VERSIONED = """
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  geom geometry(MultiPolygon, 4490),
  area_m2 double precision GENERATED ALWAYS AS (ST_Area(geom::geography)) STORED,
"""
MINE = f"""
CREATE TABLE mine (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_mine PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  kind varchar NOT NULL,
  region_id bigint NOT NULL CONSTRAINT fk_mine_region_id REFERENCES region,
  town_ids bigint[] NOT NULL DEFAULT '{{}}',
  part_of_id bigint CONSTRAINT fk_mine_part_of_id REFERENCES mine,
  minerals text[] NOT NULL DEFAULT '{{}}',
  hazards text[] NOT NULL DEFAULT '{{}}',
  owner_id bigint CONSTRAINT fk_mine_owner_id REFERENCES party,
  area_ha numeric,
  listed_year integer,
  state varchar NOT NULL DEFAULT 'open',
  plan_id bigint CONSTRAINT fk_mine_plan_id REFERENCES plan,
  problem_id bigint CONSTRAINT fk_mine_problem_id REFERENCES problem,
  project_id bigint CONSTRAINT fk_mine_project_id REFERENCES project,
  licence varchar,
  licence_until date,
  restoration_plan varchar,
  closed_on date,
  accepted_on date,
  accepted_area_ha numeric,
  evidence text[] NOT NULL DEFAULT '{{}}',
  {VERSIONED}
  CONSTRAINT ck_mine_areas CHECK (area_ha > 0 AND accepted_area_ha > 0),
  CONSTRAINT ck_mine_geom_valid CHECK (geom IS NULL OR ST_IsValid(geom)),
  CONSTRAINT ck_mine_kind CHECK (kind IN ('legacy', 'producing')),
  CONSTRAINT ck_mine_period CHECK (valid_to IS NULL OR valid_to >= valid_from),
  CONSTRAINT ck_mine_state CHECK (state IN
    ('open', 'planned', 'in_work', 'restored', 'accepted', 'watched'))
)
"""
DEPOSIT = """
CREATE TABLE mine_deposit_entry (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_mine_deposit_entry PRIMARY KEY,
  mine_id bigint NOT NULL CONSTRAINT fk_mine_deposit_entry_mine_id REFERENCES mine,
  kind varchar NOT NULL,
  year integer NOT NULL,
  amount numeric(16, 2) NOT NULL,
  reverses_id bigint CONSTRAINT fk_mine_deposit_entry_reverses_id REFERENCES mine_deposit_entry
    CONSTRAINT uq_mine_deposit_entry_reverses_id UNIQUE,
  note varchar,
  actor varchar NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT ck_mine_deposit_entry_amount
    CHECK (amount <> 0 AND (amount < 0) = (reverses_id IS NOT NULL)),
  CONSTRAINT ck_mine_deposit_entry_kind
    CHECK (kind IN ('due', 'paid', 'withdrawn', 'forfeited'))
)
"""
REPORT = """
CREATE TABLE mine_report (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_mine_report PRIMARY KEY,
  mine_id bigint NOT NULL CONSTRAINT fk_mine_report_mine_id REFERENCES mine,
  year integer NOT NULL,
  disturbed_ha numeric NOT NULL,
  planned_ha numeric NOT NULL,
  restored_ha numeric NOT NULL,
  due numeric(16, 2) NOT NULL,
  paid numeric(16, 2) NOT NULL,
  case_id bigint CONSTRAINT fk_mine_report_case_id REFERENCES lead_case,
  note varchar,
  actor varchar NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT ck_mine_report_areas
    CHECK (disturbed_ha >= 0 AND planned_ha >= 0 AND restored_ha >= 0)
)
"""
RECLAMATION = f"""
CREATE TABLE reclamation (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_reclamation PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  region_id bigint NOT NULL CONSTRAINT fk_reclamation_region_id REFERENCES region,
  owner_id bigint CONSTRAINT fk_reclamation_owner_id REFERENCES party,
  project_id bigint CONSTRAINT fk_reclamation_project_id REFERENCES project,
  state varchar NOT NULL DEFAULT 'planned',
  start_on date NOT NULL,
  end_on date NOT NULL,
  area_ha numeric,
  land_class_before varchar NOT NULL,
  land_class_after varchar,
  deposit_required numeric(16, 2),
  deposit_paid numeric(16, 2),
  accepted_on date,
  evidence text[] NOT NULL DEFAULT '{{}}',
  forfeit_reason varchar,
  is_public boolean NOT NULL DEFAULT false,
  {VERSIONED}
  CONSTRAINT ck_reclamation_area_ha CHECK (area_ha > 0),
  CONSTRAINT ck_reclamation_deposit CHECK (deposit_required >= 0 AND deposit_paid >= 0),
  CONSTRAINT ck_reclamation_geom_valid CHECK (geom IS NULL OR ST_IsValid(geom)),
  CONSTRAINT ck_reclamation_period CHECK (valid_to IS NULL OR valid_to >= valid_from),
  CONSTRAINT ck_reclamation_state CHECK (state IN
    ('planned', 'deposit_paid', 'in_use', 'reclaimed', 'accepted', 'forfeited'))
)
"""
INDEXED = {
    "mine": ("part_of_id", "owner_id", "plan_id", "problem_id", "project_id"),
    "reclamation": ("owner_id", "project_id"),
    "mine_report": ("case_id",),
}
KEPT = {"mine": "mines", "reclamation": "reclamations"}
"""Tables with former states and shapes, and the collections they are."""

# Rows show the codes of what they refer to. The arguments say which rows do, of either table. A
# plan made for one row must serve thousands, as with the triggers of the baseline.
NOTE_CODES = """
CREATE FUNCTION note_mines_and_reclamations() RETURNS trigger LANGUAGE plpgsql
SET enable_nestloop = off SET enable_hashjoin = on AS $$
DECLARE
  renamed bigint[] := ARRAY(SELECT was.id FROM was JOIN became USING (id)
                             WHERE was.code IS DISTINCT FROM became.code);
  place box2d;
BEGIN
  IF renamed = '{}' THEN
    RETURN NULL;
  END IF;
  EXECUTE format('SELECT ST_Extent(geom) FROM mine WHERE %s', TG_ARGV[0])
    INTO place USING renamed;
  PERFORM note_tile_change('mines', place);
  EXECUTE format('SELECT ST_Extent(geom) FROM reclamation WHERE %s', TG_ARGV[1])
    INTO place USING renamed;
  PERFORM note_tile_change('reclamations', place);
  RETURN NULL;
END $$
"""
SHOWN = {
    "region": ("region_id = ANY ($1) OR town_ids && $1", "region_id = ANY ($1)"),
    "party": ("owner_id = ANY ($1)", "owner_id = ANY ($1)"),
    "plan": ("plan_id = ANY ($1)", "false"),
    "problem": ("problem_id = ANY ($1)", "false"),
    "project": ("project_id = ANY ($1)", "project_id = ANY ($1)"),
}
TRIGGER = "note_tile_change_of_mines"


def upgrade() -> None:
    for statement in (MINE, DEPOSIT, REPORT, RECLAMATION, NOTE_CODES):
        op.execute(statement)
    for table, columns in INDEXED.items():
        for column in columns:
            op.execute(f"CREATE INDEX ix_{table}_{column} ON {table} ({column})")
    for table in ("mine_deposit_entry", "mine_report"):
        op.execute(f"CREATE INDEX ix_{table}_mine_id_year ON {table} (mine_id, year)")
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    for table, collection in KEPT.items():
        for statement in (
            f"CREATE UNIQUE INDEX uq_{table}_code_live ON {table} (code) WHERE deleted_at IS NULL",
            f"CREATE INDEX ix_{table}_geom ON {table} USING gist (geom)",
            f"CREATE INDEX ix_{table}_shapeless ON {table} ((geom IS NULL), id)",
            f"CREATE INDEX ix_{table}_region_id_state ON {table} (region_id, state)",
            f"CREATE TABLE {table}_history (recorded_to timestamptz NOT NULL, LIKE {table})",
            f"CREATE INDEX ix_{table}_history_code ON {table}_history (code)",
            f"CREATE INDEX ix_{table}_history_geom ON {table}_history USING gist (geom)",
            f"SELECT keep_history_of('{table}')",
            f"INSERT INTO tile_floor (collection, id) VALUES ('{collection}', 0)",  # noqa: S608
            f"CREATE TRIGGER note_tile_change AFTER INSERT OR UPDATE OR DELETE ON {table}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION note_tiles_everywhere('{collection}')",
        ):
            op.execute(statement)
    for table, (mines, reclamations) in SHOWN.items():
        op.execute(
            f"CREATE TRIGGER {TRIGGER} AFTER UPDATE ON {table}"
            " REFERENCING OLD TABLE AS was NEW TABLE AS became FOR EACH STATEMENT"
            f" EXECUTE FUNCTION note_mines_and_reclamations('{mines}', '{reclamations}')"
        )


def downgrade() -> None:
    for table in SHOWN:
        op.execute(f"DROP TRIGGER {TRIGGER} ON {table}")
    op.execute("DROP FUNCTION note_mines_and_reclamations")
    for collection in KEPT.values():
        op.execute(f"DELETE FROM tile_change WHERE collection = '{collection}'")  # noqa: S608
        op.execute(f"DELETE FROM tile_floor WHERE collection = '{collection}'")  # noqa: S608
    for table in ("mine_report", "mine_deposit_entry", "mine", "reclamation"):
        op.execute(f"DROP TABLE {table}")
    for table in KEPT:
        op.execute(f"DROP TABLE {table}_history")
        op.execute(f"DROP FUNCTION keep_history_of_{table}")
