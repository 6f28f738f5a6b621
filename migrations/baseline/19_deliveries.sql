-- The outbox of what is sent and the webhooks it goes to; how far backups reach.

CREATE TABLE webhook (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_webhook PRIMARY KEY,
  code varchar NOT NULL,
  name varchar NOT NULL,
  url varchar NOT NULL,
  lang varchar NOT NULL,
  events text[] NOT NULL,
  region_id bigint CONSTRAINT fk_webhook_region_id REFERENCES region,
  enabled boolean NOT NULL,
  disabled_reason varchar,
  secret bytea NOT NULL,
  former_secret bytea,
  former_until timestamptz,
  created_by varchar NOT NULL,
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  CONSTRAINT ck_webhook_lang CHECK (lang IN ('zh', 'en'))
);
CREATE UNIQUE INDEX uq_webhook_code_live ON webhook (code) WHERE deleted_at IS NULL;
CREATE INDEX ix_webhook_region_id ON webhook (region_id);

CREATE TABLE delivery (
  id uuid DEFAULT gen_random_uuid() CONSTRAINT pk_delivery PRIMARY KEY,
  kind varchar NOT NULL,
  target varchar NOT NULL,
  event_type varchar NOT NULL,
  payload jsonb NOT NULL,
  once_key varchar CONSTRAINT uq_delivery_once_key UNIQUE,
  due_at timestamptz NOT NULL DEFAULT now(),
  attempt integer NOT NULL DEFAULT 0,
  lease_until timestamptz,
  status varchar NOT NULL DEFAULT 'waiting',
  answered smallint,
  reason varchar,
  created_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  reason_zh varchar,
  CONSTRAINT ck_delivery_kind CHECK (kind IN ('webhook', 'email', 'callback')),
  CONSTRAINT ck_delivery_status CHECK (status IN ('waiting', 'delivered', 'dead'))
);
CREATE INDEX ix_delivery_finished_at ON delivery (finished_at);
CREATE INDEX ix_delivery_kind_target_created_at ON delivery (kind, target, created_at, id);
CREATE INDEX ix_delivery_waiting ON delivery (kind, target, due_at) WHERE status = 'waiting';

CREATE TABLE backup_mark (
  part varchar CONSTRAINT pk_backup_mark PRIMARY KEY,
  reached timestamptz NOT NULL,
  noted_at timestamptz NOT NULL,
  detail jsonb NOT NULL DEFAULT '{}',
  CONSTRAINT ck_backup_mark_part CHECK (part IN ('base', 'archive'))
);
