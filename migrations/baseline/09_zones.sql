-- Zonings: their classes, versions and zones.

CREATE TABLE zone_class (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_zone_class PRIMARY KEY,
  scheme_kind varchar NOT NULL,
  class_code varchar NOT NULL,
  order_no integer NOT NULL,
  group_code varchar,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  color varchar,
  requirement_zh varchar,
  requirement_en varchar,
  code varchar NOT NULL,
  traits_zh varchar,
  traits_en varchar,
  relation varchar,
  restoration_modes text[] NOT NULL DEFAULT '{}',
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  text_official varchar,
  CONSTRAINT ck_zone_class_period CHECK (valid_to IS NULL OR valid_to >= valid_from)
);
CREATE UNIQUE INDEX uq_zone_class_code_live ON zone_class (code) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX uq_zone_class_kind_class_live ON zone_class (scheme_kind, class_code)
  WHERE deleted_at IS NULL;

-- Official names and our wording of the printed requirements (Planners 2025-05, Table 2). Without a
-- first day: they hold for plans of every year.
INSERT INTO zone_class (scheme_kind, class_code, code, order_no, group_code, name_zh, name_en, color,
  requirement_zh, requirement_en, valid_from) VALUES
  ('supply_demand', 'strict_protection', 'supply_demand.strict_protection', 1, 'protection',
   '严格保护与管控区', 'Strict protection and control zone', '#1b6e3c',
   '严禁不符合主体功能定位的各类开发活动，严禁任意改变用途，禁止擅自占用和改变土地性质；'
   '仅按规划开展维护、修复和功能提升，以保护保育、自然恢复为主。',
   'Development that does not fit the main function is forbidden, and so are any arbitrary change '
   'of use, unauthorised occupation and change of the nature of land; only planned work that '
   'maintains, repairs or improves function, by conservation and natural recovery.', NULL),
  ('supply_demand', 'key_protection', 'supply_demand.key_protection', 2, 'protection', '重点保护与管控区',
   'Key protection and control zone', '#5aa957',
   '加强保护保育与生态建设，限制开发建设；在不降低功能、不损害生态系统并符合空间准入、'
   '强度控制和风貌管控的前提下，可适度利用和调整布局；以自然恢复为主、人工修复为辅，'
   '及时修复不合理的建设、采矿、农业开垦造成的破坏。',
   'Strengthen conservation and ecological construction and limit building; moderate use and '
   'adjustment of layout only where function is kept, the ecosystem is not harmed and spatial '
   'access, intensity and character controls are met; mainly natural recovery, aided by '
   'artificial restoration, and prompt repair of what building, mining or the clearing of land '
   'for farming damaged.', NULL),
  ('supply_demand', 'general_protection', 'supply_demand.general_protection', 3, 'protection',
   '一般保护与管控区', 'General protection and control zone', '#c5dd8c',
   '按资源环境承载能力管控；在不突破生态保护红线、资源利用上线和环境质量底线的前提下适度利用，'
   '防止过度垦殖、采伐、取水、渔猎和旅游；鼓励开展稳定生态功能的修复，直至生态系统自我维持。',
   'Control by the carrying capacity of resources and environment; moderate use while red line, '
   'resource ceiling and quality floor hold; no excessive reclaiming of land for crops, logging, '
   'withdrawal of water, fishing, hunting or tourism; restoration that stabilises function is '
   'encouraged until the ecosystem sustains itself.', NULL),
  ('supply_demand', 'priority_restoration', 'supply_demand.priority_restoration', 4, 'restoration',
   '优先修复与功能提升区', 'Priority restoration and function enhancement zone', '#c0392b',
   '严格执行生态环境准入清单，统筹山水林田湖草沙一体化治理；因地制宜、科学规划、系统治理、'
   '合理利用，以工程、技术、生物等措施实施重大生态修复工程，自然恢复与人工修复相结合。',
   'Apply the environmental access list strictly; govern mountains, waters, forests, fields, '
   'lakes, grasslands and sands as one, as suits the place, by plan, as a system and with '
   'reasonable use; run major restoration projects with engineering, technical and biological '
   'measures; combine natural and artificial recovery.', NULL),
  ('supply_demand', 'general_restoration', 'supply_demand.general_restoration', 5, 'restoration',
   '一般修复与功能提升区', 'General restoration and function enhancement zone', '#f0a35e',
   '优先消除或避让人为胁迫，修复受损生态系统和受污染区域，提升自我调节能力。',
   'Remove or avoid human stress first; restore damaged ecosystems and polluted areas; raise the '
   'capacity for self-regulation.', NULL);

