"""Let the audit log be hashed by SM3 as well as by SHA-256, and tell which of each row and link.

Connections name the suite they were told (`shanhai.crypto_suite`); who names none hashes by
SHA-256, as all did before. What was written stays as it is: the chain goes on over the change.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0075"
down_revision: str | None = "0074"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# SM3 is pgcrypto's, by OpenSSL. Where the account may not make it, or the packages lack it, all
# else works, and `shanhai doctor` tells who wants SM3.
EXTENSION = """
DO $$
BEGIN
  CREATE EXTENSION IF NOT EXISTS pgcrypto SCHEMA public;
EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN
  RAISE NOTICE 'pgcrypto is missing: the audit log cannot be hashed by SM3';
END $$
"""
ALGORITHM = """
CREATE FUNCTION audit_algorithm() RETURNS varchar LANGUAGE sql STABLE AS $$
  SELECT CASE current_setting('shanhai.crypto_suite', true)
           WHEN 'commercial' THEN 'sm3' ELSE 'sha256' END
$$
"""
HASH = """
CREATE FUNCTION audit_hash(algorithm varchar, content bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF algorithm = 'sm3' THEN
    RETURN public.digest(content, 'sm3');
  END IF;
  RETURN sha256(content);
END $$
"""
DIGEST = """
CREATE OR REPLACE FUNCTION audit_digest(entry audit_log) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT {hash}convert_to((jsonb_build_array(
    entry.id, to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    entry.actor, entry.action, entry.object_table, entry.object_id,
    entry.before, entry.after, entry.request_id)
    || CASE WHEN entry.address IS NULL THEN '[]'::jsonb ELSE jsonb_build_array(entry.address) END
    )::text, 'UTF8'))
$$
"""
SEAL = """
CREATE OR REPLACE FUNCTION audit_log_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  {algorithm}NEW.digest := audit_digest(NEW);
  RETURN NEW;
END $$
"""
ADD_LINK = """
CREATE OR REPLACE FUNCTION audit_add_link(
  first_id bigint, last_id bigint, number bigint, digests bytea)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  tail audit_chain;
  link audit_chain;
BEGIN
  SELECT * INTO tail FROM audit_chain ORDER BY seq DESC LIMIT 1;
  link.seq := coalesce(tail.seq, 0) + 1;
  link.previous := coalesce(tail.hash, sha256(''::bytea));
  INSERT INTO audit_chain (seq, start, first_id, last_id, rows, previous, hash{column})
  VALUES (link.seq, coalesce(tail.start + tail.rows, 0), first_id, last_id, number, link.previous,
          {hash}link.previous || int8send(link.seq) || int8send(first_id) || int8send(last_id)
                 || digests){value});
END $$
"""
# What the former functions could not verify.
KEPT = """
DO $$
BEGIN
  IF EXISTS (SELECT FROM audit_log WHERE algorithm <> 'sha256')
     OR EXISTS (SELECT FROM audit_chain WHERE algorithm <> 'sha256') THEN
    RAISE EXCEPTION 'the audit log has rows hashed by SM3, which could not be verified without it'
      USING HINT = 'go back by a backup';
  END IF;
END $$
"""


def upgrade() -> None:
    op.execute(EXTENSION)
    for table in ("audit_log", "audit_chain"):
        op.execute(f"ALTER TABLE {table} ADD algorithm varchar NOT NULL DEFAULT 'sha256'")
    op.execute(ALGORITHM)
    op.execute(HASH)
    op.execute(DIGEST.format(hash="audit_hash(entry.algorithm, "))
    op.execute(SEAL.format(algorithm="NEW.algorithm := audit_algorithm();\n  "))
    op.execute(
        ADD_LINK.format(
            column=", algorithm", hash="audit_hash(audit_algorithm(), ", value=", audit_algorithm()"
        )
    )


def downgrade() -> None:
    op.execute(KEPT)
    op.execute(ADD_LINK.format(column="", hash="sha256(", value=""))
    op.execute(SEAL.format(algorithm=""))
    op.execute(DIGEST.format(hash="sha256("))
    op.execute("DROP FUNCTION audit_hash(varchar, bytea)")
    op.execute("DROP FUNCTION audit_algorithm()")
    for table in ("audit_log", "audit_chain"):
        op.execute(f"ALTER TABLE {table} DROP algorithm")
