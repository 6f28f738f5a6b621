-- Plans and their editions, parts and decisions of regions, provisions, and what does not add up.

CREATE TABLE plan (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_plan PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  kind varchar NOT NULL,
  level varchar NOT NULL,
  region_id bigint CONSTRAINT fk_plan_region_id REFERENCES region,
  upper_plan_id bigint CONSTRAINT fk_plan_upper_plan_id REFERENCES plan,
  base_year integer,
  status varchar NOT NULL DEFAULT 'draft',
  version integer NOT NULL DEFAULT 1,
  valid_from date,
  valid_to date,
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  first_year integer NOT NULL,
  last_year integer,
  supersedes_id bigint CONSTRAINT fk_plan_supersedes_id REFERENCES plan,
  region_ids bigint[] NOT NULL DEFAULT '{}',
  lineage_id bigint CONSTRAINT fk_plan_lineage_id REFERENCES plan,
  edition integer NOT NULL DEFAULT 1,
  in_force daterange NOT NULL DEFAULT '(,)',
  spatial_plan_id bigint CONSTRAINT fk_plan_spatial_plan_id REFERENCES plan,
  CONSTRAINT ck_plan_period CHECK (valid_to IS NULL OR valid_to >= valid_from),
  CONSTRAINT ck_plan_status CHECK (status IN ('draft', 'submitted', 'approved', 'superseded', 'withdrawn')),
  CONSTRAINT ck_plan_years CHECK (last_year >= first_year)
);
CREATE UNIQUE INDEX uq_plan_code_live ON plan (code) WHERE deleted_at IS NULL;
CREATE INDEX ix_plan_lineage_id ON plan (lineage_id);
CREATE INDEX ix_plan_region_id ON plan (region_id);
CREATE INDEX ix_plan_spatial_plan_id ON plan (spatial_plan_id);
CREATE INDEX ix_plan_supersedes_id ON plan (supersedes_id);
CREATE INDEX ix_plan_upper_plan_id ON plan (upper_plan_id);

-- A plan that takes no other's place holds for the days its parts name; an edition also waits for
-- its approval.
CREATE FUNCTION begin_force() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.in_force := daterange(current_date, NULL);
  RETURN NEW;
END $$;
CREATE TRIGGER begin_force BEFORE UPDATE OF status ON plan FOR EACH ROW
  WHEN (NEW.status = 'approved' AND OLD.status <> 'approved' AND NEW.supersedes_id IS NOT NULL)
  EXECUTE FUNCTION begin_force();

CREATE TABLE plan_part (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_plan_part PRIMARY KEY,
  code varchar NOT NULL,
  plan_id bigint NOT NULL CONSTRAINT fk_plan_part_plan_id REFERENCES plan,
  region_id bigint NOT NULL CONSTRAINT fk_plan_part_region_id REFERENCES region,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  text_zh varchar,
  text_en varchar,
  party_id bigint CONSTRAINT fk_plan_part_party_id REFERENCES party,
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  copied_from_id bigint CONSTRAINT fk_plan_part_copied_from_id REFERENCES plan_part,
  CONSTRAINT ck_plan_part_period CHECK (valid_to IS NULL OR valid_to >= valid_from)
);
CREATE UNIQUE INDEX uq_plan_part_code_live ON plan_part (plan_id, code) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX uq_plan_part_region_live ON plan_part (plan_id, region_id) WHERE deleted_at IS NULL;
CREATE INDEX ix_plan_part_copied_from_id ON plan_part (copied_from_id);
CREATE INDEX ix_plan_part_party_id ON plan_part (party_id);
CREATE INDEX ix_plan_part_region_id ON plan_part (region_id);

