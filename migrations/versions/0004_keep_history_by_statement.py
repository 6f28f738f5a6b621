"""Keep former states by statement: one function a table, no dynamic SQL for each row."""

from collections.abc import Sequence

from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

HISTORIC_TABLES = (
    *("region", "plan", "dataset", "zone_scheme", "zone_class", "zone"),
    *("party", "indicator", "plan_indicator", "control_area", "control_rule"),
    *("pattern", "pattern_component", "corridor", "corridor_node", "problem"),
    *("programme", "project", "fund_source", "document", "station", "compliance_exception"),
)

# What the function of a table is made of, from its columns; a migration that changes the columns
# of a table with history calls `keep_history_of` again.
#
# A state that was followed by one of a later day held until that day. One that was corrected
# without a later day never held: its period is empty, so no day finds it. The counters alone are
# no state.
HISTORY_BODY = """
CREATE FUNCTION history_body(kept regclass) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT format($body$
BEGIN
  INSERT INTO %I (recorded_to, %s)
  SELECT clock_timestamp(), %s
    FROM was JOIN became USING (id)
         CROSS JOIN LATERAL (SELECT became.valid_from IS NOT NULL
           AND (was.valid_from IS NULL OR became.valid_from > was.valid_from) AS later) next
   WHERE (%s) IS DISTINCT FROM (%s);
  RETURN NULL;
END $body$,
    (SELECT relname FROM pg_class WHERE oid = kept) || '_history',
    string_agg(quote_ident(attname), ', ' ORDER BY attnum),
    string_agg(CASE attname
      WHEN 'valid_from' THEN
        'CASE WHEN later THEN was.valid_from ELSE coalesce(was.valid_from, current_date) END'
      WHEN 'valid_to' THEN
        'CASE WHEN later THEN least(was.valid_to, became.valid_from)'
        ' ELSE coalesce(was.valid_from, current_date) END'
      ELSE 'was.' || quote_ident(attname) END, ', ' ORDER BY attnum),
    string_agg('was.' || quote_ident(attname), ', ' ORDER BY attnum)
      FILTER (WHERE attname NOT IN ('row_version', 'updated_at')),
    string_agg('became.' || quote_ident(attname), ', ' ORDER BY attnum)
      FILTER (WHERE attname NOT IN ('row_version', 'updated_at')))
    FROM pg_attribute WHERE attrelid = kept AND attnum > 0 AND NOT attisdropped
$$
"""

# The rows of a statement are joined by hashing: a plan made for one row is kept for the session,
# and would compare each row of a later statement with all others; whoever writes many rows may have
# asked for such plans of its own.
KEEP_HISTORY_OF = """
CREATE FUNCTION keep_history_of(kept regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  name text := (SELECT relname FROM pg_class WHERE oid = kept);
BEGIN
  EXECUTE format('CREATE OR REPLACE FUNCTION %I() RETURNS trigger LANGUAGE plpgsql'
                 ' SET enable_nestloop = off SET enable_hashjoin = on AS %L',
                 'keep_history_of_' || name, history_body(kept));
  EXECUTE format('CREATE OR REPLACE TRIGGER keep_history AFTER UPDATE ON %I'
                 ' REFERENCING OLD TABLE AS was NEW TABLE AS became'
                 ' FOR EACH STATEMENT EXECUTE FUNCTION %I()',
                 name, 'keep_history_of_' || name);
END $$
"""

KEEP_HISTORY_BY_ROW = """
CREATE FUNCTION keep_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.row_version := OLD.row_version;
  NEW.updated_at := OLD.updated_at;
  IF NEW IS NOT DISTINCT FROM OLD THEN
    RETURN NULL;
  END IF;
  IF NEW.valid_from IS NOT NULL
     AND (OLD.valid_from IS NULL OR NEW.valid_from > OLD.valid_from) THEN
    OLD.valid_to := least(OLD.valid_to, NEW.valid_from);
  ELSE
    OLD.valid_from := coalesce(OLD.valid_from, current_date);
    OLD.valid_to := OLD.valid_from;
  END IF;
  EXECUTE format('INSERT INTO %I SELECT clock_timestamp(), ($1).*', TG_TABLE_NAME || '_history')
    USING OLD;
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.execute(HISTORY_BODY)
    op.execute(KEEP_HISTORY_OF)
    for table in HISTORIC_TABLES:
        op.execute(f"DROP TRIGGER keep_history ON {table}")
        op.execute(f"SELECT keep_history_of('{table}')")
    op.execute("DROP FUNCTION keep_history")


def downgrade() -> None:
    op.execute(KEEP_HISTORY_BY_ROW)
    for table in HISTORIC_TABLES:
        op.execute(f"DROP TRIGGER keep_history ON {table}")
        op.execute(f"DROP FUNCTION keep_history_of_{table}")
        op.execute(
            f"CREATE TRIGGER keep_history AFTER UPDATE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION keep_history()"
        )
    op.execute("DROP FUNCTION keep_history_of")
    op.execute("DROP FUNCTION history_body")
