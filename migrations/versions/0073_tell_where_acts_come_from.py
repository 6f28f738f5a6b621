"""Tell in the audit log from which address something was done, and how far it was sent elsewhere.

The digest of a row covers its address. Rows without one have the digest they always had, so that
what was written before verifies as it did; a row cannot lose, gain or change its address unseen,
since the text that is hashed has one member more or less.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0073"
down_revision: str | None = "0072"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

DIGEST = """
CREATE OR REPLACE FUNCTION audit_digest(entry audit_log) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT sha256(convert_to((jsonb_build_array(
    entry.id, to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    entry.actor, entry.action, entry.object_table, entry.object_id,
    entry.before, entry.after, entry.request_id){address})::text, 'UTF8'))
$$
"""
OF_ADDRESS = """
    || CASE WHEN entry.address IS NULL THEN '[]'::jsonb ELSE jsonb_build_array(entry.address) END"""
# What no digest could be compared with any more: the former function knows no address.
KEPT = """
DO $$
BEGIN
  IF EXISTS (SELECT FROM audit_log WHERE address IS NOT NULL) THEN
    RAISE EXCEPTION 'the audit log has rows with an address, which could not be verified without it'
      USING HINT = 'go back by a backup';
  END IF;
END $$
"""


def upgrade() -> None:
    op.execute("ALTER TABLE audit_log ADD address varchar")
    op.execute(DIGEST.format(address=OF_ADDRESS))
    op.execute(
        "CREATE TABLE audit_export ("
        " collector varchar CONSTRAINT pk_audit_export PRIMARY KEY,"
        " seq bigint NOT NULL,"
        " last_id bigint NOT NULL,"
        " at timestamptz NOT NULL DEFAULT clock_timestamp())"
    )


def downgrade() -> None:
    op.execute(KEPT)
    op.execute("DROP TABLE audit_export")
    op.execute(DIGEST.format(address=""))
    op.execute("ALTER TABLE audit_log DROP address")
