"""Split the months of observations by day and by hash of the station, where the database says so.

Read from the database's own settings, so that whoever makes a month makes the same one:

    ALTER DATABASE shanhai SET shanhai.observation_days = on;
    ALTER DATABASE shanhai SET shanhai.observation_hashes = 4;
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0087"
down_revision: str | None = "0086"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MAKE = """
CREATE OR REPLACE FUNCTION make_observation_month(month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  name CONSTANT text := to_char(month, '"observation_y"YYYY"m"MM');
  following CONSTANT date := month + interval '1 month';
  granted record;{declared}
BEGIN
  IF month <> date_trunc('month', month)::date THEN
    RAISE EXCEPTION '% is not the first day of a month', month
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
{create}
  FOR granted IN
    SELECT a.privilege_type AS kind, a.grantee::regrole::text AS account
      FROM pg_class c, aclexplode(c.relacl) a
     WHERE c.oid = 'observation'::regclass AND a.grantee NOT IN (0, c.relowner)
  LOOP
{grant}
  END LOOP;
  EXECUTE format('ALTER TABLE observation ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name,
                 to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
                 to_char(following, 'YYYY-MM-DD') || ' 00:00:00+00');
END $$
"""
WHOLE = """  EXECUTE format('CREATE TABLE %I'
                 ' (LIKE observation INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);"""
DECLARED = """
  days CONSTANT boolean :=
    coalesce(nullif(current_setting('shanhai.observation_days', true), ''), 'off')::boolean;
  hashes CONSTANT integer :=
    coalesce(nullif(current_setting('shanhai.observation_hashes', true), ''), '1')::integer;
  by_day CONSTANT text := ' PARTITION BY RANGE (observed_at)';
  by_hash CONSTANT text := CASE WHEN hashes > 1 THEN ' PARTITION BY HASH (station_id)' ELSE '' END;
  parts text[] := ARRAY[name];
  made text[] := ARRAY[name];
  part text;
  day date := month;"""
GRANT_WHOLE = "    EXECUTE format('GRANT %s ON %I TO %s', granted.kind, name, granted.account);"
GRANT_PARTS = """    FOREACH part IN ARRAY made LOOP
      EXECUTE format('GRANT %s ON %I TO %s', granted.kind, part, granted.account);
    END LOOP;"""
SPLIT = """  EXECUTE format('CREATE TABLE %I'
                 ' (LIKE observation INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name)
    || CASE WHEN days THEN by_day ELSE by_hash END;
  IF days THEN
    parts := '{}';
  END IF;
  WHILE days AND day < following LOOP
    part := name || to_char(day, '"d"DD');
    EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', part, name,
                   to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00',
                   to_char(day + 1, 'YYYY-MM-DD') || ' 00:00:00+00') || by_hash;
    parts := parts || part;
    made := made || part;
    day := day + 1;
  END LOOP;
  IF hashes > 1 THEN
    FOREACH part IN ARRAY parts LOOP
      FOR number IN 0 .. hashes - 1 LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS %s, REMAINDER %s)',
                       part || 'h' || number, part, hashes, number);
        made := made || (part || 'h' || number);
      END LOOP;
    END LOOP;
  END IF;"""


def _make(declared: str, create: str, grant: str) -> None:
    parts = {"{declared}": declared, "{create}": create, "{grant}": grant}
    made = MAKE
    for place, sql in parts.items():
        made = made.replace(place, sql)
    op.execute(made)


def upgrade() -> None:
    _make(DECLARED, SPLIT, GRANT_PARTS)


def downgrade() -> None:
    _make("", WHOLE, GRANT_WHOLE)
