-- The audit log, tied into a chain: who changed what, and proof that nobody changed that.

CREATE TABLE audit_log (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_audit_log PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor varchar NOT NULL,
  action varchar NOT NULL,
  object_table varchar NOT NULL,
  object_id varchar NOT NULL,
  before jsonb,
  after jsonb,
  request_id varchar,
  digest bytea NOT NULL
);
CREATE INDEX ix_audit_log_at ON audit_log (at);
CREATE INDEX ix_audit_log_object_table_object_id ON audit_log (object_table, object_id);

CREATE TABLE audit_chain (
  seq bigint CONSTRAINT pk_audit_chain PRIMARY KEY,
  first_id bigint NOT NULL CONSTRAINT uq_audit_chain_first_id UNIQUE,
  last_id bigint NOT NULL,
  rows bigint NOT NULL,
  previous bytea NOT NULL,
  hash bytea NOT NULL CONSTRAINT uq_audit_chain_hash UNIQUE,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  start bigint NOT NULL CONSTRAINT uq_audit_chain_start UNIQUE
);

-- Numbers of the log that a large write has reserved, until its transaction ends.
CREATE TABLE audit_range (
  first_id bigint CONSTRAINT pk_audit_range PRIMARY KEY,
  last_id bigint NOT NULL
);

CREATE FUNCTION audit_log_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_log_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION audit_log_guard();

CREATE FUNCTION audit_chain_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' AND pg_trigger_depth() > 1 THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'the audit chain is append-only, and written by the audit log alone'
    USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_chain_guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON audit_chain
  FOR EACH STATEMENT EXECUTE FUNCTION audit_chain_guard();

-- The text that is hashed: a JSON array of the columns, as PostgreSQL prints jsonb.
CREATE FUNCTION audit_digest(entry audit_log) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT sha256(convert_to(jsonb_build_array(
    entry.id, to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    entry.actor, entry.action, entry.object_table, entry.object_id,
    entry.before, entry.after, entry.request_id)::text, 'UTF8'))
$$;

CREATE FUNCTION audit_log_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.digest := audit_digest(NEW);
  RETURN NEW;
END $$;
CREATE TRIGGER audit_log_seal BEFORE INSERT ON audit_log
  FOR EACH ROW EXECUTE FUNCTION audit_log_seal();

-- Taken before the first id is drawn: so ids of one statement have no gap, and ids and links have
-- the same order whoever writes at the same time. Whoever writes into a range says so: those rows
-- have their numbers, and wait for no lock.
CREATE FUNCTION audit_log_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF coalesce(current_setting('shanhai.audit_reserved', true), '') <> 'on' THEN
    PERFORM pg_advisory_xact_lock(hashtext('audit_chain'));
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER audit_log_queue BEFORE INSERT ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION audit_log_queue();

CREATE FUNCTION audit_add_link(first_id bigint, last_id bigint, number bigint, digests bytea)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  tail audit_chain;
  link audit_chain;
BEGIN
  SELECT * INTO tail FROM audit_chain ORDER BY seq DESC LIMIT 1;
  link.seq := coalesce(tail.seq, 0) + 1;
  link.previous := coalesce(tail.hash, sha256(''::bytea));
  INSERT INTO audit_chain (seq, start, first_id, last_id, rows, previous, hash)
  VALUES (link.seq, coalesce(tail.start + tail.rows, 0), first_id, last_id, number, link.previous,
          sha256(link.previous || int8send(link.seq) || int8send(first_id) || int8send(last_id)
                 || digests));
END $$;

CREATE FUNCTION audit_log_link() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  first bigint;
  last bigint;
  number bigint;
  digests bytea;
BEGIN
  SELECT min(id), max(id), count(*) INTO first, last, number FROM added;
  IF number = 0 THEN
    RETURN NULL;
  END IF;
  IF current_setting('shanhai.audit_reserved', true) = 'on' THEN
    IF NOT EXISTS (SELECT FROM audit_range WHERE first_id <= first AND last_id >= last) THEN
      RAISE EXCEPTION 'audit rows % to % were not reserved', first, last
        USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
  END IF;
  SELECT string_agg(digest, ''::bytea ORDER BY id) INTO digests FROM added;
  PERFORM audit_add_link(first, last, number, digests);
  RETURN NULL;
END $$;
CREATE TRIGGER audit_log_link AFTER INSERT ON audit_log REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION audit_log_link();

-- The lock of the chain is the session's and given back at once: nobody draws a number meanwhile,
-- and nobody waits for the end of the transaction. What is reserved and not used is a gap. It runs
-- as the owner of the tables: drawing numbers needs rights that who writes rows does not have.
CREATE FUNCTION audit_reserve(number bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  chain CONSTANT integer := hashtext('audit_chain');
  numbers CONSTANT text := pg_get_serial_sequence('audit_log', 'id');
  reserved bigint;
BEGIN
  BEGIN
    PERFORM pg_advisory_lock(chain);
    reserved := nextval(numbers);
    PERFORM setval(numbers, reserved + number - 1);
    PERFORM pg_advisory_unlock(chain);
  EXCEPTION WHEN query_canceled OR OTHERS THEN
    PERFORM pg_advisory_unlock(chain);
    RAISE;
  END;
  INSERT INTO audit_range (first_id, last_id) VALUES (reserved, reserved + number - 1);
  RETURN reserved;
END $$;

-- A range is seen by nobody but the transaction that reserved it: at its end it becomes a link.
CREATE FUNCTION audit_range_link() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  digests bytea;
  found bigint;
BEGIN
  SELECT count(*), string_agg(digest, ''::bytea ORDER BY id) INTO found, digests
    FROM audit_log WHERE id BETWEEN NEW.first_id AND NEW.last_id;
  IF found <> NEW.last_id - NEW.first_id + 1 THEN
    RAISE EXCEPTION '% of the % audit rows reserved were written', found,
      NEW.last_id - NEW.first_id + 1 USING ERRCODE = 'check_violation';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('audit_chain'));
  PERFORM audit_add_link(NEW.first_id, NEW.last_id, found, digests);
  DELETE FROM audit_range WHERE first_id = NEW.first_id;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER audit_range_link AFTER INSERT ON audit_range
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_range_link();
