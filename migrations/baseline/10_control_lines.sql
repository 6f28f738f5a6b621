-- Lines and areas under control, and what is allowed there.

CREATE TABLE control_area (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_control_area PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  kind varchar NOT NULL,
  class_code varchar,
  level varchar,
  region_id bigint NOT NULL CONSTRAINT fk_control_area_region_id REFERENCES region,
  plan_id bigint CONSTRAINT fk_control_area_plan_id REFERENCES plan,
  legal_basis varchar,
  delimitation varchar,
  approved_area_km2 numeric,
  status varchar NOT NULL DEFAULT 'draft',
  is_public boolean NOT NULL DEFAULT true,
  origin varchar NOT NULL DEFAULT 'drawn',
  job_id uuid CONSTRAINT fk_control_area_job_id REFERENCES job,
  geom geometry(Geometry, 4490),
  area_m2 double precision GENERATED ALWAYS AS (ST_Area(geom::geography)) STORED,
  length_m double precision GENERATED ALWAYS AS (ST_Length(geom::geography)) STORED,
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  copied_from_id bigint CONSTRAINT fk_control_area_copied_from_id REFERENCES control_area,
  CONSTRAINT ck_control_area_approved_area_km2 CHECK (approved_area_km2 >= 0),
  CONSTRAINT ck_control_area_computed_has_job CHECK (origin <> 'computed' OR job_id IS NOT NULL),
  CONSTRAINT ck_control_area_geom_valid CHECK (geom IS NULL OR ST_IsValid(geom)),
  CONSTRAINT ck_control_area_kind CHECK (kind IN ('red_line', 'permanent_basic_farmland', 'cultivated_land',
      'urban_boundary', 'eco_control_line', 'protected_area', 'water_source_area', 'habitat', 'access_unit',
      'wetland', 'shoreline', 'island', 'sea_use_right', 'legacy_mine', 'soil_erosion')),
  CONSTRAINT ck_control_area_level CHECK (level IN ('national', 'provincial', 'city', 'district', 'local')),
  CONSTRAINT ck_control_area_origin CHECK (origin IN ('imported', 'drawn', 'computed')),
  CONSTRAINT ck_control_area_period CHECK (valid_to IS NULL OR valid_to >= valid_from),
  CONSTRAINT ck_control_area_status CHECK (status IN ('draft', 'published'))
);
CREATE UNIQUE INDEX uq_control_area_code_live ON control_area (code) WHERE deleted_at IS NULL;
CREATE INDEX ix_control_area_copied_from_id ON control_area (copied_from_id);
CREATE INDEX ix_control_area_geom ON control_area USING gist (geom);
CREATE INDEX ix_control_area_job_id ON control_area (job_id);
CREATE INDEX ix_control_area_kind ON control_area (region_id, kind, valid_from) WHERE deleted_at IS NULL;
CREATE INDEX ix_control_area_plan_id ON control_area (plan_id);
CREATE INDEX ix_control_area_shapeless ON control_area ((geom IS NULL), id);
CREATE INDEX ix_control_area_stated ON control_area (region_id, kind)
  WHERE deleted_at IS NULL AND ((approved_area_km2 IS NOT NULL) OR (geom IS NULL));

CREATE TABLE control_rule (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_control_rule PRIMARY KEY,
  code varchar NOT NULL,
  scope varchar NOT NULL,
  subject varchar,
  region_id bigint CONSTRAINT fk_control_rule_region_id REFERENCES region,
  plan_id bigint CONSTRAINT fk_control_rule_plan_id REFERENCES plan,
  activity varchar NOT NULL,
  activity_zh varchar,
  activity_en varchar,
  decision varchar NOT NULL,
  conditions text[] NOT NULL DEFAULT '{}',
  legal_basis varchar,
  text_zh varchar,
  text_en varchar,
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  copied_from_id bigint CONSTRAINT fk_control_rule_copied_from_id REFERENCES control_rule,
  text_official varchar,
  CONSTRAINT ck_control_rule_decision CHECK (decision IN ('forbidden', 'restricted', 'conditional',
      'capped', 'encouraged', 'required')),
  CONSTRAINT ck_control_rule_period CHECK (valid_to IS NULL OR valid_to >= valid_from),
  CONSTRAINT ck_control_rule_scope CHECK (scope IN ('control_area', 'outside_control_area', 'zone_class',
      'everywhere'))
);
CREATE UNIQUE INDEX uq_control_rule_code_live ON control_rule (code) WHERE deleted_at IS NULL;
CREATE INDEX ix_control_rule_copied_from_id ON control_rule (copied_from_id);
CREATE INDEX ix_control_rule_plan_id ON control_rule (plan_id);
CREATE INDEX ix_control_rule_region_id ON control_rule (region_id);
CREATE INDEX ix_control_rule_subject ON control_rule (scope, subject);