CREATE TABLE zone_scheme (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_zone_scheme PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  region_id bigint NOT NULL CONSTRAINT fk_zone_scheme_region_id REFERENCES region,
  plan_id bigint CONSTRAINT fk_zone_scheme_plan_id REFERENCES plan,
  kind varchar NOT NULL,
  origin varchar NOT NULL,
  job_id uuid CONSTRAINT fk_zone_scheme_job_id REFERENCES job,
  status varchar NOT NULL DEFAULT 'draft',
  version integer NOT NULL DEFAULT 1,
  supersedes_id bigint CONSTRAINT fk_zone_scheme_supersedes_id REFERENCES zone_scheme,
  valid_from date,
  valid_to date,
  gap_reason varchar,
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  copied_from_id bigint CONSTRAINT fk_zone_scheme_copied_from_id REFERENCES zone_scheme,
  CONSTRAINT uq_zone_scheme_code_version UNIQUE (code, version),
  CONSTRAINT ck_zone_scheme_computed_has_job CHECK (origin <> 'computed' OR job_id IS NOT NULL),
  CONSTRAINT ck_zone_scheme_origin CHECK (origin IN ('imported', 'drawn', 'computed')),
  CONSTRAINT ck_zone_scheme_period CHECK (valid_to IS NULL OR valid_to >= valid_from),
  CONSTRAINT ck_zone_scheme_published_from CHECK (status <> 'published' OR valid_from IS NOT NULL),
  CONSTRAINT ck_zone_scheme_status CHECK (status IN ('draft', 'review', 'approved', 'published',
      'superseded')),
  CONSTRAINT ex_zone_scheme_one_published EXCLUDE USING gist (region_id WITH =, kind WITH =,
      daterange(valid_from, valid_to) WITH &&) WHERE (status IN ('published', 'superseded') AND deleted_at
      IS NULL)
);
CREATE INDEX ix_zone_scheme_copied_from_id ON zone_scheme (copied_from_id);
CREATE INDEX ix_zone_scheme_job_id ON zone_scheme (job_id);
CREATE INDEX ix_zone_scheme_plan_id ON zone_scheme (plan_id);
CREATE INDEX ix_zone_scheme_region_id ON zone_scheme (region_id);

CREATE TABLE zone (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_zone PRIMARY KEY,
  scheme_id bigint NOT NULL CONSTRAINT fk_zone_scheme_id REFERENCES zone_scheme,
  class_id bigint NOT NULL CONSTRAINT fk_zone_class_id REFERENCES zone_class,
  code varchar NOT NULL,
  name_zh varchar,
  name_en varchar,
  geom geometry(MultiPolygon, 4490),
  area_m2 double precision GENERATED ALWAYS AS (ST_Area(geom::geography)) STORED,
  attrs jsonb NOT NULL DEFAULT '{}',
  functions text[] NOT NULL DEFAULT '{}',
  problems text[] NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date,
  valid_to date,
  copied_from_id bigint CONSTRAINT fk_zone_copied_from_id REFERENCES zone,
  CONSTRAINT ck_zone_geom_valid CHECK (geom IS NULL OR ST_IsValid(geom)),
  CONSTRAINT ck_zone_period CHECK (valid_to IS NULL OR valid_to >= valid_from)
);
CREATE UNIQUE INDEX uq_zone_code_live ON zone (scheme_id, code) WHERE deleted_at IS NULL;
CREATE INDEX ix_zone_class_id ON zone (class_id);
CREATE INDEX ix_zone_code ON zone (code);
CREATE INDEX ix_zone_copied_from_id ON zone (copied_from_id);
CREATE INDEX ix_zone_geom ON zone USING gist (geom);
CREATE INDEX ix_zone_scheme_id ON zone (scheme_id);
CREATE INDEX ix_zone_shapeless ON zone ((geom IS NULL), id);

CREATE TABLE zone_adjustment (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_zone_adjustment PRIMARY KEY,
  scheme_id bigint NOT NULL CONSTRAINT fk_zone_adjustment_scheme_id REFERENCES zone_scheme,
  seq integer NOT NULL,
  from_class_id bigint CONSTRAINT fk_zone_adjustment_from_class_id REFERENCES zone_class,
  to_class_id bigint NOT NULL CONSTRAINT fk_zone_adjustment_to_class_id REFERENCES zone_class,
  note varchar NOT NULL,
  actor varchar NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  geom geometry(MultiPolygon, 4490),
  area_m2 double precision GENERATED ALWAYS AS (ST_Area(geom::geography)) STORED,
  CONSTRAINT uq_zone_adjustment_scheme_id_seq UNIQUE (scheme_id, seq),
  CONSTRAINT ck_zone_adjustment_geom_valid CHECK (geom IS NULL OR ST_IsValid(geom))
);
CREATE INDEX ix_zone_adjustment_geom ON zone_adjustment USING gist (geom);

CREATE TABLE zone_town (
  zone_id bigint NOT NULL CONSTRAINT fk_zone_town_zone_id REFERENCES zone,
  region_id bigint NOT NULL CONSTRAINT fk_zone_town_region_id REFERENCES region,
  share numeric,
  CONSTRAINT pk_zone_town PRIMARY KEY (zone_id, region_id),
  CONSTRAINT ck_zone_town_share CHECK (share BETWEEN 0 AND 1)
);
CREATE INDEX ix_zone_town_region_id ON zone_town (region_id);
