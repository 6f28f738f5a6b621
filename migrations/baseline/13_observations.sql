-- Stations and what they observe: by month, with revisions, newest values and roll-ups.

CREATE TABLE station (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_station PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  kind varchar NOT NULL,
  region_id bigint CONSTRAINT fk_station_region_id REFERENCES region,
  owner_id bigint CONSTRAINT fk_station_owner_id REFERENCES party,
  interval_s integer,
  geom geometry(Point, 4490),
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  CONSTRAINT ck_station_geom_valid CHECK (geom IS NULL OR ST_IsValid(geom)),
  CONSTRAINT ck_station_interval_s CHECK (interval_s > 0),
  CONSTRAINT ck_station_kind CHECK (kind IN ('sky', 'air', 'land', 'sea', 'water_section')),
  CONSTRAINT ck_station_period CHECK (valid_to IS NULL OR valid_to >= valid_from)
);
CREATE UNIQUE INDEX uq_station_code_live ON station (code) WHERE deleted_at IS NULL;
CREATE INDEX ix_station_geom ON station USING gist (geom);
CREATE INDEX ix_station_owner_id ON station (owner_id);
CREATE INDEX ix_station_region_id ON station (region_id);
CREATE INDEX ix_station_shapeless ON station ((geom IS NULL), id);

-- A variant of a property is kept apart from it, as its unit cannot be converted.
CREATE TABLE observed_property (
  id smallint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_observed_property PRIMARY KEY,
  code varchar NOT NULL CONSTRAINT uq_observed_property_code UNIQUE,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  medium varchar NOT NULL,
  unit varchar NOT NULL,
  low double precision,
  high double precision,
  decimals smallint NOT NULL,
  moves boolean NOT NULL,
  hj525 varchar CONSTRAINT uq_observed_property_hj525 UNIQUE,
  aliases text[] NOT NULL DEFAULT '{}',
  standard varchar,
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  raw_years smallint,
  raw_since timestamptz,
  definition varchar,
  description varchar,
  unit_open boolean NOT NULL DEFAULT false,
  variant_of varchar CONSTRAINT fk_observed_property_variant_of REFERENCES observed_property (code),
  series_moved boolean NOT NULL DEFAULT false,
  CONSTRAINT ck_observed_property_decimals CHECK (decimals BETWEEN 0 AND 12),
  CONSTRAINT ck_observed_property_medium CHECK (medium IN ('water', 'sea', 'air', 'weather', 'flow',
      'ecology', 'other')),
  CONSTRAINT ck_observed_property_range CHECK (low < high),
  CONSTRAINT ck_observed_property_raw_years CHECK (raw_years BETWEEN 1 AND 100)
);

