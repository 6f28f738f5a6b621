-- Patterns, ecological corridors, and what is known by name.

CREATE TABLE pattern (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_pattern PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  level varchar,
  region_id bigint NOT NULL CONSTRAINT fk_pattern_region_id REFERENCES region,
  plan_id bigint CONSTRAINT fk_pattern_plan_id REFERENCES plan,
  version integer NOT NULL DEFAULT 1,
  status varchar NOT NULL DEFAULT 'draft',
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  copied_from_id bigint CONSTRAINT fk_pattern_copied_from_id REFERENCES pattern,
  CONSTRAINT ck_pattern_period CHECK (valid_to IS NULL OR valid_to >= valid_from),
  CONSTRAINT ck_pattern_status CHECK (status IN ('draft', 'published', 'superseded'))
);
CREATE UNIQUE INDEX uq_pattern_code_live ON pattern (code) WHERE deleted_at IS NULL;
CREATE INDEX ix_pattern_copied_from_id ON pattern (copied_from_id);
CREATE INDEX ix_pattern_plan_id ON pattern (plan_id);
CREATE INDEX ix_pattern_region_id ON pattern (region_id);

CREATE TABLE pattern_component (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_pattern_component PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  pattern_id bigint NOT NULL CONSTRAINT fk_pattern_component_pattern_id REFERENCES pattern,
  parent_id bigint CONSTRAINT fk_pattern_component_parent_id REFERENCES pattern_component,
  type varchar NOT NULL,
  order_no integer NOT NULL DEFAULT 1,
  certainty varchar NOT NULL DEFAULT 'stated',
  label_zh varchar,
  label_en varchar,
  covers text[] NOT NULL DEFAULT '{}',
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
  copied_from_id bigint CONSTRAINT fk_pattern_component_copied_from_id REFERENCES pattern_component,
  CONSTRAINT ck_pattern_component_certainty CHECK (certainty IN ('stated', 'inferred')),
  CONSTRAINT ck_pattern_component_geom_valid CHECK (geom IS NULL OR ST_IsValid(geom)),
  CONSTRAINT ck_pattern_component_period CHECK (valid_to IS NULL OR valid_to >= valid_from)
);
CREATE UNIQUE INDEX uq_pattern_component_code_live ON pattern_component (code) WHERE deleted_at IS NULL;
CREATE INDEX ix_pattern_component_copied_from_id ON pattern_component (copied_from_id);
CREATE INDEX ix_pattern_component_geom ON pattern_component USING gist (geom);
CREATE INDEX ix_pattern_component_order ON pattern_component (pattern_id, order_no);
CREATE INDEX ix_pattern_component_parent_id ON pattern_component (parent_id);
CREATE INDEX ix_pattern_component_shapeless ON pattern_component ((geom IS NULL), id);

CREATE TABLE corridor (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_corridor PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  region_id bigint NOT NULL CONSTRAINT fk_corridor_region_id REFERENCES region,
  plan_id bigint CONSTRAINT fk_corridor_plan_id REFERENCES plan,
  pattern_id bigint CONSTRAINT fk_corridor_pattern_id REFERENCES pattern,
  order_no integer,
  type varchar NOT NULL,
  class_code varchar,
  width_m double precision,
  connects text[] NOT NULL DEFAULT '{}',
  origin varchar NOT NULL DEFAULT 'drawn',
  job_id uuid CONSTRAINT fk_corridor_job_id REFERENCES job,
  status varchar NOT NULL DEFAULT 'draft',
  geom geometry(MultiLineString, 4490),
  length_m double precision GENERATED ALWAYS AS (ST_Length(geom::geography)) STORED,
  footprint geometry(MultiPolygon, 4490),
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  copied_from_id bigint CONSTRAINT fk_corridor_copied_from_id REFERENCES corridor,
  CONSTRAINT ck_corridor_class_code CHECK (class_code IN ('main', 'branch')),
  CONSTRAINT ck_corridor_computed_has_job CHECK (origin <> 'computed' OR job_id IS NOT NULL),
  CONSTRAINT ck_corridor_footprint_valid CHECK (footprint IS NULL OR ST_IsValid(footprint)),
  CONSTRAINT ck_corridor_geom_valid CHECK (geom IS NULL OR ST_IsValid(geom)),
  CONSTRAINT ck_corridor_origin CHECK (origin IN ('imported', 'drawn', 'computed')),
  CONSTRAINT ck_corridor_period CHECK (valid_to IS NULL OR valid_to >= valid_from),
  CONSTRAINT ck_corridor_status CHECK (status IN ('draft', 'published', 'superseded')),
  CONSTRAINT ck_corridor_type CHECK (type IN ('mountain_sea', 'river', 'greenway', 'habitat')),
  CONSTRAINT ck_corridor_width_m CHECK (width_m > 0)
);
CREATE UNIQUE INDEX uq_corridor_code_live ON corridor (code) WHERE deleted_at IS NULL;
CREATE INDEX ix_corridor_copied_from_id ON corridor (copied_from_id);
CREATE INDEX ix_corridor_footprint ON corridor USING gist (footprint);
CREATE INDEX ix_corridor_geom ON corridor USING gist (geom);
CREATE INDEX ix_corridor_job_id ON corridor (job_id);
CREATE INDEX ix_corridor_pattern_id ON corridor (pattern_id);
CREATE INDEX ix_corridor_plan_id ON corridor (plan_id);
CREATE INDEX ix_corridor_region_id_type ON corridor (region_id, type);
CREATE INDEX ix_corridor_shapeless ON corridor ((geom IS NULL), id);

