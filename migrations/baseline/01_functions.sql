-- What tables of several files share: extensions, ledgers, and the keeping of former states.

CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- Of ledgers: rows are added, and never changed or removed.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

-- What the function of a table is made of, from its columns; a migration that changes the columns
-- of a table with history calls `keep_history_of` again.
--
-- A state that was followed by one of a later day held until that day. One that was corrected
-- without a later day never held: its period is empty, so no day finds it. The counters alone are
-- no state.
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
$$;

-- The rows of a statement are joined by hashing: a plan made for one row is kept for the session,
-- and would compare each row of a later statement with all others; whoever writes many rows may have
-- asked for such plans of its own.
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
END $$;
