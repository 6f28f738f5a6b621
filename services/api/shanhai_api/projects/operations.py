"""What is done with projects beside their rows, and all that is known of one on one page."""

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai import __version__
from shanhai.db.collections.projects import PROJECTS
from shanhai.db.compliance import check_project
from shanhai.db.compliance.verdict import document_of
from shanhai.db.features.selection import Selection
from shanhai.db.projects.funds import list_balances, list_entries
from shanhai.db.projects.measures import list_measures
from shanhai.db.projects.queries import ProjectSeen, find_project
from shanhai.db.projects.transitions import Event, list_states, prospects, read_events
from shanhai.db.tables.project import ProjectState
from shanhai.errors import Forbidden, Unauthenticated
from shanhai.vector.formats import neutralised
from shanhai.vocabulary import Label
from shanhai_api.features.documents import feature
from shanhai_api.features.operations import read_item
from shanhai_api.kit.requests import Caller
from shanhai_api.kit.view import View
from shanhai_api.plans.answers import here_links, item_path, project_path
from shanhai_api.projects import models, papers
from shanhai_api.projects.models import LedgerLine, Measure, ProjectHistory, SourceBalance
from shanhai_api.projects.plan_models import PlanCoverage, PlanTimetable


async def state_label(session: AsyncSession, project: ProjectSeen) -> Label:
    """The name of the state a project is in."""
    states = await list_states(session)
    found = next(item for item in states if item.state == project.state)
    return Label(found.name_zh, found.name_en)


async def see_ledger(session: AsyncSession, code: str, caller: Caller) -> ProjectSeen:
    """The project whose money a caller wants to see: who has a role in its region.

    Raises:
        Unauthenticated: no identity was given.
        NotFound: there is no project the caller may know of.
        Forbidden: the caller has no role in its region.
    """
    demand_known(caller)
    found = await find_project(session, code, caller.viewer)
    demand_member(caller, [found.region_id])
    return found


def demand_member(caller: Caller, regions: Iterable[int]) -> None:
    """Refuse who has no role in any of the regions whose money is asked for.

    Raises:
        Forbidden: they have none.
    """
    if not caller.viewer.is_member(regions):
        raise Forbidden(
            "money is told to who has a role in the region",
            message_zh="资金仅向在该区域具有角色者提供",
        )


def demand_known(caller: Caller) -> None:
    """Refuse the public, which does not see money.

    Raises:
        Unauthenticated: no identity was given.
    """
    if caller.anonymous:
        raise Unauthenticated(
            "an identity is needed to see money", message_zh="查看资金需要身份认证"
        )


MOST_SHOWN = 1_000
ASIDE = frozenset({"suspended", "rejected", "cancelled"})
"""States beside the way from draft to closed."""


async def dossier(
    session: AsyncSession, view: View, caller: Caller, project: ProjectSeen
) -> models.ProjectDossier:
    """The project's way, what can be done now, its measures, money, papers and past."""
    states = await list_states(session)
    steps = await prospects(session, project, caller)
    events = await read_events(session, project.id, after=0, limit=MOST_SHOWN)
    measures = await list_measures(session, project.id)
    found, _ = await papers.list_papers(session, caller, project, view, after=0, limit=MOST_SHOWN)
    path = project_path(project.code)
    own = next(item for item in states if item.state == project.state)
    known = caller.viewer.is_member([project.region_id])
    return models.ProjectDossier(
        project=project.code,
        name=project.name.in_(view.lang),
        name_zh=project.name.zh,
        name_en=project.name.en,
        state=project.state,
        state_name=models.state_name(own, view),
        track=_track(states, project, events, view),
        transitions=[models.ProjectStep.of(item, view) for item in steps],
        measures=[models.Measure.from_row(item) for item in measures],
        funds=await _funds(session, project) if known else None,
        documents=found,
        events=[models.ProjectHistory.of(item, view, known=known) for item in events],
        links=[
            *here_links(view),
            view.link(item_path(project.code), "up"),
            *(
                view.link(f"{path}/{part}", "related")
                for part in ("transitions", "events", "measures", "funds", "documents")
            ),
        ],
    )


async def _funds(session: AsyncSession, project: ProjectSeen) -> models.LedgerFigures:
    entries = await list_entries(session, project.id)
    return models.LedgerFigures.of_project(entries, await list_balances(session, project.id))


def _track(
    states: Sequence[ProjectState], project: ProjectSeen, events: Sequence[Event], view: View
) -> list[models.StateOnTheWay]:
    """The states on the way, each past, now or ahead; those aside only where it has been."""
    been = {event.source for event in events} | {event.target for event in events}
    order = {item.state: item.order_no for item in states}
    here, found = order[project.state], []
    for item in states:
        if item.state == project.state:
            found.append(models.StateOnTheWay.of(item, "now", view))
        elif item.state in been:
            found.append(models.StateOnTheWay.of(item, "past", view))
        elif item.state not in ASIDE:
            place = "past" if _passed(item, here, project) else "ahead"
            found.append(models.StateOnTheWay.of(item, place, view))
    return found


def _passed(item: ProjectState, here: int, project: ProjectSeen) -> bool:
    """Whether a project that began further on would have come through the state."""
    return project.state not in ASIDE and item.state not in ASIDE and item.order_no < here


