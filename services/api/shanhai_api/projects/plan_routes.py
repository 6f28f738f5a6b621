"""`/plans/{plan}/totals`, `/coverage` and `/timetable`, and the projects in reserve."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Response

from shanhai.db.indicators.plan_indicators import find_plan
from shanhai.db.projects.plan_totals import programme_totals, read_timetable, region_totals
from shanhai.db.projects.problem_coverage import read_coverage
from shanhai.db.projects.reserve import read_reserve
from shanhai_api.dependencies import PageQuery, Reader
from shanhai_api.kit.answers import Answer, Answered, Document
from shanhai_api.kit.routing import FILE, Route
from shanhai_api.kit.writing import Read
from shanhai_api.negotiation import choose_format
from shanhai_api.projects import operations
from shanhai_api.projects import plan_tables as tables
from shanhai_api.projects.application import MEDIA_TYPE, application_of
from shanhai_api.projects.plan_models import (
    CSV,
    FORMATS,
    PlanCoverage,
    PlanTimetable,
    PlanTotals,
    ProjectReserve,
)
from shanhai_api.projects.schemas import PlanTableQuery, ReserveQuery, TotalsQuery
from shanhai_api.view import View

router = APIRouter(tags=["projects"], route_class=Route)
Parameters = Annotated[PlanTableQuery, Query()]
Shown = TypeVar("Shown", bound=Document)


@router.get("/plans/{plan}/totals", summary="The programmes of a plan in sums")
async def show_totals(
    read: Read[Reader], plan: str, query: Annotated[TotalsQuery, Query()]
) -> Answer[PlanTotals] | Response:
    """Count the projects of each programme by state, and add up their costs and measures.

    The same projects are added up by region of the plan; each lies in one of them.
    """
    viewer = read.caller.viewer
    seen = await find_plan(read.session, plan, viewer, query.as_of)
    found = await programme_totals(read.session, seen.id, viewer, query.as_of)
    regions = await region_totals(read.session, seen.id, viewer, query.as_of)
    totals = PlanTotals.of(seen, found, regions, read, with_money=not read.caller.anonymous)
    if query.by == "region":
        return _table(read, totals, tables.REGION_COLUMNS, rows_of(totals.regions))
    return _table(read, totals, tables.TOTAL_COLUMNS, rows_of(totals.programmes))


@router.get("/plans/{plan}/coverage", summary="Which problems projects act on")
async def show_coverage(
    read: Read[Reader], plan: str, query: Parameters
) -> Answer[PlanCoverage] | Response:
    """Tell the problems without a project, and the projects without a problem."""
    seen = await find_plan(read.session, plan, read.caller.viewer, query.as_of)
    found = await read_coverage(read.session, seen.id, read.caller.viewer, query.as_of)
    coverage = PlanCoverage.of(seen, found, read)
    return _table(read, coverage, tables.COVERAGE_COLUMNS, tables.coverage_rows(coverage))


@router.get("/plans/{plan}/timetable", summary="When projects are worked on")
async def show_timetable(
    read: Read[Reader], plan: str, query: Parameters
) -> Answer[PlanTimetable] | Response:
    """List the projects of a plan by programme with their years; the page draws them."""
    seen = await find_plan(read.session, plan, read.caller.viewer, query.as_of)
    found = await read_timetable(read.session, seen.id, read.caller.viewer, query.as_of)
    timetable = PlanTimetable.of(seen, found, read)
    page = {"chart": tables.chart(timetable)} if read.wants_html(*FORMATS) else {}
    return _table(read, timetable, tables.TIMETABLE_COLUMNS, rows_of(timetable.projects), page)


@router.get("/projects/reserve", summary="The projects in reserve, ranked")
async def show_reserve(
    read: Read[Reader], query: Annotated[ReserveQuery, Query()]
) -> Answer[ProjectReserve] | Response:
    """Rank the projects in reserve by stated criteria, and tell what each lacks."""
    operations.demand_known(read.caller)
    found = await read_reserve(
        read.session, read.caller.viewer, region=query.region, limit=query.limit
    )
    reserve = ProjectReserve.of(found, query.region, read)
    return _table(read, reserve, tables.RESERVE_COLUMNS, rows_of(reserve.projects))


@router.get(
    "/projects/{project}/application",
    summary="What an application for funds needs, in one archive",
    response_class=Response,
    responses={200: {"description": "The archive", "content": {MEDIA_TYPE: {"schema": FILE}}}},
)
async def show_application(
    read: Read[Reader], project: str, query: Annotated[PageQuery, Query()]
) -> Response:
    """Put the project, its measures, money, steps and the list of its documents in an archive."""
    seen = await operations.see_ledger(read.session, project, read.caller)
    content, version = await application_of(read.session, read, read.caller, seen)
    headers = {"Content-Disposition": 'attachment; filename="application.zip"'}
    return read.send(content, MEDIA_TYPE, headers=headers, version=version)


def rows_of(items: Iterable[Answered]) -> Iterable[Mapping[str, Any]]:
    """Parts of an answer as the rows of its table, made when they are read."""
    return (item.as_json() for item in items)


def _table(
    view: View,
    document: Shown,
    columns: tuple[str, ...],
    rows: Iterable[Mapping[str, Any]],
    page: Mapping[str, Any] | None = None,
) -> Answer[Shown] | Response:
    """The document as JSON, page or table."""
    if choose_format(view.request, FORMATS) is CSV:
        name = document.template.removesuffix(".html")
        headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        return view.send(tables.as_csv(columns, rows), CSV.media_type, headers=headers)
    return Answer(document, page=page or {})
