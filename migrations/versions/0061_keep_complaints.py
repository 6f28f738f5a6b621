"""Keep complaints beside the cases they open, and their reporters beside the commenters."""

from collections.abc import Sequence

from alembic import op

revision: str = "0061"
down_revision: str | None = "0060"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COMPLAINT = """
CREATE TABLE complaint (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_complaint PRIMARY KEY,
  code varchar NOT NULL CONSTRAINT uq_complaint_code UNIQUE,
  case_id bigint NOT NULL CONSTRAINT uq_complaint_case_id UNIQUE
    CONSTRAINT fk_complaint_case_id REFERENCES lead_case,
  text varchar NOT NULL,
  receipt_sha256 varchar NOT NULL CONSTRAINT uq_complaint_receipt_sha256 UNIQUE,
  photos integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  answer varchar,
  answered_at timestamptz,
  CONSTRAINT ck_complaint_answered CHECK (num_nonnulls(answer, answered_at) IN (0, 2)),
  CONSTRAINT ck_complaint_photos CHECK (photos >= 0)
)
"""


def upgrade() -> None:
    for statement in (
        COMPLAINT,
        "ALTER TABLE contact_detail ALTER comment_id DROP NOT NULL, ADD complaint_id bigint"
        " CONSTRAINT uq_contact_detail_complaint_id UNIQUE"
        " CONSTRAINT fk_contact_detail_complaint_id REFERENCES complaint",
        "ALTER TABLE contact_detail ADD CONSTRAINT ck_contact_detail_subject CHECK"
        " (num_nonnulls(comment_id, complaint_id) = 1)",
    ):
        op.execute(statement)


def downgrade() -> None:
    for statement in (
        "DELETE FROM contact_detail WHERE comment_id IS NULL",
        "ALTER TABLE contact_detail DROP CONSTRAINT ck_contact_detail_subject,"
        " DROP complaint_id, ALTER comment_id SET NOT NULL",
        "DROP TABLE complaint",
    ):
        op.execute(statement)
