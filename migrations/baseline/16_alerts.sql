-- Early warning: rules, what they watch, alerts, and who is told of them.

CREATE TABLE alert_rule (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_alert_rule PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  kind varchar NOT NULL,
  property_id smallint CONSTRAINT fk_alert_rule_property_id REFERENCES observed_property,
  stations bigint[],
  region_id bigint CONSTRAINT fk_alert_rule_region_id REFERENCES region,
  limits jsonb NOT NULL,
  reset double precision NOT NULL,
  min_duration_s integer NOT NULL,
  max_age_s integer NOT NULL,
  any_quality boolean NOT NULL,
  enabled boolean NOT NULL,
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  plan_id bigint CONSTRAINT fk_alert_rule_plan_id REFERENCES plan,
  indicator_id bigint CONSTRAINT fk_alert_rule_indicator_id REFERENCES indicator,
  control_kind varchar,
  quiet jsonb,
  valid_from date,
  valid_to date,
  CONSTRAINT ck_alert_rule_control_kind CHECK ((kind IN ('red_line_lead', 'line_decline')) = (control_kind
      IS NOT NULL)),
  CONSTRAINT ck_alert_rule_kind CHECK (kind IN ('above', 'below', 'rate', 'no_data',
      'indicator_behind_target', 'red_line_lead', 'line_decline')),
  CONSTRAINT ck_alert_rule_max_age_s CHECK (max_age_s > 0),
  CONSTRAINT ck_alert_rule_min_duration_s CHECK (min_duration_s >= 0),
  CONSTRAINT ck_alert_rule_period CHECK (valid_to > valid_from),
  CONSTRAINT ck_alert_rule_property CHECK (kind NOT IN ('above', 'below', 'rate') OR property_id IS NOT
      NULL)
);
CREATE UNIQUE INDEX uq_alert_rule_code_live ON alert_rule (code) WHERE deleted_at IS NULL;
CREATE INDEX ix_alert_rule_indicator_id ON alert_rule (indicator_id);
CREATE INDEX ix_alert_rule_plan_id ON alert_rule (plan_id);
CREATE INDEX ix_alert_rule_property_id ON alert_rule (property_id);
CREATE INDEX ix_alert_rule_region_id ON alert_rule (region_id);

-- A subject is a station, a target, a case or the lines of a region: a region alone names the lines
-- of it; a target has its indicator besides.
CREATE TABLE alert_watch (
  rule_id bigint NOT NULL CONSTRAINT fk_alert_watch_rule_id REFERENCES alert_rule,
  station_id bigint CONSTRAINT fk_alert_watch_station_id REFERENCES station,
  seen_to timestamptz,
  since jsonb NOT NULL,
  level varchar,
  plan_indicator_id bigint CONSTRAINT fk_alert_watch_plan_indicator_id REFERENCES plan_indicator,
  target_region_id bigint CONSTRAINT fk_alert_watch_target_region_id REFERENCES region,
  case_id bigint CONSTRAINT fk_alert_watch_case_id REFERENCES lead_case,
  target_year integer,
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_alert_watch PRIMARY KEY,
  CONSTRAINT ck_alert_watch_level CHECK (level IN ('blue', 'yellow', 'orange', 'red')),
  CONSTRAINT ck_alert_watch_subject CHECK (num_nonnulls(station_id, coalesce(plan_indicator_id,
      target_region_id), case_id) = 1),
  CONSTRAINT ck_alert_watch_target CHECK ((plan_indicator_id IS NULL OR target_region_id IS NOT NULL) AND
      (target_year IS NULL OR plan_indicator_id IS NOT NULL))
);
CREATE UNIQUE INDEX uq_alert_watch_station ON alert_watch (rule_id, station_id);
CREATE UNIQUE INDEX uq_alert_watch_subject ON alert_watch (rule_id, station_id, plan_indicator_id,
  target_region_id, target_year, case_id) NULLS NOT DISTINCT;
CREATE INDEX ix_alert_watch_case_id ON alert_watch (case_id);
CREATE INDEX ix_alert_watch_plan_indicator_id ON alert_watch (plan_indicator_id);
CREATE INDEX ix_alert_watch_station_id ON alert_watch (station_id);
CREATE INDEX ix_alert_watch_target_region_id ON alert_watch (target_region_id);

