"""Let services do without owning the tables: what they need of that runs as the owner.

Functions that run as the owner look for tables in `public` alone. `FROM CURRENT` looked into the
caller's temporary tables first, so one of the name of a table could stand for it.
"""

from alembic import op

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None

FIXED_PATH = """
DO $$
DECLARE
  own regprocedure;
BEGIN
  FOR own IN
    SELECT p.oid FROM pg_proc p
     WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid
                        AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e')
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = public, pg_temp', own);
  END LOOP;
END $$
"""
AS_OWNER = ("audit_log_link()", "mask_occurrences_of_species()")
"""Nobody else writes links of the chain, nor changes former states."""
# A month has the rights of the table it is a part of.
MAKE_MONTH = """
CREATE FUNCTION make_observation_month(month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  name CONSTANT text := to_char(month, '"observation_y"YYYY"m"MM');
  following CONSTANT date := month + interval '1 month';
  granted record;
BEGIN
  IF month <> date_trunc('month', month)::date THEN
    RAISE EXCEPTION '% is not the first day of a month', month
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  EXECUTE format('CREATE TABLE %I (LIKE observation INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
                 name);
  FOR granted IN
    SELECT a.privilege_type AS kind, a.grantee::regrole::text AS account
      FROM pg_class c, aclexplode(c.relacl) a
     WHERE c.oid = 'observation'::regclass AND a.grantee NOT IN (0, c.relowner)
  LOOP
    EXECUTE format('GRANT %s ON %I TO %s', granted.kind, name, granted.account);
  END LOOP;
  EXECUTE format('ALTER TABLE observation ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name,
                 to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
                 to_char(following, 'YYYY-MM-DD') || ' 00:00:00+00');
END $$
"""
EMPTY_MONTH = """
CREATE FUNCTION empty_observation_month(month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  EXECUTE format('TRUNCATE %I', to_char(month, '"observation_y"YYYY"m"MM'));
END $$
"""


def upgrade() -> None:
    for own in AS_OWNER:
        op.execute(f"ALTER FUNCTION {own} SECURITY DEFINER")
    op.execute(FIXED_PATH)
    op.execute(MAKE_MONTH)
    op.execute(EMPTY_MONTH)
    for made in ("make_observation_month(date)", "empty_observation_month(date)"):
        op.execute(f"REVOKE ALL ON FUNCTION {made} FROM PUBLIC")


def downgrade() -> None:
    op.execute("DROP FUNCTION empty_observation_month(date)")
    op.execute("DROP FUNCTION make_observation_month(date)")
    for own in AS_OWNER:
        op.execute(f"ALTER FUNCTION {own} SECURITY INVOKER")
        op.execute(f"ALTER FUNCTION {own} RESET search_path")
