"""`/schedules`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field, field_validator

from shanhai.db.tables import job as tables
from shanhai.errors import Conflict, InvalidInput, Unauthenticated
from shanhai.jobs import schedules
from shanhai.jobs.fair_queue import demand_priority
from shanhai.jobs.schedules import drop_schedule, find_schedule, list_runs, list_schedules
from shanhai.processes.catalogue import CONTRACTS
from shanhai_api.jobs.schedule_models import (
    CODE,
    NewSchedule,
    Schedule,
    ScheduleContents,
    ScheduleRun,
    ScheduleRuns,
    Schedules,
    read_moment,
)
from shanhai_api.kit.answers import Answer, LimitedQuery, page_of
from shanhai_api.kit.body import JsonBody, parse
from shanhai_api.kit.dependencies import Context, IfMatch, JobCaller, Read, Write, WriteContext
from shanhai_api.kit.identity import Caller
from shanhai_api.kit.routing import Route
from shanhai_api.kit.view import HTML, JSON, View


def schedule_shown(
    row: tables.Schedule, view: View, location: str | None = None
) -> Answer[Schedule]:
    """A schedule as a change has left it."""
    return Answer(Schedule.of(row, view), state=str(row.row_version), location=location)


async def make_schedule(write: WriteContext, new: NewSchedule) -> Answer[Schedule]:
    """Make a schedule."""
    row = await schedules.create_schedule(
        write.session,
        {**contents_of(new, write.caller), "code": new.code},
        identity=write.caller,
        groups=await recallable_groups(write),
        act=write.act,
    )
    return schedule_shown(row, write, location=f"/schedules/{row.code}")


async def replace_schedule(
    write: WriteContext, code: str, asked: ScheduleContents, expected: frozenset[str] | None
) -> Answer[Schedule]:
    """Replace a schedule."""
    row = await schedules.replace_schedule(
        write.session,
        code,
        contents_of(asked, write.caller),
        identity=write.caller,
        groups=await recallable_groups(write),
        act=write.act,
        expected=expected,
    )
    return schedule_shown(row, write)


async def told_of_schedules(
    read: Context, found: Sequence[tables.Schedule]
) -> dict[str, dict[str, Any]]:
    """What pages show of schedules beside their documents, by code."""
    now, last = datetime.now(UTC), await schedules.list_last_runs(read.session, found)
    schedule_shown = {}
    for row in found:
        run, contract = last.get(row.id), CONTRACTS.get(row.process)
        schedule_shown[row.code] = {
            "state": schedules.attendance_of(row, now),
            "title": row.process if contract is None else contract.title.in_(read.lang),
            "last": None if run is None else ScheduleRun.of(run, read).as_json(),
        }
    return schedule_shown


def contents_of(asked: ScheduleContents, caller: Caller) -> dict[str, Any]:
    """What is kept of a schedule.

    Raises:
        InvalidInput: there is no such process, or the inputs are not its.
        Forbidden: the caller may not pass before others.
    """
    contract = CONTRACTS.get(asked.process)
    if contract is None:
        raise InvalidInput(
            f"there is no process {asked.process!r}; processes: {', '.join(CONTRACTS)}",
            message_zh=f"没有处理流程 {asked.process!r}；现有：{', '.join(CONTRACTS)}",
            pointer="/process",
        )
    inputs = parse(contract.inputs, asked.inputs, under="/inputs")
    kept = asked.model_dump(exclude={"code"})
    return {
        **kept,
        "inputs": inputs.model_dump(mode="json", exclude_unset=True),
        "priority": demand_priority(caller, asked.priority),
    }


async def recallable_groups(write: WriteContext) -> list[str]:
    """The groups the caller's issuer named, to be held against its roles when the time comes.

    Raises:
        Conflict: the caller cannot be recalled without a request, as a key bound to networks.
    """
    authenticator = write.state.authenticator
    groups, _ = await authenticator.shown(write.request.headers["authorization"])
    try:
        await authenticator.recall(write.caller.owner, None, groups=groups)
    except Unauthenticated as error:
        raise Conflict(
            "jobs cannot be asked for in the name of this identity later; use an account, or a key"
            " that is not bound to networks",
            message_zh="无法在以后以该身份提交作业；请使用账户，或未限定网络的密钥",
        ) from error
    return sorted(groups)


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
        page={"about": await told_of_schedules(read, rows)} if html else {},
    )


@router.post("/schedules", summary="Let a job recur", status_code=201)
async def create_schedule(write: Write[JobCaller], new: JsonBody[NewSchedule]) -> Answer[Schedule]:
    """Make a schedule; its jobs are asked for in one's own name, with the rights one then has."""
    return await make_schedule(write, new)


@router.get("/schedules/{schedule}", summary="One schedule, and when it is due next")
async def show_schedule(read: Read[JobCaller], schedule: Code) -> Answer[Schedule]:
    """Show a schedule."""
    found = await find_schedule(read.session, schedule, read.caller)
    answer = schedule_shown(found, read)
    if not read.wants_html(JSON, HTML):
        return answer
    about = await told_of_schedules(read, [found])
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
    return await replace_schedule(write, schedule, contents, expected)


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
