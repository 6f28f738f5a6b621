"""When the projects of a plan are worked on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import Viewer
from shanhai.db.projects.listing import projects_of_plan, seen_values
from shanhai.vocabulary import Label

ROWS = """
SELECT s.code, s.name_zh, s.name_en, s.programme, pg.name_zh, pg.name_en, s.region, s.state,
       st.name_zh, st.name_en, s.start_year, s.end_year
  FROM seen s JOIN project_state st ON st.state = s.state
  LEFT JOIN programme pg ON pg.id = s.programme_id
 ORDER BY pg.order_no NULLS LAST, s.programme, s.start_year, s.end_year, s.code
"""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A project with its years, both included."""

    code: str
    name: Label
    programme: str | None
    programme_name: Label | None
    region: str
    state: str
    state_name: Label
    start_year: int
    end_year: int


async def read_timetable(
    session: AsyncSession, plan_id: int, viewer: Viewer, as_of: date | None = None
) -> Sequence[Scheduled]:
    """The projects of a plan by programme, then by year."""
    query = text(f"WITH {projects_of_plan(viewer, former=as_of is not None)}{ROWS}")
    found = await session.execute(query, seen_values(viewer, plan=plan_id, as_of=as_of))
    return [
        Scheduled(
            code,
            Label(zh, en),
            programme,
            None if programme is None else Label(programme_zh, programme_en),
            region,
            state,
            Label(state_zh, state_en),
            first,
            last,
        )
        for (
            code,
            zh,
            en,
            programme,
            programme_zh,
            programme_en,
            region,
            state,
            state_zh,
            state_en,
            first,
            last,
        ) in found
    ]
