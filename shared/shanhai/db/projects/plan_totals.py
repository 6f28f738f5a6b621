"""The programmes of a plan: how many projects, at which cost, on which problems they act."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.plans import PLANS
from shanhai.db.collections.programmes import PROGRAMMES
from shanhai.db.collections.provisions import PROBLEMS
from shanhai.db.features.columns import rows_of, source_of, stated_rows
from shanhai.db.features.selection import visibility
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
    """A programme and its projects; `costed` of those not given up tell their cost."""

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
        drawn: How many of the projects, without those that were given up, have a place.
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
UNDONE = "pj.state NOT IN ('rejected', 'cancelled')"
"""Projects that were given up answer nothing, and neither cost nor do what they had planned."""
SUMS = f"""
SELECT pg.code, pg.name_zh, pg.name_en, count(s.id), count(pj.cost), sum(pj.cost),
       coalesce(sum(f.allocated), 0), coalesce(sum(f.paid), 0), sum(pj.area_m2),
       min(pj.start_year), max(pj.end_year)
  FROM (SELECT id, code, name_zh, name_en, order_no FROM {{programmes}} pg
         WHERE plan_id = :plan AND {{there}}) pg
  FULL JOIN seen s ON s.programme_id = pg.id
  LEFT JOIN seen pj ON pj.id = s.id AND {UNDONE}
  LEFT JOIN LATERAL (
    SELECT sum(CASE e.kind WHEN 'allocation' THEN e.amount WHEN 'return' THEN -e.amount END)
             AS allocated,
           sum(e.amount) FILTER (WHERE e.kind = 'payment') AS paid
      FROM fund_entry e WHERE e.project_id = s.id{{by_then}}) f ON true
 GROUP BY pg.id, pg.code, pg.name_zh, pg.name_en, pg.order_no
HAVING pg.id IS NOT NULL OR count(s.id) > 0
 ORDER BY pg.order_no NULLS LAST, pg.code
"""  # noqa: S608 - a constant
STATES = """
SELECT s.programme, s.state, count(*) FROM seen s JOIN project_state st ON st.state = s.state
 GROUP BY s.programme, s.state, st.order_no ORDER BY st.order_no
"""
MEASURES = f"""
SELECT pj.programme, m.measure, m.unit, count(*), sum(m.planned), sum(m.done)
  FROM seen pj JOIN {{measures}} m ON m.project_id = pj.id AND {UNDONE}
 GROUP BY pj.programme, m.measure, m.unit ORDER BY m.measure, m.unit
"""  # noqa: S608 - a constant


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
REGION_SUMS = f"""
SELECT r.code, r.name_zh, r.name_en, r.area_m2, count(s.id), count(pj.cost), sum(pj.cost),
       coalesce(sum(f.allocated), 0), coalesce(sum(f.paid), 0), count(pj.geom), sum(pj.area_m2),
       min(pj.start_year), max(pj.end_year)
  FROM (SELECT region.*, listed.place FROM region JOIN listed ON listed.id = region.id) r
  FULL JOIN (SELECT seen.*, within.top FROM seen
               LEFT JOIN within ON within.id = seen.region_id) s ON s.top = r.id
  LEFT JOIN seen pj ON pj.id = s.id AND {UNDONE}
  LEFT JOIN LATERAL (
    SELECT sum(CASE e.kind WHEN 'allocation' THEN e.amount WHEN 'return' THEN -e.amount END)
             AS allocated,
           sum(e.amount) FILTER (WHERE e.kind = 'payment') AS paid
      FROM fund_entry e WHERE e.project_id = s.id{{by_then}}) f ON true
 GROUP BY r.id, r.code, r.name_zh, r.name_en, r.area_m2, r.place
 ORDER BY r.place NULLS LAST
