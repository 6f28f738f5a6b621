-- Bulletins and their templates.

CREATE TABLE bulletin_template (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_bulletin_template PRIMARY KEY,
  code varchar NOT NULL,
  version integer NOT NULL,
  content jsonb NOT NULL,
  created_by varchar NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT uq_bulletin_template_code_version UNIQUE (code, version),
  CONSTRAINT ck_bulletin_template_version CHECK (version > 0)
);
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON bulletin_template
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE bulletin (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_bulletin PRIMARY KEY,
  code varchar NOT NULL CONSTRAINT uq_bulletin_code UNIQUE,
  region_id bigint NOT NULL CONSTRAINT fk_bulletin_region_id REFERENCES region,
  plan_id bigint CONSTRAINT fk_bulletin_plan_id REFERENCES plan,
  job_id uuid NOT NULL CONSTRAINT fk_bulletin_job_id REFERENCES job,
  first_day date NOT NULL,
  last_day date NOT NULL,
  issue integer NOT NULL,
  version integer NOT NULL,
  corrects_id bigint CONSTRAINT fk_bulletin_corrects_id REFERENCES bulletin,
  title_zh varchar NOT NULL,
  title_en varchar NOT NULL,
  template varchar NOT NULL,
  template_version integer NOT NULL,
  is_public boolean NOT NULL,
  state varchar NOT NULL,
  content jsonb NOT NULL,
  files jsonb NOT NULL,
  created_by varchar NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  published_by varchar,
  published_at timestamptz,
  CONSTRAINT ck_bulletin_period CHECK (last_day >= first_day),
  CONSTRAINT ck_bulletin_published CHECK ((state = 'published') = (published_at IS NOT NULL)),
  CONSTRAINT ck_bulletin_state CHECK (state IN ('draft', 'published')),
  CONSTRAINT ck_bulletin_version CHECK (version > 0)
);
CREATE INDEX ix_bulletin_corrects_id ON bulletin (corrects_id);
CREATE INDEX ix_bulletin_job_id ON bulletin (job_id);
CREATE INDEX ix_bulletin_plan_id ON bulletin (plan_id);
CREATE INDEX ix_bulletin_region_id_last_day ON bulletin (region_id, last_day);

-- Of a draft only that it is published may change, of a published one nothing.
CREATE FUNCTION guard_bulletin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state = 'published' THEN
    RAISE EXCEPTION 'bulletin % is published and never changes', OLD.code
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  IF (to_jsonb(NEW) - '{state,published_by,published_at}'::text[])
     IS DISTINCT FROM (to_jsonb(OLD) - '{state,published_by,published_at}'::text[]) THEN
    RAISE EXCEPTION 'bulletin % never changes but that it is published', OLD.code
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_bulletin BEFORE UPDATE OR DELETE ON bulletin
  FOR EACH ROW EXECUTE FUNCTION guard_bulletin();
