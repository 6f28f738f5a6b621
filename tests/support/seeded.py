"""The plans of the cities that ship, put into a database once and copied from then on.

To put them there takes some two seconds, to copy them less than one.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import Act
from shanhai.db.seeds.city_files import CITIES
from shanhai.db.seeds.load import seed_cities

_KEEP = """
DO $$
DECLARE kept record;
BEGIN
  CREATE SCHEMA seeded;
  FOR kept IN
    SELECT oid::regclass AS name, relname FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
       AND relname <> 'spatial_ref_sys'
  LOOP
    EXECUTE format('CREATE TABLE seeded.%I AS TABLE %s', kept.relname, kept.name);
  END LOOP;
END $$
"""
# As `forget_rows`, without triggers; what no test empties is still there. Rows have the numbers of
# those before them, whose former states must not become theirs.
_COPY = r"""
DO $$
DECLARE kept record;
BEGIN
  SET LOCAL session_replication_role = replica;
  FOR kept IN
    SELECT oid::regclass AS name FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
       AND relname LIKE '%\_history'
  LOOP
    EXECUTE format('DELETE FROM %s', kept.name);
  END LOOP;
  FOR kept IN
    SELECT relname, string_agg(quote_ident(attname), ', ') AS members
      FROM pg_class JOIN pg_attribute ON attrelid = to_regclass('public.' || quote_ident(relname))
     WHERE relnamespace = 'seeded'::regnamespace AND relkind = 'r'
       AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
     GROUP BY relname
  LOOP
    EXECUTE format('INSERT INTO public.%1$I (%2$s) OVERRIDING SYSTEM VALUE'
                   ' SELECT %2$s FROM seeded.%1$I ON CONFLICT DO NOTHING',
                   kept.relname, kept.members);
  END LOOP;
  SET LOCAL session_replication_role = origin;
END $$
"""


async def seed_again(session: AsyncSession) -> None:
    """Put all cities into a database without features, as they are after `shanhai seed`."""
    if await session.scalar(text("SELECT to_regnamespace('seeded') IS NULL")):
        await seed_cities(session, CITIES, [], act=Act("tester"))
        await session.flush()
        await session.execute(text(_KEEP))
    else:
        await session.execute(text(_COPY))
