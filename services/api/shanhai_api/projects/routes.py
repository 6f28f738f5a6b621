"""`/projects/{project}/…`: steps, measures, money, documents; the projects of a plan together."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Response

from shanhai.db.engine import read_today
from shanhai.db.indicators.figure_results import compare_figures
from shanhai.db.indicators.plan_indicators import find_plan
from shanhai.db.projects.effects import read_comparison, read_project_effect
from shanhai.db.projects.funds import NewEntry, add_entry, list_balances, list_entries
from shanhai.db.projects.measures import (
    MeasureRecord,
    find_measure,
    list_measures,
    put_measure,
    remove_measure,
)
from shanhai.db.projects.plan_totals import (
    fund_totals,
    programme_totals,
    read_coverage,
    read_timetable,
    region_totals,
)
from shanhai.db.projects.queries import find_project, put_links
from shanhai.db.projects.reserve import read_reserve
from shanhai.db.projects.transitions import ProjectTransitionRequest as Asked
from shanhai.db.projects.transitions import prospects, read_events, take_step
from shanhai.errors import NotFound
from shanhai.storage.file_types import KINDS
from shanhai_api.jobs.results import send_file
from shanhai_api.kit.answers import Answer, Answered, Document
from shanhai_api.kit.body import JsonBody
from shanhai_api.kit.dependencies import (
    IfMatch,
    KnownReader,
    PageQuery,
    Read,
    Reader,
    ReadSession,
    TheState,
    TheView,
    Write,
    Writer,
)
from shanhai_api.kit.routing import FILE, NO_STORE, Route
from shanhai_api.kit.view import CSV, JSON, View, choose_format
from shanhai_api.plans.answers import here_links, item_path, project_path
from shanhai_api.projects import models, operations, papers, plan_models, schemas
from shanhai_api.projects import operations as tables
from shanhai_api.projects.operations import MEDIA_TYPE, application_of, dossier

router = APIRouter(tags=["projects"], route_class=Route)
PROJECT = "/projects/{project}"


@router.get(PROJECT, summary="All that is known of a project")
async def show_project(read: Read[Reader], project: str) -> Answer[models.ProjectDossier]:
    """Show the way of a project, what can be done now, its measures, money, papers and past."""
    seen = await find_project(read.session, project, read.caller.viewer)
    return Answer(await dossier(read.session, read, read.caller, seen), state=seen.tag)


@router.get(f"{PROJECT}/transitions", summary="What can be done with a project")
async def show_transitions(read: Read[Reader], project: str) -> Answer[models.ProjectSteps]:
    """Tell the steps that can be taken now, and why the others cannot."""
    seen = await find_project(read.session, project, read.caller.viewer)
    found = await prospects(read.session, seen, read.caller)
    label = await operations.state_label(read.session, seen)
    return Answer(models.ProjectSteps.of(seen, label, found, read), state=seen.tag)


@router.post(f"{PROJECT}/transitions", summary="Take a step of a project", status_code=201)
async def take_transition(
    write: Write[Writer], project: str, expected: IfMatch, body: JsonBody[schemas.TransitionBody]
) -> Answer[models.ProjectStepTaken]:
    """Move a project to another state, if its guard lets it."""
    asked = Asked(body.to, body.note, tuple(body.documents))
    taken = await take_step(
        write.session, project, write.caller, write.act, asked, expected=expected
    )
    path = project_path(taken.project.code)
    place = f"{path}/events/{taken.event.seq}"
    shown = models.ProjectStepTaken(
        project=taken.project.code,
        state=taken.event.target,
        event=models.ProjectHistory.of(taken.event, write, known=True),
        links=[
            write.link(place, "self"),
            write.link(f"{path}/transitions", "related"),
            write.link(item_path(taken.project.code), "up"),
        ],
    )
    return Answer(shown, state=taken.tag, location=place)


@router.get(f"{PROJECT}/events", summary="The steps a project took")
async def show_events(
    read: Read[Reader], project: str, query: Annotated[schemas.EventsQuery, Query()]
) -> models.ProjectEvents:
    """List the steps a project took, from the first one on."""
    seen = await find_project(read.session, project, read.caller.viewer)
    found = await read_events(read.session, seen.id, after=query.after, limit=query.limit + 1)
    page = found[: query.limit]
    links = [*here_links(read), read.link(item_path(seen.code), "up")]
    if len(found) > query.limit:
        following = read.here(after=str(page[-1].seq))
        links.append({"href": following, "rel": "next", "type": JSON.media_type})
    known = read.caller.viewer.is_member([seen.region_id])
    events = [models.ProjectHistory.of(item, read, known=known) for item in page]
    return models.ProjectEvents(project=seen.code, events=events, returned=len(page), links=links)


@router.get(f"{PROJECT}/events/{{seq}}", summary="A step a project took")
async def show_event(read: Read[Reader], project: str, seq: int) -> models.ProjectEventShown:
    """Show one step a project took."""
    seen = await find_project(read.session, project, read.caller.viewer)
    after = min(max(seq - 1, 0), 2**31 - 1)
    found = await read_events(read.session, seen.id, after=after, limit=1)
    path = f"{project_path(seen.code)}/events"
    links = [*read.self_links(f"{path}/{seq}"), read.link(path, "up")]
    if not found or found[0].seq != seq:
        raise NotFound(f"there is no event {seq}", message_zh=f"没有事件 {seq}")
    known = read.caller.viewer.is_member([seen.region_id])
    return models.ProjectEventShown.of(found[0], read, known=known, links=links)


@router.get(f"{PROJECT}/measures", summary="The measures of a project")
async def show_measures(read: Read[Reader], project: str) -> Answer[models.Measures]:
    """List what a project does, with planned and done amounts."""
    seen = await find_project(read.session, project, read.caller.viewer)
    found = await list_measures(read.session, seen.id)
    measures = models.Measures(
        project=seen.code,
        measures=[models.Measure.from_row(item) for item in found],
        links=[*here_links(read), read.link(item_path(seen.code), "up")],
    )
    return Answer(measures, state=seen.tag)


@router.post(f"{PROJECT}/measures", summary="Add a measure to a project", status_code=201)
async def post_measure(
    write: Write[Writer], project: str, body: JsonBody[schemas.NewMeasureBody]
) -> Answer[models.MeasureShown]:
    """Add a measure the project has not yet."""
    measure = MeasureRecord(**body.model_dump())
    await put_measure(write.session, project, write.caller, write.act, measure, only_new=True)
    seen = await find_project(write.session, project, write.caller.viewer)
    place = models.measure_path(project, measure.measure)
    return Answer(models.MeasureShown.of(seen.code, measure, write), location=place)


@router.get(f"{PROJECT}/measures/{{measure}}", summary="A measure of a project")
async def show_measure(
    read: Read[Reader], project: str, measure: str
) -> Answer[models.MeasureShown]:
    """Show one measure of a project."""
    seen = await find_project(read.session, project, read.caller.viewer)
    found = await find_measure(read.session, seen, measure)
    return Answer(models.MeasureShown.of(seen.code, found, read), state=seen.tag)


@router.put(
    f"{PROJECT}/measures/{{measure}}",
    summary="Write a measure of a project",
    responses={201: {"model": models.MeasureShown, "description": "Made"}},
)
async def write_measure(
    write: Write[Writer],
    project: str,
    measure: str,
    expected: IfMatch,
    body: JsonBody[schemas.MeasureBody],
) -> Answer[models.MeasureShown]:
    """Write a measure in the place of the one there is, or as a new one."""
    wanted = MeasureRecord(measure=measure, **body.model_dump())
    written, new = await put_measure(
        write.session, project, write.caller, write.act, wanted, expected=expected
    )
    seen = await find_project(write.session, project, write.caller.viewer)
    shown = models.MeasureShown.of(seen.code, written, write)
    place = models.measure_path(seen.code, written.measure) if new else None
    return Answer(shown, state=seen.tag, location=place)


@router.delete(
    f"{PROJECT}/measures/{{measure}}", summary="Take a measure off a project", status_code=204
)
async def delete_measure(
    write: Write[Writer], project: str, measure: str, expected: IfMatch
) -> None:
    """Take a measure off a project that is not at work yet."""
    await remove_measure(
        write.session, project, write.caller, write.act, measure, expected=expected
    )


@router.get(f"{PROJECT}/funds", summary="The ledger of a project")
async def show_funds(read: Read[Reader], project: str) -> models.ProjectLedger:
    """Show the entries of the ledger, and the balance by source and by year."""
    seen = await operations.see_ledger(read.session, project, read.caller)
    entries = await list_entries(read.session, seen.id)
    balances = await list_balances(read.session, seen.id)
    links = [*here_links(read), read.link(item_path(seen.code), "up")]
    return models.ProjectLedger.of_project(entries, balances, project=seen.code, links=links)


@router.post(f"{PROJECT}/funds", summary="Move money of a project", status_code=201)
async def post_funds(
    write: Write[Writer], project: str, body: JsonBody[schemas.FundEntryBody]
) -> Answer[models.LedgerLineMade]:
    """Allocate money to a project, pay some of it, or give it back."""
    given: dict[str, Any] = body.model_dump()
    if body.kind == "payment" and body.paid_on is None:
        given["paid_on"] = await read_today(write.session)
    entry = await add_entry(write.session, project, write.caller, write.act, NewEntry(**given))
    place = f"{project_path(project)}/funds"
    shown = models.LedgerLineMade.of(entry, project=project, links=[write.link(place, "up")])
    return Answer(shown, location=place)


@router.put(f"{PROJECT}/problems", summary="Say which problems a project acts on")
async def write_problems(
    write: Write[Writer], project: str, expected: IfMatch, body: JsonBody[schemas.ProblemsBody]
) -> Answer[models.ProjectProblems]:
    """Put these problems in the place of those there are."""
    session, codes = write.session, body.problems
    kept, tag = await put_links(
        session, project, write.caller, write.act, "problems", codes, expected=expected
    )
    return Answer(models.ProjectProblems(project=project, problems=kept), headers=_tagged(tag))


@router.put(f"{PROJECT}/regions", summary="Say which towns a project lies in")
async def write_regions(
    write: Write[Writer], project: str, expected: IfMatch, body: JsonBody[schemas.RegionsBody]
) -> Answer[models.ProjectRegions]:
    """Put these regions in the place of those there are."""
    session, codes = write.session, body.regions
    kept, tag = await put_links(
        session, project, write.caller, write.act, "regions", codes, expected=expected
    )
    return Answer(models.ProjectRegions(project=project, regions=kept), headers=_tagged(tag))


def _tagged(state: str) -> dict[str, str]:
    """The state of the project itself, of which lists are a part: no tag of what is answered."""
    return {"ETag": f'"{state}"'}


papers_of = APIRouter(tags=["projects"], route_class=Route)
BYTES = {"schema": {"type": "string", "format": "binary"}}
RAW_BODY = {
    "requestBody": {
        "required": True,
        "description": "The bytes of the file; `Content-Type` says what it is, and must be right",
        "content": dict.fromkeys(KINDS, BYTES),
    }
}


@papers_of.get("/projects/{project}/documents", summary="The documents of a project")
async def show_papers(
    read: Read[Reader], project: str, query: Annotated[schemas.DocumentsQuery, Query()]
) -> models.ProjectDocuments:
    """List what the caller may see of a project's documents."""
    seen = await find_project(read.session, project, read.caller.viewer)
    found, following = await papers.list_papers(
        read.session, read.caller, seen, read, after=query.after, limit=query.limit
    )
    links = [*here_links(read), read.link(item_path(seen.code), "up")]
    if following is not None:
        place = read.here(after=str(following))
        links.append({"href": place, "rel": "next", "type": JSON.media_type})
    return models.ProjectDocuments(project=seen.code, documents=found, links=links)