-- The ranges are what is physically possible in the open, or what sensors of the kind can tell; they
-- mark, and never refuse.
INSERT INTO observed_property (code, name_zh, name_en, medium, unit, low, high, decimals, moves, hj525,
  aliases, standard) VALUES
  ('water_temperature', '水温', 'Water temperature', 'water', 'Cel', -3, 45, 1, true, 'w01010', '{}',
   'GB 3838-2002'),
  ('ph', 'pH 值', 'pH', 'water', '1', 0, 14, 2, true, 'w01001', '{}', 'GB 3838-2002'),
  ('dissolved_oxygen', '溶解氧', 'Dissolved oxygen', 'water', 'mg/L', 0, 30, 2, true, 'w01009', '{do}',
   'GB 3838-2002'),
  ('oxygen_saturation', '溶解氧饱和度', 'Dissolved oxygen saturation', 'water', '%', 0, 500, 1, true, NULL,
   '{do_saturation}', 'GB 3838-2002'),
  ('permanganate_index', '高锰酸盐指数', 'Permanganate index', 'water', 'mg/L', 0, 500, 2, true, 'w01019',
   '{codmn}', 'GB 3838-2002'),
  ('cod', '化学需氧量', 'Chemical oxygen demand', 'water', 'mg/L', 0, 5000, 1, true, 'w01018', '{codcr}',
   'GB 3838-2002'),
  ('bod5', '五日生化需氧量', 'Five-day biochemical oxygen demand', 'water', 'mg/L', 0, 2000, 1, false,
   'w01017', '{}', 'GB 3838-2002'),
  ('ammonia_nitrogen', '氨氮', 'Ammonia nitrogen', 'water', 'mg/L', 0, 300, 3, true, 'w21003', '{nh3n}',
   'GB 3838-2002'),
  ('total_phosphorus', '总磷', 'Total phosphorus', 'water', 'mg/L', 0, 100, 3, true, 'w21011', '{tp}',
   'GB 3838-2002'),
  ('total_nitrogen', '总氮', 'Total nitrogen', 'water', 'mg/L', 0, 500, 2, true, 'w21001', '{tn}',
   'GB 3838-2002'),
  ('copper', '铜', 'Copper', 'water', 'mg/L', 0, 100, 4, false, 'w20122', '{}', 'GB 3838-2002'),
  ('zinc', '锌', 'Zinc', 'water', 'mg/L', 0, 100, 4, false, 'w20123', '{}', 'GB 3838-2002'),
  ('fluoride', '氟化物', 'Fluoride', 'water', 'mg/L', 0, 100, 3, false, 'w21017', '{}', 'GB 3838-2002'),
  ('selenium', '硒', 'Selenium', 'water', 'mg/L', 0, 10, 5, false, 'w20128', '{}', 'GB 3838-2002'),
  ('arsenic', '砷', 'Arsenic', 'water', 'mg/L', 0, 10, 5, false, 'w20119', '{}', 'GB 3838-2002'),
  ('mercury', '汞', 'Mercury', 'water', 'mg/L', 0, 1, 6, false, 'w20111', '{}', 'GB 3838-2002'),
  ('cadmium', '镉', 'Cadmium', 'water', 'mg/L', 0, 10, 5, false, 'w20115', '{}', 'GB 3838-2002'),
  ('chromium_vi', '六价铬', 'Chromium (VI)', 'water', 'mg/L', 0, 10, 4, false, 'w20117', '{}',
   'GB 3838-2002'),
  ('lead', '铅', 'Lead', 'water', 'mg/L', 0, 10, 5, false, 'w20120', '{}', 'GB 3838-2002'),
  ('cyanide', '氰化物', 'Cyanide', 'water', 'mg/L', 0, 10, 4, false, 'w21016', '{}', 'GB 3838-2002'),
  ('volatile_phenol', '挥发酚', 'Volatile phenol', 'water', 'mg/L', 0, 10, 4, false, 'w23002', '{}',
   'GB 3838-2002'),
  ('petroleum', '石油类', 'Petroleum', 'water', 'mg/L', 0, 100, 3, false, 'w22001', '{}', 'GB 3838-2002'),
  ('anionic_surfactant', '阴离子表面活性剂', 'Anionic surfactant', 'water', 'mg/L', 0, 100, 3, false,
   'w19002', '{}', 'GB 3838-2002'),
  ('sulphide', '硫化物', 'Sulphide', 'water', 'mg/L', 0, 100, 4, false, 'w21019', '{}', 'GB 3838-2002'),
  ('faecal_coliforms', '粪大肠菌群', 'Faecal coliforms', 'water', '1/L', 0, 10000000000, 0, false, 'w02003',
   '{}', 'GB 3838-2002'),
  ('conductivity', '电导率', 'Electrical conductivity', 'water', 'uS/cm', 0, 100000, 1, true, 'w01014',
   '{}', NULL),
  ('turbidity', '浊度', 'Turbidity', 'water', 'NTU', 0, 10000, 1, true, 'w01003', '{}', NULL),
  ('chlorophyll_a', '叶绿素 a', 'Chlorophyll a', 'water', 'ug/L', 0, 2000, 2, true, 'w01016', '{}', NULL),
  ('salinity', '盐度', 'Salinity', 'sea', '1', 0, 50, 2, true, NULL, '{}', NULL),
  ('sea_cod', '化学需氧量（海水）', 'Chemical oxygen demand of sea water', 'sea', 'mg/L', 0, 500, 2, false,
   NULL, '{}', 'GB 3097-1997'),
  ('inorganic_nitrogen', '无机氮', 'Inorganic nitrogen', 'sea', 'mg/L', 0, 100, 3, false, NULL, '{din}',
   'GB 3097-1997'),
  ('active_phosphate', '活性磷酸盐', 'Active phosphate (as P)', 'sea', 'mg/L', 0, 50, 4, false, NULL,
   '{dip}', 'GB 3097-1997'),
  ('pm25', '细颗粒物 PM2.5', 'PM2.5', 'air', 'ug/m3', 0, 10000, 0, true, 'a34004', '{pm2.5,pm2_5}',
   'GB 3095-2012'),
  ('pm10', '可吸入颗粒物 PM10', 'PM10', 'air', 'ug/m3', 0, 10000, 0, true, 'a34002', '{}', 'GB 3095-2012'),
  ('so2', '二氧化硫', 'Sulphur dioxide', 'air', 'ug/m3', 0, 10000, 0, true, 'a21026', '{}', 'GB 3095-2012'),
  ('no2', '二氧化氮', 'Nitrogen dioxide', 'air', 'ug/m3', 0, 10000, 0, true, 'a21004', '{}', 'GB 3095-2012'),
  ('co', '一氧化碳', 'Carbon monoxide', 'air', 'mg/m3', 0, 1000, 1, true, 'a21005', '{}', 'GB 3095-2012'),
  ('o3', '臭氧', 'Ozone', 'air', 'ug/m3', 0, 10000, 0, true, 'a05024', '{}', 'GB 3095-2012'),
  ('air_temperature', '气温', 'Air temperature', 'weather', 'Cel', -60, 60, 1, true, 'a01001',
   '{temperature}', NULL),
  ('relative_humidity', '相对湿度', 'Relative humidity', 'weather', '%', 0, 100, 0, false, 'a01002',
   '{humidity}', NULL),
  ('air_pressure', '气压', 'Air pressure', 'weather', 'hPa', 300, 1100, 1, true, 'a01006', '{pressure}',
   NULL),
  ('wind_speed', '风速', 'Wind speed', 'weather', 'm/s', 0, 120, 1, false, 'a01007', '{}', NULL),
  ('wind_direction', '风向', 'Wind direction', 'weather', 'deg', 0, 360, 0, false, 'a01008', '{}', NULL),
  ('rainfall', '降水量', 'Rainfall', 'weather', 'mm', 0, 2000, 1, false, NULL, '{precipitation}', NULL),
  ('solar_radiation', '太阳辐射', 'Solar radiation', 'weather', 'W/m2', 0, 1800, 0, false, NULL, '{}', NULL),
  ('water_level', '水位', 'Water level', 'flow', 'm', -100, 9000, 2, true, NULL, '{}', NULL),
  ('discharge', '流量', 'Discharge', 'flow', 'm3/s', -50000, 200000, 2, true, NULL, '{flow}', NULL),
  ('flow_velocity', '流速', 'Flow velocity', 'flow', 'm/s', -20, 20, 2, true, NULL, '{}', NULL),
  ('suspended_sediment', '悬移质含沙量', 'Suspended sediment', 'flow', 'kg/m3', 0, 2000, 3, true, NULL,
   '{}', NULL),
  ('soil_moisture', '土壤体积含水率', 'Volumetric soil moisture', 'ecology', '%', 0, 100, 1, false, NULL,
   '{}', NULL),
  ('negative_air_ions', '负氧离子', 'Negative air ions', 'ecology', '1/cm3', 0, 1000000, 0, true, NULL,
   '{}', NULL);

