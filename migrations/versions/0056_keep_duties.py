"""Keep the duties of plans, the reviews of them, and warn of those that are due."""

from collections.abc import Sequence

from alembic import op

revision: str = "0056"
down_revision: str | None = "0055"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

DUTY = """
CREATE TABLE duty (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_duty PRIMARY KEY,
  code varchar NOT NULL,
  plan_id bigint NOT NULL CONSTRAINT fk_duty_plan_id REFERENCES plan,
  copied_from_id bigint CONSTRAINT fk_duty_copied_from_id REFERENCES duty,
  order_no integer NOT NULL DEFAULT 1,
  article varchar,
  name_zh varchar NOT NULL,
  name_en varchar NOT NULL,
  text_zh varchar,
  text_en varchar,
  success_zh varchar,
  success_en varchar,
  first_year integer,
  last_year integer,
  due_on date,
  state varchar NOT NULL DEFAULT 'open',
  reason varchar,
  lead_ids bigint[] NOT NULL DEFAULT '{}',
  cooperating_ids bigint[] NOT NULL DEFAULT '{}',
  supervising_ids bigint[] NOT NULL DEFAULT '{}',
  named_ids bigint[] NOT NULL DEFAULT '{}',
  attrs jsonb NOT NULL DEFAULT '{}',
  row_version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  valid_from date DEFAULT current_date,
  valid_to date,
  CONSTRAINT ck_duty_state CHECK (state IN ('open', 'on_track', 'late', 'done', 'dropped')),
  CONSTRAINT ck_duty_reason CHECK (state <> 'dropped' OR btrim(reason) <> ''),
  CONSTRAINT ck_duty_years CHECK (last_year >= first_year),
  CONSTRAINT ck_duty_period CHECK (valid_to IS NULL OR valid_to >= valid_from)
)
"""
REVIEW = """
CREATE TABLE duty_review (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_duty_review PRIMARY KEY,
  plan_id bigint NOT NULL CONSTRAINT fk_duty_review_plan_id REFERENCES plan,
  year integer NOT NULL,
  reports_due_on date NOT NULL,
  state varchar NOT NULL DEFAULT 'open',
  opened_at timestamptz NOT NULL DEFAULT now(),
  opened_by varchar NOT NULL,
  content jsonb,
  sha256 varchar,
  frozen_at timestamptz,
  frozen_by varchar,
  CONSTRAINT uq_duty_review_plan_id_year UNIQUE (plan_id, year),
  CONSTRAINT ck_duty_review_state CHECK (state IN ('open', 'frozen')),
  CONSTRAINT ck_duty_review_frozen CHECK (
    num_nonnulls(content, sha256, frozen_at, frozen_by)
      = CASE state WHEN 'frozen' THEN 4 ELSE 0 END)
)
"""
REPORT = """
CREATE TABLE duty_report (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_duty_report PRIMARY KEY,
  review_id bigint NOT NULL CONSTRAINT fk_duty_report_review_id REFERENCES duty_review,
  duty_id bigint NOT NULL CONSTRAINT fk_duty_report_duty_id REFERENCES duty,
  party_id bigint NOT NULL CONSTRAINT fk_duty_report_party_id REFERENCES party,
  text varchar NOT NULL,
  figures jsonb NOT NULL DEFAULT '[]',
  evidence text[] NOT NULL DEFAULT '{}',
  reported_at timestamptz NOT NULL DEFAULT now(),
  reported_by varchar NOT NULL,
  verdict varchar,
  judgement varchar,
  judged_at timestamptz,
  judged_by varchar,
  CONSTRAINT uq_duty_report_review_id_duty_id_party_id UNIQUE (review_id, duty_id, party_id),
  CONSTRAINT ck_duty_report_verdict CHECK (verdict IN ('met', 'partly_met', 'not_met', 'returned')),
  CONSTRAINT ck_duty_report_judged CHECK (num_nonnulls(verdict, judged_at, judged_by) IN (0, 3))
)
"""
# What was frozen is what people rely on: no program changes it, not even ours.
REFUSE_FROZEN = """
CREATE FUNCTION refuse_change_of_frozen_review() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  review bigint := CASE TG_TABLE_NAME
    WHEN 'duty_review' THEN (to_jsonb(OLD)->>'id')::bigint
    ELSE (to_jsonb(coalesce(NEW, OLD))->>'review_id')::bigint END;
BEGIN
  PERFORM FROM duty_review WHERE id = review AND state = 'frozen';
  IF FOUND THEN
    RAISE EXCEPTION 'a frozen review is not changed' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN coalesce(NEW, OLD);
END $$
"""
NOTE_DUTIES = """
CREATE FUNCTION note_duty_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO alert_due (duty_id) SELECT changed.id FROM changed
   WHERE EXISTS (SELECT FROM alert_rule r WHERE r.kind = 'duty_due' AND r.enabled
                    AND r.deleted_at IS NULL);
  RETURN NULL;
END $$
"""
KINDS = (
    "'above', 'below', 'rate', 'no_data', 'indicator_behind_target', 'red_line_lead',"
    " 'line_decline'"
)
SUBJECTS = "station_id, coalesce(plan_indicator_id, target_region_id), case_id"
UNIQUE = "rule_id, station_id, plan_indicator_id, target_region_id, target_year, case_id"


