"""`/plans/{plan}/totals`, `/coverage` and `/timetable`, and the projects in reserve."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from shanhai.db.indicators.plan_indicators import find_plan
from shanhai.db.projects.plan_totals import programme_totals, read_timetable, region_totals
from shanhai.db.projects.problem_coverage import read_coverage
from shanhai.db.projects.reserve import read_reserve
from shanhai_api.dependencies import PageQuery, Reader, ReadSession, TheView
from shanhai_api.negotiation import choose_format
from shanhai_api.projects import operations
from shanhai_api.projects import plan_documents as documents
from shanhai_api.projects.answers import READ
from shanhai_api.projects.application import MEDIA_TYPE, application_of
from shanhai_api.projects.plan_documents import CSV, FORMATS
from shanhai_api.projects.schemas import PlanTableQuery, ReserveQuery, TotalsQuery
from shanhai_api.view import View

router = APIRouter(tags=["projects"])
Parameters = Annotated[PlanTableQuery, Query()]


@router.get("/plans/{plan}/totals", summary="The programmes of a plan in sums", responses=READ)
async def show_totals(
    view: TheView,
    caller: Reader,
    plan: str,
    query: Annotated[TotalsQuery, Query()],
    session: ReadSession,
) -> Response:
    """Count the projects of each programme by state, and add up their costs and measures.

    The same projects are added up by region of the plan; each lies in one of them.
    """
    seen = await find_plan(session, plan, caller.viewer, query.as_of)
    found = await programme_totals(session, seen.id, caller.viewer, query.as_of)
    regions = await region_totals(session, seen.id, caller.viewer, query.as_of)
    known = not caller.anonymous
    document = documents.totals_document(view, seen, found, regions, with_money=known)
    by_region = (documents.REGION_COLUMNS, document["regions"])
    by_programme = (documents.TOTAL_COLUMNS, document["programmes"])
    table = by_region if query.by == "region" else by_programme
    return _table(view, document, "totals.html", *table)


@router.get("/plans/{plan}/coverage", summary="Which problems projects act on", responses=READ)
async def show_coverage(
    view: TheView, caller: Reader, plan: str, query: Parameters, session: ReadSession
) -> Response:
    """Tell the problems without a project, and the projects without a problem."""
    seen = await find_plan(session, plan, caller.viewer, query.as_of)
    found = await read_coverage(session, seen.id, caller.viewer, query.as_of)
    document = documents.coverage_document(view, seen, found)
    rows = documents.coverage_rows(document)
    return _table(view, document, "coverage.html", documents.COVERAGE_COLUMNS, rows)


@router.get("/plans/{plan}/timetable", summary="When projects are worked on", responses=READ)
async def show_timetable(
    view: TheView, caller: Reader, plan: str, query: Parameters, session: ReadSession
) -> Response:
    """List the projects of a plan by programme with their years; the page draws them."""
    seen = await find_plan(session, plan, caller.viewer, query.as_of)
    found = await read_timetable(session, seen.id, caller.viewer, query.as_of)
    document = documents.timetable_document(view, seen, found)
    rows, drawn = document["projects"], documents.chart(document)
    columns = documents.TIMETABLE_COLUMNS
    return _table(view, document, "timetable.html", columns, rows, {"chart": drawn})


@router.get("/projects/reserve", summary="The projects in reserve, ranked", responses=READ)
async def show_reserve(
    view: TheView,
    caller: Reader,
    query: Annotated[ReserveQuery, Query()],
    session: ReadSession,
) -> Response:
    """Rank the projects in reserve by stated criteria, and tell what each lacks."""
    operations.demand_known(caller)
    found = await read_reserve(session, caller.viewer, region=query.region, limit=query.limit)
    document = documents.reserve_document(view, found, query.region)
    rows = document["projects"]
    return _table(view, document, "reserve.html", documents.RESERVE_COLUMNS, rows)


@router.get(
    "/projects/{project}/application",
    summary="What an application for funds needs, in one archive",
    responses={**READ, 200: {"description": "The archive", "content": {MEDIA_TYPE: {}}}},
)
async def show_application(
    view: TheView,
    caller: Reader,
    project: str,
    query: Annotated[PageQuery, Query()],
    session: ReadSession,
) -> Response:
    """Put the project, its measures, money, steps and the list of its documents in an archive."""
    seen = await operations.see_ledger(session, project, caller)
    content, version = await application_of(session, view, caller, seen)
    headers = {"Content-Disposition": 'attachment; filename="application.zip"'}
    return view.send(content, MEDIA_TYPE, headers=headers, version=version)


def _table(
    view: View,
    document: dict[str, Any],
    template: str,
    columns: tuple[str, ...],
    rows: Iterable[Mapping[str, Any]],
    extra: Mapping[str, Any] | None = None,
) -> Response:
    """The document as JSON, page or table."""
    if choose_format(view.request, FORMATS) is CSV:
        name = template.removesuffix(".html")
        headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        return view.send(documents.as_csv(columns, rows), CSV.media_type, headers=headers)
    return view.respond(document, template=template, formats=FORMATS, extra=extra)
