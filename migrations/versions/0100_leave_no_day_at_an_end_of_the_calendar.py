"""Leave no day at an end of the years 1 to 9999: the driver wrote those as infinities.

SQL does not count with infinities, and imports kept the true day. A last day of validity goes, as
nothing ends then; any other day moves by one, and means what it meant. What is never changed stays.
Each change is told in the audit log, so that copies know of it.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from shanhai.crypto import chosen_suite

revision: str = "0100"
down_revision: str | None = "0099"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

DATED = """
SELECT c.table_name, array_agg(CAST(c.column_name AS text) ORDER BY c.column_name)
         FILTER (WHERE c.data_type = 'date') AS days
  FROM information_schema.columns c
  JOIN information_schema.tables t USING (table_schema, table_name)
 WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE'
   AND c.table_name NOT LIKE '%\\_history'
   AND NOT EXISTS (SELECT FROM pg_trigger g
                    WHERE g.tgrelid = CAST(quote_ident(c.table_name) AS regclass)
                      AND g.tgname ~ 'refuse_change|_stays')
 GROUP BY c.table_name
HAVING count(*) FILTER (WHERE c.column_name IN ('id', 'code', 'row_version', 'updated_at')) = 4
   AND bool_or(c.data_type = 'date')
 ORDER BY c.table_name
"""
MOVE = """
WITH moved AS (
  UPDATE {table} moved SET {set}, row_version = moved.row_version + 1, updated_at = now()
    FROM {table} former WHERE former.id = moved.id AND ({ends})
  RETURNING moved.id, moved.code, {before} AS before, {after} AS after)
INSERT INTO audit_log (actor, action, object_table, object_id, before, after)
SELECT 'operator', 'update', '{table}', code, before, after FROM moved ORDER BY id
"""
DAY = """{day} = CASE WHEN former.{day} > '9999-12-30' THEN {last}
  WHEN former.{day} < '0001-01-02' THEN '0001-01-02' ELSE former.{day} END"""
END = "former.{day} NOT BETWEEN '0001-01-02' AND '9999-12-30'"
MOMENTS = (("historical_location", "since"), ("schedule", "starts_at"), ("schedule", "next_at"))
MOVE_MOMENT = """
UPDATE {table} SET {moment} = CASE WHEN {moment} > now() THEN timestamptz '9999-12-31 UTC'
                                   ELSE timestamptz '0001-01-02 UTC' END
 WHERE NOT isfinite({moment})
"""


def upgrade() -> None:
    # The log is hashed as the services do it.
    suite = sa.text("SELECT set_config('shanhai.crypto_suite', :suite, true)")
    op.get_bind().execute(suite, {"suite": chosen_suite()})
    for table, days in op.get_bind().execute(sa.text(DATED)).all():
        op.execute(_move(table, days))
    for table, moment in MOMENTS:
        op.execute(MOVE_MOMENT.format(table=table, moment=moment))


def downgrade() -> None:
    pass


def _move(table: str, days: Sequence[str]) -> str:
    last = {day: "NULL" if day == "valid_to" else "'9999-12-30'" for day in days}
    return MOVE.format(
        table=table,
        set=", ".join(DAY.format(day=day, last=last[day]) for day in days),
        ends=" OR ".join(END.format(day=day) for day in days),
        before=_told("former", days),
        after=_told("moved", days),
    )


def _told(row: str, days: Sequence[str]) -> str:
    members = ", ".join(f"'{name}', {row}.{name}" for name in ("id", "row_version", *days))
    return f"jsonb_build_object({members})"