@papers_of.post(
    "/projects/{project}/documents",
    summary="Add a document to a project",
    status_code=201,
    response_model=models.ProjectDocument,
    openapi_extra=RAW_BODY,
)
async def post_paper(
    view: TheView,
    state: TheState,
    caller: Writer,
    project: str,
    query: Annotated[schemas.UploadQuery, Query()],
) -> Response:
    """Receive a file as a document of a project."""
    made = await papers.receive(state, view.request, view, caller, project, query)
    return made.response(NO_STORE)


@papers_of.get(
    "/documents/{document}/file",
    summary="The file of a document",
    response_class=Response,
    responses={200: {"description": "The file", "content": dict.fromkeys(KINDS, BYTES)}},
)
async def send_paper(
    view: TheView, state: TheState, caller: Reader, document: str, session: ReadSession
) -> Response:
    """Send the file of a document, to be kept."""
    return await papers.send(state, session, view, caller, document)


plans = APIRouter(tags=["projects"], route_class=Route)
Parameters = Annotated[schemas.PlanTableQuery, Query()]
Shown = TypeVar("Shown", bound=Document)
RESULT_COLUMNS = (
    *("code", "name_zh", "name_en", "kind", "class_zh", "class_en", "region", "first_year"),
    *("last_year", "unit", "comparator", "printed", "computed", "computed_unit", "difference"),
    *("difference_percent", "reached_percent", "origin", "origin_code", "job", "on"),
    *("reason_zh", "reason_en"),
)
FUND_COLUMNS = (
    *("key", "name_zh", "name_en", "projects", "cost", "allocated", "paid", "returned", "balance"),
    *("paid_percent", "done_percent"),
)