"""  # noqa: S608 - a constant


@dataclass(frozen=True, slots=True)
class FundTotals:
    """Money of the projects of a plan, by what it is counted.

    Attributes:
        key: Code of a source, a kind or a programme, or a year; None for what has none.
        projects: How many have entries.
        allocated: Without what was given back, which is `returned`.
    """

    key: str | None
    name: Label | None
    projects: int = 0
    allocated: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    returned: Decimal = Decimal(0)


FUND_KEYS = {
    "source": ("fs.code", "min(fs.name_zh)", "min(fs.name_en)"),
    "kind": ("fs.kind", "NULL", "NULL"),
    "year": ("CAST(fs.year AS text)", "NULL", "NULL"),
    "programme": (
        "s.programme",
        "(SELECT min(pg.name_zh) FROM programme pg WHERE pg.id = min(s.programme_id))",
        "(SELECT min(pg.name_en) FROM programme pg WHERE pg.id = min(s.programme_id))",
    ),
}
"""By what money can be counted: the key, and the names of what it is."""
FUNDS = """
SELECT {key}, {zh}, {en}, count(DISTINCT s.id),
       coalesce(sum(CASE e.kind WHEN 'allocation' THEN e.amount WHEN 'return' THEN -e.amount END),
                0),
       coalesce(sum(e.amount) FILTER (WHERE e.kind = 'payment'), 0),
       coalesce(sum(e.amount) FILTER (WHERE e.kind = 'return'), 0)
  FROM seen s JOIN fund_entry e ON e.project_id = s.id{by_then}
  JOIN fund_source fs ON fs.id = e.source_id
 GROUP BY {key} ORDER BY {key} NULLS LAST
"""


async def fund_totals(
    session: AsyncSession, plan_id: int, viewer: Viewer, by: str, as_of: date | None = None
) -> Sequence[FundTotals]:
    """What was allocated, paid and given back, by source, kind, year of the source or programme.

    Args:
        session: Reads.
        plan_id: The plan.
        viewer: Whose projects count.
        by: One of `FUND_KEYS`.
        as_of: Entries made after this day do not count.
    """
    key, zh, en = FUND_KEYS[by]
    former = as_of is not None
    sums = FUNDS.format(key=key, zh=zh, en=en, by_then=_by_then(former))
    query = text(f"WITH {projects_of_plan(viewer, former=former)}{sums}")
    rows = await session.execute(query, seen_values(viewer, plan=plan_id, as_of=as_of))
    return [
        FundTotals(key, None if name_zh is None else Label(name_zh, name_en), *rest)
        for key, name_zh, name_en, *rest in rows
    ]


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


ISLAND = "岛"
"""An ending that names of islands have or have not."""
WAYS = ("link", "overlap", "place")
PROJECTS_OF_PLAN = """
SELECT s.id, s.code, s.name_zh, s.name_en,
       concat_ws(';', s.name_zh, s.summary_zh, s.attrs->>'places', s.attrs->>'lakes') AS words
  FROM seen s ORDER BY s.code
"""
# What acts on a problem acts on its copy in a draft, too. An overlap is one of areas, lines or
# points; a shared edge is none.
PAIRS = """
SELECT b.id, l.project_id, 'link'
  FROM project_problem l JOIN seen s ON s.id = l.project_id
  JOIN {problems} b ON l.problem_id IN (b.id, b.copied_from_id) AND b.plan_id = :plan
UNION ALL
SELECT b.id, s.id, 'overlap'
  FROM seen s JOIN {problems} b ON b.geom && s.geom AND ST_Intersects(b.geom, s.geom)
 WHERE b.plan_id = :plan AND NOT ST_Touches(b.geom, s.geom)
"""


@dataclass(frozen=True, slots=True, order=True)
class ActingProject:
    """A project that acts on a problem, and by which of `WAYS` that is known."""

    project: str
    ways: tuple[str, ...]
    name: Label = field(compare=False)


@dataclass(frozen=True, slots=True)
class Covered:
    """A problem with the projects that act on it, also by each of its places."""

    code: str
    name: Label
    type: str
    severity: str | None
    status: str
    answers: Sequence[ActingProject]
    places: Mapping[str, Sequence[str]]

    @property
    def missing(self) -> list[str]:
        """Its places no project names, unless a project covers the problem's own place."""
        if any("overlap" in answer.ways for answer in self.answers):
            return []
        return [place for place, projects in self.places.items() if not projects]


