-- Problems, programmes and projects: their steps, measures, money and documents.

CREATE TABLE problem (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_problem PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  type varchar NOT NULL,
  element varchar,
  level varchar,
  region_id bigint NOT NULL CONSTRAINT fk_problem_region_id REFERENCES region,
  plan_id bigint CONSTRAINT fk_problem_plan_id REFERENCES plan,
  quantity numeric,
  unit varchar,
  severity varchar,
  status varchar NOT NULL DEFAULT 'open',
  cause varchar,
  places text[] NOT NULL DEFAULT '{}',
  geom geometry(Geometry, 4490),
  area_m2 double precision GENERATED ALWAYS AS (ST_Area(geom::geography)) STORED,
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  copied_from_id bigint CONSTRAINT fk_problem_copied_from_id REFERENCES problem,
  CONSTRAINT ck_problem_geom_valid CHECK (geom IS NULL OR ST_IsValid(geom)),
  CONSTRAINT ck_problem_level CHECK (level IN ('region', 'city', 'district')),
  CONSTRAINT ck_problem_period CHECK (valid_to IS NULL OR valid_to >= valid_from),
  CONSTRAINT ck_problem_severity CHECK (severity IN ('info', 'low', 'medium', 'high')),
  CONSTRAINT ck_problem_status CHECK (status IN ('open', 'planned', 'resolved'))
);
CREATE UNIQUE INDEX uq_problem_code_live ON problem (code) WHERE deleted_at IS NULL;
CREATE INDEX ix_problem_copied_from_id ON problem (copied_from_id);
CREATE INDEX ix_problem_geom ON problem USING gist (geom);
CREATE INDEX ix_problem_plan_id ON problem (plan_id);
CREATE INDEX ix_problem_region_id_type ON problem (region_id, type);
CREATE INDEX ix_problem_shapeless ON problem ((geom IS NULL), id);

CREATE TABLE programme (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_programme PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  plan_id bigint NOT NULL CONSTRAINT fk_programme_plan_id REFERENCES plan,
  order_no integer NOT NULL DEFAULT 1,
  summary_zh varchar,
  summary_en varchar,
  extent geometry(MultiPolygon, 4490),
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  region_id bigint CONSTRAINT fk_programme_region_id REFERENCES region,
  copied_from_id bigint CONSTRAINT fk_programme_copied_from_id REFERENCES programme,
  CONSTRAINT ck_programme_extent_valid CHECK (extent IS NULL OR ST_IsValid(extent)),
  CONSTRAINT ck_programme_period CHECK (valid_to IS NULL OR valid_to >= valid_from)
);
CREATE UNIQUE INDEX uq_programme_code_live ON programme (code) WHERE deleted_at IS NULL;
CREATE INDEX ix_programme_copied_from_id ON programme (copied_from_id);
CREATE INDEX ix_programme_extent ON programme USING gist (extent);
CREATE INDEX ix_programme_plan_id ON programme (plan_id);
CREATE INDEX ix_programme_region_id ON programme (region_id);

CREATE TABLE project_state (
  state varchar CONSTRAINT pk_project_state PRIMARY KEY,
  order_no integer NOT NULL CONSTRAINT uq_project_state_order_no UNIQUE,
  terminal boolean NOT NULL DEFAULT false,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL
);
INSERT INTO project_state (state, order_no, terminal, name_zh, name_en) VALUES
  ('draft', 1, false, '草案', 'Draft'),
  ('proposed', 2, false, '已申报', 'Proposed'),
  ('reserve', 3, false, '已入库', 'In reserve'),
  ('approved', 4, false, '已批准', 'Approved'),
  ('design', 5, false, '设计', 'Design'),
  ('implementation', 6, false, '实施', 'Implementation'),
  ('suspended', 7, false, '暂停', 'Suspended'),
  ('acceptance', 8, false, '验收', 'Acceptance'),
  ('monitoring', 9, false, '监测', 'Monitoring'),
  ('effect_evaluation', 10, false, '成效评估', 'Evaluation of effect'),
  ('after_care', 11, false, '后期管护', 'After-care'),
  ('closed', 12, true, '办结', 'Closed'),
  ('rejected', 13, true, '不予批准', 'Rejected'),
  ('cancelled', 14, true, '取消', 'Cancelled');

