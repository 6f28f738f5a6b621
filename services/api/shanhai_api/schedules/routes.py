"""`/schedules`."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field, field_validator

from shanhai.jobs.schedules import (
    drop_schedule,
    find_schedule,
    list_runs,
    list_schedules,
    replace_schedule,
)
from shanhai_api.body_schema import body_of
from shanhai_api.dependencies import (
    JobCaller,
    PageQuery,
    ReadSession,
    TheState,
    TheUnit,
    TheView,
    act_of,
)
from shanhai_api.kit.body import parse, read_json
from shanhai_api.negotiation import HTML, JSON
from shanhai_api.once import once
from shanhai_api.preconditions import expected_states
from shanhai_api.schedules import operations
from shanhai_api.schedules.schemas import (
    CODE,
    NewSchedule,
    ScheduleContents,
    describe_run,
    describe_schedule,
    read_moment,
)

router = APIRouter(tags=["processes"])
Parameters = Annotated[PageQuery, Query()]
RUNS_ON_PAGE = 20
"""The last times a schedule was due that its page shows."""
Code = Annotated[str, Path(pattern=CODE, description="Code of the schedule")]


class RunsQuery(PageQuery):
    """Parameters of the list of the times a schedule was due."""

    limit: int = Field(100, ge=1, le=10_000, description="Times on a page")
    cursor: str | None = Field(None, max_length=64, description="A place given by a `next` link")

    @field_validator("cursor")
    @classmethod
    def check_cursor(cls, text: str | None) -> str | None:
        """A cursor must be one of ours."""
        if text is not None:
            read_moment(text)
        return text


@router.get("/schedules", summary="Jobs that recur")
async def show_schedules(
    view: TheView, caller: JobCaller, query: Parameters, session: ReadSession
) -> Response:
    """List one's own schedules, of which there are 200 at most; administrators see all."""
    rows = await list_schedules(session, caller)
    document = {
        "schedules": [describe_schedule(row, view) for row in rows],
        "links": view.self_links("/schedules"),
    }
    extra = {}
    if view.wants_html(JSON, HTML):
        extra = {"about": await operations.about(session, rows, view)}
    return view.respond(document, template="schedules.html", extra=extra)


@router.post(
    "/schedules", summary="Let a job recur", status_code=201, openapi_extra=body_of(NewSchedule)
)
async def create_schedule(
    request: Request,
    view: TheView,
    state: TheState,
    caller: JobCaller,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Make a schedule; its jobs are asked for in one's own name, with the rights one then has."""
    body = await read_json(request)
    new = parse(NewSchedule, body.value)
    made = await once(
        request,
        unit,
        caller,
        body_sha256=body.sha256,
        effect=lambda: operations.make_schedule(
            unit.session,
            new,
            state=state,
            authorization=request.headers["authorization"],
            caller=caller,
            view=view,
            act=act_of(caller, view),
        ),
    )
    return made.response()


@router.get("/schedules/{schedule}", summary="One schedule, and when it is due next")
async def show_schedule(
    view: TheView, caller: JobCaller, schedule: Code, query: Parameters, session: ReadSession
) -> Response:
    """Show a schedule."""
    found = await find_schedule(session, schedule, caller)
    extra = {}
    if view.wants_html(JSON, HTML):
        about = await operations.about(session, [found], view)
        last = await list_runs(session, found, limit=RUNS_ON_PAGE)
        extra = {
            **about[found.code],
            "runs": [describe_run(run, view, view.lang) for run in last],
        }
    return view.respond(
        describe_schedule(found, view),
        template="schedule.html",
        extra=extra,
        state=str(found.row_version),
    )


@router.put(
    "/schedules/{schedule}", summary="Replace a schedule", openapi_extra=body_of(ScheduleContents)
)
async def put_schedule(
    request: Request,
    view: TheView,
    state: TheState,
    caller: JobCaller,
    schedule: Code,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Replace a schedule; from now on it acts in the name of who replaced it."""
    expected = expected_states(request)
    asked = parse(ScheduleContents, (await read_json(request)).value)
    found = await replace_schedule(
        unit.session,
        schedule,
        operations.contents_of(asked, caller),
        identity=caller,
        groups=await operations.recallable_groups(state, request.headers["authorization"], caller),
        act=act_of(caller, view),
        expected=expected,
    )
    return operations.told_schedule(found, view).response()


@router.delete("/schedules/{schedule}", summary="End a schedule", status_code=204)
async def delete_schedule(
    request: Request,
    view: TheView,
    caller: JobCaller,
    schedule: Code,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """End a schedule; the jobs it made go on."""
    expected = expected_states(request)
    act = act_of(caller, view)
    await drop_schedule(unit.session, schedule, identity=caller, act=act, expected=expected)
    return Response(status_code=204)


@router.get("/schedules/{schedule}/runs", summary="The times a schedule was due")
async def show_runs(
    view: TheView,
    caller: JobCaller,
    schedule: Code,
    query: Annotated[RunsQuery, Query()],
    session: ReadSession,
) -> Response:
    """List the times, the last first, each with its job or with why there is none."""
    found = await find_schedule(session, schedule, caller)
    before = None if query.cursor is None else read_moment(query.cursor)
    rows = await list_runs(session, found, limit=query.limit + 1, before=before)
    page = rows[: query.limit]
    path = f"/schedules/{schedule}/runs"
    links = view.self_links(path)
    if len(rows) > query.limit:
        cursor = page[-1].row.due_at.isoformat()
        links.append(view.link(path, "next", JSON.media_type, limit=query.limit, cursor=cursor))
    runs = [describe_run(run, view, view.lang) for run in page]
    return view.respond(
        {"runs": runs, "links": links},
        template="schedule_runs.html",
        extra={"schedule": describe_schedule(found, view)},
    )
