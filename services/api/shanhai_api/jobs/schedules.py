"""`/schedules`."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from fastapi import APIRouter, Path, Query
from pydantic import Field, field_validator, model_validator

from shanhai.db.tables import job as tables
from shanhai.errors import Conflict, InvalidInput, Unauthenticated
from shanhai.jobs import schedules
from shanhai.jobs.fair_queue import PRIORITIES, demand_priority
from shanhai.jobs.results import exception_of
from shanhai.jobs.schedules import (
    SHORTEST_S,
    Run,
    check_cron,
    drop_schedule,
    find_schedule,
    list_runs,
    list_schedules,
)
from shanhai.processes.catalogue import CONTRACTS
from shanhai.validation import Rfc3339Time, broken_at, readable
from shanhai.vocabulary import JobStatus
from shanhai_api.kit.answers import (
    Answer,
    Answered,
    Document,
    LimitedQuery,
    Link,
    Maybe,
    Moment,
    page_of,
)
from shanhai_api.kit.body import ENGLISH_NAME, Body, JsonBody, called_in_both, parse
from shanhai_api.kit.dependencies import Context, IfMatch, JobCaller, Read, Write, WriteContext
from shanhai_api.kit.requests import Caller
from shanhai_api.kit.routing import Route
from shanhai_api.kit.view import HTML, JSON, View

CODE = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
LONGEST_S = 366 * 86_400
Priority = Literal["low", "normal", "high"]


class ScheduleContents(Body):
    """A schedule without its code."""

    name_zh: str = Field(min_length=1, max_length=200, description="Name in Chinese")
    name_en: str = ENGLISH_NAME
    process: str = Field(min_length=1, max_length=80, description="Process that is asked for")
    inputs: dict[str, Any] = Field(default_factory=dict, description="Its inputs")
    cron: str | None = Field(
        None,
        max_length=200,
        description="Minute, hour, day, month and day of the week, as in `30 2 * * MON`",
    )
    every_s: int | None = Field(
        None, ge=SHORTEST_S, le=LONGEST_S, description="Or: seconds between two times"
    )
    starts_at: Rfc3339Time | None = Field(
        None, description="From when `every_s` is counted; default now"
    )
    timezone: str = Field(
        "Asia/Shanghai", max_length=64, description="IANA time zone that `cron` is meant in"
    )
    priority: Priority = Field("normal", description="Of its jobs")
    enabled: bool = Field(True, description="Whether it is attended to")

    @field_validator("cron")
    @classmethod
    def check_cron(cls, value: str | None) -> str | None:
        """An expression of five fields that comes again."""
        return None if value is None else check_cron(value)

    @field_validator("timezone")
    @classmethod
    def check_zone(cls, value: str) -> str:
        """A zone there is."""
        if value not in available_timezones():
            raise ValueError("is no IANA time zone / 不是 IANA 时区名称")
        return ZoneInfo(value).key

    call_in_both = model_validator(mode="before")(called_in_both)

    @field_validator("name_zh", "name_en")
    @classmethod
    def check_text(cls, value: str) -> str:
        """What a column can hold."""
        if "\x00" in value:
            raise ValueError("must not hold the character 0 / 不得含有空字符")
        return value

    @model_validator(mode="after")
    def check_timing(self) -> Self:
        """There is one kind of timing."""
        if (self.cron is None) == (self.every_s is None):
            raise broken_at("cron", rule="give cron or every_s / 请给出 cron 或 every_s 之一")
        return self


class NewSchedule(ScheduleContents):
    """A schedule to be made."""

    code: str = Field(pattern=CODE, description="What it is called in addresses")


class Schedule(Document):
    """A schedule as it is shown."""

    template = "schedule.html"

    code: str
    name_zh: str
    name_en: str
    process: str
    inputs: dict[str, Any] = Field(description="As the process describes them")
    cron: str | None
    every_s: int | None
    starts_at: Moment
    timezone: str
    priority: Priority
    enabled: bool
    owner: str
    next_at: Moment | None
    links: list[Link]

    @classmethod
    def of(cls, row: tables.Schedule, view: View) -> Self:
        """A schedule as it is shown."""
        names = {value: name for name, value in PRIORITIES.items()}
        path = f"/schedules/{row.code}"
        links = [
            view.link(path, "self"),
            view.link(f"{path}/runs", "related"),
            view.link(f"/processes/{row.process}", "up"),
        ]
        return cls.from_row(row, priority=names[row.priority], links=links)


class Schedules(Document):
    """One's own schedules; of administrators all."""

    template = "schedules.html"

    schedules: list[Schedule]
    links: list[Link]


class ScheduleException(Answered):
    """Why there is no job."""

    title: str
    detail: str
    kind: str = Field(alias="class")
    errors: Maybe[list[dict[str, str]]] = None


class ScheduleRun(Answered):
    """A time a schedule was due: its job, or why there is none."""

    due_at: Moment
    at: Moment
    missed: int
    job: Maybe[UUID] = Field(None, validation_alias="job_id")
    status: Maybe[JobStatus] = None
    links: Maybe[list[Link]] = None
    exception: Maybe[ScheduleException] = None

    @classmethod
    def of(cls, run: Run, view: View) -> Self:
        """A time a schedule was due."""
        row = run.row
        error = None if row.error is None else exception_of(row.error, view.lang)
        links = None if row.job_id is None else [view.link(f"/jobs/{row.job_id}", "item")]
        return cls.from_row(row, status=run.status, links=links, exception=error)


class ScheduleRuns(Document):
    """A page of the times a schedule was due, the last first."""

    template = "schedule_runs.html"

    runs: list[ScheduleRun]
    links: list[Link]


def read_moment(text: str) -> datetime:
    """The place in the list of runs that a `next` link gave.

    Raises:
        ValueError: It is none.
    """
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    raise ValueError(
        "is not a cursor of this API; follow the links / 不是本接口给出的游标，请用链接"
    )


def schedule_shown(
    row: tables.Schedule, view: View, location: str | None = None
) -> Answer[Schedule]:
    """A schedule as a change has left it."""
    return Answer(Schedule.of(row, view), state=str(row.row_version), location=location)


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
    groups = write.caller.groups
    try:
        await write.state.authenticator.recall(write.caller.owner, None, groups=groups)
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
    _cursor = field_validator("cursor")(readable(read_moment))


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
    row = await schedules.create_schedule(
        write.session,
        {**contents_of(new, write.caller), "code": new.code},
        identity=write.caller,
        groups=await recallable_groups(write),
        act=write.act,
    )
    return schedule_shown(row, write, location=f"/schedules/{row.code}")


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
    row = await schedules.replace_schedule(
        write.session,
        schedule,
        contents_of(contents, write.caller),
        identity=write.caller,
        groups=await recallable_groups(write),
        act=write.act,
        expected=expected,
    )
    return schedule_shown(row, write)


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
