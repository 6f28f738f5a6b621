"""Jobs as they are asked for and answered."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self, TypeVar
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, field_validator

from shanhai.db.tables.job import Job
from shanhai.validation import readable
from shanhai.vocabulary import JobStatus
from shanhai_api.jobs.results import told_status
from shanhai_api.kit.answers import Answered, Document, Link, Maybe, MomentText
from shanhai_api.kit.dependencies import PageQuery
from shanhai_api.kit.view import View

CURSOR_SEPARATOR = "~"
MOST_MEMBERS = 100
Member = TypeVar("Member")


def split(given: object) -> object:
    """The members of a list: the parameter comes once for each, or once with commas."""
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        return given
    members = [part.strip() for text in texts for part in text.split(",")]
    if not all(members):
        raise ValueError("must be values separated by commas / 必须是以逗号分隔的值")
    return members


Members = Annotated[list[Member], BeforeValidator(split), Field(max_length=MOST_MEMBERS)]


def write_cursor(created_at: datetime, job_id: UUID) -> str:
    """The place after a job."""
    text = f"{created_at.isoformat()}{CURSOR_SEPARATOR}{job_id}"
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def read_cursor(text: str) -> tuple[datetime, UUID]:
    """The place a cursor means."""
    try:
        padded = text + "=" * (-len(text) % 4)
        moment, _, job_id = (
            base64.b64decode(padded, b"-_", validate=True).decode().partition(CURSOR_SEPARATOR)
        )
        return datetime.fromisoformat(moment).astimezone(UTC), UUID(job_id)
    except (binascii.Error, OverflowError, ValueError):
        raise ValueError(
            "is not a cursor of this API; follow the links / 不是本接口给出的游标；请用给出的链接"
        ) from None


class JobsQuery(PageQuery):
    """Parameters of the list of jobs."""

    limit: int = Field(10, ge=1, le=10_000, description="Jobs on a page")
    cursor: str | None = Field(None, max_length=200, description="A place given by a `next` link")
    type: Members[Literal["process"]] = Field([], description="Kinds of jobs; all are `process`")
    processID: Members[Annotated[str, Field(max_length=100)]] = Field(
        [], description="Only jobs of these processes; repeated, or comma separated"
    )
    status: Members[JobStatus] = Field(
        [], description="Only jobs in these states; repeated, or comma separated"
    )
    datetime: str | None = Field(
        None, max_length=100, description="Only jobs created then: an instant or an interval"
    )
    minDuration: int | None = Field(None, ge=0, le=10**9, description="Least seconds of running")
    maxDuration: int | None = Field(None, ge=0, le=10**9, description="Most seconds of running")

    dead: Literal["true", "false"] | None = Field(
        None,
        description="`true`: only jobs that were given up though their inputs are not to blame, and"
        " were not tried again since",
    )

    _cursor = field_validator("cursor")(readable(read_cursor))


class JobException(Answered):
    """Why a job failed, in the members of a problem document."""

    title: str
    detail: str
    kind: str = Field(alias="class")
    errors: Maybe[list[dict[str, str]]] = None


class ServiceMethod(Answered):
    """How a service is calculated."""

    method: str | None = Field(description="Null of a service that is left out")
    profile: Literal["biophysical", "index", "any"] | None
    compared: Literal["amounts", "ranks"] | None = Field(
        description="Whether its ratio is of amounts in a unit, or of percentile ranks"
    )
    lacking: list[str] = Field(
        description="Layers and numbers that the method first wanted lacks; empty where that one"
        " is taken"
    )


class StatusInfo(Document):
    """How a job stands; members without a value are left out."""

    template = "job.html"

    process: str = Field(alias="processID")
    type: Literal["process"]
    id: UUID = Field(alias="jobID")
    status: JobStatus
    title: Maybe[str] = Field(None, description="What its inputs call it, where they do")
    message: str
    created: Maybe[MomentText] = None
    started: Maybe[MomentText] = None
    finished: Maybe[MomentText] = None
    updated: Maybe[MomentText] = None
    progress: Maybe[int] = Field(None, description="Percent")
    stage: Maybe[str] = None
    attempt: int
    priority: int
    retry_of: Maybe[UUID] = Field(None, alias="retryOf")
    not_before: Maybe[MomentText] = Field(None, alias="notBefore")
    methods: Maybe[dict[str, ServiceMethod]] = Field(
        None, description="How each ecosystem service is calculated, where the process has any"
    )
    links: list[Link]
    exception: Maybe[JobException] = None

    @classmethod
    def of(cls, job: Job, view: View) -> Self:
        """The statusInfo of a job."""
        return cls(**told_status(job, view))


class JobInputs(Document):
    """What a job was asked for, to be sent again or changed."""

    process: str
    inputs: dict[str, Any] = Field(description="As they were sent")


class Jobs(Document):
    """A page of jobs, the newest first."""

    template = "jobs.html"

    jobs: list[StatusInfo]
    links: list[Link]


class Manifest(Document):
    """All that is needed to repeat a job; processes tell more of their own."""

    model_config = ConfigDict(extra="allow")

    process: str | None = None
    request: dict[str, Any] | None = Field(None, description="The inputs that were asked for")
    seed: int | None = None
    code_version: str | None = None
    library_versions: dict[str, str] | None = None
    inputs: list[dict[str, Any]] | None = Field(
        None, description="The datasets it read, with checksum and source"
    )
    outputs: list[dict[str, Any]] | None = Field(None, description="The results, with checksum")
    warnings: list[dict[str, Any]] | None = None