@dataclass(frozen=True, slots=True)
class ProblemCoverage:
    """The problems of a plan, and the projects that act on none of them."""

    problems: Sequence[Covered]
    projects: int
    idle: Sequence[tuple[str, Label]]

    @property
    def open(self) -> list[Covered]:
        """The problems no project acts on."""
        return [item for item in self.problems if not item.answers]


async def read_coverage(
    session: AsyncSession, plan_id: int, viewer: Viewer, as_of: date | None = None
) -> ProblemCoverage:
    """The problems and projects of a plan that a viewer may know of, put together.

    What projects act on has no former states: with `as_of`, links are those there are today.
    """
    former = as_of is not None
    seen = f"WITH {projects_of_plan(viewer, UNDONE, former=former)}"
    values = seen_values(viewer, plan=plan_id, as_of=as_of)
    problems_then = rows_of(PROBLEMS, former=former)
    state = PROBLEMS.as_of if former else PROBLEMS.live
    paired = PAIRS.format(problems=f"(SELECT * FROM {problems_then} pb WHERE {state})")  # noqa: S608
    projects = (await session.execute(text(seen + PROJECTS_OF_PLAN), values)).all()
    pairs: dict[int, dict[int, set[str]]] = {}
    for problem, project, way in await session.execute(text(seen + paired), values):
        pairs.setdefault(problem, {}).setdefault(project, set()).add(way)
    words = {row.id: row.words for row in projects}
    known = {row.id: (row.code, Label(row.name_zh, row.name_en)) for row in projects}
    problems = []
    for row in await _problems(session, plan_id, viewer, as_of):
        named = {place: _naming(place, words) for place in row.places}
        answers = pairs.setdefault(row.id, {})
        for project in {each for ids in named.values() for each in ids}:
            answers.setdefault(project, set()).add("place")
        problems.append(_covered(row, answers, named, known))
    busy = {project for answers in pairs.values() for project in answers}
    idle = [(row.code, Label(row.name_zh, row.name_en)) for row in projects if row.id not in busy]
    return ProblemCoverage(problems, len(projects), idle)


async def _problems(
    session: AsyncSession, plan_id: int, viewer: Viewer, as_of: date | None
) -> Sequence[Any]:
    former = as_of is not None
    state = (PROBLEMS.as_of,) if former else (PROBLEMS.live, PROBLEMS.current)
    met = (*state, *visibility(PROBLEMS, viewer), "pb.plan_id = :plan")
    query = text(
        "SELECT pb.id, pb.code, pb.name_zh, pb.name_en, pb.type, pb.severity, pb.status, pb.places"  # noqa: S608
        f" FROM {source_of(PROBLEMS, former=former)} WHERE {' AND '.join(met)} ORDER BY pb.code"
    )
    return (await session.execute(query, seen_values(viewer, plan=plan_id, as_of=as_of))).all()


def _naming(place: str, words: Mapping[int, str]) -> list[int]:
    """The projects whose words name a place, as an island or without that ending."""
    stem = place.removesuffix(ISLAND)
    return [project for project, said in words.items() if stem and stem in said]


def _covered(
    row: Any,
    answers: Mapping[int, Iterable[str]],
    named: Mapping[str, Sequence[int]],
    known: Mapping[int, tuple[str, Label]],
) -> Covered:
    found = sorted(
        ActingProject(
            known[project][0], tuple(way for way in WAYS if way in ways), known[project][1]
        )
        for project, ways in ((key, set(value)) for key, value in answers.items())
        if project in known
    )
    places = {place: sorted(known[each][0] for each in ids) for place, ids in named.items()}
    name = Label(row.name_zh, row.name_en)
    return Covered(row.code, name, row.type, row.severity, row.status, found, places)
