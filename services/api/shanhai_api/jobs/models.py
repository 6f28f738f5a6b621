"""Jobs as they are answered."""

from typing import Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from shanhai.db.tables.job import Job
from shanhai.vocabulary import JobStatus
from shanhai_api.job_results import told_status
from shanhai_api.kit.answers import Answered, Document, Link, Maybe, MomentText
from shanhai_api.view import View


class JobException(Answered):
    """Why a job failed, in the members of a problem document."""

    title: str
    detail: str
    kind: str = Field(alias="class")
    errors: Maybe[list[dict[str, str]]] = None


class StatusInfo(Document):
    """How a job stands; members without a value are left out."""

    template = "job.html"

    process: str = Field(alias="processID")
    type: Literal["process"]
    id: UUID = Field(alias="jobID")
    status: JobStatus
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
    links: list[Link]
    exception: Maybe[JobException] = None

    @classmethod
    def of(cls, job: Job, view: View) -> Self:
        """The statusInfo of a job."""
        return cls(**told_status(job, view))


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