CREATE TABLE station_range (
  station_id bigint NOT NULL CONSTRAINT fk_station_range_station_id REFERENCES station,
  property_id smallint NOT NULL CONSTRAINT fk_station_range_property_id REFERENCES observed_property,
  low double precision,
  high double precision,
  CONSTRAINT pk_station_range PRIMARY KEY (station_id, property_id),
  CONSTRAINT ck_station_range_range CHECK (low < high)
);

CREATE TABLE observation_source (
  id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_observation_source PRIMARY KEY,
  kind varchar NOT NULL,
  sender varchar NOT NULL,
  CONSTRAINT uq_observation_source_kind_sender UNIQUE (kind, sender)
);

-- Partitions are months, made when their first value comes.
CREATE TABLE observation (
  observed_at timestamptz NOT NULL,
  value double precision NOT NULL,
  received_at timestamptz NOT NULL,
  station_id integer NOT NULL,
  source_id integer NOT NULL,
  property_id smallint NOT NULL,
  quality smallint NOT NULL,
  flags smallint NOT NULL,
  result_time timestamptz,
  feature_id integer,
  CONSTRAINT pk_observation PRIMARY KEY (station_id, property_id, observed_at)
) PARTITION BY RANGE (observed_at);
CREATE INDEX ix_observation_feature_id ON observation (feature_id) WHERE feature_id IS NOT NULL;
CREATE INDEX ix_observation_observed_at ON observation USING brin (observed_at);

