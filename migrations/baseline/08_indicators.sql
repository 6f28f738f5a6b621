-- Indicators, what plans state of them and what was measured.

CREATE TABLE indicator (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_indicator PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  unit varchar NOT NULL,
  property varchar NOT NULL,
  direction varchar NOT NULL,
  category varchar,
  formula_zh varchar,
  formula_en varchar,
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  CONSTRAINT ck_indicator_direction CHECK (direction IN ('higher', 'lower')),
  CONSTRAINT ck_indicator_period CHECK (valid_to IS NULL OR valid_to >= valid_from),
  CONSTRAINT ck_indicator_property CHECK (property IN ('binding', 'expected'))
);
CREATE UNIQUE INDEX uq_indicator_code_live ON indicator (code) WHERE deleted_at IS NULL;

CREATE TABLE plan_indicator (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_plan_indicator PRIMARY KEY,
  code varchar NOT NULL,
  plan_id bigint NOT NULL CONSTRAINT fk_plan_indicator_plan_id REFERENCES plan,
  indicator_id bigint NOT NULL CONSTRAINT fk_plan_indicator_indicator_id REFERENCES indicator,
  order_no integer NOT NULL,
  category varchar,
  category_zh varchar,
  category_en varchar,
  property varchar,
  party_id bigint CONSTRAINT fk_plan_indicator_party_id REFERENCES party,
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  region_id bigint CONSTRAINT fk_plan_indicator_region_id REFERENCES region,
  copied_from_id bigint CONSTRAINT fk_plan_indicator_copied_from_id REFERENCES plan_indicator,
  CONSTRAINT ck_plan_indicator_period CHECK (valid_to IS NULL OR valid_to >= valid_from),
  CONSTRAINT ck_plan_indicator_property CHECK (property IN ('binding', 'expected'))
);
CREATE UNIQUE INDEX uq_plan_indicator_code_live ON plan_indicator (plan_id, code) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX uq_plan_indicator_indicator_live ON plan_indicator (plan_id, indicator_id)
  WHERE deleted_at IS NULL;
CREATE INDEX ix_plan_indicator_copied_from_id ON plan_indicator (copied_from_id);
CREATE INDEX ix_plan_indicator_indicator_id ON plan_indicator (indicator_id);
CREATE INDEX ix_plan_indicator_party_id ON plan_indicator (party_id);
CREATE INDEX ix_plan_indicator_region_id ON plan_indicator (region_id);

CREATE TABLE indicator_target (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_indicator_target PRIMARY KEY,
  indicator_id bigint NOT NULL CONSTRAINT fk_indicator_target_indicator_id REFERENCES indicator,
  region_id bigint NOT NULL CONSTRAINT fk_indicator_target_region_id REFERENCES region,
  plan_id bigint NOT NULL CONSTRAINT fk_indicator_target_plan_id REFERENCES plan,
  role varchar NOT NULL,
  year integer,
  value numeric,
  comparator_printed varchar,
  sense varchar NOT NULL,
  cumulative_from integer,
  revisable boolean NOT NULL DEFAULT false,
  source varchar,
  attrs jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  valid_from date,
  CONSTRAINT uq_indicator_target_key UNIQUE NULLS NOT DISTINCT (indicator_id, region_id, plan_id, role,
      year),
  CONSTRAINT ck_indicator_target_comparator_printed CHECK (comparator_printed IN ('ge', 'gt', 'le', 'lt',
      'eq', 'none')),
  CONSTRAINT ck_indicator_target_role CHECK (role IN ('base', 'target', 'reference')),
  CONSTRAINT ck_indicator_target_sense CHECK (sense IN ('at_least', 'at_most', 'track'))
);
CREATE INDEX ix_indicator_target_plan_id ON indicator_target (plan_id);
CREATE INDEX ix_indicator_target_region_id ON indicator_target (region_id);
CREATE TABLE indicator_target_history (
  recorded_to timestamptz NOT NULL,
  valid_to date NOT NULL,
  LIKE indicator_target
);
CREATE INDEX ix_indicator_target_history_plan_id
  ON indicator_target_history (plan_id, indicator_id);

