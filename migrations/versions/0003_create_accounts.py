"""Create accounts and roles, and tie the audit log into a chain."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ROLES = (
    *("viewer", "owner", "planner", "approver", "supervisor"),
    *("analyst", "auditor", "feed", "admin"),
)

# The text that is hashed: a JSON array of the columns, as PostgreSQL prints jsonb.
AUDIT_DIGEST = """
CREATE FUNCTION audit_digest(entry audit_log) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT sha256(convert_to(jsonb_build_array(
    entry.id, to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    entry.actor, entry.action, entry.object_table, entry.object_id,
    entry.before, entry.after, entry.request_id)::text, 'UTF8'))
$$
"""

AUDIT_SEAL = """
CREATE FUNCTION audit_log_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.digest := audit_digest(NEW);
  RETURN NEW;
END $$
"""

# Taken before the first id is drawn: so ids of one statement have no gap, and ids and links have
# the same order whoever writes at the same time.
AUDIT_QUEUE = """
CREATE FUNCTION audit_log_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('audit_chain'));
  RETURN NULL;
END $$
"""

AUDIT_LINK = """
CREATE FUNCTION audit_log_link() RETURNS trigger LANGUAGE plpgsql AS $$
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

CHAIN_GUARD = """
CREATE FUNCTION audit_chain_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' AND pg_trigger_depth() > 1 THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'the audit chain is append-only, and written by the audit log alone'
    USING ERRCODE = 'insufficient_privilege';
END $$
"""

# What was written before there was a chain becomes its first link.
SEAL_FORMER_ROWS = """
UPDATE audit_log SET digest = audit_digest(audit_log)
"""
LINK_FORMER_ROWS = """
INSERT INTO audit_chain (seq, first_id, last_id, rows, previous, hash)
SELECT 1, first_id, last_id, rows, sha256(''::bytea),
       sha256(sha256(''::bytea) || int8send(1) || int8send(first_id) || int8send(last_id)
              || digests)
  FROM (SELECT min(id) AS first_id, max(id) AS last_id, count(*) AS rows,
               string_agg(digest, ''::bytea ORDER BY id) AS digests FROM audit_log) former
 WHERE rows > 0
"""


def upgrade() -> None:
    _create_accounts()
    op.add_column("api_key", sa.Column("roles", postgresql.JSONB(astext_type=sa.Text())))
    op.add_column("api_key", sa.Column("successor", sa.String()))
    _create_chain()


def _create_accounts() -> None:
    moment = postgresql.TIMESTAMP(timezone=True)
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("party_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.Column("disabled_at", moment, nullable=True),
        sa.Column("last_seen_at", moment, nullable=True),
        sa.Column("signed_in_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f("fk_account_party_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_account_issuer_subject")),
    )
    op.create_table(
        "account_role",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("region_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(f"role IN {ROLES}", name=op.f("ck_account_role_role")),
        sa.CheckConstraint(
            "role <> 'admin' OR region_id IS NULL", name=op.f("ck_account_role_admin_everywhere")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_account_role_account_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["region_id"], ["region.id"], name=op.f("fk_account_role_region_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_role")),
        sa.UniqueConstraint(
            "account_id",
            "role",
            "region_id",
            name=op.f("uq_account_role_account_id_role_region_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(op.f("ix_account_role_region_id"), "account_role", ["region_id"])


def _create_chain() -> None:
    op.create_table(
        "audit_chain",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_chain")),
        sa.UniqueConstraint("first_id", name=op.f("uq_audit_chain_first_id")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_chain_hash")),
    )
    op.create_index("ix_audit_log_at", "audit_log", ["at"])
    op.add_column("audit_log", sa.Column("digest", sa.LargeBinary()))
    op.execute(AUDIT_DIGEST)
    op.execute("ALTER TABLE audit_log DISABLE TRIGGER audit_log_guard")
    op.execute(SEAL_FORMER_ROWS)
    op.execute("ALTER TABLE audit_log ENABLE TRIGGER audit_log_guard")
    op.execute(LINK_FORMER_ROWS)
    op.alter_column("audit_log", "digest", nullable=False)
    for function in (AUDIT_SEAL, AUDIT_QUEUE, AUDIT_LINK, CHAIN_GUARD):
        op.execute(function)
    op.execute(
        "CREATE TRIGGER audit_log_queue BEFORE INSERT ON audit_log"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_log_queue()"
    )
    op.execute(
        "CREATE TRIGGER audit_log_seal BEFORE INSERT ON audit_log"
        " FOR EACH ROW EXECUTE FUNCTION audit_log_seal()"
    )
    op.execute(
        "CREATE TRIGGER audit_log_link AFTER INSERT ON audit_log"
        " REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION audit_log_link()"
    )
    op.execute(
        "CREATE TRIGGER audit_chain_guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE"
        " ON audit_chain FOR EACH STATEMENT EXECUTE FUNCTION audit_chain_guard()"
    )


def downgrade() -> None:
    for trigger in ("audit_log_link", "audit_log_seal", "audit_log_queue"):
        op.execute(f"DROP TRIGGER {trigger} ON audit_log")
        op.execute(f"DROP FUNCTION {trigger}")
    op.drop_table("audit_chain")
    op.execute("DROP FUNCTION audit_chain_guard")
    op.execute("DROP FUNCTION audit_digest")
    op.drop_column("audit_log", "digest")
    op.drop_index("ix_audit_log_at", table_name="audit_log")
    op.drop_column("api_key", "successor")
    op.drop_column("api_key", "roles")
    op.drop_table("account_role")
    op.drop_table("account")