-- Values that were replaced, and those of series that were moved or deleted.
CREATE TABLE observation_revision (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_observation_revision PRIMARY KEY,
  observed_at timestamptz NOT NULL,
  value double precision NOT NULL,
  received_at timestamptz NOT NULL,
  replaced_at timestamptz NOT NULL,
  station_id integer NOT NULL,
  source_id integer NOT NULL,
  property_id smallint NOT NULL,
  quality smallint NOT NULL,
  flags smallint NOT NULL,
  result_time timestamptz,
  feature_id integer,
  moved_to timestamptz
);
CREATE INDEX ix_observation_revision_series ON observation_revision (station_id, property_id, observed_at);

-- Every batch updates rows of it in place: room on each page spares the index.
CREATE TABLE observation_latest (
  station_id integer NOT NULL,
  property_id smallint NOT NULL,
  observed_at timestamptz NOT NULL,
  value double precision NOT NULL,
  received_at timestamptz NOT NULL,
  quality smallint NOT NULL,
  flags smallint NOT NULL,
  equal_values smallint NOT NULL,
  hourly_spread double precision,
  result_time timestamptz,
  CONSTRAINT pk_observation_latest PRIMARY KEY (station_id, property_id)
) WITH (fillfactor=50);

CREATE TABLE observation_hour (
  station_id integer NOT NULL,
  property_id smallint NOT NULL,
  starts_at timestamptz NOT NULL,
  number integer NOT NULL,
  mean double precision NOT NULL,
  low double precision NOT NULL,
  high double precision NOT NULL,
  p50 double precision NOT NULL,
  p98 double precision NOT NULL,
  CONSTRAINT pk_observation_hour PRIMARY KEY (station_id, property_id, starts_at)
);

CREATE TABLE observation_day (
  station_id integer NOT NULL,
  property_id smallint NOT NULL,
  starts_at timestamptz NOT NULL,
  number integer NOT NULL,
  mean double precision NOT NULL,
  low double precision NOT NULL,
  high double precision NOT NULL,
  p50 double precision NOT NULL,
  p98 double precision NOT NULL,
  CONSTRAINT pk_observation_day PRIMARY KEY (station_id, property_id, starts_at)
);

CREATE TABLE observation_month (
  station_id integer NOT NULL,
  property_id smallint NOT NULL,
  starts_at timestamptz NOT NULL,
  number integer NOT NULL,
  mean double precision NOT NULL,
  low double precision NOT NULL,
  high double precision NOT NULL,
  p50 double precision NOT NULL,
  p98 double precision NOT NULL,
  CONSTRAINT pk_observation_month PRIMARY KEY (station_id, property_id, starts_at)
);

-- Days whose roll-ups are to be computed anew.
CREATE TABLE rollup_due (
  station_id integer NOT NULL,
  property_id smallint NOT NULL,
  day date NOT NULL,
  CONSTRAINT pk_rollup_due PRIMARY KEY (station_id, property_id, day)
);
CREATE INDEX ix_rollup_due_day ON rollup_due (day);

-- Stretches of series that changed, for whoever follows them.
CREATE TABLE observation_change (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_observation_change PRIMARY KEY,
  station_id integer NOT NULL,
  property_id smallint NOT NULL,
  first_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  transaction bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint
);
CREATE INDEX ix_observation_change_at ON observation_change (at);
CREATE INDEX ix_observation_change_transaction ON observation_change (transaction);

-- Closed months are kept in files; what there is of a series in them is known here.
CREATE TABLE observation_archive (
  month date CONSTRAINT pk_observation_archive PRIMARY KEY,
  version bigint NOT NULL,
  uri varchar NOT NULL,
  sha256 varchar NOT NULL,
  bytes bigint NOT NULL,
  rows bigint NOT NULL,
  archived_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE archived_series (
  station_id integer NOT NULL,
  property_id smallint NOT NULL,
  month date NOT NULL,
  number integer NOT NULL,
  first_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL,
  CONSTRAINT pk_archived_series PRIMARY KEY (station_id, property_id, month)
);
CREATE INDEX ix_archived_series_month ON archived_series (month);

CREATE TABLE observation_hold (
  month date CONSTRAINT pk_observation_hold PRIMARY KEY,
  reason varchar NOT NULL,
  held_at timestamptz NOT NULL DEFAULT now()
);
