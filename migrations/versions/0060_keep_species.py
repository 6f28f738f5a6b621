"""Keep species and occurrences, with the place that those may know who may not know all."""

from collections.abc import Sequence

from alembic import op

revision: str = "0060"
down_revision: str | None = "0059"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COMMON = """
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date"""
SPECIES = f"""
CREATE TABLE species (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_species PRIMARY KEY,
  code varchar NOT NULL,
  scientific_name varchar NOT NULL,
  name_zh varchar,
  name_en varchar,
  protection varchar,
  red_list varchar,
  invasive boolean,
  sensitivity varchar NOT NULL DEFAULT 'cell',
  accepted_id bigint CONSTRAINT fk_species_accepted_id REFERENCES species,
  taxon_kingdom varchar,
  taxon_phylum varchar,
  taxon_class varchar,
  taxon_order varchar,
  taxon_family varchar,{COMMON},
  CONSTRAINT ck_species_protection CHECK (protection IN
    ('first_class', 'second_class', 'provincial', 'none')),
  CONSTRAINT ck_species_red_list CHECK (red_list IN
    ('EX', 'EW', 'CR', 'EN', 'VU', 'NT', 'LC', 'DD', 'NE')),
  CONSTRAINT ck_species_sensitivity CHECK (sensitivity IN ('open', 'cell', 'hidden')),
  CONSTRAINT ck_species_accepted CHECK (accepted_id <> id),
  CONSTRAINT ck_species_period CHECK (valid_to IS NULL OR valid_to >= valid_from)
)"""
OCCURRENCE = f"""
CREATE TABLE occurrence (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_occurrence PRIMARY KEY,
  code varchar NOT NULL,
  region_id bigint NOT NULL CONSTRAINT fk_occurrence_region_id REFERENCES region,
  species_id bigint NOT NULL CONSTRAINT fk_occurrence_species_id REFERENCES species,
  occurrence_id varchar,
  observed_from date NOT NULL,
  observed_to date,
  individuals integer,
  method varchar,
  observer varchar,
  locality varchar,
  uncertainty_m double precision,
  evidence_id bigint CONSTRAINT fk_occurrence_evidence_id REFERENCES document,
  state varchar NOT NULL DEFAULT 'recorded',
  judged_by varchar,
  judged_on date,
  geom geometry(Point, 4490),
  sensitivity varchar NOT NULL DEFAULT 'hidden',
  shown geometry(Geometry, 4490),{COMMON},
  CONSTRAINT ck_occurrence_method CHECK (method IN
    ('sighting', 'transect', 'plot', 'camera_trap', 'acoustic', 'tracking', 'trapping', 'edna',
     'specimen', 'literature')),
  CONSTRAINT ck_occurrence_state CHECK (state IN ('recorded', 'verified', 'doubtful')),
  CONSTRAINT ck_occurrence_sensitivity CHECK (sensitivity IN ('open', 'cell', 'hidden')),
  CONSTRAINT ck_occurrence_observed CHECK (observed_to >= observed_from),
  CONSTRAINT ck_occurrence_individuals CHECK (individuals >= 0),
  CONSTRAINT ck_occurrence_uncertainty_m CHECK (uncertainty_m > 0),
  CONSTRAINT ck_occurrence_geom_valid CHECK (geom IS NULL OR ST_IsValid(geom)),
  CONSTRAINT ck_occurrence_period CHECK (valid_to IS NULL OR valid_to >= valid_from)
)"""
INDEXES = {
    "species": {
        "uq_species_code_live": "(code) WHERE deleted_at IS NULL",
        "uq_species_scientific_name_live": "(scientific_name) WHERE deleted_at IS NULL",
        "ix_species_scientific_name_trgm": "USING gin (scientific_name gin_trgm_ops)",
        "ix_species_accepted_id": "(accepted_id)",
    },
    "occurrence": {
        "uq_occurrence_code_live": "(code) WHERE deleted_at IS NULL",
        "uq_occurrence_occurrence_id_live": "(occurrence_id) WHERE deleted_at IS NULL",
        "ix_occurrence_region_id": "(region_id)",
        "ix_occurrence_evidence_id": "(evidence_id)",
        "ix_occurrence_species_id_observed_from": "(species_id, observed_from)",
        "ix_occurrence_geom": "USING gist (geom)",
        "ix_occurrence_shown": "USING gist (shown)",
        "ix_occurrence_shapeless": "((geom IS NULL), id)",
    },
    "species_history": {"ix_species_history_code": "(code)"},
    "occurrence_history": {
        "ix_occurrence_history_code": "(code)",
        "ix_occurrence_history_species_id": "(species_id)",
        "ix_occurrence_history_geom": "USING gist (geom)",
        "ix_occurrence_history_shown": "USING gist (shown)",
    },
}

