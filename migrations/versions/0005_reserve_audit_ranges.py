"""Let large writes reserve their numbers in the audit log, and join the chain when they commit."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# The lock of the chain is the session's and given back at once: nobody draws a number meanwhile,
# and nobody waits for the end of the transaction. What is reserved and not used is a gap. It runs
# as the owner of the tables: drawing numbers needs rights that who writes rows does not have.
RESERVE = """
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
END $$
"""

# A range is seen by nobody but the transaction that reserved it: at its end it becomes a link.
RANGE_LINK = """
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
END $$
"""

ADD_LINK = """
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
END $$
"""

# Whoever writes into a range says so: those rows have their numbers, and wait for no lock.
QUEUE = """
CREATE OR REPLACE FUNCTION audit_log_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF coalesce(current_setting('shanhai.audit_reserved', true), '') <> 'on' THEN
    PERFORM pg_advisory_xact_lock(hashtext('audit_chain'));
  END IF;
  RETURN NULL;
END $$
"""
LINK = """
CREATE OR REPLACE FUNCTION audit_log_link() RETURNS trigger LANGUAGE plpgsql AS $$
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
END $$
"""

QUEUE_BEFORE = """
CREATE OR REPLACE FUNCTION audit_log_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('audit_chain'));
  RETURN NULL;
END $$
"""
LINK_BEFORE = """
CREATE OR REPLACE FUNCTION audit_log_link() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  tail audit_chain;
  link audit_chain;
  digests bytea;
BEGIN
  SELECT min(id), max(id), count(*), string_agg(digest, ''::bytea ORDER BY id)
    INTO link.first_id, link.last_id, link.rows, digests FROM added;
  IF link.rows = 0 THEN
    RETURN NULL;
  END IF;
  SELECT * INTO tail FROM audit_chain ORDER BY seq DESC LIMIT 1;
  link.seq := coalesce(tail.seq, 0) + 1;
  link.previous := coalesce(tail.hash, sha256(''::bytea));
  INSERT INTO audit_chain (seq, first_id, last_id, rows, previous, hash)
  VALUES (link.seq, link.first_id, link.last_id, link.rows, link.previous,
          sha256(link.previous || int8send(link.seq) || int8send(link.first_id)
                 || int8send(link.last_id) || digests));
  RETURN NULL;
END $$
"""

START_FORMER_LINKS = """
UPDATE audit_chain c SET start = before.rows
  FROM (SELECT seq, sum(rows) OVER (ORDER BY seq) - rows AS rows FROM audit_chain) before
 WHERE before.seq = c.seq
"""


def upgrade() -> None:
    op.create_table(
        "audit_range",
        sa.Column("first_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("first_id", name=op.f("pk_audit_range")),
    )
    op.add_column("audit_chain", sa.Column("start", sa.BigInteger()))
    op.execute("ALTER TABLE audit_chain DISABLE TRIGGER audit_chain_guard")
    op.execute(START_FORMER_LINKS)
    op.execute("ALTER TABLE audit_chain ENABLE TRIGGER audit_chain_guard")
    op.alter_column("audit_chain", "start", nullable=False)
    op.create_unique_constraint(op.f("uq_audit_chain_start"), "audit_chain", ["start"])
    for function in (ADD_LINK, RESERVE, RANGE_LINK, QUEUE, LINK):
        op.execute(function)
    op.execute(
        "CREATE CONSTRAINT TRIGGER audit_range_link AFTER INSERT ON audit_range"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_range_link()"
    )


def downgrade() -> None:
    op.execute(QUEUE_BEFORE)
    op.execute(LINK_BEFORE)
    op.drop_table("audit_range")
    for function in ("audit_range_link", "audit_reserve", "audit_add_link"):
        op.execute(f"DROP FUNCTION {function}")
    op.drop_constraint(op.f("uq_audit_chain_start"), "audit_chain")
    op.drop_column("audit_chain", "start")
