"""Keep notices, what the public says of them and, apart from that, its personal data."""

from collections.abc import Sequence

from alembic import op

revision: str = "0059"
down_revision: str | None = "0057"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NOTICE = """
CREATE TABLE notice (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_notice PRIMARY KEY,
  code varchar NOT NULL,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  region_id bigint CONSTRAINT fk_notice_region_id REFERENCES region,
  subject_collection varchar NOT NULL,
  subject_code varchar NOT NULL,
  subject_id bigint,
  text_zh varchar NOT NULL,
  text_en varchar,
  period_from date NOT NULL,
  period_to date NOT NULL,
  hearing_on date,
  hearing_time varchar,
  hearing_place varchar,
  contact_office varchar NOT NULL,
  documents text[] NOT NULL DEFAULT '{}',
  commenters varchar NOT NULL DEFAULT 'account',
  show_comments boolean NOT NULL DEFAULT true,
  state varchar NOT NULL DEFAULT 'draft',
  published_on date,
  reason varchar,
  geom geometry(Geometry, 4490),
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  CONSTRAINT ck_notice_state CHECK (state IN ('draft', 'published', 'closed', 'withdrawn')),
  CONSTRAINT ck_notice_subject_collection CHECK (
    subject_collection IN ('plans', 'projects', 'control_areas', 'proposals')),
  CONSTRAINT ck_notice_commenters CHECK (commenters IN ('account', 'named', 'anonymous')),
  CONSTRAINT ck_notice_published CHECK (state = 'draft' OR published_on IS NOT NULL),
  CONSTRAINT ck_notice_geom_valid CHECK (geom IS NULL OR ST_IsValid(geom)),
  CONSTRAINT ck_notice_period CHECK (valid_to IS NULL OR valid_to >= valid_from)
)
"""
# What was published stays as it was: the day and the area are those of that day, and what it is of
# is the same row whatever it is called later.
DRAW = """
CREATE FUNCTION draw_notice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' OR NEW.subject_collection <> OLD.subject_collection
     OR NEW.subject_code <> OLD.subject_code OR (NEW.state = 'published' AND OLD.state = 'draft')
  THEN
    NEW.subject_id := CASE NEW.subject_collection
      WHEN 'plans' THEN
        (SELECT id FROM plan WHERE code = NEW.subject_code AND deleted_at IS NULL)
      WHEN 'projects' THEN
        (SELECT id FROM project WHERE code = NEW.subject_code AND deleted_at IS NULL)
      WHEN 'control_areas' THEN
        (SELECT id FROM control_area WHERE code = NEW.subject_code AND deleted_at IS NULL)
      ELSE (SELECT id FROM proposal WHERE code = NEW.subject_code) END;
  END IF;
  IF NEW.state <> 'published' OR (TG_OP = 'UPDATE' AND OLD.state = 'published') THEN
    RETURN NEW;
  END IF;
  NEW.published_on := coalesce(NEW.published_on, current_date);
  NEW.geom := coalesce(NEW.geom, CASE NEW.subject_collection
    WHEN 'plans' THEN (
      SELECT coalesce((SELECT ST_Multi(ST_Union(made.geom)) FROM region made
                        WHERE made.id = ANY (p.region_ids)), r.geom)
        FROM plan p LEFT JOIN region r ON r.id = p.region_id WHERE p.id = NEW.subject_id)
    WHEN 'projects' THEN (SELECT geom FROM project WHERE id = NEW.subject_id)
    WHEN 'control_areas' THEN (SELECT geom FROM control_area WHERE id = NEW.subject_id)
    ELSE (SELECT r.geom FROM proposal pr JOIN region r ON r.id = pr.region_id
           WHERE pr.id = NEW.subject_id) END);
  RETURN NEW;
END $$
"""
COMMENT = """
CREATE TABLE notice_comment (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_notice_comment PRIMARY KEY,
  code varchar NOT NULL CONSTRAINT uq_notice_comment_code UNIQUE,
  notice_id bigint NOT NULL CONSTRAINT fk_notice_comment_notice_id REFERENCES notice,
  text varchar NOT NULL,
  geom geometry(Point, 4490),
  authored varchar NOT NULL,
  receipt_sha256 varchar NOT NULL CONSTRAINT uq_notice_comment_receipt_sha256 UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now(),
  topic varchar,
  is_shown boolean NOT NULL DEFAULT false,
  adoption varchar,
  reason varchar,
  reply varchar,
  replied_at timestamptz,
  replied_by varchar,
  CONSTRAINT ck_notice_comment_authored CHECK (authored IN ('account', 'named', 'anonymous')),
  CONSTRAINT ck_notice_comment_adoption CHECK (
    adoption IN ('adopted', 'partly_adopted', 'not_adopted')),
  CONSTRAINT ck_notice_comment_replied CHECK (
    num_nonnulls(reply, adoption, reason, replied_at, replied_by) IN (0, 5))
)
"""
SUMMARY = """
CREATE TABLE notice_summary (
  notice_id bigint CONSTRAINT pk_notice_summary PRIMARY KEY
    CONSTRAINT fk_notice_summary_notice_id REFERENCES notice,
  content jsonb NOT NULL,
  sha256 varchar NOT NULL,
  frozen_at timestamptz NOT NULL DEFAULT now(),
  frozen_by varchar NOT NULL
)
"""
CONTACT = """
CREATE TABLE contact_detail (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_contact_detail PRIMARY KEY,
  comment_id bigint NOT NULL CONSTRAINT uq_contact_detail_comment_id UNIQUE
    CONSTRAINT fk_contact_detail_comment_id REFERENCES notice_comment,
  name varchar,
  contact varchar,
  address varchar,
  account varchar,
  delete_on date NOT NULL
)
"""
CHALLENGE = """
CREATE TABLE spent_challenge (
  sha256 varchar CONSTRAINT pk_spent_challenge PRIMARY KEY,
  expires_at timestamptz NOT NULL
)
"""
# What was frozen is what the decision rests on: no program changes it, not even ours.
REFUSE_FROZEN = """
CREATE FUNCTION refuse_change_of_summarised_comment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_TABLE_NAME = 'notice_summary' OR EXISTS (
    SELECT FROM notice_summary
     WHERE notice_id = (to_jsonb(coalesce(NEW, OLD))->>'notice_id')::bigint) THEN
    RAISE EXCEPTION 'a frozen summary is not changed' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN coalesce(NEW, OLD);
END $$
"""
# A plan made for one row must serve thousands.
NOTE_REGIONS = """
CREATE FUNCTION note_notices_of_region() RETURNS trigger LANGUAGE plpgsql
SET enable_nestloop = off SET enable_hashjoin = on AS $$
BEGIN
  IF EXISTS (SELECT FROM notice WHERE region_id = ANY (ARRAY(
    SELECT was.id FROM was JOIN became USING (id) WHERE was.code IS DISTINCT FROM became.code)))
  THEN
    PERFORM note_tile_change('notices', everywhere());
  END IF;
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    for statement in (
        NOTICE,
        "CREATE UNIQUE INDEX uq_notice_code_live ON notice (code) WHERE deleted_at IS NULL",
        "CREATE INDEX ix_notice_geom ON notice USING gist (geom)",
        "CREATE INDEX ix_notice_region_id ON notice (region_id)",
        "CREATE INDEX ix_notice_shapeless ON notice ((geom IS NULL), id)",
        "CREATE INDEX ix_notice_subject ON notice (subject_collection, subject_id)",
        "CREATE TABLE notice_history (recorded_to timestamptz NOT NULL, LIKE notice)",
        "CREATE INDEX ix_notice_history_code ON notice_history (code)",
        "CREATE INDEX ix_notice_history_geom ON notice_history USING gist (geom)",
        "SELECT keep_history_of('notice')",
        DRAW,
        "CREATE TRIGGER draw_notice BEFORE INSERT OR UPDATE ON notice"
        " FOR EACH ROW EXECUTE FUNCTION draw_notice()",
        "INSERT INTO tile_floor (collection, id) VALUES ('notices', 0)",
        "CREATE TRIGGER note_tile_change AFTER INSERT OR UPDATE OR DELETE ON notice"
        " FOR EACH STATEMENT EXECUTE FUNCTION note_tiles_everywhere('notices')",
        COMMENT,
        "CREATE INDEX ix_notice_comment_notice_id ON notice_comment (notice_id, id)",
        SUMMARY,
        CONTACT,
        "CREATE INDEX ix_contact_detail_delete_on ON contact_detail (delete_on)",
        CHALLENGE,
        "CREATE INDEX ix_spent_challenge_expires_at ON spent_challenge (expires_at)",
        REFUSE_FROZEN,
        "CREATE TRIGGER refuse_change_of_frozen BEFORE INSERT OR UPDATE OR DELETE"
        " ON notice_comment FOR EACH ROW EXECUTE FUNCTION refuse_change_of_summarised_comment()",
        "CREATE TRIGGER refuse_change_of_frozen BEFORE UPDATE OR DELETE ON notice_summary"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change_of_summarised_comment()",
        # Rows show the code of their region, and notices are few.
        NOTE_REGIONS,
        "CREATE TRIGGER note_tile_change_of_notices AFTER UPDATE ON region"
        " REFERENCING OLD TABLE AS was NEW TABLE AS became"
        " FOR EACH STATEMENT EXECUTE FUNCTION note_notices_of_region()",
    ):
        op.execute(statement)


def downgrade() -> None:
    for statement in (
        "DROP TRIGGER note_tile_change_of_notices ON region",
        "DROP FUNCTION note_notices_of_region",
        "DELETE FROM tile_change WHERE collection = 'notices'",
        "DELETE FROM tile_floor WHERE collection = 'notices'",
        "DROP TABLE spent_challenge",
        "DROP TABLE contact_detail",
        "DROP TABLE notice_summary",
        "DROP TABLE notice_comment",
        "DROP FUNCTION refuse_change_of_summarised_comment",
        "DROP TABLE notice_history",
        "DROP TABLE notice",
        "DROP FUNCTION draw_notice",
        "DROP FUNCTION keep_history_of_notice",
    ):
        op.execute(statement)