PHASES: Mapping[str, str] = {
    **dict.fromkeys(("draft", "proposed", "reserve", "approved", "design"), "before"),
    **dict.fromkeys(("implementation", "suspended", "acceptance"), "work"),
    **dict.fromkeys(("monitoring", "effect_evaluation", "after_care", "closed"), "after"),
    **dict.fromkeys(("rejected", "cancelled"), "off"),
}
"""What a timetable tells apart by colour."""
REGION_COLUMNS = (
    *("region", "name_zh", "name_en", "region_area_km2", "projects", "costed", "cost"),
    *("drawn", "area_km2", "first_year", "last_year"),
)
TOTAL_COLUMNS = (
    *("programme", "name_zh", "name_en", "projects", "costed", "cost"),
    *("area_km2", "first_year", "last_year"),
)
COVERAGE_COLUMNS = ("kind", "code", "name_zh", "name_en", "projects", "places_without_project")
TIMETABLE_COLUMNS = (
    *("programme", "project", "name_zh", "name_en", "region", "state"),
    *("start_year", "end_year"),
)
RESERVE_COLUMNS = (
    *("rank", "project", "name_zh", "name_en", "region", "programme", "start_year", "end_year"),
    *("cost", "score", "verdict", "ready", "lacking"),
)
MOST_TICKS = 10
Row = Mapping[str, Any]


def as_csv(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    """A table in lines, after a mark by which spreadsheets know UTF-8."""
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in columns])
    return "\ufeff".encode() + made.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple):
        value = "; ".join(str(item) for item in value)
    if isinstance(value, bool):
        return str(value).lower()
    return neutralised(value) if isinstance(value, str) else value


def coverage_rows(coverage: PlanCoverage) -> Iterable[Row]:
    """The report in lines: the problems, then the projects that act on none."""
    for item in coverage.problems:
        codes = [each.project for each in item.projects]
        yield {**item.as_json(), "kind": "problem", "code": item.problem, "projects": codes}
    for idle in coverage.projects_without_problem:
        nothing: Row = {"projects": [], "places_without_project": []}
        yield {**idle.as_json(), "kind": "project", "code": idle.project, **nothing}


def chart(timetable: PlanTimetable) -> dict[str, Any]:
    """What the drawing of a timetable needs: places in percent of its width."""
    first, last = timetable.first_year, timetable.last_year
    if first is None or last is None:
        return {"bars": [], "ticks": [], "today": None}
    years = last - first + 1
    step = -(-years // MOST_TICKS)
    now = datetime.now(UTC)
    today = 100 * (now.year + now.timetuple().tm_yday / 366 - first) / years
    return {
        "bars": [
            {
                **item.as_json(),
                "x": round(100 * (item.start_year - first) / years, 3),
                "width": round(100 * (item.end_year - item.start_year + 1) / years, 3),
                "phase": PHASES[item.state],
            }
            for item in timetable.projects
        ],
        "ticks": [
            {"year": year, "x": round(100 * (year - first) / years, 3)}
            for year in range(first, last + 1, step)
        ],
        "today": round(today, 3) if 0 <= today <= 100 else None,
    }


MEDIA_TYPE = "application/zip"
MOST_EVENTS = 10_000
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every member: the same content makes the same archive."""
MEASURE_COLUMNS = (
    *("measure", "name_zh", "name_en", "planned", "done", "unit", "indicator"),
    "progress_percent",
)
ENTRY_COLUMNS = (
    *("id", "kind", "source", "year", "amount", "measure", "paid_on", "note", "actor", "at"),
)
PAPER_COLUMNS = (
    *("code", "kind", "title_zh", "title_en", "filename", "media_type", "bytes", "sha256"),
)


async def application_of(
    session: AsyncSession, view: View, caller: Caller, project: ProjectSeen
) -> tuple[bytes, str]:
    """The archive, and what tells its content from others."""
    members = await _members(session, view, caller, project)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    manifest = {
        "project": project.code,
        "state": project.state,
        "software": f"shanhai {__version__}",
        "files": [
            {"name": name, "bytes": len(members[name]), "sha256": digest}
            for name, digest in digests.items()
        ],
    }
    listed = orjson.dumps(manifest, option=orjson.OPT_INDENT_2)
    version = hashlib.sha256(listed).hexdigest()[:32]
    return _archive({"manifest.json": listed, **members}), version


async def _members(
    session: AsyncSession, view: View, caller: Caller, project: ProjectSeen
) -> dict[str, bytes]:
    row = await read_item(session, PROJECTS, Selection(caller.viewer, code=project.code))
    measures = await list_measures(session, project.id)
    entries = await list_entries(session, project.id)
    balances = await list_balances(session, project.id)
    events = await read_events(session, project.id, after=0, limit=MOST_EVENTS)
    found, _ = await papers.list_papers(session, caller, project, view, after=0, limit=10_000)
    checked = None
    if row.geometry is not None:
        checked = document_of(await check_project(session, caller.viewer, project.code))
    return {
        "project.geojson": orjson.dumps(feature(row)),
        "compliance.json": orjson.dumps(checked),
        "measures.csv": as_csv(
            MEASURE_COLUMNS, [Measure.from_row(item).as_json() for item in measures]
        ),
        "funds.csv": as_csv(ENTRY_COLUMNS, [LedgerLine.of(item).as_json() for item in entries]),
        "funds.json": orjson.dumps([SourceBalance.of_source(item).as_json() for item in balances]),
        "events.json": orjson.dumps(
            [ProjectHistory.of(item, view, known=True).as_json() for item in events]
        ),
        "documents.csv": as_csv(PAPER_COLUMNS, [item.as_json() for item in found]),
    }


def _archive(members: Mapping[str, Any]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content)
    return made.getvalue()