CREATE TABLE alert (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_alert PRIMARY KEY,
  rule_id bigint NOT NULL CONSTRAINT fk_alert_rule_id REFERENCES alert_rule,
  station_id bigint CONSTRAINT fk_alert_station_id REFERENCES station,
  status varchar NOT NULL,
  level varchar NOT NULL,
  began_at timestamptz NOT NULL,
  raised_at timestamptz NOT NULL,
  measure double precision NOT NULL,
  opened_at timestamptz NOT NULL,
  acknowledged_at timestamptz,
  acknowledged_by varchar,
  closed_at timestamptz,
  closed_by varchar,
  row_version integer NOT NULL DEFAULT 1,
  plan_indicator_id bigint CONSTRAINT fk_alert_plan_indicator_id REFERENCES plan_indicator,
  target_region_id bigint CONSTRAINT fk_alert_target_region_id REFERENCES region,
  case_id bigint CONSTRAINT fk_alert_case_id REFERENCES lead_case,
  target_year integer,
  facts jsonb,
  CONSTRAINT ck_alert_level CHECK (level IN ('blue', 'yellow', 'orange', 'red')),
  CONSTRAINT ck_alert_status CHECK (status IN ('open', 'acknowledged', 'closed')),
  CONSTRAINT ck_alert_subject CHECK (num_nonnulls(station_id, coalesce(plan_indicator_id, target_region_id),
      case_id) = 1),
  CONSTRAINT ck_alert_target CHECK ((plan_indicator_id IS NULL OR target_region_id IS NOT NULL) AND
      (target_year IS NULL OR plan_indicator_id IS NOT NULL))
);
CREATE UNIQUE INDEX uq_alert_subject_live ON alert (rule_id, station_id, plan_indicator_id, target_region_id, target_year, case_id) NULLS NOT DISTINCT
  WHERE status <> 'closed';
CREATE INDEX ix_alert_case_id ON alert (case_id);
CREATE INDEX ix_alert_plan_indicator_id ON alert (plan_indicator_id);
CREATE INDEX ix_alert_rule_id ON alert (rule_id);
CREATE INDEX ix_alert_station_id ON alert (station_id);
CREATE INDEX ix_alert_target_region_id ON alert (target_region_id);

CREATE TABLE alert_event (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_alert_event PRIMARY KEY,
  alert_id bigint NOT NULL CONSTRAINT fk_alert_event_alert_id REFERENCES alert,
  at timestamptz NOT NULL,
  kind varchar NOT NULL,
  level varchar NOT NULL,
  actor varchar,
  note varchar,
  observed_at timestamptz,
  measure double precision,
  CONSTRAINT ck_alert_event_kind CHECK (kind IN ('opened', 'raised', 'acknowledged', 'recovered', 'closed',
      'rule_changed', 'rule_expired', 'subject_gone')),
  CONSTRAINT ck_alert_event_level CHECK (level IN ('blue', 'yellow', 'orange', 'red'))
);
CREATE INDEX ix_alert_event_alert_id ON alert_event (alert_id);

-- What rules have to look at because it changed.
CREATE TABLE alert_due (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_alert_due PRIMARY KEY,
  plan_id bigint CONSTRAINT fk_alert_due_plan_id REFERENCES plan,
  case_id bigint CONSTRAINT fk_alert_due_case_id REFERENCES lead_case,
  region_id bigint CONSTRAINT fk_alert_due_region_id REFERENCES region,
  CONSTRAINT ck_alert_due_subject CHECK (num_nonnulls(plan_id, case_id, region_id) = 1)
);

CREATE FUNCTION note_line_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO alert_due (region_id)
  SELECT DISTINCT changed.region_id FROM changed
   WHERE EXISTS (SELECT FROM alert_rule r
                  WHERE r.kind = 'line_decline' AND r.control_kind = changed.kind
                    AND r.enabled AND r.deleted_at IS NULL);
  RETURN NULL;
END $$;
CREATE TRIGGER note_line_insert AFTER INSERT ON control_area REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION note_line_change();
CREATE TRIGGER note_line_update AFTER UPDATE ON control_area REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION note_line_change();

CREATE TABLE subscription (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_subscription PRIMARY KEY,
  name varchar NOT NULL,
  address varchar NOT NULL,
  lang varchar NOT NULL,
  levels text[] NOT NULL,
  rules bigint[],
  region_id bigint CONSTRAINT fk_subscription_region_id REFERENCES region,
  digest_at time,
  time_zone varchar NOT NULL,
  endings boolean NOT NULL,
  enabled boolean NOT NULL,
  unsubscribed_at timestamptz,
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  CONSTRAINT ck_subscription_lang CHECK (lang IN ('zh', 'en'))
);
CREATE INDEX ix_subscription_region_id ON subscription (region_id);

CREATE TABLE alert_notice (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_alert_notice PRIMARY KEY,
  subscription_id bigint NOT NULL CONSTRAINT fk_alert_notice_subscription_id REFERENCES subscription,
  event_id bigint NOT NULL CONSTRAINT fk_alert_notice_event_id REFERENCES alert_event,
  due_at timestamptz NOT NULL,
  CONSTRAINT uq_alert_notice_subscription_id_event_id UNIQUE (subscription_id, event_id)
);
CREATE INDEX ix_alert_notice_due_at ON alert_notice (due_at);
