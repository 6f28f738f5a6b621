-- Rasters and other files, and which jobs read and made them.

CREATE TABLE dataset (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_dataset PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  region_id bigint NOT NULL CONSTRAINT fk_dataset_region_id REFERENCES region,
  theme varchar NOT NULL,
  kind varchar NOT NULL DEFAULT 'raster',
  uri varchar NOT NULL,
  checksum varchar NOT NULL,
  bytes bigint NOT NULL,
  crs varchar NOT NULL,
  grid jsonb NOT NULL,
  unit varchar,
  nodata double precision,
  native_resolution_m double precision,
  stand_in boolean NOT NULL DEFAULT false,
  stand_in_note_zh varchar,
  stand_in_note_en varchar,
  source varchar,
  licence varchar,
  observed_from date,
  observed_to date,
  origin varchar NOT NULL,
  job_id uuid CONSTRAINT fk_dataset_job_id REFERENCES job,
  public boolean NOT NULL DEFAULT true,
  footprint geometry(MultiPolygon, 4490),
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  CONSTRAINT ck_dataset_computed_has_job CHECK (origin <> 'computed' OR job_id IS NOT NULL),
  CONSTRAINT ck_dataset_footprint_valid CHECK (footprint IS NULL OR ST_IsValid(footprint)),
  CONSTRAINT ck_dataset_origin CHECK (origin IN ('imported', 'drawn', 'computed')),
  CONSTRAINT ck_dataset_period CHECK (valid_to IS NULL OR valid_to >= valid_from)
);
CREATE UNIQUE INDEX uq_dataset_code_live ON dataset (code) WHERE deleted_at IS NULL;
CREATE INDEX ix_dataset_footprint ON dataset USING gist (footprint);
CREATE INDEX ix_dataset_job_id ON dataset (job_id);
CREATE INDEX ix_dataset_newest ON dataset (region_id, theme, created_at DESC);

CREATE TABLE job_dataset (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_job_dataset PRIMARY KEY,
  job_id uuid NOT NULL CONSTRAINT fk_job_dataset_job_id REFERENCES job,
  dataset_id bigint NOT NULL CONSTRAINT fk_job_dataset_dataset_id REFERENCES dataset,
  role varchar NOT NULL,
  name varchar NOT NULL,
  checksum varchar NOT NULL,
  CONSTRAINT ck_job_dataset_role CHECK (role IN ('input', 'output'))
);
CREATE UNIQUE INDEX uq_job_dataset_job_id_role_name ON job_dataset (job_id, role, name);
CREATE INDEX ix_job_dataset_dataset_id ON job_dataset (dataset_id);
