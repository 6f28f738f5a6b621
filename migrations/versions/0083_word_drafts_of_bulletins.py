"""Let the words of a draft of a bulletin be changed until it is published."""

from collections.abc import Sequence

from alembic import op

revision: str = "0083"
down_revision: str | None = "0082"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COLUMNS = """
ALTER TABLE bulletin
  ADD COLUMN wording jsonb,
  ADD COLUMN revision integer NOT NULL DEFAULT 0,
  ADD COLUMN edited_by varchar,
  ADD COLUMN edited_at timestamptz,
  ADD CONSTRAINT ck_bulletin_revision CHECK (
    (revision > 0) = (wording IS NOT NULL) AND (revision > 0) = (edited_at IS NOT NULL)
  )
"""
PUBLISHED = ("state", "published_by", "published_at")
WORDED = (
    *("title_zh", "title_en", "files", "wording", "revision"),
    *("edited_by", "edited_at"),
)


def upgrade() -> None:
    op.execute(COLUMNS)
    op.execute(guard((*PUBLISHED, *WORDED), "but its words, and that it is published"))


def downgrade() -> None:
    op.execute(guard(PUBLISHED, "but that it is published"))
    op.execute(
        "ALTER TABLE bulletin DROP CONSTRAINT ck_bulletin_revision, DROP COLUMN wording,"
        " DROP COLUMN revision, DROP COLUMN edited_by, DROP COLUMN edited_at"
    )


def guard(free: Sequence[str], told: str) -> str:
    """The guard of bulletins: of a draft only some columns change, of a published one nothing."""
    columns = ",".join(free)
    return f"""
CREATE OR REPLACE FUNCTION guard_bulletin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state = 'published' THEN
    RAISE EXCEPTION 'bulletin % is published and never changes', OLD.code
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  IF (to_jsonb(NEW) - '{{{columns}}}'::text[])
     IS DISTINCT FROM (to_jsonb(OLD) - '{{{columns}}}'::text[]) THEN
    RAISE EXCEPTION 'bulletin % never changes {told}', OLD.code
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$"""
