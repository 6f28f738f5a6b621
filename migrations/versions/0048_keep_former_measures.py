"""Keep former measures of projects and findings, and tell who was in an edition on a day."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0048"
down_revision: str | None = "0047"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# As with targets: a state that lasted no day was corrected, and is kept by the audit log alone.
KEEP_MEASURES = """
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
END $$
"""
MEASURES_KEPT = """
CREATE TRIGGER keep_measures BEFORE UPDATE OR DELETE ON project_measure
  FOR EACH ROW EXECUTE FUNCTION keep_measures()
"""
# A finding that is found again, or says something else, is another one from then on.
KEEP_FINDINGS = """
CREATE FUNCTION keep_findings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO data_finding_history
  SELECT clock_timestamp(), coalesce(OLD.resolved_at, NEW.found_at), (OLD).*;
  RETURN NULL;
END $$
"""
FINDINGS_KEPT = """
CREATE TRIGGER keep_findings AFTER UPDATE ON data_finding FOR EACH ROW
  WHEN (NEW.found_at IS DISTINCT FROM OLD.found_at) EXECUTE FUNCTION keep_findings()
"""
# The same as `plan_membership`, of a day. What a draft noted of projects has no former states: of
# one that came into force since, those count that came over with it.
MEMBERS_ON = """
CREATE FUNCTION plan_members_on(plan bigint, day date)
  RETURNS TABLE (project_id bigint, programme_id bigint)
  LANGUAGE sql STABLE AS $$
WITH edition AS (
  SELECT id, supersedes_id, in_force, status IN ('draft', 'submitted') OR status = 'withdrawn'
           AND isempty(in_force) AS worked_on,
         status = 'superseded' OR status = 'withdrawn' AND NOT isempty(in_force) AS former
    FROM (SELECT id, supersedes_id, in_force, status, valid_from, valid_to FROM plan
           UNION ALL
          SELECT id, supersedes_id, in_force, status, valid_from, valid_to FROM plan_history) p
   WHERE id = $1 AND daterange(valid_from, valid_to) @> $2
), states AS (
  SELECT id, plan_id, programme_id, daterange(valid_from, valid_to) AS days FROM project
  UNION ALL
  SELECT id, plan_id, programme_id, daterange(valid_from, valid_to) FROM project_history
), programmes AS (
  SELECT id, plan_id FROM (
    SELECT id, plan_id, valid_from, valid_to FROM programme
     UNION ALL
    SELECT id, plan_id, valid_from, valid_to FROM programme_history) pg
   WHERE daterange(valid_from, valid_to) @> $2
), stood AS (
  SELECT s.id, s.programme_id, s.plan_id, pg.plan_id AS by_programme,
         coalesce(s.plan_id, pg.plan_id) AS of
    FROM states s LEFT JOIN programmes pg ON pg.id = s.programme_id WHERE s.days @> $2
)
SELECT id, programme_id FROM stood WHERE plan_id = $1 OR by_programme = $1
UNION
SELECT stood.id, CASE WHEN said.project_id IS NULL THEN copy.id ELSE said.programme_id END
  FROM edition JOIN plan now ON now.id = edition.id AND isempty(now.in_force)
  JOIN stood ON stood.of = edition.supersedes_id
  LEFT JOIN plan_project said ON said.plan_id = $1 AND said.project_id = stood.id
  LEFT JOIN programme copy ON copy.plan_id = $1 AND copy.copied_from_id = stood.programme_id
                          AND copy.deleted_at IS NULL
 WHERE edition.worked_on AND said.dropped IS NOT TRUE AND stood.by_programme IS DISTINCT FROM $1
UNION
SELECT came.id, came.programme_id
  FROM edition JOIN plan now ON now.id = edition.id AND NOT isempty(now.in_force)
  JOIN states came ON came.days @> lower(now.in_force) AND came.plan_id = $1
  JOIN stood ON stood.id = came.id AND stood.of = edition.supersedes_id
 WHERE edition.worked_on
UNION
SELECT had.project_id, had.programme_id
  FROM edition JOIN plan_project had ON had.plan_id = edition.id
 WHERE edition.former AND NOT had.dropped
   AND NOT EXISTS (SELECT FROM stood WHERE stood.id = had.project_id AND stood.plan_id = $1)
$$
"""


def upgrade() -> None:
    op.add_column("project_measure", sa.Column("valid_from", sa.Date()))
    op.execute(
        "CREATE TABLE project_measure_history (recorded_to timestamptz NOT NULL,"
        " valid_to date NOT NULL, LIKE project_measure)"
    )
    op.create_index(
        "ix_project_measure_history_project_id", "project_measure_history", ["project_id"]
    )
    op.execute(
        "CREATE TABLE data_finding_history (recorded_to timestamptz NOT NULL,"
        " ended_at timestamptz NOT NULL, LIKE data_finding)"
    )
    op.create_index("ix_data_finding_history_plan_id", "data_finding_history", ["plan_id"])
    for statement in (KEEP_MEASURES, MEASURES_KEPT, KEEP_FINDINGS, FINDINGS_KEPT, MEMBERS_ON):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP FUNCTION plan_members_on")
    op.execute("DROP TRIGGER keep_findings ON data_finding")
    op.execute("DROP FUNCTION keep_findings")
    op.execute("DROP TRIGGER keep_measures ON project_measure")
    op.execute("DROP FUNCTION keep_measures")
    op.drop_table("data_finding_history")
    op.drop_table("project_measure_history")
    op.drop_column("project_measure", "valid_from")
