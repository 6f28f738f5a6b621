"""Let what has a Chinese name alone be called by it in English, too."""

from collections.abc import Sequence

from alembic import op

revision: str = "0080"
down_revision: str | None = "0079"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NAMED = """
  SELECT en.table_name FROM information_schema.columns en
    JOIN information_schema.columns zh USING (table_schema, table_name)
    JOIN information_schema.tables kept USING (table_schema, table_name)
   WHERE table_schema = current_schema() AND en.column_name = 'name_en' AND en.is_nullable = 'NO'
     AND zh.column_name = 'name_zh' AND kept.table_type = 'BASE TABLE'
     AND table_name NOT LIKE '%\\_history'
"""
"""Tables in which everything is called something in both languages."""


def upgrade() -> None:
    # An English name that only repeated the Chinese one goes with it.
    op.execute(
        """CREATE FUNCTION name_in_both() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF TG_OP = 'UPDATE' AND NEW.name_en = OLD.name_en AND OLD.name_en = OLD.name_zh THEN
            NEW.name_en := NEW.name_zh;
          END IF;
          NEW.name_en := coalesce(nullif(NEW.name_en, ''), NEW.name_zh);
          RETURN NEW;
        END $$"""
    )
    op.execute(
        f"""DO $$ DECLARE named text; BEGIN
          FOR named IN {NAMED} LOOP
            EXECUTE format('CREATE TRIGGER a_name_in_both BEFORE INSERT OR UPDATE ON %I'
                           ' FOR EACH ROW EXECUTE FUNCTION name_in_both()', named);
          END LOOP;
        END $$"""
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION name_in_both() CASCADE")