def upgrade() -> None:
    for statement in (
        DUTY,
        "CREATE UNIQUE INDEX uq_duty_code_live ON duty (plan_id, code) WHERE deleted_at IS NULL",
        "CREATE INDEX ix_duty_plan_id ON duty (plan_id)",
        "CREATE INDEX ix_duty_copied_from_id ON duty (copied_from_id)",
        "CREATE INDEX ix_duty_due_on ON duty (due_on) WHERE deleted_at IS NULL",
        "CREATE TABLE duty_history (recorded_to timestamptz NOT NULL, LIKE duty)",
        "CREATE INDEX ix_duty_history_code ON duty_history (code)",
        "SELECT keep_history_of('duty')",
        REVIEW,
        REPORT,
        "CREATE INDEX ix_duty_report_duty_id ON duty_report (duty_id)",
        "CREATE INDEX ix_duty_report_party_id ON duty_report (party_id)",
        REFUSE_FROZEN,
        "CREATE TRIGGER refuse_change_of_frozen BEFORE UPDATE OR DELETE ON duty_review"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change_of_frozen_review()",
        "CREATE TRIGGER refuse_change_of_frozen BEFORE UPDATE OR DELETE ON duty_report"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change_of_frozen_review()",
        *_watched(f"{KINDS}, 'duty_due'", f"{SUBJECTS}, duty_id", f"{UNIQUE}, duty_id"),
        NOTE_DUTIES,
        "CREATE TRIGGER note_duty_insert AFTER INSERT ON duty REFERENCING NEW TABLE AS changed"
        " FOR EACH STATEMENT EXECUTE FUNCTION note_duty_change()",
        "CREATE TRIGGER note_duty_update AFTER UPDATE ON duty REFERENCING NEW TABLE AS changed"
        " FOR EACH STATEMENT EXECUTE FUNCTION note_duty_change()",
    ):
        op.execute(statement)


def _watched(kinds: str, subjects: str, unique: str) -> Sequence[str]:
    """What lets alerts be about duties, or takes that back."""
    adds = "duty_id" in unique
    column = "ADD duty_id bigint CONSTRAINT fk_{table}_duty_id REFERENCES duty"
    return (
        "ALTER TABLE alert_rule DROP CONSTRAINT ck_alert_rule_kind,"
        f" ADD CONSTRAINT ck_alert_rule_kind CHECK (kind IN ({kinds}))",
        *(
            f"ALTER TABLE {table} {column.format(table=table)}"
            for table in ("alert", "alert_watch", "alert_due")
            if adds
        ),
        *(
            f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_subject,"
            f" ADD CONSTRAINT ck_{table}_subject CHECK (num_nonnulls({subjects}) = 1)"
            for table in ("alert", "alert_watch")
        ),
        "ALTER TABLE alert_due DROP CONSTRAINT ck_alert_due_subject, ADD CONSTRAINT"
        " ck_alert_due_subject CHECK (num_nonnulls(plan_id, case_id, region_id"
        f"{', duty_id' if adds else ''}) = 1)",
        "DROP INDEX uq_alert_subject_live",
        f"CREATE UNIQUE INDEX uq_alert_subject_live ON alert ({unique}) NULLS NOT DISTINCT"
        " WHERE status <> 'closed'",
        "DROP INDEX uq_alert_watch_subject",
        f"CREATE UNIQUE INDEX uq_alert_watch_subject ON alert_watch ({unique}) NULLS NOT DISTINCT",
        *(
            f"CREATE INDEX ix_{table}_duty_id ON {table} (duty_id)"
            for table in ("alert", "alert_watch")
            if adds
        ),
    )


def downgrade() -> None:
    for statement in (
        "DELETE FROM alert_event e USING alert a WHERE a.id = e.alert_id AND a.duty_id IS NOT NULL",
        "DELETE FROM alert WHERE duty_id IS NOT NULL",
        "DELETE FROM alert_watch WHERE duty_id IS NOT NULL",
        "DELETE FROM alert_due WHERE duty_id IS NOT NULL",
        "DELETE FROM alert_rule WHERE kind = 'duty_due'",
        *_watched(KINDS, SUBJECTS, UNIQUE),
        *(f"ALTER TABLE {table} DROP duty_id" for table in ("alert", "alert_watch", "alert_due")),
        "DROP TABLE duty_report",
        "DROP TABLE duty_review",
        "DROP FUNCTION refuse_change_of_frozen_review",
        "DROP TABLE duty_history",
        "DROP TABLE duty",
        "DROP FUNCTION note_duty_change",
        "DROP FUNCTION keep_history_of_duty",
    ):
        op.execute(statement)
