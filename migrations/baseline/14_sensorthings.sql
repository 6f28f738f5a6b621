-- What SensorThings says beside the values, and the devices that push telegrams of HJ 212.

CREATE TABLE sensor (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_sensor PRIMARY KEY,
  code varchar NOT NULL CONSTRAINT uq_sensor_code UNIQUE,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  description varchar NOT NULL,
  encoding_type varchar NOT NULL,
  document jsonb NOT NULL,
  properties jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO sensor (code, name_zh, name_en, description, encoding_type, document) VALUES
  ('unspecified', '未说明的传感器', 'Sensor nobody described', '', 'text/plain', '""');

CREATE TABLE datastream (
  station_id bigint NOT NULL CONSTRAINT fk_datastream_station_id REFERENCES station,
  property_id smallint NOT NULL CONSTRAINT fk_datastream_property_id REFERENCES observed_property,
  sensor_id bigint NOT NULL CONSTRAINT fk_datastream_sensor_id REFERENCES sensor,
  name varchar NOT NULL,
  description varchar NOT NULL,
  properties jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  unit jsonb,
  conversion double precision[],
  former_property_id smallint CONSTRAINT fk_datastream_former_property_id REFERENCES observed_property,
  CONSTRAINT pk_datastream PRIMARY KEY (station_id, property_id),
  CONSTRAINT ck_datastream_conversion CHECK (array_length(conversion, 1) = 3)
);
CREATE UNIQUE INDEX uq_datastream_former ON datastream (station_id, former_property_id)
  WHERE former_property_id IS NOT NULL;
CREATE INDEX ix_datastream_sensor_id ON datastream (sensor_id);

CREATE TABLE location (
  id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_location PRIMARY KEY,
  code varchar NOT NULL CONSTRAINT uq_location_code UNIQUE,
  name varchar NOT NULL,
  description varchar NOT NULL,
  geom geometry(Point, 4490) NOT NULL,
  properties jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  encoding_type varchar
);

CREATE TABLE historical_location (
  id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_historical_location PRIMARY KEY,
  station_id bigint NOT NULL CONSTRAINT fk_historical_location_station_id_station REFERENCES station,
  version integer,
  location_id integer CONSTRAINT fk_historical_location_location_id_location REFERENCES location ON DELETE
      SET NULL,
  since timestamptz NOT NULL DEFAULT now(),
  hidden boolean NOT NULL DEFAULT false,
  CONSTRAINT uq_historical_location_station_id_version UNIQUE (station_id, version)
);
CREATE INDEX ix_historical_location_location_id ON historical_location (location_id);

-- What values are of that are not of their station's place.
CREATE TABLE sampling_feature (
  id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_sampling_feature PRIMARY KEY,
  code varchar NOT NULL CONSTRAINT uq_sampling_feature_code UNIQUE,
  name varchar NOT NULL,
  description varchar NOT NULL,
  geom geometry(Geometry, 4490) NOT NULL,
  properties jsonb NOT NULL DEFAULT '{}',
  region_id bigint CONSTRAINT fk_sampling_feature_region_id_region REFERENCES region,
  used boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  encoding_type varchar
);
CREATE INDEX ix_sampling_feature_region_id ON sampling_feature (region_id);

CREATE TABLE unsampled_station (
  station_id bigint CONSTRAINT pk_unsampled_station PRIMARY KEY CONSTRAINT
      fk_unsampled_station_station_id_station REFERENCES station,
  since timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE hj212_device (
  code varchar NOT NULL,
  command varchar NOT NULL,
  station_id bigint NOT NULL CONSTRAINT fk_hj212_device_station_id REFERENCES station,
  password_sha256 bytea NOT NULL,
  units jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_hj212_device PRIMARY KEY (code, command),
  CONSTRAINT ck_hj212_device_command CHECK (command IN ('2011', '2051', '2061', '2031')),
  CONSTRAINT ck_hj212_device_password_sha256 CHECK (octet_length(password_sha256) = 32)
);
CREATE INDEX ix_hj212_device_station_id ON hj212_device (station_id);
