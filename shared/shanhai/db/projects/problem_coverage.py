"""Which problems of a plan projects act on: by a link, by place, or not at all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.problems import PROBLEMS
from shanhai.db.features.selection import visibility
from shanhai.db.features.tables import rows_of, source_of
from shanhai.db.identity import Viewer
from shanhai.db.projects.queries import projects_of_plan, seen_values
from shanhai.vocabulary import Label

UNDONE = "pj.state NOT IN ('rejected', 'cancelled')"
"""Projects that were given up answer nothing."""
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
