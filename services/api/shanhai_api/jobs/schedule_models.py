"""Schedules as they are asked for and answered."""

from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from shanhai.db.tables import job as tables
from shanhai.jobs.fair_queue import PRIORITIES
from shanhai.jobs.results import exception_of
from shanhai.jobs.schedules import SHORTEST_S, Run, check_cron
from shanhai.validation import Rfc3339Time
from shanhai.vocabulary import JobStatus
from shanhai_api.kit.answers import Answered, Document, Link, Maybe, Moment
from shanhai_api.kit.view import View

CODE = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
LONGEST_S = 366 * 86_400
Priority = Literal["low", "normal", "high"]


class ScheduleContents(BaseModel):
    """A schedule without its code."""

    model_config = ConfigDict(extra="forbid")

    name_zh: str = Field(min_length=1, max_length=200, description="Name in Chinese")
    name_en: str = Field(min_length=1, max_length=200, description="Name in English")
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
            raise ValueError("give cron or every_s / 请给出 cron 或 every_s 之一")
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
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(
            "is not a cursor of this API; follow the links / 不是本接口给出的游标，请用链接"
        )
    return moment
