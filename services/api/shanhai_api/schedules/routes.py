"""`/schedules`."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field, field_validator

from shanhai.jobs.schedules import drop_schedule, find_schedule, list_runs, list_schedules
from shanhai_api.dependencies import JobCaller
from shanhai_api.kit.answers import Answer, LimitedQuery, page_of
from shanhai_api.kit.body import JsonBody
from shanhai_api.kit.routing import Route
from shanhai_api.kit.writing import IfMatch, Read, Write
from shanhai_api.negotiation import HTML, JSON
from shanhai_api.schedules import service
from shanhai_api.schedules.models import (
    CODE,
    NewSchedule,
    Schedule,
    ScheduleContents,
    ScheduleRun,
    ScheduleRuns,
    Schedules,
    read_moment,
)

router = APIRouter(tags=["processes"], route_class=Route)
RUNS_ON_PAGE = 20
"""The last times a schedule was due that its page shows."""
Code = Annotated[str, Path(pattern=CODE, description="Code of the schedule")]


class RunsQuery(LimitedQuery):
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
async def show_schedules(read: Read[JobCaller]) -> Answer[Schedules]:
    """List one's own schedules, of which there are 200 at most; administrators see all."""
    rows = await list_schedules(read.session, read.caller)
    shown = [Schedule.of(row, read) for row in rows]
    html = read.wants_html(JSON, HTML)
    return Answer(
        Schedules(schedules=shown, links=read.self_links("/schedules")),
        page={"about": await service.about(read, rows)} if html else {},
    )


@router.post("/schedules", summary="Let a job recur", status_code=201)
async def create_schedule(write: Write[JobCaller], new: JsonBody[NewSchedule]) -> Answer[Schedule]:
    """Make a schedule; its jobs are asked for in one's own name, with the rights one then has."""
    return await service.create_schedule(write, new)


@router.get("/schedules/{schedule}", summary="One schedule, and when it is due next")
async def show_schedule(read: Read[JobCaller], schedule: Code) -> Answer[Schedule]:
    """Show a schedule."""
    found = await find_schedule(read.session, schedule, read.caller)
    answer = service.shown(found, read)
    if not read.wants_html(JSON, HTML):
        return answer
    about = await service.about(read, [found])
    last = await list_runs(read.session, found, limit=RUNS_ON_PAGE)
    runs = [ScheduleRun.of(run, read).as_json() for run in last]
    return replace(answer, page={**about[found.code], "runs": runs})


@router.put("/schedules/{schedule}", summary="Replace a schedule")
async def put_schedule(
    write: Write[JobCaller],
    schedule: Code,
    expected: IfMatch,
    contents: JsonBody[ScheduleContents],
) -> Answer[Schedule]:
    """Replace a schedule; from now on it acts in the name of who replaced it."""
    return await service.replace_schedule(write, schedule, contents, expected)


@router.delete("/schedules/{schedule}", summary="End a schedule", status_code=204)
async def delete_schedule(write: Write[JobCaller], schedule: Code, expected: IfMatch) -> None:
    """End a schedule; the jobs it made go on."""
    await drop_schedule(
        write.session, schedule, identity=write.caller, act=write.act, expected=expected
    )


@router.get("/schedules/{schedule}/runs", summary="The times a schedule was due")
async def show_runs(
    read: Read[JobCaller], schedule: Code, query: Annotated[RunsQuery, Query()]
) -> Answer[ScheduleRuns]:
    """List the times, the last first, each with its job or with why there is none."""
    found = await find_schedule(read.session, schedule, read.caller)
    before = None if query.cursor is None else read_moment(query.cursor)
    rows = await list_runs(read.session, found, limit=query.limit + 1, before=before)
    page, links = page_of(
        rows,
        query,
        read,
        f"/schedules/{schedule}/runs",
        lambda last: {"cursor": last.row.due_at.isoformat()},
    )
    return Answer(
        ScheduleRuns(runs=[ScheduleRun.of(run, read) for run in page], links=links),
        page={"schedule": Schedule.of(found, read).as_json()},
    )
