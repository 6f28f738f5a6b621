"""For how long values are kept besides their statistics: by property, and never while held.

A policy first draws a line, `raw_since`, behind which no value is taken any more, and tells the
audit log. Months whose files have values behind the line are then written anew without them. The
line is the start of a month of the platform's zone: no month's statistics are ever made of a part
of its values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.observations.archive import ARCHIVE_LOCK
from shanhai.db.queries.audit import Act, record

# Nothing is removed from the first month that is held on, though what is behind it may be older.
_LINES = text("""
  WITH lines AS (
    SELECT p.id, p.code, p.raw_since AS before,
           least(
             date_trunc('month', now() - make_interval(years => p.raw_years)),
             (SELECT min(date_trunc('month', h.month::timestamp AT TIME ZONE 'UTC'))
                FROM observation_hold h
               WHERE p.raw_since IS NULL
                  OR (h.month + interval '1 month') AT TIME ZONE 'UTC' > p.raw_since)
           ) AS line
      FROM observed_property p
     WHERE p.raw_years IS NOT NULL
  )
  SELECT id, code, before, line FROM lines
   WHERE (before IS NULL OR line > before)
     AND EXISTS (SELECT FROM archived_series s
                  WHERE s.property_id = lines.id AND s.first_at < lines.line)
   ORDER BY id
""")
_DRAW = text("UPDATE observed_property SET raw_since = :line WHERE id = :id")
_FORGET_FORMER = text(
    "DELETE FROM observation_revision WHERE property_id = :id AND observed_at < :line"
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A line that was drawn: values of the property before it are removed."""

    property: str
    line: datetime


async def draw_lines(session: AsyncSession, *, act: Act) -> Sequence[Drawn]:
    """Draw the lines the policies ask for; the caller commits, and has months closed anew.

    Nobody stores old values meanwhile, and who does so later sees the lines.
    """
    await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ARCHIVE_LOCK})
    drawn = []
    for row in (await session.execute(_LINES)).all():
        values = {"id": row.id, "line": row.line}
        await session.execute(_DRAW, values)
        await session.execute(_FORGET_FORMER, values)
        record(
            session,
            act,
            "purge",
            table="observation",
            object_id=row.code,
            before={"raw_since": None if row.before is None else row.before.isoformat()},
            after={"raw_since": row.line.isoformat()},
        )
        drawn.append(Drawn(row.code, row.line))
    return drawn
