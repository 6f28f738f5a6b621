-- Who may do what: accounts with their roles, keys; and what callers have begun to send.

CREATE TABLE account (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_account PRIMARY KEY,
  issuer varchar NOT NULL,
  subject varchar NOT NULL,
  name varchar NOT NULL,
  email varchar,
  party_id bigint CONSTRAINT fk_account_party_id REFERENCES party,
  created_at timestamptz NOT NULL DEFAULT now(),
  disabled_at timestamptz,
  last_seen_at timestamptz,
  signed_in_at timestamptz,
  CONSTRAINT uq_account_issuer_subject UNIQUE (issuer, subject)
);

CREATE TABLE account_role (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_account_role PRIMARY KEY,
  account_id bigint NOT NULL CONSTRAINT fk_account_role_account_id REFERENCES account ON DELETE CASCADE,
  role varchar NOT NULL,
  region_id bigint CONSTRAINT fk_account_role_region_id REFERENCES region,
  CONSTRAINT uq_account_role_account_id_role_region_id UNIQUE NULLS NOT DISTINCT (account_id, role,
      region_id),
  CONSTRAINT ck_account_role_admin_everywhere CHECK (role <> 'admin' OR region_id IS NULL),
  CONSTRAINT ck_account_role_role CHECK (role IN ('viewer', 'owner', 'planner', 'approver', 'supervisor',
      'analyst', 'auditor', 'feed', 'admin'))
);
CREATE INDEX ix_account_role_region_id ON account_role (region_id);

CREATE TABLE api_key (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_api_key PRIMARY KEY,
  name varchar NOT NULL,
  prefix varchar NOT NULL CONSTRAINT uq_api_key_prefix UNIQUE,
  sha256 varchar NOT NULL,
  scopes text[] NOT NULL,
  networks cidr[],
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  roles jsonb,
  successor varchar
);

CREATE TABLE idempotency_key (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_idempotency_key PRIMARY KEY,
  owner varchar NOT NULL,
  route varchar NOT NULL,
  key varchar NOT NULL,
  body_sha256 varchar NOT NULL,
  status smallint NOT NULL,
  headers jsonb NOT NULL,
  body varchar NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT uq_idempotency_key_owner_route_key UNIQUE (owner, route, key)
);
CREATE INDEX ix_idempotency_key_created_at ON idempotency_key (created_at);

CREATE TABLE upload (
  id uuid DEFAULT gen_random_uuid() CONSTRAINT pk_upload PRIMARY KEY,
  owner varchar NOT NULL,
  filename varchar,
  total_bytes bigint,
  received_bytes bigint NOT NULL DEFAULT 0,
  sha256 varchar,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  CONSTRAINT ck_upload_received_bytes CHECK (received_bytes >= 0)
);