CREATE TABLE project_transition (
  from_state varchar NOT NULL CONSTRAINT fk_project_transition_from_state REFERENCES project_state,
  to_state varchar NOT NULL CONSTRAINT fk_project_transition_to_state REFERENCES project_state,
  roles text[] NOT NULL,
  guard varchar,
  guard_zh varchar,
  guard_en varchar,
  CONSTRAINT pk_project_transition PRIMARY KEY (from_state, to_state)
);
INSERT INTO project_transition (from_state, to_state, roles, guard, guard_zh, guard_en) VALUES
  ('draft', 'proposed', '{owner}', 'complete', '须有名称、区域、类型、起止年份和至少一项措施',
   'name, region, type, years and at least one measure are given'),
  ('proposed', 'draft', '{planner}', 'reason', '须说明理由', 'a reason is given'),
  ('proposed', 'reserve', '{planner}', 'checked', '须有范围和投资，且管控线与分区检查已做并未被否定',
   'geometry and cost are given; lines and zones were checked and do not refuse it'),
  ('proposed', 'rejected', '{approver}', 'reason', '须说明理由', 'a reason is given'),
  ('reserve', 'rejected', '{approver}', 'reason', '须说明理由', 'a reason is given'),
  ('reserve', 'approved', '{approver}', 'decided', '例外事项已有决定，资金份额已知，公示期已满',
   'open exceptions are decided, the share of funds is known, the comment period is over'),
  ('approved', 'design', '{owner}', NULL, NULL, NULL),
  ('design', 'implementation', '{approver}', 'ready', '范围已定，且无禁止的措施',
   'the geometry is final and no measure is forbidden'),
  ('implementation', 'suspended', '{supervisor}', 'reason', '须说明理由', 'a reason is given'),
  ('suspended', 'implementation', '{supervisor}', 'reason', '须说明理由', 'a reason is given'),
  ('suspended', 'cancelled', '{approver}', 'settled', '须说明理由，且资金已结清',
   'a reason is given and the money is settled'),
  ('implementation', 'acceptance', '{owner}', 'done', '每项措施均有完成量和文件',
   'every measure has a done amount, and documents are there'),
  ('acceptance', 'implementation', '{approver}', 'faults', '须列出整改问题',
   'the faults to be mended are listed'),
  ('acceptance', 'monitoring', '{approver}', 'accepted', '须有验收文件', 'there is an acceptance document'),
  ('monitoring', 'effect_evaluation', '{supervisor}', 'monitored', '验收后至少有一次监测结果',
   'there is a monitoring result after acceptance'),
  ('effect_evaluation', 'implementation', '{approver}', 'goal_missed', '目标未达到，须说明理由',
   'the goal was missed; a reason is given'),
  ('effect_evaluation', 'after_care', '{approver}', 'evaluated', '须有评估文件',
   'there is an evaluation document'),
  ('after_care', 'closed', '{owner}', 'care_over', '管护期已满', 'the period of after-care is over'),
  ('draft', 'cancelled', '{owner,approver}', 'reason', '须说明理由', 'a reason is given'),
  ('proposed', 'cancelled', '{owner,approver}', 'reason', '须说明理由', 'a reason is given'),
  ('reserve', 'cancelled', '{owner,approver}', 'reason', '须说明理由', 'a reason is given'),
  ('approved', 'cancelled', '{owner,approver}', 'reason', '须说明理由', 'a reason is given'),
  ('design', 'cancelled', '{owner,approver}', 'reason', '须说明理由', 'a reason is given');

