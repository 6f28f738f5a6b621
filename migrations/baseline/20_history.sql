-- Former states of rows, and what can be told from them.

-- The moment of recording comes first: columns both tables get later stay in the same order.
DO $$
DECLARE
  kept text;
  shape text;
BEGIN
  FOREACH kept IN ARRAY ARRAY[
    'region', 'party', 'dataset', 'plan', 'plan_part', 'plan_provision', 'indicator',
    'plan_indicator', 'plan_figure', 'zone_class', 'zone_scheme', 'zone', 'control_area',
    'control_rule', 'pattern', 'pattern_component', 'corridor', 'corridor_node', 'named_feature',
    'problem', 'programme', 'project', 'fund_source', 'document', 'compliance_exception', 'station'
  ] LOOP
    EXECUTE format('CREATE TABLE %I (recorded_to timestamptz NOT NULL, LIKE %I)',
                   kept || '_history', kept);
    EXECUTE format('CREATE INDEX %I ON %I (code)',
                   'ix_' || kept || '_history_code', kept || '_history');
    FOR shape IN SELECT attname FROM pg_attribute
                  WHERE attrelid = kept::regclass AND atttypid = 'geometry'::regtype
    LOOP
      EXECUTE format('CREATE INDEX %I ON %I USING gist (%I)',
                     'ix_' || kept || '_history_' || shape, kept || '_history', shape);
    END LOOP;
    PERFORM keep_history_of(kept);
  END LOOP;
END $$;
ALTER TABLE region_history ALTER member_ids SET DEFAULT '{}';
ALTER TABLE plan_history
  ALTER region_ids SET DEFAULT '{}', ALTER edition SET DEFAULT 1, ALTER in_force SET DEFAULT '(,)';

-- The same as `plan_membership`, of a day. What a draft noted of projects has no former states: of
-- one that came into force since, those count that came over with it.
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
$$;