CREATE TABLE plan_decision (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_plan_decision PRIMARY KEY,
  plan_id bigint NOT NULL CONSTRAINT fk_plan_decision_plan_id REFERENCES plan,
  region_id bigint NOT NULL CONSTRAINT fk_plan_decision_region_id REFERENCES region,
  decision varchar NOT NULL,
  content varchar NOT NULL,
  reason varchar,
  actor varchar NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT ck_plan_decision_decision CHECK (decision IN ('approved', 'rejected', 'withdrawn'))
);
CREATE INDEX ix_plan_decision_plan_id ON plan_decision (plan_id);
CREATE INDEX ix_plan_decision_region_id ON plan_decision (region_id);
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON plan_decision
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE plan_provision (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_plan_provision PRIMARY KEY,
  code varchar NOT NULL,
  plan_id bigint NOT NULL CONSTRAINT fk_plan_provision_plan_id REFERENCES plan,
  copied_from_id bigint CONSTRAINT fk_plan_provision_copied_from_id REFERENCES plan_provision,
  kind varchar NOT NULL,
  order_no integer NOT NULL DEFAULT 1,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  article varchar,
  form varchar,
  level varchar,
  first_year integer,
  last_year integer,
  places text[] NOT NULL DEFAULT '{}',
  region_ids bigint[] NOT NULL DEFAULT '{}',
  text_zh varchar,
  text_en varchar,
  text_official varchar,
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  CONSTRAINT ck_plan_provision_form CHECK (form IN ('state', 'deliverable')),
  CONSTRAINT ck_plan_provision_kind CHECK (kind IN ('article', 'task', 'objective', 'challenge',
      'opportunity', 'safeguard', 'step', 'stage', 'demonstration')),
  CONSTRAINT ck_plan_provision_level CHECK (level IN ('nation', 'province', 'city', 'district', 'street',
      'town', 'basin', 'bay', 'island', 'cooperation', 'demonstration_area')),
  CONSTRAINT ck_plan_provision_period CHECK (valid_to IS NULL OR valid_to >= valid_from)
);
CREATE UNIQUE INDEX uq_plan_provision_code_live ON plan_provision (plan_id, code) WHERE deleted_at IS NULL;
CREATE INDEX ix_plan_provision_copied_from_id ON plan_provision (copied_from_id);
CREATE INDEX ix_plan_provision_plan_id ON plan_provision (plan_id);

CREATE TABLE data_finding (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_data_finding PRIMARY KEY,
  plan_id bigint NOT NULL CONSTRAINT fk_data_finding_plan_id REFERENCES plan,
  code varchar NOT NULL,
  kind varchar NOT NULL,
  severity varchar NOT NULL,
  text_zh varchar NOT NULL,
  text_en varchar NOT NULL,
  figures jsonb NOT NULL,
  attrs jsonb NOT NULL DEFAULT '{}',
  found_at timestamptz NOT NULL DEFAULT now(),
  resolved_at timestamptz,
  CONSTRAINT uq_data_finding_plan_id_code UNIQUE (plan_id, code),
  CONSTRAINT ck_data_finding_severity CHECK (severity IN ('info', 'low', 'medium', 'high'))
);
CREATE TABLE data_finding_history (
  recorded_to timestamptz NOT NULL,
  ended_at timestamptz NOT NULL,
  LIKE data_finding
);
CREATE INDEX ix_data_finding_history_plan_id ON data_finding_history (plan_id);

-- A finding that is found again, or says something else, is another one from then on.
CREATE FUNCTION keep_findings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO data_finding_history
  SELECT clock_timestamp(), coalesce(OLD.resolved_at, NEW.found_at), (OLD).*;
  RETURN NULL;
END $$;
CREATE TRIGGER keep_findings AFTER UPDATE ON data_finding FOR EACH ROW
  WHEN (NEW.found_at IS DISTINCT FROM OLD.found_at) EXECUTE FUNCTION keep_findings();

-- When a plan was checked: one that never was differs from one without findings.
CREATE TABLE plan_check (
  plan_id bigint CONSTRAINT pk_plan_check PRIMARY KEY CONSTRAINT fk_plan_check_plan_id REFERENCES plan,
  first_at timestamptz NOT NULL DEFAULT now(),
  last_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE evaluation_snapshot (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_evaluation_snapshot PRIMARY KEY,
  code varchar NOT NULL CONSTRAINT uq_evaluation_snapshot_code UNIQUE,
  region_id bigint NOT NULL CONSTRAINT fk_evaluation_snapshot_region_id REFERENCES region,
  plan_id bigint NOT NULL CONSTRAINT fk_evaluation_snapshot_plan_id REFERENCES plan,
  year integer NOT NULL,
  content jsonb NOT NULL,
  sha256 varchar NOT NULL,
  created_by varchar NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ix_evaluation_snapshot_plan_id_year ON evaluation_snapshot (plan_id, year);
CREATE INDEX ix_evaluation_snapshot_region_id_year ON evaluation_snapshot (region_id, year);
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON evaluation_snapshot
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
