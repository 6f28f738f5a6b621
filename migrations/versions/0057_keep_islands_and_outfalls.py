"""Keep islands, outfalls, fishing harbours, and which place lies below which on the water's way."""

from collections.abc import Sequence

from alembic import op

revision: str = "0057"
down_revision: str | None = "0056"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COLUMNS = {
    "island": """
  waters varchar NOT NULL,
  class_code varchar,
  feature_id bigint CONSTRAINT fk_island_feature_id REFERENCES named_feature,
  problem_id bigint CONSTRAINT fk_island_problem_id REFERENCES problem,
  allowed_uses text[] NOT NULL DEFAULT '{}',
  geom geometry(MultiPolygon, 4490),
  area_m2 double precision GENERATED ALWAYS AS (ST_Area(geom::geography)) STORED,
  CONSTRAINT ck_island_waters CHECK (waters IN ('sea', 'river')),
  CONSTRAINT ck_island_class_code CHECK (class_code IN
    ('inhabited', 'uninhabited', 'protected')),""",
    "outfall": """
  kind varchar NOT NULL,
  discharger_id bigint CONSTRAINT fk_outfall_discharger_id REFERENCES party,
  station_id bigint CONSTRAINT fk_outfall_station_id REFERENCES station,
  permit varchar,
  permit_from date,
  permit_until date,
  limits jsonb,
  geom geometry(Point, 4490),
  CONSTRAINT ck_outfall_permit CHECK (permit_until >= permit_from),
  CONSTRAINT ck_outfall_kind CHECK (kind IN
    ('industrial', 'sewage_works', 'agricultural', 'storm_drain', 'other_outfall')),""",
    "fishing_harbour": """
  grade varchar,
  operator_id bigint CONSTRAINT fk_fishing_harbour_operator_id REFERENCES party,
  berths integer,
  geom geometry(Geometry, 4490),
  area_m2 double precision GENERATED ALWAYS AS (ST_Area(geom::geography)) STORED,
  CONSTRAINT ck_fishing_harbour_berths CHECK (berths >= 0),
  CONSTRAINT ck_fishing_harbour_grade CHECK (grade IN
    ('central', 'first_class', 'second_class', 'third_class')),""",
    "region_link": """
  kind varchar NOT NULL,
  flows_to_id bigint CONSTRAINT fk_region_link_flows_to_id REFERENCES region_link,
  station_id bigint CONSTRAINT fk_region_link_station_id REFERENCES station,
  CONSTRAINT ck_region_link_kind CHECK (kind IN
    ('village', 'river', 'lake', 'basin', 'section', 'bay', 'sea_area')),""",
}
INDEXED = {
    "island": ("region_id", "feature_id", "problem_id"),
    "outfall": ("region_id", "discharger_id", "station_id"),
    "fishing_harbour": ("region_id", "operator_id"),
    "region_link": ("region_id", "flows_to_id", "station_id"),
}
DRAWN = {"island": "islands", "outfall": "outfalls", "fishing_harbour": "fishing_harbours"}
"""Tables with shapes, and the collections they are."""

# Rows show the codes of what they refer to. The arguments name the table of the rows, their
# collection and the column, one after the other. A plan made for one row must serve thousands.
NOTE_CODES = """
CREATE FUNCTION note_shores() RETURNS trigger LANGUAGE plpgsql
SET enable_nestloop = off SET enable_hashjoin = on AS $$
DECLARE
  renamed bigint[] := ARRAY(SELECT was.id FROM was JOIN became USING (id)
                             WHERE was.code IS DISTINCT FROM became.code);
  place box2d;
BEGIN
  IF renamed = '{}' THEN
    RETURN NULL;
  END IF;
  FOR each IN 0 .. TG_NARGS - 1 BY 3 LOOP
    EXECUTE format('SELECT ST_Extent(geom) FROM %I WHERE %I = ANY ($1)',
                   TG_ARGV[each], TG_ARGV[each + 2]) INTO place USING renamed;
    PERFORM note_tile_change(TG_ARGV[each + 1], place);
  END LOOP;
  RETURN NULL;
END $$
"""
SHOWN = {
    "region": (
        *("island", "islands", "region_id", "outfall", "outfalls", "region_id"),
        *("fishing_harbour", "fishing_harbours", "region_id"),
    ),
    "named_feature": ("island", "islands", "feature_id"),
    "problem": ("island", "islands", "problem_id"),
    "party": (
        *("outfall", "outfalls", "discharger_id"),
        *("fishing_harbour", "fishing_harbours", "operator_id"),
    ),
    "station": ("outfall", "outfalls", "station_id"),
}
TRIGGER = "note_tile_change_of_shores"


def _table(name: str) -> str:
    shape = f"CONSTRAINT ck_{name}_geom_valid CHECK (geom IS NULL OR ST_IsValid(geom)),"
    return f"""
CREATE TABLE {name} (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_{name} PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  region_id bigint NOT NULL CONSTRAINT fk_{name}_region_id REFERENCES region,
  {COLUMNS[name]}
  attrs jsonb NOT NULL DEFAULT '{{}}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  {shape if name in DRAWN else ""}
  CONSTRAINT ck_{name}_period CHECK (valid_to IS NULL OR valid_to >= valid_from)
)"""


def upgrade() -> None:
    op.execute(NOTE_CODES)
    for table, columns in INDEXED.items():
        op.execute(_table(table))
        for column in columns:
            op.execute(f"CREATE INDEX ix_{table}_{column} ON {table} ({column})")
        for statement in (
            f"CREATE UNIQUE INDEX uq_{table}_code_live ON {table} (code) WHERE deleted_at IS NULL",
            f"CREATE TABLE {table}_history (recorded_to timestamptz NOT NULL, LIKE {table})",
            f"CREATE INDEX ix_{table}_history_code ON {table}_history (code)",
            f"SELECT keep_history_of('{table}')",
        ):
            op.execute(statement)
    for table, collection in DRAWN.items():
        for statement in (
            f"CREATE INDEX ix_{table}_geom ON {table} USING gist (geom)",
            f"CREATE INDEX ix_{table}_shapeless ON {table} ((geom IS NULL), id)",
            f"CREATE INDEX ix_{table}_history_geom ON {table}_history USING gist (geom)",
            f"INSERT INTO tile_floor (collection, id) VALUES ('{collection}', 0)",  # noqa: S608
            f"CREATE TRIGGER note_tile_change AFTER INSERT OR UPDATE OR DELETE ON {table}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION note_tiles_everywhere('{collection}')",
        ):
            op.execute(statement)
    for table, shown in SHOWN.items():
        listed = ", ".join(f"'{name}'" for name in shown)
        op.execute(
            f"CREATE TRIGGER {TRIGGER} AFTER UPDATE ON {table}"
            " REFERENCING OLD TABLE AS was NEW TABLE AS became FOR EACH STATEMENT"
            f" EXECUTE FUNCTION note_shores({listed})"
        )


def downgrade() -> None:
    for table in SHOWN:
        op.execute(f"DROP TRIGGER {TRIGGER} ON {table}")
    op.execute("DROP FUNCTION note_shores")
    for collection in DRAWN.values():
        op.execute(f"DELETE FROM tile_change WHERE collection = '{collection}'")  # noqa: S608
        op.execute(f"DELETE FROM tile_floor WHERE collection = '{collection}'")  # noqa: S608
    for table in INDEXED:
        op.execute(f"DROP TABLE {table}_history")
        op.execute(f"DROP TABLE {table}")
        op.execute(f"DROP FUNCTION keep_history_of_{table}")
