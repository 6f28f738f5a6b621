"""Figures over cases, for who supervises them."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.cases.declaration import CASES
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Viewer

GROUPS = ("region", "state", "kind", "month")
"""What cases are counted by; months are those of their opening."""
COUNTS = """
SELECT {names}, GROUPING({names}) AS held,
       count(*) AS cases, sum(area_m2) AS area_m2, sum(inside_m2) AS inside_m2,
       count(*) FILTER (WHERE state <> 'closed') AS open,
       count(*) FILTER (WHERE due_on < current_date) AS overdue
  FROM (SELECT r.code AS region, lc.state, lc.kind, to_char(lc.created_at, 'YYYY-MM') AS month,
               lc.area_m2, lc.inside_m2, lc.due_on
          FROM {source}
         WHERE {conditions}
           AND (CAST(:since AS date) IS NULL OR lc.created_at >= CAST(:since AS date))
           AND (CAST(:until AS date) IS NULL OR lc.created_at < CAST(:until AS date) + 1)) found
 GROUP BY GROUPING SETS ((), {sets})
 ORDER BY held, {names}
"""


@dataclass(frozen=True, slots=True)
class Count:
    """How many cases share something, and how much they changed.

    Attributes:
        value: What they share; None for all, and for cases in no district.
        inside_m2: What of the area lies inside watched lines.
        overdue: Those of which the next step is late.
    """

    value: str | None
    cases: int
    area_m2: float
    inside_m2: float
    open: int
    overdue: int


async def read_statistics(
    session: AsyncSession, viewer: Viewer, *, since: date | None, until: date | None
) -> tuple[Count, dict[str, list[Count]]]:
    """The cases opened in a period that a viewer may see, together and by each of `GROUPS`."""
    # Constants of the declaration; callers' values are bound.
    statement = COUNTS.format(
        names=", ".join(GROUPS),
        sets=", ".join(f"({name})" for name in GROUPS),
        source=CASES.source,
        conditions=" AND ".join(("true", *visibility(CASES, viewer))),
    )
    values = {"since": since, "until": until, **viewer_values(viewer)}
    total = Count(None, 0, 0.0, 0.0, 0, 0)
    groups: dict[str, list[Count]] = {name: [] for name in GROUPS}
    for row in await session.execute(text(statement), values):
        figures = (row.cases, row.area_m2 or 0.0, row.inside_m2 or 0.0, row.open, row.overdue)
        # GROUPING has a bit for each column, the last one lowest, set where it was summed over.
        name = next((g for n, g in enumerate(reversed(GROUPS)) if not row.held >> n & 1), None)
        if name is None:
            total = Count(None, *figures)
        else:
            groups[name].append(Count(getattr(row, name), *figures))
    return total, groups
