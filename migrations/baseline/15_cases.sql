-- Leads about red lines, from first sight to their end.

CREATE TABLE lead_case (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_lead_case PRIMARY KEY,
  code varchar NOT NULL CONSTRAINT uq_lead_case_code UNIQUE,
  source varchar NOT NULL,
  external_id varchar NOT NULL,
  content_sha256 varchar NOT NULL,
  kind varchar NOT NULL,
  sensed_before date NOT NULL,
  sensed_after date NOT NULL,
  confidence double precision,
  geom geometry(MultiPolygon, 4490) NOT NULL,
  area_m2 double precision GENERATED ALWAYS AS (ST_Area(geom::geography)) STORED,
  lines jsonb NOT NULL,
  inside_m2 double precision NOT NULL,
  region_id bigint CONSTRAINT fk_lead_case_region_id REFERENCES region,
  state varchar NOT NULL DEFAULT 'new',
  result varchar,
  assignee varchar,
  due_on date,
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  closed_at timestamptz,
  CONSTRAINT uq_lead_case_source_external_id UNIQUE (source, external_id),
  CONSTRAINT ck_lead_case_confidence CHECK (confidence BETWEEN 0 AND 1),
  CONSTRAINT ck_lead_case_geom_valid CHECK (geom IS NULL OR ST_IsValid(geom)),
  CONSTRAINT ck_lead_case_kind CHECK (kind IN ('construction', 'mining', 'clearing', 'cultivation',
      'filling', 'dumping', 'road', 'other')),
  CONSTRAINT ck_lead_case_result CHECK (result IN ('confirmed', 'not_change', 'lawful')),
  CONSTRAINT ck_lead_case_sensed CHECK (sensed_before < sensed_after),
  CONSTRAINT ck_lead_case_state CHECK (state IN ('new', 'assigned', 'verified', 'rectification', 'closed'))
);
CREATE INDEX ix_lead_case_geom ON lead_case USING gist (geom);
CREATE INDEX ix_lead_case_region_id_state ON lead_case (region_id, state);

CREATE TABLE case_event (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_case_event PRIMARY KEY,
  case_id bigint NOT NULL CONSTRAINT fk_case_event_case_id REFERENCES lead_case,
  seq integer NOT NULL,
  from_state varchar,
  to_state varchar NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  actor varchar NOT NULL,
  note varchar,
  result varchar,
  assignee varchar,
  due_on date,
  documents text[] NOT NULL DEFAULT '{}',
  CONSTRAINT uq_case_event_case_id_seq UNIQUE (case_id, seq),
  CONSTRAINT ck_case_event_from_state CHECK (from_state IN ('new', 'assigned', 'verified', 'rectification',
      'closed')),
  CONSTRAINT ck_case_event_result CHECK (result IN ('confirmed', 'not_change', 'lawful')),
  CONSTRAINT ck_case_event_to_state CHECK (to_state IN ('new', 'assigned', 'verified', 'rectification',
      'closed'))
);
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON case_event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