-- Figures have neither versions nor a mark of deletion: what is replaced or removed goes here, with
-- the days it held. A figure without a first day holds since its plan does. One that lasted no day
-- was corrected, and is kept by the audit log alone.
CREATE FUNCTION keep_targets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND
     (NEW.value, NEW.comparator_printed, NEW.sense, NEW.cumulative_from, NEW.revisable, NEW.source)
     IS NOT DISTINCT FROM
     (OLD.value, OLD.comparator_printed, OLD.sense, OLD.cumulative_from, OLD.revisable, OLD.source)
  THEN
    RETURN NEW;
  END IF;
  IF coalesce(OLD.valid_from < current_date, true) THEN
    INSERT INTO indicator_target_history
    SELECT clock_timestamp(), current_date, (OLD).*;
  END IF;
  IF TG_OP = 'DELETE' THEN
    RETURN OLD;
  END IF;
  NEW.valid_from := current_date;
  RETURN NEW;
END $$;
CREATE TRIGGER keep_targets BEFORE UPDATE OR DELETE ON indicator_target
  FOR EACH ROW EXECUTE FUNCTION keep_targets();

CREATE TABLE indicator_value (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_indicator_value PRIMARY KEY,
  indicator_id bigint NOT NULL CONSTRAINT fk_indicator_value_indicator_id REFERENCES indicator,
  region_id bigint NOT NULL CONSTRAINT fk_indicator_value_region_id REFERENCES region,
  year integer NOT NULL,
  value numeric NOT NULL,
  quality varchar,
  method varchar,
  source varchar,
  party_id bigint CONSTRAINT fk_indicator_value_party_id REFERENCES party,
  source_dataset_id bigint CONSTRAINT fk_indicator_value_source_dataset_id REFERENCES dataset,
  cumulative boolean NOT NULL DEFAULT false,
  attrs jsonb NOT NULL DEFAULT '{}',
  recorded_by varchar,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  job_id uuid CONSTRAINT fk_indicator_value_job_id REFERENCES job,
  provenance jsonb
);
CREATE INDEX ix_indicator_value_job_id ON indicator_value (job_id);
CREATE INDEX ix_indicator_value_key ON indicator_value (indicator_id, region_id, year, recorded_at DESC, id
  DESC);
CREATE INDEX ix_indicator_value_party_id ON indicator_value (party_id);
CREATE INDEX ix_indicator_value_region_id ON indicator_value (region_id);
CREATE INDEX ix_indicator_value_source_dataset_id ON indicator_value (source_dataset_id);
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON indicator_value
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Figures a plan states besides its indicators.
CREATE TABLE plan_figure (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_plan_figure PRIMARY KEY,
  code varchar NOT NULL,
  plan_id bigint NOT NULL CONSTRAINT fk_plan_figure_plan_id REFERENCES plan,
  copied_from_id bigint CONSTRAINT fk_plan_figure_copied_from_id REFERENCES plan_figure,
  indicator_id bigint CONSTRAINT fk_plan_figure_indicator_id REFERENCES indicator,
  kind varchar NOT NULL,
  aspect varchar,
  order_no integer NOT NULL DEFAULT 1,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  class_zh varchar,
  class_en varchar,
  comparator varchar,
  value numeric,
  unit varchar,
  share_percent numeric,
  trend varchar,
  first_year integer,
  last_year integer,
  places text[] NOT NULL DEFAULT '{}',
  untold text[] NOT NULL DEFAULT '{}',
  article varchar,
  note_zh varchar,
  note_en varchar,
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  CONSTRAINT ck_plan_figure_aspect CHECK (aspect IN ('ecological', 'social', 'economic')),
  CONSTRAINT ck_plan_figure_comparator CHECK (comparator IN ('ge', 'gt', 'le', 'lt', 'eq')),
  CONSTRAINT ck_plan_figure_kind CHECK (kind IN ('evaluation', 'benefit', 'achievement', 'condition',
      'context', 'reference', 'count')),
  CONSTRAINT ck_plan_figure_period CHECK (valid_to IS NULL OR valid_to >= valid_from),
  CONSTRAINT ck_plan_figure_trend CHECK (trend IN ('better', 'stable_to_better', 'stable', 'worse'))
);
CREATE UNIQUE INDEX uq_plan_figure_code_live ON plan_figure (plan_id, code) WHERE deleted_at IS NULL;
CREATE INDEX ix_plan_figure_copied_from_id ON plan_figure (copied_from_id);
CREATE INDEX ix_plan_figure_indicator_id ON plan_figure (indicator_id);
CREATE INDEX ix_plan_figure_plan_id ON plan_figure (plan_id);