@plans.get("/plans/{plan}/totals", summary="The programmes of a plan in sums")
async def show_totals(
    read: Read[Reader], plan: str, query: Annotated[schemas.TotalsQuery, Query()]
) -> Answer[plan_models.PlanTotals] | Response:
    """Count the projects of each programme by state, and add up their costs and measures.

    The same projects are added up by region of the plan; each lies in one of them.
    """
    viewer = read.caller.viewer
    seen = await find_plan(read.session, plan, viewer, query.as_of)
    found = await programme_totals(read.session, seen.id, viewer, query.as_of)
    regions = await region_totals(read.session, seen.id, viewer, query.as_of)
    totals = plan_models.PlanTotals.of(
        seen, found, regions, read, with_money=viewer.is_member(seen.region_ids)
    )
    if query.by == "region":
        return respond_table(read, totals, tables.REGION_COLUMNS, rows_of(totals.regions))
    return respond_table(read, totals, tables.TOTAL_COLUMNS, rows_of(totals.programmes))


@plans.get("/plans/{plan}/funds", summary="The money of a plan's projects")
async def show_plan_funds(
    read: Read[KnownReader], plan: str, query: Annotated[schemas.FundsQuery, Query()]
) -> Answer[plan_models.PlanFunds] | Response:
    """Add up what was allocated, paid and given back, by source, kind, year or programme.

    By programme, what was planned and what was done of its measures stands beside it.
    """
    viewer = read.caller.viewer
    seen = await find_plan(read.session, plan, viewer, query.as_of)
    operations.demand_member(read.caller, seen.region_ids)
    found = await fund_totals(read.session, seen.id, viewer, query.by, query.as_of)
    programmes = await programme_totals(read.session, seen.id, viewer, query.as_of)
    funds = plan_models.PlanFunds.of(seen, query.by, found, programmes, read)
    return respond_table(read, funds, FUND_COLUMNS, rows_of(funds.lines))