CREATE TABLE project (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_project PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  summary_zh varchar,
  summary_en varchar,
  region_id bigint NOT NULL CONSTRAINT fk_project_region_id REFERENCES region,
  plan_id bigint CONSTRAINT fk_project_plan_id REFERENCES plan,
  programme_id bigint CONSTRAINT fk_project_programme_id REFERENCES programme,
  owner_id bigint CONSTRAINT fk_project_owner_id REFERENCES party,
  plan_group varchar,
  type_code varchar,
  state varchar NOT NULL DEFAULT 'draft' CONSTRAINT fk_project_state REFERENCES project_state,
  start_year integer NOT NULL,
  end_year integer NOT NULL,
  cost numeric(16, 2),
  currency varchar(3) NOT NULL DEFAULT 'CNY',
  score numeric,
  is_public boolean NOT NULL DEFAULT true,
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
  CONSTRAINT ck_project_cost CHECK (cost >= 0),
  CONSTRAINT ck_project_geom_valid CHECK (geom IS NULL OR ST_IsValid(geom)),
  CONSTRAINT ck_project_period CHECK (valid_to IS NULL OR valid_to >= valid_from),
  CONSTRAINT ck_project_years CHECK (end_year >= start_year)
);
CREATE UNIQUE INDEX uq_project_code_live ON project (code) WHERE deleted_at IS NULL;
CREATE INDEX ix_project_geom ON project USING gist (geom);
CREATE INDEX ix_project_owner_id ON project (owner_id);
CREATE INDEX ix_project_plan_id ON project (plan_id);
CREATE INDEX ix_project_programme_id ON project (programme_id);
CREATE INDEX ix_project_region_id_state ON project (region_id, state);
CREATE INDEX ix_project_shapeless ON project ((geom IS NULL), id);

CREATE TABLE project_region (
  project_id bigint NOT NULL CONSTRAINT fk_project_region_project_id REFERENCES project,
  region_id bigint NOT NULL CONSTRAINT fk_project_region_region_id REFERENCES region,
  CONSTRAINT pk_project_region PRIMARY KEY (project_id, region_id)
);
CREATE INDEX ix_project_region_region_id ON project_region (region_id);

CREATE TABLE project_problem (
  project_id bigint NOT NULL CONSTRAINT fk_project_problem_project_id REFERENCES project,
  problem_id bigint NOT NULL CONSTRAINT fk_project_problem_problem_id REFERENCES problem,
  CONSTRAINT pk_project_problem PRIMARY KEY (project_id, problem_id)
);
CREATE INDEX ix_project_problem_problem_id ON project_problem (problem_id);

CREATE TABLE project_measure (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_project_measure PRIMARY KEY,
  project_id bigint NOT NULL CONSTRAINT fk_project_measure_project_id REFERENCES project,
  order_no integer NOT NULL DEFAULT 1,
  measure varchar NOT NULL,
  name_zh varchar,
  name_en varchar,
  planned double precision,
  done double precision,
  unit varchar,
  indicator_id bigint CONSTRAINT fk_project_measure_indicator_id REFERENCES indicator,
  attrs jsonb NOT NULL DEFAULT '{}',
  valid_from date,
  CONSTRAINT uq_project_measure_project_id_measure UNIQUE (project_id, measure),
  CONSTRAINT ck_project_measure_amounts CHECK (planned >= 0 AND done >= 0)
);
CREATE INDEX ix_project_measure_indicator_id ON project_measure (indicator_id);
CREATE TABLE project_measure_history (
  recorded_to timestamptz NOT NULL,
  valid_to date NOT NULL,
  LIKE project_measure
);
CREATE INDEX ix_project_measure_history_project_id ON project_measure_history (project_id);

-- As with targets: a state that lasted no day was corrected, and is kept by the audit log alone.
CREATE FUNCTION keep_measures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND
     (NEW.measure, NEW.planned, NEW.done, NEW.unit, NEW.indicator_id)
     IS NOT DISTINCT FROM
     (OLD.measure, OLD.planned, OLD.done, OLD.unit, OLD.indicator_id)
  THEN
    RETURN NEW;
  END IF;
  IF coalesce(OLD.valid_from < current_date, true) THEN
    INSERT INTO project_measure_history SELECT clock_timestamp(), current_date, (OLD).*;
  END IF;
  IF TG_OP = 'DELETE' THEN
    RETURN OLD;
  END IF;
  NEW.valid_from := current_date;
  RETURN NEW;
