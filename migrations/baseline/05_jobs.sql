-- Jobs, the line they stand in, and what submits them again and again.

CREATE TABLE job (
  id uuid DEFAULT gen_random_uuid() CONSTRAINT pk_job PRIMARY KEY,
  kind varchar NOT NULL,
  inputs jsonb NOT NULL DEFAULT '{}',
  task jsonb NOT NULL DEFAULT '{}',
  status varchar NOT NULL DEFAULT 'accepted',
  attempt integer NOT NULL DEFAULT 0,
  crash_count integer NOT NULL DEFAULT 0,
  lease_until timestamptz,
  dispatched_at timestamptz,
  cancel_requested boolean NOT NULL DEFAULT false,
  progress smallint NOT NULL DEFAULT 0,
  stage varchar,
  worker varchar,
  seed bigint NOT NULL DEFAULT 0,
  software varchar,
  requested_by varchar NOT NULL,
  request_id varchar,
  result jsonb,
  error jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  subscriber jsonb,
  result_form jsonb,
  priority smallint NOT NULL DEFAULT 5,
  turn bigint NOT NULL DEFAULT 0,
  held varchar,
  not_before timestamptz,
  retries integer NOT NULL DEFAULT 0,
  digest varchar,
  retry_of uuid CONSTRAINT fk_job_retry_of REFERENCES job,
  traceparent varchar,
  CONSTRAINT ck_job_held CHECK (held IN ('quota', 'retry')),
  CONSTRAINT ck_job_priority CHECK (priority BETWEEN 0 AND 9),
  CONSTRAINT ck_job_progress CHECK (progress BETWEEN 0 AND 100),
  CONSTRAINT ck_job_status CHECK (status IN ('accepted', 'running', 'successful', 'failed', 'dismissed'))
);
CREATE UNIQUE INDEX uq_job_retry_of ON job (retry_of) WHERE retry_of IS NOT NULL;
CREATE INDEX ix_job_caller ON job (requested_by, priority, turn) WHERE status = 'accepted';
CREATE INDEX ix_job_created_at ON job (created_at DESC, id DESC);
CREATE INDEX ix_job_digest ON job (requested_by, digest, created_at DESC);
CREATE INDEX ix_job_due ON job (not_before) WHERE status = 'accepted' AND held = 'retry';
CREATE INDEX ix_job_failed ON job (created_at DESC, id DESC) WHERE status = 'failed';
CREATE INDEX ix_job_held ON job (requested_by, priority DESC, turn, created_at, id)
  WHERE status = 'accepted' AND held = 'quota';
CREATE INDEX ix_job_leased ON job (lease_until) WHERE status = 'running';
CREATE INDEX ix_job_line ON job (priority DESC, turn, created_at, id)
  WHERE status = 'accepted' AND held IS NULL;
CREATE INDEX ix_job_waiting ON job (created_at) WHERE status = 'accepted';

CREATE FUNCTION job_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status IN ('successful', 'failed', 'dismissed') THEN
    RAISE EXCEPTION 'job % is %, it never changes again', OLD.id, OLD.status
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.status <> OLD.status AND NOT (
    (OLD.status = 'accepted' AND NEW.status IN ('running', 'dismissed', 'failed'))
    OR (OLD.status = 'running' AND NEW.status IN ('accepted', 'successful', 'failed', 'dismissed'))
  ) THEN
    RAISE EXCEPTION 'job % cannot go from % to %', OLD.id, OLD.status, NEW.status
      USING ERRCODE = 'check_violation';
  END IF;
  NEW.updated_at := clock_timestamp();
  RETURN NEW;
END $$;
CREATE TRIGGER job_guard BEFORE UPDATE ON job FOR EACH ROW EXECUTE FUNCTION job_guard();

CREATE TABLE schedule (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_schedule PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  process varchar NOT NULL,
  inputs jsonb NOT NULL DEFAULT '{}',
  cron varchar,
  every_s integer,
  starts_at timestamptz NOT NULL,
  timezone varchar NOT NULL,
  priority smallint NOT NULL,
  enabled boolean NOT NULL,
  owner varchar NOT NULL,
  groups text[] NOT NULL DEFAULT '{}',
  next_at timestamptz,
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  CONSTRAINT ck_schedule_one_timing CHECK ((cron IS NULL) <> (every_s IS NULL)),
  CONSTRAINT ck_schedule_priority CHECK (priority BETWEEN 0 AND 9)
);
CREATE UNIQUE INDEX uq_schedule_code_live ON schedule (code) WHERE deleted_at IS NULL;
CREATE INDEX ix_schedule_due ON schedule (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE schedule_run (
  schedule_id bigint NOT NULL CONSTRAINT fk_schedule_run_schedule_id REFERENCES schedule,
  due_at timestamptz NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  missed integer NOT NULL DEFAULT 0,
  job_id uuid CONSTRAINT fk_schedule_run_job_id REFERENCES job,
  error jsonb,
  CONSTRAINT pk_schedule_run PRIMARY KEY (schedule_id, due_at)
);
CREATE INDEX ix_schedule_run_job_id ON schedule_run (job_id);