@plans.get("/plans/{plan}/results", summary="A plan's figures beside computed ones")
async def show_results(
    read: Read[Reader], plan: str, query: Annotated[schemas.ResultsQuery, Query()]
) -> Answer[plan_models.PlanResults] | Response:
    """Compare what a plan prints of evaluations, benefits and the rest with what is computed.

    What is not computed is said, with the reason. The public sees what rests on public data.
    """
    viewer = read.caller.viewer
    seen = await find_plan(read.session, plan, viewer)
    found = await compare_figures(
        read.session,
        seen,
        viewer,
        kind=query.kind,
        year=query.year,
        of_class=query.class_name,
        region=query.region,
    )
    results = plan_models.PlanResults.of(seen, found, read)
    lines = ({**row, **_told_source(row)} for row in rows_of(results.results))
    return respond_table(read, results, RESULT_COLUMNS, lines)


def _told_source(row: Mapping[str, Any]) -> dict[str, Any]:
    source = row["source"] or {}
    return {name: source.get(name) for name in ("origin", "job", "on")} | {
        "origin_code": source.get("code")
    }


@plans.get("/plans/{plan}/coverage", summary="Which problems projects act on")
async def show_coverage(
    read: Read[Reader], plan: str, query: Parameters
) -> Answer[plan_models.PlanCoverage] | Response:
    """Tell the problems without a project, and the projects without a problem."""
    seen = await find_plan(read.session, plan, read.caller.viewer, query.as_of)
    found = await read_coverage(read.session, seen.id, read.caller.viewer, query.as_of)
    coverage = plan_models.PlanCoverage.of(seen, found, read)
    return respond_table(read, coverage, tables.COVERAGE_COLUMNS, tables.coverage_rows(coverage))