END $$;
CREATE TRIGGER keep_measures BEFORE UPDATE OR DELETE ON project_measure
  FOR EACH ROW EXECUTE FUNCTION keep_measures();

CREATE TABLE project_event (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_project_event PRIMARY KEY,
  project_id bigint NOT NULL CONSTRAINT fk_project_event_project_id REFERENCES project,
  seq integer NOT NULL,
  from_state varchar NOT NULL,
  to_state varchar NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  actor varchar NOT NULL,
  note varchar,
  documents text[] NOT NULL DEFAULT '{}',
  CONSTRAINT uq_project_event_project_id_seq UNIQUE (project_id, seq),
  CONSTRAINT fk_project_event_step FOREIGN KEY (from_state, to_state) REFERENCES project_transition
);
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON project_event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE fund_source (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_fund_source PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  kind varchar NOT NULL,
  region_id bigint CONSTRAINT fk_fund_source_region_id REFERENCES region,
  year integer,
  amount numeric(16, 2) NOT NULL,
  allowed_measures text[],
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  CONSTRAINT ck_fund_source_amount CHECK (amount >= 0),
  CONSTRAINT ck_fund_source_kind CHECK (kind IN ('central', 'provincial', 'municipal', 'district', 'bond',
      'social', 'loan', 'other')),
  CONSTRAINT ck_fund_source_period CHECK (valid_to IS NULL OR valid_to >= valid_from)
);
CREATE UNIQUE INDEX uq_fund_source_code_live ON fund_source (code) WHERE deleted_at IS NULL;
CREATE INDEX ix_fund_source_region_id ON fund_source (region_id);

CREATE TABLE fund_entry (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_fund_entry PRIMARY KEY,
  source_id bigint NOT NULL CONSTRAINT fk_fund_entry_source_id REFERENCES fund_source,
  project_id bigint NOT NULL CONSTRAINT fk_fund_entry_project_id REFERENCES project,
  kind varchar NOT NULL,
  amount numeric(16, 2) NOT NULL,
  measure varchar,
  paid_on date,
  note varchar,
  actor varchar NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT ck_fund_entry_amount CHECK (amount > 0),
  CONSTRAINT ck_fund_entry_kind CHECK (kind IN ('allocation', 'payment', 'return')),
  CONSTRAINT ck_fund_entry_paid_on CHECK (kind <> 'payment' OR paid_on IS NOT NULL)
);
CREATE INDEX ix_fund_entry_project_id_kind ON fund_entry (project_id, kind);
CREATE INDEX ix_fund_entry_source_id_kind ON fund_entry (source_id, kind);
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON fund_entry
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE document (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_document PRIMARY KEY,
  code varchar NOT NULL,
  owner_collection varchar NOT NULL,
  owner_code varchar NOT NULL,
  region_id bigint CONSTRAINT fk_document_region_id REFERENCES region,
  title_zh varchar NOT NULL,
  title_en varchar,
  kind varchar NOT NULL,
  filename varchar NOT NULL,
  media_type varchar NOT NULL,
  bytes bigint NOT NULL,
  sha256 varchar NOT NULL,
  uri varchar NOT NULL,
  is_public boolean NOT NULL DEFAULT false,
  uploaded_by varchar NOT NULL,
  geom geometry(Point, 4490),
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  CONSTRAINT ck_document_bytes CHECK (bytes >= 0),
  CONSTRAINT ck_document_period CHECK (valid_to IS NULL OR valid_to >= valid_from)
);
CREATE UNIQUE INDEX uq_document_code_live ON document (code) WHERE deleted_at IS NULL;
CREATE INDEX ix_document_geom ON document USING gist (geom);
CREATE INDEX ix_document_owner ON document (owner_collection, owner_code);
CREATE INDEX ix_document_region_id ON document (region_id);
CREATE INDEX ix_document_sha256 ON document (sha256);

