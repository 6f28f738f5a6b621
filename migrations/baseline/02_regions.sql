-- Regions and parties: where a plan is made, and by whom.
--
-- Of a code there is one live row; what else there was of it stays readable as a former state.

CREATE TABLE region (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_region PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  level varchar NOT NULL,
  parent_id bigint CONSTRAINT fk_region_parent_id REFERENCES region,
  metric_srid integer,
  geom geometry(MultiPolygon, 4490),
  area_m2 double precision GENERATED ALWAYS AS (ST_Area(geom::geography)) STORED,
  valid_from date NOT NULL DEFAULT '1900-01-01',
  valid_to date,
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  member_ids bigint[] NOT NULL DEFAULT '{}',
  CONSTRAINT ck_region_geom_valid CHECK (geom IS NULL OR ST_IsValid(geom)),
  CONSTRAINT ck_region_level CHECK (level IN ('nation', 'province', 'city', 'district', 'street', 'town',
      'basin', 'bay', 'island', 'cooperation', 'demonstration_area')),
  CONSTRAINT ck_region_period CHECK (valid_to IS NULL OR valid_to >= valid_from)
);
CREATE UNIQUE INDEX uq_region_code_live ON region (code) WHERE deleted_at IS NULL;
CREATE INDEX ix_region_geom ON region USING gist (geom);
CREATE INDEX ix_region_parent_id ON region (parent_id);
CREATE INDEX ix_region_shapeless ON region ((geom IS NULL), id);

CREATE TABLE party (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_party PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  kind varchar NOT NULL,
  region_id bigint CONSTRAINT fk_party_region_id REFERENCES region,
  parent_id bigint CONSTRAINT fk_party_parent_id REFERENCES party,
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  CONSTRAINT ck_party_kind CHECK (kind IN ('government', 'department', 'firm', 'social_body', 'expert')),
  CONSTRAINT ck_party_period CHECK (valid_to IS NULL OR valid_to >= valid_from)
);
CREATE UNIQUE INDEX uq_party_code_live ON party (code) WHERE deleted_at IS NULL;
CREATE INDEX ix_party_parent_id ON party (parent_id);
CREATE INDEX ix_party_region_id ON party (region_id);
