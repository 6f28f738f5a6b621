-- Proposals to change plans, with their evidence.

CREATE TABLE proposal (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_proposal PRIMARY KEY,
  code varchar NOT NULL CONSTRAINT uq_proposal_code UNIQUE,
  title varchar NOT NULL,
  kind varchar NOT NULL,
  subject jsonb NOT NULL,
  plan_id bigint CONSTRAINT fk_proposal_plan_id REFERENCES plan,
  region_id bigint CONSTRAINT fk_proposal_region_id REFERENCES region,
  base_id bigint NOT NULL,
  base jsonb NOT NULL,
  change jsonb NOT NULL,
  fields jsonb NOT NULL,
  reason varchar NOT NULL,
  state varchar NOT NULL DEFAULT 'draft',
  author varchar NOT NULL,
  decided_by varchar,
  decided_at timestamptz,
  decision varchar,
  made_id bigint,
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT ck_proposal_kind CHECK (kind IN ('project', 'programme', 'target', 'zone', 'plan')),
  CONSTRAINT ck_proposal_made CHECK ((state = 'carried_out') = (made_id IS NOT NULL)),
  CONSTRAINT ck_proposal_state CHECK (state IN ('draft', 'submitted', 'accepted', 'refused', 'withdrawn',
      'carried_out'))
);
CREATE INDEX ix_proposal_kind_base_id ON proposal (kind, base_id);
CREATE INDEX ix_proposal_kind_made_id ON proposal (kind, made_id);
CREATE INDEX ix_proposal_plan_id ON proposal (plan_id);
CREATE INDEX ix_proposal_region_id ON proposal (region_id);

CREATE TABLE proposal_evidence (
  proposal_id bigint NOT NULL CONSTRAINT fk_proposal_evidence_proposal_id REFERENCES proposal,
  seq integer NOT NULL,
  kind varchar NOT NULL,
  object varchar NOT NULL,
  CONSTRAINT pk_proposal_evidence PRIMARY KEY (proposal_id, seq),
  CONSTRAINT ck_proposal_evidence_kind CHECK (kind IN ('alert', 'case', 'value', 'job', 'evaluation',
      'bulletin'))
);
CREATE INDEX ix_proposal_evidence_kind_object ON proposal_evidence (kind, object);

CREATE TABLE proposal_event (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_proposal_event PRIMARY KEY,
  proposal_id bigint NOT NULL CONSTRAINT fk_proposal_event_proposal_id REFERENCES proposal,
  seq integer NOT NULL,
  from_state varchar,
  to_state varchar NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  actor varchar NOT NULL,
  reason varchar,
  CONSTRAINT uq_proposal_event_proposal_id_seq UNIQUE (proposal_id, seq),
  CONSTRAINT ck_proposal_event_from_state CHECK (from_state IN ('draft', 'submitted', 'accepted', 'refused',
      'withdrawn', 'carried_out')),
  CONSTRAINT ck_proposal_event_to_state CHECK (to_state IN ('draft', 'submitted', 'accepted', 'refused',
      'withdrawn', 'carried_out'))
);
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON proposal_event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