-- An approver's decision about a rule that is broken, or about what is not known at a place.
CREATE TABLE compliance_exception (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_compliance_exception PRIMARY KEY,
  code varchar NOT NULL,
  region_id bigint CONSTRAINT fk_compliance_exception_region_id REFERENCES region,
  project_id bigint CONSTRAINT fk_compliance_exception_project_id REFERENCES project,
  geometry_sha256 varchar,
  control_area_id bigint CONSTRAINT fk_compliance_exception_control_area_id REFERENCES control_area,
  rule_id bigint CONSTRAINT fk_compliance_exception_rule_id REFERENCES control_rule,
  rule varchar,
  reason varchar NOT NULL,
  approver varchar NOT NULL,
  approved_at timestamptz NOT NULL DEFAULT now(),
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  gap varchar,
  CONSTRAINT ck_compliance_exception_about CHECK (num_nonnulls(rule, gap) = 1),
  CONSTRAINT ck_compliance_exception_period CHECK (valid_to IS NULL OR valid_to >= valid_from),
  CONSTRAINT ck_compliance_exception_subject CHECK (num_nonnulls(project_id, geometry_sha256) = 1)
);
CREATE UNIQUE INDEX uq_compliance_exception_code_live ON compliance_exception (code)
  WHERE deleted_at IS NULL;
CREATE INDEX ix_compliance_exception_control_area_id ON compliance_exception (control_area_id);
CREATE INDEX ix_compliance_exception_geometry_sha256 ON compliance_exception (geometry_sha256);
CREATE INDEX ix_compliance_exception_project_id ON compliance_exception (project_id);
CREATE INDEX ix_compliance_exception_region_id ON compliance_exception (region_id);
CREATE INDEX ix_compliance_exception_rule_id ON compliance_exception (rule_id);

-- What a draft says of projects of the plan it is to take the place of; what a superseded one had.
CREATE TABLE plan_project (
  plan_id bigint NOT NULL CONSTRAINT fk_plan_project_plan_id REFERENCES plan,
  project_id bigint NOT NULL CONSTRAINT fk_plan_project_project_id REFERENCES project,
  programme_id bigint CONSTRAINT fk_plan_project_programme_id REFERENCES programme,
  dropped boolean NOT NULL DEFAULT false,
  CONSTRAINT pk_plan_project PRIMARY KEY (plan_id, project_id)
);
CREATE INDEX ix_plan_project_programme_id ON plan_project (programme_id);
CREATE INDEX ix_plan_project_project_id ON plan_project (project_id);

-- Which projects are in which edition: where they stand; in a draft, besides, those of the plan
-- whose place it is to take, but for what is noted; in a superseded one, those it had.
CREATE VIEW plan_membership (plan_id, project_id, programme_id) AS
  SELECT pj.plan_id, pj.id, pj.programme_id FROM project pj WHERE pj.plan_id IS NOT NULL
  UNION
  SELECT pg.plan_id, pj.id, pj.programme_id
    FROM project pj JOIN programme pg ON pg.id = pj.programme_id
  UNION
  SELECT later.id, pj.id,
         CASE WHEN said.project_id IS NULL THEN copy.id ELSE said.programme_id END
    FROM plan later
    JOIN project pj ON coalesce(pj.plan_id, (SELECT pg.plan_id FROM programme pg
                                              WHERE pg.id = pj.programme_id)) = later.supersedes_id
    LEFT JOIN plan_project said ON said.plan_id = later.id AND said.project_id = pj.id
    LEFT JOIN programme copy ON copy.plan_id = later.id AND copy.copied_from_id = pj.programme_id
                            AND copy.deleted_at IS NULL
   WHERE (later.status IN ('draft', 'submitted')
          OR later.status = 'withdrawn' AND isempty(later.in_force))
     AND later.deleted_at IS NULL AND said.dropped IS NOT TRUE
     AND NOT EXISTS (SELECT FROM programme own
                      WHERE own.id = pj.programme_id AND own.plan_id = later.id)
  UNION
  SELECT had.plan_id, had.project_id, had.programme_id
    FROM plan_project had JOIN plan p ON p.id = had.plan_id
    JOIN project pj ON pj.id = had.project_id AND pj.plan_id IS DISTINCT FROM had.plan_id
   WHERE (p.status = 'superseded' OR p.status = 'withdrawn' AND NOT isempty(p.in_force))
     AND NOT had.dropped;
