"""The programmes of a plan: how many projects they have, what these cost, and when."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.plans import PLANS
from shanhai.db.collections.programmes import PROGRAMMES
from shanhai.db.features.tables import rows_of, stated_rows
from shanhai.db.identity import Viewer
from shanhai.db.projects.queries import projects_of_plan, seen_values
from shanhai.vocabulary import Label


@dataclass(frozen=True, slots=True)
class MeasureTotal:
    """What projects plan and did of a measure, in one unit."""

    measure: str
    unit: str | None
    projects: int
    planned: float | None
    done: float | None


@dataclass(slots=True)
class ProgrammeTotals:
    """A programme and its projects; `costed` of them tell their cost."""

    code: str | None
    name: Label
    projects: int = 0
    costed: int = 0
    cost: Decimal | None = None
    allocated: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    area_m2: float | None = None
    first_year: int | None = None
    last_year: int | None = None
    states: dict[str, int] = field(default_factory=dict)
    measures: list[MeasureTotal] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RegionTotals:
    """A region of a plan and the projects that lie in it, or below it.

    Attributes:
        code: None for projects that lie in none of the plan's regions.
        region_area_m2: None where nobody has drawn the region; that is not an area of nothing.
        drawn: How many of the projects have a place.
        area_m2: The area of those; None where there is none.
    """

    code: str | None
    name: Label
    region_area_m2: float | None
    projects: int
    costed: int
    cost: Decimal | None
    allocated: Decimal
    paid: Decimal
    drawn: int
    area_m2: float | None
    first_year: int | None
    last_year: int | None


NO_REGION = Label("不在规划区域内", "In no region of the plan")
NO_PROGRAMME = Label("未列入重点工程", "In no programme")
SUMS = """
SELECT pg.code, pg.name_zh, pg.name_en, count(s.id), count(s.cost), sum(s.cost),
       coalesce(sum(f.allocated), 0), coalesce(sum(f.paid), 0), sum(s.area_m2),
       min(s.start_year), max(s.end_year)
  FROM (SELECT id, code, name_zh, name_en, order_no FROM {programmes} pg
         WHERE plan_id = :plan AND {there}) pg
  FULL JOIN seen s ON s.programme_id = pg.id
  LEFT JOIN LATERAL (
    SELECT sum(CASE e.kind WHEN 'allocation' THEN e.amount WHEN 'return' THEN -e.amount END)
             AS allocated,
           sum(e.amount) FILTER (WHERE e.kind = 'payment') AS paid
      FROM fund_entry e WHERE e.project_id = s.id{by_then}) f ON true
 GROUP BY pg.id, pg.code, pg.name_zh, pg.name_en, pg.order_no
HAVING pg.id IS NOT NULL OR count(s.id) > 0
 ORDER BY pg.order_no NULLS LAST, pg.code
"""
STATES = """
SELECT s.programme, s.state, count(*) FROM seen s JOIN project_state st ON st.state = s.state
 GROUP BY s.programme, s.state, st.order_no ORDER BY st.order_no
"""
MEASURES = """
SELECT s.programme, m.measure, m.unit, count(*), sum(m.planned), sum(m.done)
  FROM seen s JOIN {measures} m ON m.project_id = s.id
 GROUP BY s.programme, m.measure, m.unit ORDER BY m.measure, m.unit
"""


# A project lies in the region of the plan that is its own, or lies above its own.
REGIONS = """
WITH RECURSIVE listed AS (
  SELECT of.id, of.place FROM {plans} p CROSS JOIN unnest(
    CASE WHEN p.region_ids = '{{}}' THEN ARRAY[p.region_id] ELSE p.region_ids END
  ) WITH ORDINALITY AS of (id, place) WHERE p.id = :plan AND {there} AND of.id IS NOT NULL
), within (top, id) AS (
  SELECT id, id FROM listed
  UNION
  SELECT within.top, r.id FROM region r JOIN within ON r.parent_id = within.id
),
"""
REGION_SUMS = """
SELECT r.code, r.name_zh, r.name_en, r.area_m2, count(s.id), count(s.cost), sum(s.cost),
       coalesce(sum(f.allocated), 0), coalesce(sum(f.paid), 0), count(s.geom), sum(s.area_m2),
       min(s.start_year), max(s.end_year)
  FROM (SELECT region.*, listed.place FROM region JOIN listed ON listed.id = region.id) r
  FULL JOIN (SELECT seen.*, within.top FROM seen
               LEFT JOIN within ON within.id = seen.region_id) s ON s.top = r.id
  LEFT JOIN LATERAL (
    SELECT sum(CASE e.kind WHEN 'allocation' THEN e.amount WHEN 'return' THEN -e.amount END)
             AS allocated,
           sum(e.amount) FILTER (WHERE e.kind = 'payment') AS paid
      FROM fund_entry e WHERE e.project_id = s.id{by_then}) f ON true
 GROUP BY r.id, r.code, r.name_zh, r.name_en, r.area_m2, r.place
 ORDER BY r.place NULLS LAST
"""


def _by_then(former: bool) -> str:
    """SQL that holds besides for entries of the ledger that were made by the day asked for."""
    return " AND e.created_at::date <= CAST(:as_of AS date)" if former else ""


async def region_totals(
    session: AsyncSession, plan_id: int, viewer: Viewer, as_of: date | None = None
) -> Sequence[RegionTotals]:
    """The regions of a plan in its order, and last its projects in none of them.

    Each project counts in one region, so that the sums are those of the plan.
    """
    former = as_of is not None
    regions = REGIONS.format(
        plans=rows_of(PLANS, former=former), there=PLANS.as_of if former else "true"
    )
    seen = projects_of_plan(viewer, former=former)
    query = text(f"{regions} {seen}{REGION_SUMS.format(by_then=_by_then(former))}")
    rows = await session.execute(query, seen_values(viewer, plan=plan_id, as_of=as_of))
    return [
        RegionTotals(code, NO_REGION if code is None else Label(zh, en), *sums)
        for code, zh, en, *sums in rows
    ]


async def programme_totals(
    session: AsyncSession, plan_id: int, viewer: Viewer, as_of: date | None = None
) -> Sequence[ProgrammeTotals]:
    """The programmes of a plan in its order, and last its projects in none of them."""
    former = as_of is not None
    seen = f"WITH {projects_of_plan(viewer, former=former)}"
    values = seen_values(viewer, plan=plan_id, as_of=as_of)
    sums = SUMS.format(
        programmes=rows_of(PROGRAMMES, former=former),
        there=PROGRAMMES.as_of if former else f"deleted_at IS NULL AND {PROGRAMMES.current}",
        by_then=_by_then(former),
    )
    day = "CAST(:as_of AS date)"
    amounts = stated_rows("project_measure", day) if former else "project_measure"
    found: dict[str | None, ProgrammeTotals] = {}
    for code, zh, en, *added in await session.execute(text(seen + sums), values):
        name = NO_PROGRAMME if code is None else Label(zh, en)
        found[code] = ProgrammeTotals(code, name, *added)
    for code, state, count in await session.execute(text(seen + STATES), values):
        own = found.get(code) or found[None]
        own.states[state] = own.states.get(state, 0) + count
    for code, *rest in await session.execute(
        text(seen + MEASURES.format(measures=amounts)), values
    ):
        (found.get(code) or found[None]).measures.append(MeasureTotal(*rest))
    return list(found.values())


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