# A cell of the grid of tenths of a degree, on CGCS2000, whose south-western corner is the place
# rounded down. Integers are divided, so that neighbours have the same edge to the last bit.
GRID = """
CREATE FUNCTION grid_cell(place geometry) RETURNS geometry LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT ST_MakeEnvelope((floor(ST_X(place) * 10) / 10)::float8,
                         (floor(ST_Y(place) * 10) / 10)::float8,
                         ((floor(ST_X(place) * 10) + 1) / 10)::float8,
                         ((floor(ST_Y(place) * 10) + 1) / 10)::float8, 4490)
$$"""
SHOWN = """
CREATE FUNCTION place_shown(sensitivity text, place geometry) RETURNS geometry
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE sensitivity WHEN 'open' THEN place ELSE grid_cell(place) END
$$
"""
SENSITIVITY = """
CREATE FUNCTION species_sensitivity(wanted bigint) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN 'hidden' IN (s.sensitivity, a.sensitivity) THEN 'hidden'
              WHEN 'cell' IN (s.sensitivity, a.sensitivity) THEN 'cell' ELSE 'open' END
    FROM species s LEFT JOIN species a ON a.id = s.accepted_id WHERE s.id = wanted
$$
"""
# Whoever writes an occurrence waits for a change of its species, and the other way round, so that
# none of the two misses the other.
MASK = """
CREATE FUNCTION mask_occurrence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM species s
    WHERE s.id = NEW.species_id
       OR s.id = (SELECT accepted_id FROM species WHERE id = NEW.species_id) FOR SHARE;
  NEW.sensitivity := species_sensitivity(NEW.species_id);
  NEW.shown := place_shown(NEW.sensitivity, NEW.geom);
  RETURN NEW;
END $$
"""
MASK_EACH = """
CREATE TRIGGER mask_occurrence BEFORE INSERT OR UPDATE ON occurrence
  FOR EACH ROW EXECUTE FUNCTION mask_occurrence()
"""
# Former states are masked as the species is today: those that the first statement leaves behind,
# too.
MASK_ALL = """
CREATE FUNCTION mask_occurrences_of_species() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  named bigint[] := ARRAY(SELECT id FROM species WHERE NEW.id IN (id, accepted_id));
BEGIN
  UPDATE occurrence SET row_version = row_version + 1, updated_at = now()
   WHERE species_id = ANY (named) AND sensitivity <> species_sensitivity(species_id);
  UPDATE occurrence_history
     SET sensitivity = species_sensitivity(species_id),
         shown = place_shown(species_sensitivity(species_id), geom)
   WHERE species_id = ANY (named) AND sensitivity <> species_sensitivity(species_id);
  RETURN NULL;
END $$
"""
MASK_CHANGED = """
CREATE TRIGGER mask_occurrences AFTER UPDATE OF sensitivity, accepted_id ON species
  FOR EACH ROW EXECUTE FUNCTION mask_occurrences_of_species()
"""
# Everywhere: what is noted of a place would tell it by the tiles that are made anew.
NOTE = "FOR EACH STATEMENT EXECUTE FUNCTION note_tiles_everywhere('occurrences')"
TILES = (
    "INSERT INTO tile_floor (collection, id) VALUES ('occurrences', 0)",
    f"CREATE TRIGGER note_tile_change AFTER INSERT OR UPDATE OR DELETE ON occurrence {NOTE}",
    f"CREATE TRIGGER note_tile_change AFTER UPDATE ON species {NOTE}",
    *(
        f"CREATE TRIGGER note_tile_change_of_occurrences AFTER UPDATE ON {table}"
        " REFERENCING OLD TABLE AS was NEW TABLE AS became FOR EACH STATEMENT"
        f" EXECUTE FUNCTION note_occurrences('occurrences', '{table}')"
        for table in ("region", "document")
    ),
)
# Occurrences show the codes of their region and of their evidence.
NOTE_CODES = """
CREATE FUNCTION note_occurrences() RETURNS trigger LANGUAGE plpgsql
SET enable_nestloop = off SET enable_hashjoin = on AS $$
DECLARE
  renamed bigint[] := ARRAY(SELECT was.id FROM was JOIN became USING (id)
                             WHERE was.code IS DISTINCT FROM became.code);
BEGIN
  IF EXISTS (SELECT FROM occurrence WHERE CASE TG_ARGV[1] WHEN 'region' THEN region_id
             ELSE evidence_id END = ANY (renamed)) THEN
    PERFORM note_tile_change(TG_ARGV[0], everywhere());
  END IF;
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    for table, statement in {"species": SPECIES, "occurrence": OCCURRENCE}.items():
        op.execute(statement)
        op.execute(f"CREATE TABLE {table}_history (recorded_to timestamptz NOT NULL, LIKE {table})")
        op.execute(f"SELECT keep_history_of('{table}')")
    for table, indexes in INDEXES.items():
        for name, on in indexes.items():
            unique = "UNIQUE " if name.startswith("uq_") else ""
            op.execute(f"CREATE {unique}INDEX {name} ON {table} {on}")
    for block in (
        GRID,
        SHOWN,
        SENSITIVITY,
        MASK,
        MASK_EACH,
        MASK_ALL,
        MASK_CHANGED,
        NOTE_CODES,
        *TILES,
    ):
        op.execute(block)


def downgrade() -> None:
    for statement in (
        "DROP TRIGGER note_tile_change_of_occurrences ON region",
        "DROP TRIGGER note_tile_change_of_occurrences ON document",
        "DELETE FROM tile_change WHERE collection = 'occurrences'",
        "DELETE FROM tile_floor WHERE collection = 'occurrences'",
        "DROP TABLE occurrence_history, occurrence, species_history, species",
        "DROP FUNCTION note_occurrences, mask_occurrence, mask_occurrences_of_species",
        "DROP FUNCTION place_shown, grid_cell, species_sensitivity",
        "DROP FUNCTION keep_history_of_species, keep_history_of_occurrence",
        "DROP EXTENSION pg_trgm",
    ):
        op.execute(statement)