@plans.get("/plans/{plan}/timetable", summary="When projects are worked on")
async def show_timetable(
    read: Read[Reader], plan: str, query: Parameters
) -> Answer[plan_models.PlanTimetable] | Response:
    """List the projects of a plan by programme with their years; the page draws them."""
    seen = await find_plan(read.session, plan, read.caller.viewer, query.as_of)
    found = await read_timetable(read.session, seen.id, read.caller.viewer, query.as_of)
    timetable = plan_models.PlanTimetable.of(seen, found, read)
    page = {"chart": tables.chart(timetable)} if read.wants_html(*plan_models.FORMATS) else {}
    return respond_table(
        read, timetable, tables.TIMETABLE_COLUMNS, rows_of(timetable.projects), page
    )


@plans.get("/projects/reserve", summary="The projects in reserve, ranked")
async def show_reserve(
    read: Read[Reader], query: Annotated[schemas.ReserveQuery, Query()]
) -> Answer[plan_models.ProjectReserve] | Response:
    """Rank the projects in reserve by stated criteria, and tell what each lacks."""
    operations.demand_known(read.caller)
    found = await read_reserve(
        read.session, read.caller.viewer, region=query.region, limit=query.limit
    )
    reserve = plan_models.ProjectReserve.of(found, query.region, read)
    return respond_table(read, reserve, tables.RESERVE_COLUMNS, rows_of(reserve.projects))


@plans.get(
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


EFFECT_COLUMNS = (
    *("theme", "theme_name", "quantity", "unit", "dataset", "on", "inside", "control"),
    *("inside_known_percent", "control_known_percent", "before_on", "after_on"),
    *("inside_change", "control_change", "effect"),
)


@router.get("/projects/{project}/effect", summary="What a project has effected")
async def show_effect(
    read: Read[Reader], project: str, query: Annotated[schemas.TableQuery, Query()]
) -> Answer[plan_models.ProjectEffectShown] | Response:
    """Show before and after: rasters inside and beside the perimeter, indicators, photos, signs.

    The rasters are those of the newest `evaluate-effect` whose datasets the reader may see. The
    signs are leads for a person and never a verdict.
    """
    viewer = read.caller.viewer
    seen = await find_project(read.session, project, viewer)
    found = await read_project_effect(read.session, seen, viewer)
    shown = plan_models.ProjectEffectShown.of(seen, found, read)
    lines = ({**row, **each} for row in rows_of(shown.rasters) for each in row["series"])
    charts = {one.theme: plan_models.chart_of(one) for one in shown.rasters}
    return respond_table(read, shown, EFFECT_COLUMNS, lines, {"charts": charts})


@router.get(
    "/projects/{project}/effect/pictures",
    summary="What a project has effected, drawn",
    response_class=Response,
    responses={200: {"description": "The picture", "content": {"image/png": {"schema": FILE}}}},
)
async def show_effect_pictures(read: Read[Reader], state: TheState, project: str) -> Response:
    """Send the rasters before and after to one scale, with the perimeter and the control area."""
    viewer = read.caller.viewer
    seen = await find_project(read.session, project, viewer)
    found = await read_comparison(read.session, seen, viewer)
    if found.pictures is None:
        raise NotFound(
            f"no rasters of the project {seen.code!r} before and after are drawn",
            message_zh=f"项目 {seen.code!r} 没有前后对照图",
        )
    return send_file(read, state.store, f"{seen.code}.effect", found.pictures)


def rows_of(items: Iterable[Answered]) -> Iterable[Mapping[str, Any]]:
    """Parts of an answer as the rows of its table, made when they are read."""
    return (item.as_json() for item in items)


def respond_table(
    view: View,
    document: Shown,
    columns: tuple[str, ...],
    rows: Iterable[Mapping[str, Any]],
    page: Mapping[str, Any] | None = None,
) -> Answer[Shown] | Response:
    """The document as JSON, page or table."""
    if choose_format(view.request, plan_models.FORMATS) is CSV:
        name = document.template.removesuffix(".html")
        headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        return view.send(tables.as_csv(columns, rows), CSV.media_type, headers=headers)
    return Answer(document, page=page or {})