-- A node is a point; where it is known, its outline stands beside it.
CREATE TABLE corridor_node (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_corridor_node PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar,
  name_en varchar,
  kind varchar NOT NULL,
  region_id bigint NOT NULL CONSTRAINT fk_corridor_node_region_id REFERENCES region,
  corridor_ids bigint[] NOT NULL DEFAULT '{}',
  score double precision,
  origin varchar NOT NULL DEFAULT 'drawn',
  job_id uuid CONSTRAINT fk_corridor_node_job_id REFERENCES job,
  status varchar NOT NULL DEFAULT 'draft',
  geom geometry(Point, 4490),
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  plan_id bigint CONSTRAINT fk_corridor_node_plan_id REFERENCES plan,
  copied_from_id bigint CONSTRAINT fk_corridor_node_copied_from_id REFERENCES corridor_node,
  footprint geometry(MultiPolygon, 4490),
  area_m2 double precision GENERATED ALWAYS AS (ST_Area(footprint::geography)) STORED,
  CONSTRAINT ck_corridor_node_computed_has_job CHECK (origin <> 'computed' OR job_id IS NOT NULL),
  CONSTRAINT ck_corridor_node_footprint_valid CHECK (footprint IS NULL OR ST_IsValid(footprint)),
  CONSTRAINT ck_corridor_node_geom_valid CHECK (geom IS NULL OR ST_IsValid(geom)),
  CONSTRAINT ck_corridor_node_kind CHECK (kind IN ('source', 'stepping_stone', 'pinch_point', 'barrier',
      'junction', 'saddle', 'crossing')),
  CONSTRAINT ck_corridor_node_origin CHECK (origin IN ('imported', 'drawn', 'computed')),
  CONSTRAINT ck_corridor_node_period CHECK (valid_to IS NULL OR valid_to >= valid_from),
  CONSTRAINT ck_corridor_node_status CHECK (status IN ('draft', 'published', 'superseded'))
);
CREATE UNIQUE INDEX uq_corridor_node_code_live ON corridor_node (code) WHERE deleted_at IS NULL;
CREATE INDEX ix_corridor_node_copied_from_id ON corridor_node (copied_from_id);
CREATE INDEX ix_corridor_node_corridor_ids ON corridor_node USING gin (corridor_ids);
CREATE INDEX ix_corridor_node_footprint ON corridor_node USING gist (footprint);
CREATE INDEX ix_corridor_node_geom ON corridor_node USING gist (geom);
CREATE INDEX ix_corridor_node_job_id ON corridor_node (job_id);
CREATE INDEX ix_corridor_node_plan_id ON corridor_node (plan_id);
CREATE INDEX ix_corridor_node_region_id_kind ON corridor_node (region_id, kind);
CREATE INDEX ix_corridor_node_shapeless ON corridor_node ((geom IS NULL), id);

CREATE TABLE named_feature (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_named_feature PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  kind varchar NOT NULL,
  region_id bigint NOT NULL CONSTRAINT fk_named_feature_region_id REFERENCES region,
  article varchar,
  note_zh varchar,
  note_en varchar,
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
  CONSTRAINT ck_named_feature_geom_valid CHECK (geom IS NULL OR ST_IsValid(geom)),
  CONSTRAINT ck_named_feature_kind CHECK (kind IN ('nature_reserve', 'forest_park', 'park', 'species',
      'mountain', 'river', 'lake', 'reservoir', 'bay', 'sea_area', 'river_island', 'hot_spring', 'works',
      'practice_base')),
  CONSTRAINT ck_named_feature_period CHECK (valid_to IS NULL OR valid_to >= valid_from)
);
CREATE UNIQUE INDEX uq_named_feature_code_live ON named_feature (code) WHERE deleted_at IS NULL;
CREATE INDEX ix_named_feature_geom ON named_feature USING gist (geom);
CREATE INDEX ix_named_feature_region_id_kind ON named_feature (region_id, kind);
